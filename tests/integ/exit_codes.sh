#!/usr/bin/env bash
# Exit codes, and what is said of arguments that do not fit.
. "$(dirname "$0")/harness.sh"

good="$data/diabetes.svm"
fit="lasso $good --intercept --standardize center-unit --lambda-ratio 0.01"

# All columns the same: updated together without correction they overshoot without end.
awk '{ printf "%s", $1; for (j = 1; j <= 64; j++) printf " %d:%s", j, substr($4, 3); print "" }' \
	"$good" >alike.svm
run 1 lasso alike.svm --standardize unit --set-update plain --scheduler fixed --quiet --model m2
one_line 'diverged'
[ ! -e m2 ] || complain 'a diverged run has written a model'
run 0 lasso alike.svm --standardize unit --scheduler fixed --quiet

run 64 lasso "$good" --tol 2
one_line "tol: '2' is not a number between 0 and 1"
run 64 lasso "$good" --tool 2
one_line 'did you mean --tol'
run 64 lasso
one_line 'no data'
run 64 lasso "$good" --fabric pigeon
one_line "'pigeon' is not"
run 64 lasso "$good" --job pigeon
one_line "--job: 'pigeon' is not one of auto, local, mpi, tcp, self, sim"
run 64 lasso "$good" --job mpi --fabric sim
one_line 'leave --job mpi out'
run 0 $fit --job sim --ranks 3 --quiet
run 0 $fit --job self --ranks 3 --quiet
grep -q 'on 1 rank' stdout || complain '--job self is not one rank'
run 64 lasso "$good" --plot picture.gif
one_line 'neither .svg nor .png'
run 64 leap
one_line "'leap' is no command"
run 64
one_line 'no command'
STRADS_SET_SIZE=zero run 64 lasso "$good"
one_line "STRADS_SET_SIZE: 'zero' is not"

run 0 --version
grep -q '^strads [0-9]' stdout || complain 'no version'
run 0 help
grep -q 'lasso' stdout || complain 'help does not name lasso'
run 0 lasso --help
grep -q -- '--lambda-ratio' stdout || complain 'help does not name --lambda-ratio'
run 0 info --json
tr -d '\n' <stdout | "$json_get" versions.strads providers.shm providers.sim options.tol.value \
	>values || complain 'info lacks keys'
STRADS_TOL=0.5 run 0 info
grep -q -- '--tol .*0.5' stdout || complain 'info does not show the environment'

finish
