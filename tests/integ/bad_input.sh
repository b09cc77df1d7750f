#!/usr/bin/env bash
# Bad input: one clear line, a failing exit code and no hang, on one and on four ranks alike; on
# several of only every N-th kind where STRADS_TEST_SHARE is N.
. "$(dirname "$0")/harness.sh"

good="$data/diabetes.svm"
: >empty.svm
printf '1 1:2 2:3\n2 1:nan 2:1\n3 1:1\n4 2:5\n' >nan.svm
printf '1 1:2\n2 0:1 2:1\n3 1:1\n4 2:5\n' >zero.svm
printf '1 1:2\n2 4294967297:1\n3 1:1\n4 2:5\n' >beyond.svm
printf '1 1:2\n2 1:3\n3 1:abc 2:1\n4 2:5\n' >text.svm
printf '1 1:2\n2 1:3\n3 1:4 2:\n' >cut.svm
printf '1 1:2\nyes 1:3\n3 1:4\n4 1:1\n' >response.svm
printf '1 1:2\n2 1:3\n' >two.svm
printf '5 1:2\n5 1:3\n5 1:4\n5 1:1\n5 2:2\n' >constant.svm
printf '%%%%MatrixMarket matrix coordinate real general\n4 2 5\n1 1 1\n2 1 2\n' >cut.mtx
printf '%%%%MatrixMarket matrix coordinate real general\n4 2 4\n1 1 1\n2 1 2\n3 2 1\n4 2 5\n' \
	>whole.mtx
printf '1\n2\n3\n4\n' >y.mtx
printf '1\n2\n1\n' >short.factors
seq 11 >long.factors
printf '1\n1\n# no\n-2\n' >negative.factors
printf '3 1\n11 2\n' >beyond.factors
printf '3 1\n0 2\n' >zero.factors
printf '3 1\n4 2\n3 2\n' >twice.factors
printf '3 1\n2\n' >mixed.factors
printf '3 x\n' >text.factors
printf '3 inf\n' >inf.factors
seq 10 | sed 's/.*/0/' >none.factors
: >empty.factors
printf '0 1:2\n0 1:3\n1 1:4\n0 1:1\n' >one.svm
gzip -c "$good" | head -c 4000 >cut.svm.gz
head -c 4000 "$good" | xz -c | head -c 900 >cut.svm.xz
classes classes.svm
sed '7s/^[-0-9]*/2/' classes.svm >third.svm
sed '3s/^[-0-9]*/0/' classes.svm >mixed.svm
sed 's/^[-0-9]*/1/' classes.svm >alike.svm

