#!/usr/bin/env bash
# Under mpirun: the same bits as without it, one line for bad input, the exit codes.
. "$(dirname "$0")/harness.sh"

command -v mpirun >/dev/null || skip 'no mpirun'
# Open MPI keeps memory to the end and has unloaded what could be named as keeping it: whether
# strads leaks is for the other tests to see.
export ASAN_OPTIONS="detect_leaks=0:${ASAN_OPTIONS:-}"
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
fit="lasso $data/diabetes.svm --intercept --standardize center-unit --lambda-ratio 0.01 --quiet"

# under_mpirun ARGUMENTS…: two ranks; what strads says without mpirun's own notes; $code.
under_mpirun() {
	code=0
	timeout -k 5 "$deadline" mpirun --oversubscribe -n 2 "$strads" "$@" >stdout 2>stderr.all ||
		code=$?
	grep '^strads' stderr.all >stderr
	[ "$code" -ne 124 ] || complain "mpirun strads $* did not end"
}

under_mpirun $fit --model m.mpi
if grep -q 'without MPI' stderr; then
	skip "$(cat stderr)"
fi
[ "$code" -eq 0 ] || complain "exit code $code under mpirun"
run 0 $fit --ranks 2 --model m.local
same m.mpi m.local

under_mpirun $fit --max-sets 2 --tol 0
[ "$code" -eq 2 ] || complain "exit code $code, not 2, at the limit"
printf '1 1:2\n2 1:3\n3 1:abc\n4 2:5\n5 1:1\n' >text.svm
under_mpirun lasso --quiet text.svm
[ "$code" -eq 1 ] || complain "exit code $code, not 1, for bad input"
one_line "text.svm:3.*'abc'"
under_mpirun lasso --quiet text.svm --tol 7
[ "$code" -eq 64 ] || complain "exit code $code, not 64, for bad arguments"
one_line 'tol'
# Of one rank alone: it says so, and the other does not wait for it without end.
code=0
timeout -k 5 "$deadline" mpirun --oversubscribe -n 1 "$strads" $fit : -n 1 "$strads" $fit --tol 7 \
	>stdout 2>stderr.all || code=$?
grep '^strads' stderr.all >stderr
[ "$code" -eq 64 ] || complain "exit code $code, not 64, for bad arguments of rank 1"
one_line 'rank 1: --tol'
under_mpirun lasso --quiet missing.svm
one_line 'missing.svm: No such file'

finish
