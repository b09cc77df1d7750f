#!/usr/bin/env bash
# What a schedule costs does not depend on how many variables there are.
. "$(dirname "$0")/harness.sh"

bench='bench schedule --fabric sim --ranks 4 --schedulers 2 --sets 40 --set-size 64 --json'
run 0 $bench 10000
"$json_get" bytes messages updates <stdout >few || complain 'no counts'
run 0 $bench 10000000
"$json_get" bytes messages updates <stdout >many || complain 'no counts'
same few many
run 0 $bench 1000000000000
"$json_get" bytes messages updates <stdout >most || complain 'no counts'
same few most
"$json_get" scheduler_bytes <stdout >bytes
[ "$(cat bytes)" -lt 1000000 ] || complain "a scheduler of $(cat bytes) bytes for 2560 updates"
run 0 bench schedule 1000000 --ranks 2 --sets 20
grep -q '^scheduler .* MiB' stdout || complain 'no memory of the scheduler'
run 64 bench schedule 0
one_line 'variables'

finish