for ranks in ${STRADS_TEST_RANKS:-1 4}; do
	kinds=0
	bad_fit() {
		local command=$1 pattern=$2
		shift 2
		kinds=$((kinds + 1))
		[ $ranks -eq 1 ] || [ $((kinds % ${STRADS_TEST_SHARE:-1})) -eq 0 ] || return 0
		run failed "$command" --quiet --ranks "$ranks" --timeout 20 "$@"
		one_line "$pattern"
		[ ! -s stdout ] || complain "strads $command $* says something on stdout"
	}
	bad() {
		bad_fit lasso "$@"
	}
	bad_fit logistic 'row 7 of the training data has the label 2' third.svm
	bad_fit logistic 'row 7 of the test data has the label 2' classes.svm --test third.svm
	bad_fit logistic 'training data have labels -1 and 0' mixed.svm
	bad_fit logistic 'every label is 1: .*one class' alike.svm
	bad_fit logistic 'row 1 of the training data has the label 151' "$good"
	bad_fit logistic 'response.svm:2' response.svm
	bad_fit logistic 'priority-check is for a Lasso' classes.svm --scheduler priority-check
	bad_fit logistic '--l1-ratio: no such option' classes.svm --l1-ratio 0.5
	bad_fit logistic '--cv: no such option' classes.svm --cv 5
	bad_fit logistic '--path-min-ratio is of a path' classes.svm --path-min-ratio 0.1
	bad_fit logistic '--mode: no such option' classes.svm --mode server
	bad_fit logistic '--mode: no such option' classes.svm --mode=server
	bad '--lambda-rat: no such option, did you mean --lambda-ratio' "$good" --lambda-rat 0.1
	bad_fit logistic 'a staleness of 1' classes.svm --staleness 1
	bad 'missing.svm: No such file' missing.svm
	bad 'empty.svm' empty.svm
	bad 'nan.svm:2' nan.svm
	bad 'zero.svm:2' zero.svm
	bad 'beyond.svm:2' beyond.svm
	bad "text.svm:3.*'abc'" text.svm
	bad 'cut.svm:3' cut.svm
	bad 'response.svm:2' response.svm
	bad 'cut.mtx' cut.mtx --response y.mtx
	bad 'whole.mtx: every response is 0.*--response' whole.mtx
	bad 'whole.mtx: every response is 0.*--test-response' "$good" --test whole.mtx
	bad 'cut.svm.gz' cut.svm.gz
	bad 'cut.svm.xz' cut.svm.xz
	bad '--lambda: .-1. is not a number of at least 0' "$good" --lambda -1
	bad 'missing.svm: No such file' "$good" --test missing.svm
	bad 'text.svm:3' "$good" --test text.svm
	bad 'missing.txt: No such file' "$good" --vocab missing.txt
	bad 'the model none/m: No such file' "$good" --model none/m
	bad 'the model /dev/full: No space left' "$good" --model /dev/full
	bad 'the log none/l: No such file' "$good" --log none/l
	bad 'every response is 5' constant.svm --intercept
	bad '--l1-ratio: .0. is not a number between' "$good" --l1-ratio 0
	bad 'missing.factors: No such file' "$good" --penalty-factors missing.factors
	bad 'short.factors has 3 weights for 10 columns' "$good" --penalty-factors short.factors
	bad 'long.factors:11: a weight more' "$good" --penalty-factors long.factors
	bad 'negative.factors:4: weight -2 is negative' "$good" --penalty-factors negative.factors
	bad "beyond.factors:2: '11' is no index" "$good" --penalty-factors beyond.factors
	bad "zero.factors:2: '0' is no index" "$good" --penalty-factors zero.factors
	bad 'twice.factors:3: variable 3 has' "$good" --penalty-factors twice.factors
	bad 'mixed.factors:2: one number where' "$good" --penalty-factors mixed.factors
	bad "text.factors:1: weight 'x' is not a number" "$good" --penalty-factors text.factors
	bad "inf.factors:1: weight 'inf' is not finite" "$good" --penalty-factors inf.factors
	bad 'no variable has a penalty' "$good" --penalty-factors none.factors
	bad 'empty.factors' "$good" --penalty-factors empty.factors
	bad '--path and --cv find their lambdas' "$good" --path 5 --lambda 3
	bad '--path and --cv find their lambdas' "$good" --cv 5 --lambda-ratio 0.5
	bad '--path: .-1. is not a whole number' "$good" --path -1
	bad '--path-min-ratio is of a path' "$good" --path-min-ratio 0.1
	bad '--path-min-ratio: .1. is not a number between' "$good" --path 5 --path-min-ratio 1
	bad '--path-min-ratio: .0. is not a number between' "$good" --path 5 --path-min-ratio 0
	bad '--cv 1: give at least 2 folds' "$good" --cv 1
	bad '--cv: .x. is not a whole number' "$good" --cv x
	bad '443 folds of 442 rows' "$good" --cv 443
	bad 'without fold [1-4] of 4: every response is 0' one.svm --cv 4
	bad 'leave out --features pairs' "$good" --path 5 --features pairs
	bad '.' "$folder"
done
run 0 lasso --quiet --ranks 4 whole.mtx --response y.mtx
run failed lasso --quiet --ranks 4 two.svm
one_line 'two.svm.*ranks'

# No file of the run is written over another one of it.
cp "$good" own.svm
ln -s own.svm link.svm
for option in model log; do
	run failed lasso --quiet own.svm "--$option" own.svm
	one_line 'own.svm would be written over own.svm'
	run failed lasso --quiet "$good" --test own.svm "--$option" link.svm
	one_line 'link.svm would be written over own.svm'
	run failed mf --quiet own.svm "--$option" own.svm
	one_line 'own.svm'
done
same own.svm "$good"
run failed lasso --quiet "$good" --model both --log both
one_line 'both would be written over both'
cp "$data/input/good.docword" own.docword
for option in log assignments; do
	run failed lda --quiet own.docword "--$option" own.docword
	one_line 'own.docword would be written over own.docword'
done
same own.docword "$data/input/good.docword"
run 0 lasso --quiet "$good" --model /dev/null --log /dev/null

# The log fills its disk: the results are there, and the failure.
run 1 lasso --quiet --ranks 2 "$good" --log /dev/full --model m
one_line 'the log /dev/full is incomplete: No space left'
[ -s m ] || complain 'no model beside the incomplete log'

# So does standard output.
"$strads" lasso --quiet "$good" >/dev/full 2>stderr && complain 'exit code 0 with a full stdout'
one_line 'No space left'

for command in help 'lasso --help' --version 'generate lasso small.svm --rows 9 --nonzeros 3'; do
	"$strads" $command >/dev/full 2>stderr && complain "exit code 0 of $command with a full stdout"
	one_line 'cannot write to the standard output'
done

# A disk that fills up half way leaves what was there before (a limit on file sizes stands for it).
echo before >kept
(
	trap '' XFSZ
	ulimit -f 0
	"$strads" lasso --quiet "$good" --model kept >/dev/null 2>&1
) && complain 'exit code 0 without room for the model'
[ "$(cat kept)" = before ] || complain 'a failed write harmed the model of before'
[ "$(find . -name 'kept*' | wc -l)" -eq 1 ] || complain 'a temporary file is left'

finish
