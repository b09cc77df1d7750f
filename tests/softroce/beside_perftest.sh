#!/usr/bin/env bash
# This library's operations beside perftest's, in one virtual machine and in turns:
#   tests/softroce/beside_perftest.sh [BUILD [REPETITIONS]]        (build/release, 15)
# Prints the medians over the repetitions with their range, then, of repetitions that are not timed,
# packets and system calls for each round, both ends together. A round: there and back for the three
# latencies of messages, one read, one write of 64 KiB. ib_send_lat's messages, as our signals and
# unlike ib_write_lat's, end in a receive's completion at their target.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
build=$(realpath "${1:-$here/../../build/release}")
repetitions=${2:-15}
strads=$build/strads
[ -x "$strads" ] || { echo "no $strads: build it first" && exit 1; }
if [ -z "${SOFTROCE_HOST:-}" ]; then
	exec "$here/run.sh" --deadline 450 -- "$here/beside_perftest.sh" "$build" "$repetitions"
fi

folder=$(mktemp -d)
server=10.77.0.1
port=/sys/class/infiniband/rxe0/ports/1
tracing=/sys/kernel/tracing
event=$tracing/events/raw_syscalls/sys_enter
gid=$(basename "$(grep -l ':ffff:0a4d:' $port/gids/*)")
rounds=4000 # a quarter of a second, longer than what slows either side down for a while
puts=500

# perftest PROGRAM OPTION…: the line of results. Each end has a processor of its own, as ours have.
perftest() {
	timeout 60 taskset -c 1 "$@" -F -d rxe0 -x "$gid" >/dev/null 2>&1 &
	for _ in {1..100}; do # its port
		[ -n "$(ss -Hltn sport = :18515)" ] && break
		sleep 0.05
	done
	timeout 60 taskset -c 0 "$@" -F -d rxe0 -x "$gid" $server 2>&1 | grep '^ [0-9]'
	wait
}

# ours WHAT OPTION…: the line of results, comma-separated.
ours() { timeout 60 "$strads" bench "$@" --ranks 2 --fabric verbs --warmup 50 --csv | tail -n 1; }

# note FILE VALUE: one repetition's value.
note() { printf '%s\n' "$2" >>"$folder/$1"; }

# pick FIELD < line: a column of it.
pick() { tr , ' ' | awk -v at="$1" '{print $at}'; }

one_repetition() {
	local line
	line=$(ours put-signal -s 8 -n $rounds --batch 1)
	note signal.ours "$(pick 6 <<<"$line")"
	note signal_least.ours "$(pick 5 <<<"$line")"
	line=$(perftest ib_write_lat -n $rounds -s 8)
	note signal.perftest "$(pick 5 <<<"$line")"
	note signal_least.perftest "$(pick 3 <<<"$line")"
	cp "$folder/signal.ours" "$folder/receive.ours"
	note receive.perftest "$(perftest ib_send_lat -n $rounds -s 8 | pick 5)"
	line=$(ours get -s 8 -n $rounds --batch 1)
	note get.ours "$(pick 6 <<<"$line")"
	note get_least.ours "$(pick 5 <<<"$line")"
	line=$(perftest ib_read_lat -n $rounds -s 8)
	note get.perftest "$(pick 5 <<<"$line")"
	note get_least.perftest "$(pick 3 <<<"$line")"
	# Megabytes to what perftest calls so.
	note put.ours "$(ours put-bw -s 65536 -n $puts | pick 6 | awk '{print $1 * 1e6 / 2 ^ 20}')"
	note put.perftest "$(perftest ib_write_bw -n $puts -s 65536 | pick 4)"
}

# median FILE
median() { sort -g "$folder/$1" | awk '{v[NR] = $1} END {print v[int((NR + 1) / 2)]}'; }

# row TITLE NAME
row() {
	local ends=() each
	for each in ours perftest; do
		ends+=("$(median "$2.$each")" "$(sort -g "$folder/$2.$each" | head -n 1)" \
			"$(sort -g "$folder/$2.$each" | tail -n 1)")
	done
	printf '%-34s %9.1f %9.1f %9.1f   %9.1f %9.1f %9.1f   %5.2f\n' "$1" "${ends[@]}" \
		"$(awk -v a="${ends[0]}" -v b="${ends[3]}" 'BEGIN {print (b > 0 ? a / b : 0)}')"
}

