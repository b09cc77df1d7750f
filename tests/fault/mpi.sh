#!/usr/bin/env bash
# Jobs under mpirun: what their ranks see, how they end, and launchers that do not match.
#   tests/fault/mpi.sh PROGRAM
set -uo pipefail
program=$1
if ! command -v mpirun >/dev/null; then
	echo "skipped: there is no mpirun here (openmpi-bin)"
	exit 77
fi
output=$(mktemp)
trap 'rm -f "$output"' EXIT
failures=0

# Open MPI leaks a little, from plugins that it has unloaded by the end and that no suppression can
# therefore name. Other tests look for leaks of the control channel.
export ASAN_OPTIONS=detect_leaks=0:${ASAN_OPTIONS:-}

launch() { # RANKS MPIRUN_OPTIONS… PROGRAM ARGUMENTS…
	local ranks=$1
	shift
	timeout 60 mpirun --allow-run-as-root --oversubscribe --mca btl self,vader -n "$ranks" "$@" \
		>"$output" 2>&1
	code=$?
}

expect() { # NAME CODE LINE…: the exit code, and lines that must be in the output
	local name=$1 wanted=$2 line
	shift 2
	if [ "$code" -ne "$wanted" ]; then
		echo "$name: exit code $code instead of $wanted"
		failures=$((failures + 1))
	fi
	for line in "$@"; do
		grep -q -- "$line" "$output" && continue
		echo "$name: no line like: $line"
		failures=$((failures + 1))
	done
	[ "$failures" -eq 0 ] || cat "$output"
	echo "$name: done"
}

PMI_RANK=0 timeout 60 "$program" codes >"$output" 2>&1
if grep -q "needs MPI, which this binary was built without" "$output"; then
	echo "skipped: $(cat "$output")"
	exit 77
fi

for ranks in 2 3; do
	launch "$ranks" "$program" gather
	expect "gather on $ranks" 0 "rank 0 of $ranks (mpi): gather: OK" \
		"rank $((ranks - 1)) of $ranks (mpi): gather: OK"
done

launch 3 "$program" agree
expect "agree" 3 "rank 0 of 3 (mpi): agree: ERR_INPUT rank 1: x.svm is empty" \
	"rank 1 of 3 (mpi): agree: ERR_INPUT x.svm is empty" \
	"rank 2 of 3 (mpi): agree: ERR_INPUT rank 1: x.svm is empty"

# The highest code is rank 2's; rank 0 ends with it, last.
launch 3 "$program" codes
expect "exit codes" 8

launch 3 "$program" give-up
expect "give up" 1 "rank 0 of 3 (mpi): check: ERR_ABORTED rank 1 gave up: disk full" \
	"rank 2 of 3 (mpi): check: ERR_ABORTED rank 1 gave up: disk full"

launch 2 "$program" never-come 1500
expect "never come" 1 \
	"rank 0 of 2 (mpi): barrier: ERR_TIMEOUT rank 1 (pid .*) did not come to a collective within 1.5 s" \
	"rank 1 of 2 (mpi): barrier: ERR_TIMEOUT rank 1 "

# With recovery mpirun lets the survivors end by themselves: they say who died. It then answers 0,
# whatever its ranks end with.
launch 3 --enable-recovery "$program" die
expect "killed rank" 0 \
	"rank 0 of 3 (mpi): check: ERR_PEER rank 1 (pid .* on .*) died" \
	"rank 2 of 3 (mpi): check: ERR_PEER rank 1 (pid .* on .*) died" \
	"rank 0 of 3 (mpi): barrier: ERR_PEER rank 1 (pid .* on .*) died" \
	"rank 2 of 3 (mpi): barrier: ERR_PEER rank 1 (pid .* on .*) died"

launch 3 --enable-recovery "$program" die-first
expect "killed rank 0" 0 \
	"rank 1 of 3 (mpi): check: ERR_PEER rank 0 (on .*) is gone" \
	"rank 2 of 3 (mpi): check: ERR_PEER rank 0 (on .*) is gone"

# Without it mpirun itself says so, and ends all.
launch 3 "$program" die
expect "killed rank, default mpirun" 137 "process rank 1 .* signal 9"

# A launcher of another MPI: its processes do not find each other.
PMI_RANK=0 PMI_SIZE=4 timeout 60 "$program" gather >"$output" 2>&1
code=$?
expect "launcher of another MPI" 1 "the launcher started 4 ranks but this binary's MPI sees 1: "
[ "$(wc -l <"$output")" -eq 1 ] || { echo "more than one line said"; failures=$((failures + 1)); }

SLURM_PROCID=0 SLURM_NTASKS=3 timeout 60 "$program" gather >"$output" 2>&1
code=$?
expect "srun without PMIx" 1 "srun started 3 tasks without PMIx"

[ "$failures" -eq 0 ]
