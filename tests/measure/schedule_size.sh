#!/usr/bin/env bash
# What a schedule costs by the number of variables: a row of docs/scheduling.md each. The traffic is
# that of simulated ranks, where it is the same to the byte from run to run.
#
#     tests/measure/schedule_size.sh build/release/strads
set -euo pipefail
strads=$1

number() { sed -E "s/.*\"$1\":([0-9.]+).*/\1/" <<<"$2"; }

for variables in 10000 100000 1000000 10000000 1000000000000; do
	sim=$("$strads" bench schedule "$variables" --fabric sim --ranks 4 --schedulers 2 --sets 500 --json)
	own=$("$strads" bench schedule "$variables" --sets 4000 --json)
	awk -v j="$variables" -v bytes="$(number bytes "$sim")" -v messages="$(number messages "$sim")" \
		-v touched="$(number touched "$own")" -v memory="$(number scheduler_bytes "$own")" \
		-v first="$(number draw_ns_first "$own")" -v last="$(number draw_ns_last "$own")" 'BEGIN {
		printf "| %.0e | %.1f | %.3f | %d | %.1f | %.0f | %.0f |\n", j, bytes / 500, messages / 500,
			touched, memory / 1048576, first, last }'
done