# packets COMMAND…: how many the device sends meanwhile.
packets() {
	local before
	before=$(cat $port/hw_counters/sent_pkts)
	"$@" >/dev/null
	echo $(($(cat $port/hw_counters/sent_pkts) - before))
}

# calls PROGRAM COMMAND…: "name count" for each system call of processes of that name, for each
# doorbell (a write) of whichever thread rings most: of the middle of the run, as how it begins and
# ends differs by thousands of calls from one run to the next. Without gettimeofday (96), by which
# perftest measures the processor for so long before it begins that to read of it takes a minute.
calls() {
	local name=$1
	shift
	echo 'hist:keys=id.syscall' >$event/trigger # for the names
	echo "comm == \"$name\" && id != 96" >$event/filter
	echo >$tracing/trace
	echo 1 >$event/enable
	"$@" >/dev/null
	echo 0 >$event/enable
	sed -n 's/.*id: sys_\([a-z0-9_]*\) *\[ *\([0-9]*\)\].*/\1 \2/p' $event/hist >"$folder/names"
	echo '!hist:keys=id.syscall' >$event/trigger
	sed -n "s/^ *$name-\([0-9]*\) .*: NR \([0-9]*\) .*/\1 \2/p" $tracing/trace >"$folder/calls"
	awk '
		FILENAME == ARGV[1] {name[$2] = $1; next}
		FNR == 1 {pass++}
		pass == 1 {
			rung[$1] += $2 == 1
			if (rung[$1] > most) {most = rung[$1]; ringer = $1}
			next
		}
		$1 == ringer && $2 == 1 {bells++}
		bells > most * 0.3 && bells <= most * 0.9 {n[$2]++; rounds += $1 == ringer && $2 == 1}
		END {for (id in n) printf "%s %.3f\n", name[id], n[id] / rounds}
	' "$folder/names" "$folder/calls" "$folder/calls"
}

# per_round TITLE PROGRAM COMMAND… with %d for the rounds. Packets: what 1400 more rounds send,
# which leaves out how it begins.
per_round() {
	local title=$1 name=$2 few many
	shift 2
	few=$(packets "${@//%d/100}")
	many=$(packets "${@//%d/1500}")
	printf '%-34s %9s   ' "$title" "$(awk -v n=$((many - few)) 'BEGIN {printf "%.3f", n / 1400}')"
	calls "$name" "${@//%d/2500}" | sort | tr '\n' ' '
	echo
}

done=0
while [ $done -lt "$repetitions" ] && [ $SECONDS -lt 300 ]; do # a busy host makes fewer
	one_repetition
	done=$((done + 1))
done
echo "$done repetitions of $rounds ($puts) rounds in turns   strads                         perftest              ratio of"
printf '%-34s %9s %9s %9s   %9s %9s %9s   %s\n' '' median least most median least most medians
row 'put-signal / ib_write_lat, us' signal
row '  the quickest round of each, us' signal_least
row 'put-signal / ib_send_lat, us' receive
row 'get / ib_read_lat, us' get
row '  the quickest round of each, us' get_least
row 'put / ib_write_bw 64 KiB, MiB/s' put
mount -t tracefs tracefs $tracing 2>/dev/null
echo 65536 >$tracing/buffer_size_kb # of each processor: all calls of a run
printf '\n%-34s %9s   %s\n' 'a round' packets 'system calls'
per_round put-signal strads ours put-signal -s 8 -n %d
per_round ib_write_lat ib_write_lat perftest ib_write_lat -s 8 -n %d
per_round get strads ours get -s 8 -n %d
per_round ib_read_lat ib_read_lat perftest ib_read_lat -s 8 -n %d
per_round 'put, 64 KiB' strads ours put-bw -s 65536 -n %d
per_round ib_write_bw ib_write_bw perftest ib_write_bw -s 65536 -n %d
rm -rf "$folder"
