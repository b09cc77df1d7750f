#!/usr/bin/env bash
# Jobs of ranks started one by one over TCP: what they see, how they end.
#   tests/fault/tcp.sh PROGRAM
set -uo pipefail
program=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
failures=0
for name in $(compgen -e | grep -E '^(OMPI_|PMIX_|PMI_|SLURM_|STRADS_)'); do unset "$name"; done

# launch RANKS ARGUMENTS…: all ranks of a job; their exit codes in $codes.
launch() {
	local ranks=$1 rank pids=() code
	shift
	export STRADS_ROOT=127.0.0.1:$((10000 + RANDOM % 20000)) STRADS_SIZE=$ranks
	for ((rank = 0; rank < ranks; rank++)); do
		STRADS_RANK=$rank timeout 60 "$program" "$@" >"rank.$rank" 2>&1 &
		pids+=($!)
	done
	codes=
	for pid in "${pids[@]}"; do
		code=0
		wait "$pid" 2>/dev/null || code=$?
		codes="$codes $code"
	done
	cat rank.* >output
	rm rank.*
}

expect() { # NAME CODES LINE…: the exit codes, and lines that must be in the output
	local name=$1 wanted=$2 line failed=0
	shift 2
	if [ "$codes" != " $wanted" ]; then
		echo "$name: exit codes$codes instead of $wanted"
		failed=1
	fi
	for line in "$@"; do
		grep -q -- "$line" output && continue
		echo "$name: no line like: $line"
		failed=1
	done
	[ "$failed" -eq 0 ] || cat output
	failures=$((failures + failed))
	echo "$name: done"
}

launch 1 gather
expect "one rank" "0" "rank 0 of 1 (tcp): gather: OK"
launch 3 gather
expect "gather" "0 0 0" "rank 0 of 3 (tcp): gather: OK" "rank 2 of 3 (tcp): gather: OK"
launch 3 agree
expect "agree" "3 3 3" "rank 0 of 3 (tcp): agree: ERR_INPUT rank 1: x.svm is empty" \
	"rank 1 of 3 (tcp): agree: ERR_INPUT x.svm is empty"

# Each rank its own, rank 0 the highest.
launch 3 codes
expect "exit codes" "8 4 8"

# A launcher would end all ranks as soon as one fails: all but rank 0 leave their code with it.
PMI_RANK=0 launch 3 codes
expect "exit codes under a launcher" "8 0 0"

launch 3 give-up
expect "give up" "1 1 1" "rank 0 of 3 (tcp): check: ERR_ABORTED rank 1 gave up: disk full" \
	"rank 2 of 3 (tcp): check: ERR_ABORTED rank 1 gave up: disk full"
launch 2 never-come 1500
expect "never come" "1 1" \
	"rank 0 of 2 (tcp): barrier: ERR_TIMEOUT rank 1 (pid .*) did not come to a collective within 1.5 s" \
	"rank 1 of 2 (tcp): barrier: ERR_TIMEOUT rank 1 "
launch 3 die
expect "killed rank" "1 137 1" \
	"rank 0 of 3 (tcp): check: ERR_PEER rank 1 (pid .* on .*) died" \
	"rank 2 of 3 (tcp): check: ERR_PEER rank 1 (pid .* on .*) died" \
	"rank 0 of 3 (tcp): barrier: ERR_PEER rank 1 (pid .* on .*) died" \
	"rank 2 of 3 (tcp): barrier: ERR_PEER rank 1 (pid .* on .*) died"
launch 3 die-first
expect "killed rank 0" "137 1 1" \
	"rank 1 of 3 (tcp): check: ERR_PEER rank 0 (at 127.0.0.1) is gone" \
	"rank 2 of 3 (tcp): check: ERR_PEER rank 0 (at 127.0.0.1) is gone"

[ "$failures" -eq 0 ]
