#!/usr/bin/env bash
# The same seed, data and ranks give the same model to the bit, whatever carries the bytes; and
# different numbers of ranks the same optimum.
. "$(dirname "$0")/harness.sh"

fit="lasso $data/diabetes.svm --intercept --standardize center-unit --lambda-ratio 0.01 --tol 1e-10
	--set-size 4 --working-set off --json --quiet --timeout 20"
fabrics='shm sim'
"$strads" info --json | tr -d '\n' | "$json_get" providers.ofi >offered 2>/dev/null &&
	grep -q '^true' offered && fabrics='shm ofi sim'

for ranks in 1 2 3; do
	for fabric in $fabrics; do
		run 0 $fit --ranks $ranks --fabric $fabric --model $fabric.$ranks
		"$json_get" objective <stdout >objective.$ranks
		same $fabric.$ranks shm.$ranks
	done
	for how in '--eager 0' '--chunk-bytes 256' '--eager 0 --chunk-bytes 512' '--memory 1M'; do
		run 0 $fit --ranks $ranks --fabric shm $how --model how.$ranks
		same how.$ranks shm.$ranks
	done
	run 0 $fit --ranks $ranks --fabric sim --sim-jitter 3 --sim-tear --sim-seed 9 \
		--model torn.$ranks
	same torn.$ranks shm.$ranks
done
case $fabrics in
*ofi*)
	run 0 $fit --ranks 3 --fabric auto:2 --model mixed.3
	same mixed.3 shm.3
	;;
esac
run 0 $fit --ranks 2 --seed 2 --model other.2
cmp -s other.2 shm.2 && complain 'another seed gives the same bits: it is not used'
for ranks in 2 3; do
	paste -d ' ' objective.1 objective.$ranks | awk '
		function abs(x) { return x < 0 ? -x : x }
		{ exit !(abs($1 - $2) <= 1e-8 * abs($1)) }' ||
		complain "$ranks ranks reach another objective"
done

finish
