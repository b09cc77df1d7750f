#!/usr/bin/env bash
# What a run leaves behind: models of both formats, the picture, the terms by name.
. "$(dirname "$0")/harness.sh"

fit="lasso $data/diabetes.svm --intercept --standardize center-unit --lambda-ratio 0.01 --quiet"
printf '%s\n' age sex bmi bp s1 s2 s3 s4 s5 >names.txt

run 0 $fit --ranks 2 --vocab names.txt --model m.txt --test "$data/diabetes.svm"
grep -A 3 'Raises the response' stdout | grep -q '^  bmi ' || complain 'bmi raises nothing'
grep -A 3 'Lowers the response' stdout | grep -q '^  sex ' || complain 'sex lowers nothing'
grep -q '^  #10 ' stdout || complain 'a variable without a name is not numbered'
grep -q 'held-out MSE' stdout || complain 'no held-out error'
grep -qx 'intercept -\?[0-9.e+-]*' m.txt || complain 'no intercept in the model'
grep -v intercept m.txt | awk '$1 <= last || NF != 2 { bad = 1 } { last = $1 } END { exit bad }' ||
	complain 'the model is not ascending pairs'

# As Windows writes them: a byte order mark, and lines that end with CR and LF.
sed 's/$/\r/; 1s/^/\xef\xbb\xbf/' names.txt >windows.txt
grep '^  ' stdout >named
run 0 $fit --ranks 2 --vocab windows.txt --test "$data/diabetes.svm"
grep '^  ' stdout | cmp -s named || complain 'the names have bytes of their lines'

run 0 $fit --ranks 2 --vocab names.txt --json
"$json_get" terms.positive terms.negative <stdout >values || complain 'no terms in the summary'
grep -q '"term":"bmi"' values || complain 'bmi is no term'

run 0 $fit --model m.h5
[ "$(head -c 4 m.h5 | tail -c 3)" = HDF ] || complain 'm.h5 is not HDF5'

classes classes.svm
logistic="logistic classes.svm --intercept --standardize center-unit --lambda-ratio 0.01 --quiet"
run 0 $logistic --ranks 2 --vocab names.txt --model l.txt --test classes.svm
grep -A 3 'Raises the response' stdout | grep -q '^  bmi ' || complain 'bmi raises no odds'
grep -q 'held-out .*log loss .*accuracy .*AUC' stdout || complain 'no held-out log loss'
[ "$(head -1 l.txt)" = 'family logistic' ] || complain 'the model does not say what it is'
sed 1d l.txt | grep -qx 'intercept -\?[0-9.e+-]*' || complain 'no intercept in that model'
# The model alone must predict what the run says of it.
awk 'FNR == NR { b[$1] = $2; next }
	{ m = b["intercept"]; for (k = 2; k <= NF; k++) { split($k, e, ":"); m += b[e[1]] * e[2] }
	loss += log(1 + exp(-$1 * m)) } END { printf "%.6f\n", loss / FNR }' l.txt classes.svm >predicted
run 0 $logistic --ranks 2 --json --test classes.svm
"$json_get" test_log_loss train_log_loss test_auc <stdout >values || complain 'no scores in the summary'
awk -v predicted="$(cat predicted)" '{ d = $1 - predicted; exit !(d * d < 1e-10 && $1 == $2) }' values ||
	complain "the model predicts $(cat predicted), the run says $(cat values)"
run 0 $logistic --model l.h5
[ "$(head -c 4 l.h5 | tail -c 3)" = HDF ] || complain 'l.h5 is not HDF5'
run 0 lasso "$data/diabetes.svm" --features pairs --intercept --lambda-ratio 0.05 --quiet --ranks 2 \
	--vocab names.txt --model pairs.txt
grep -q '^  bmi\*s1 ' stdout || complain 'a product is not named by its columns'
grep -q '^  s1\*#10 ' stdout || complain 'a column without a name is not numbered in a product'
grep -v intercept pairs.txt | grep -q '^3\*5 [0-9.e+-]*$' || complain 'no product in the model'
run 1 lasso "$data/diabetes.svm" --features pairs --standardize center-unit
one_line 'none or unit'
run 64 lasso "$data/diabetes.svm" --features pears
one_line 'columns, pairs'

if command -v gnuplot >/dev/null; then
	run 0 $logistic --plot log-loss.svg --test classes.svm
	grep -q 'held-out log loss' log-loss.svg || complain 'no panel of the log loss'
	run 0 $fit --plot picture.svg
	grep -q '<svg' picture.svg || complain 'no SVG picture'
	run 0 $fit --plot picture.png --test "$data/diabetes.svm"
	[ "$(head -c 4 picture.png | tail -c 3)" = PNG ] || complain 'no PNG picture'
	ln -s /dev/full full.svg
	run 1 $fit --plot full.svg
	one_line 'full: No space left'
fi
mkdir path
ln -s "$(command -v timeout)" path/timeout
PATH="$folder/path" run 0 $fit --plot none.svg
grep -q 'gnuplot is not installed' stderr || complain 'a missing gnuplot is not told'
[ ! -e none.svg ] || complain 'a picture without gnuplot'

run 0 generate lasso --rows 200 --cols 500 --support 10 --out one.svm --planted planted.txt
run 0 generate lasso two.svm --rows 200 --cols 500 --support 10
same one.svm two.svm
[ "$(wc -l <planted.txt)" -eq 10 ] || complain 'not as many planted coefficients as asked for'
run 0 lasso one.svm --ranks 2 --standardize unit --quiet
run 64 generate lasso one.mtx
one_line '--response'
run 0 generate lasso many.svm --rows 20 --cols 65537 --nonzeros 1 --support 1
run 1 lasso many.svm --scheduler signalling --ranks 2
one_line '65537 variables: signalling to neighbours is for at most 65536'
run 64 generate lasso two.mtx
one_line '--response'
run 1 corpus debian --lists none --out corpus
one_line 'none'

finish
