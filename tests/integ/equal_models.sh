#!/usr/bin/env bash
# The same seed, data and ranks give the same model to the bit, whatever carries the bytes; and
# different numbers of ranks the same optimum. Where other providers are named, of those alone.
. "$(dirname "$0")/harness.sh"

simulated=sim
[ -z "${STRADS_TEST_FABRICS:-}" ] || simulated=

fit="lasso $data/diabetes.svm --intercept --standardize center-unit --lambda-ratio 0.01 --tol 1e-10
	--set-size 4 --scheduler fixed --json --quiet --timeout 20"

for ranks in 1 2 3; do
	run 0 $fit --ranks $ranks --fabric shm --model reference.$ranks
	"$json_get" objective <stdout >objective.$ranks
	for fabric in $fabrics $simulated; do
		run 0 $fit --ranks $ranks --fabric $fabric --model $fabric.$ranks --log log
		same $fabric.$ranks reference.$ranks
		[ $ranks -eq 1 ] || grep -q "\"paths\".*\"$fabric[\":]" log ||
			complain "--fabric $fabric is no path of the run"
	done
	[ $ranks -gt 1 ] || continue # nothing travels
	for how in '--eager 0' '--chunk-bytes 256' '--eager 0 --chunk-bytes 512' '--memory 1M'; do
		run 0 $fit --ranks $ranks --fabric ${fabrics%% *} $how --model how.$ranks
		same how.$ranks reference.$ranks
	done
	[ -n "$simulated" ] || continue
	run 0 $fit --ranks $ranks --fabric sim --sim-jitter 3 --sim-tear --sim-seed 9 \
		--model torn.$ranks
	same torn.$ranks reference.$ranks
done
if [ "$fabrics" != shm ]; then
	run 0 $fit --ranks 4 --fabric shm --model reference.4
	run 0 $fit --ranks 4 --fabric auto:2 --model mixed.4
	same mixed.4 reference.4
fi
run 0 $fit --ranks 2 --seed 2 --model other.2
cmp -s other.2 reference.2 && complain 'another seed gives the same bits: it is not used'
for ranks in 2 3; do
	paste -d ' ' objective.1 objective.$ranks | awk '
		function abs(x) { return x < 0 ? -x : x }
		{ exit !(abs($1 - $2) <= 1e-8 * abs($1)) }' ||
		complain "$ranks ranks reach another objective"
done

classes classes.svm
fit='logistic classes.svm --intercept --standardize center-unit --lambda-ratio 0.01 --tol 1e-10
	--set-size 4 --json --quiet --timeout 20'
for ranks in 1 2 4; do
	run 0 $fit --ranks $ranks --fabric shm --model logistic.$ranks
	"$json_get" objective <stdout >objective.$ranks
	for fabric in $fabrics $simulated; do
		run 0 $fit --ranks $ranks --fabric $fabric --model $fabric.$ranks
		same $fabric.$ranks logistic.$ranks
	done
	paste -d ' ' objective.1 objective.$ranks | awk '
		function abs(x) { return x < 0 ? -x : x }
		{ exit !(abs($1 - $2) <= 1e-8 * abs($1)) }' ||
		complain "$ranks ranks reach another objective of logistic regression"
done

finish
