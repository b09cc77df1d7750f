#!/usr/bin/env bash
# The schedule's proof: no set of a checked run has a variable twice, or one in flight, or two whose
# columns are correlated by rho or more, nor one so correlated with one in flight. Checked against
# the data by a program that knows nothing of schedules.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/harness.sh"

run 0 generate lasso data.svm --rows 120 --cols 150 --nonzeros 12 --support 10 --seed 3

# audit RANKS SCHEDULERS DEPTH STALENESS RHO [OPTION…]
audit() {
	local ranks=$1 schedulers=$2 depth=$3 staleness=$4 rho=$5
	shift 5
	run 2 lasso data.svm --standardize center-unit --lambda-ratio 0.05 --tol 0 --max-sets 120 \
		--scheduler priority-check --set-size 12 --ranks "$ranks" --schedulers "$schedulers" \
		--depth "$depth" --staleness "$staleness" --rho "$rho" --log log.jsonl --audit --quiet "$@"
	python3 "$here/audit.py" data.svm log.jsonl "$rho" "$depth" "$staleness" \
		"$schedulers" 2>stderr ||
		complain "$ranks ranks, $schedulers schedulers, depth $depth, staleness $staleness: no proof"
	tail -1 log.jsonl | "$json_get" checked.candidates checked.chosen checked.products \
		checked.bytes >values || complain 'the summary lacks what checking took'
}

for fabric in $fabrics; do
	audit 1 1 2 0 0.3 --fabric "$fabric"
	audit 2 2 2 1 0.3 --fabric "$fabric"
	audit 3 2 3 2 0.2 --fabric "$fabric" --set-update plain --column-cache 1
done
audit 4 4 4 0 0.3 --fabric sim
audit 4 4 4 3 0.3 --fabric sim

run 1 lasso data.svm --staleness 2 --quiet
one_line 'give a depth of at least 3'
run 64 lasso data.svm --scheduler priority-check --audit
one_line '--log FILE'

finish
