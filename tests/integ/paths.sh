#!/usr/bin/env bash
# Paths of lambdas and their cross-validation: what the log, the summary and the model say, and that
# the ranks do not matter.
. "$(dirname "$0")/harness.sh"

fit="lasso $data/diabetes.svm --intercept --standardize zscore --quiet"

run 0 $fit --path 12 --ranks 2 --model path.txt --log log.jsonl --test "$data/diabetes.svm"
[ "$(grep -c '^lambda ' path.txt)" -eq 12 ] || complain 'the model has not 12 sections'
[ "$(grep -c '^intercept ' path.txt)" -eq 12 ] || complain 'a section has no intercept'
grep '"event":"lambda"' log.jsonl | "$json_get" fold point lambda ratio seconds nonzeros objective \
	gap explained train_mse test_mse >values || complain 'the lines of lambdas lack keys'
[ "$(wc -l <values)" -eq 12 ] || complain 'the log has not a line for each lambda'
awk '$1 != "null" || $2 != NR || $8 > 1e-6 || $9 < last { bad = 1 } { last = $9 } END { exit bad }' \
	values || complain 'a lambda is out of order, not certified or explains less than the one before'
tail -1 log.jsonl | "$json_get" path.points path.chosen lambda cv >chosen ||
	complain 'the summary lacks the path'
grep -q '^12 12 .* null' chosen || complain 'the model of a path is not that of its last lambda'

# Folds, errors and choice are the same on any number of ranks.
for ranks in 1 2 3 4; do
	run 0 $fit --cv 5 --path 30 --cv-rule 1se --ranks "$ranks" --json --model "cv$ranks.txt" \
		--log log.jsonl
	"$json_get" path.points path.chosen cv.folds cv.lambda_min cv.lambda_1se lambda \
		<stdout | awk '{ printf "%d %d %d %.6g %.6g %.6g\n", $1, $2, $3, $4, $5, $6 }' >"cv$ranks"
	same cv1 "cv$ranks"
	awk '{ print $1 }' "cv$ranks.txt" >"support$ranks"
	same support1 "support$ranks"
done
[ "$(cut -d ' ' -f 5 cv1)" = "$(cut -d ' ' -f 6 cv1)" ] || complain 'the lambda is not that of 1se'
points=$(cut -d ' ' -f 1 cv1)
[ "$(grep -c '"event":"lambda"' log.jsonl)" -eq $((6 * points)) ] ||
	complain 'the log has not a line for each lambda and fold'
grep '"event":"cv"' log.jsonl | "$json_get" point lambda nonzeros mean standard_error folds >values ||
	complain 'the lines of cross-validation lack keys'
[ "$(wc -l <values)" -eq "$points" ] || complain 'the log has not a line of errors for each lambda'
grep -q '^lambda' cv1.txt && complain 'the model chosen is a path'

run 0 $fit --cv 3 --path 8 --model cv.h5
grep -q '3 folds: least mean MSE' stdout || complain 'the choice is not printed'
[ "$(head -c 4 cv.h5 | tail -c 3)" = HDF ] || complain 'cv.h5 is not HDF5'

# A logistic regression has its own errors.
classes classes.svm
logistic='logistic classes.svm --intercept --standardize zscore --path 6 --test classes.svm --quiet'
run 0 $logistic --ranks 2 --model path.txt --log log.jsonl
grep -q 'held-out loss' stdout || complain 'the losses along a path are not printed'
[ "$(grep -c '^lambda ' path.txt)" -eq 6 ] || complain 'the logistic model has not 6 sections'
grep '"event":"lambda"' log.jsonl | "$json_get" point gap explained train_log_loss test_log_loss \
	>values || complain 'the lines of lambdas lack the losses'
awk '$1 != NR || $2 > 1e-6 || $3 < last - 1e-9 || $4 > $5 + 1e-9 { bad = 1 } { last = $3 }
	END { exit bad || NR != 6 }' values || complain 'a logistic lambda is not what it should be'
run 0 $logistic --model path.h5
[ "$(head -c 4 path.h5 | tail -c 3)" = HDF ] || complain 'path.h5 is not HDF5'

# A limit leaves what was reached.
run 2 $fit --cv 3 --max-sets 30 --tol 1e-9 --ranks 2 --json --model limited.txt
"$json_get" status cv <stdout | grep -q '^limit null' || complain 'an unfinished path was validated'
grep -q '^lambda ' limited.txt || complain 'the path that was reached is not written'

if command -v gnuplot >/dev/null; then
	run 0 $fit --cv 3 --path 8 --plot cv.svg --test "$data/diabetes.svm"
	grep -q 'cross-validated' cv.svg || complain 'the picture does not show the folds'
fi

finish
