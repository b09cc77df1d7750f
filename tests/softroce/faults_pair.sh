#!/usr/bin/env bash
# Inside two virtual machines, a rank in each: what can befall two hosts and the wire between them.
# Every fault ends within its deadline on both, in success with the right result or in a sentence
# that names the other and says what to check. The last one takes machine 1 away.
#   tests/softroce/pair.sh -- tests/softroce/faults_pair.sh STRADS FAULT_STREAM
# shellcheck disable=SC2034,SC2154
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/faults_harness.sh" "$1" "$2"
PATH=$PATH:/usr/sbin:/sbin
host=$SOFTROCE_HOST
export STRADS_RANK=$host STRADS_SIZE=2 STRADS_SECRET=0123456789abcdef

# fault WHAT: both hosts begin with it together. Every fault has a port of its own, so that none
# meets what another left.
number=0
fault() {
	what=$*
	number=$((number + 1))
	export STRADS_ROOT=10.77.0.1:$((7000 + number))
	meet $((6000 + number)) || complain "$what: the other host does not come"
}

# meet PORT: goes on once both hosts are here.
meet() {
	if [ "$host" -eq 0 ]; then
		timeout 100 busybox nc -l -p "$1" </dev/null >/dev/null
	else
		for _ in {1..500}; do
			(exec 3<>"/dev/tcp/10.77.0.1/$1") 2>/dev/null && return
			sleep 0.2
		done
		return 1
	fi
}

on() {
	[ "$host" -eq "$1" ]
}

# ---- Loss ----

wide 60 400 wide.svm
fit=(lasso wide.svm --lambda-ratio 0.001 --tol 0 --set-size 2 --working-set off --max-sets 100
	--fabric verbs --timeout 30 --log log.jsonl --model m)
fault no fault
begin fit
ended 2 "$what"
! on 0 || mv m m.right

for loss in 1 10; do
	fault $loss % of packets lost
	tc qdisc add dev eth0 root netem loss $loss%
	begin stream --rounds 40 --bytes 65536 --timeout 30
	ended 0 "$what"
	says "rank $host: 40 rounds"
	fault $loss % of packets lost under a fit
	begin fit
	ended 2 "$what"
	! on 0 || same m m.right
	tc qdisc delete dev eth0 root
done

# ---- The link, cut at host 1 so that nothing passes either way ----

cut() {
	tc qdisc add dev eth0 root netem loss 100%
}

mend() {
	tc qdisc delete dev eth0 root
}

# soft-RoCE takes 7 for: without end.
export STRADS_VERBS_RETRIES=6

fault link down for 2 s, within what packets are sent again
STRADS_VERBS_TIMEOUT=18 begin stream --rounds 1500 --bytes 65536 --timeout 30
on 0 || { cut && sleep 2 && mend; }
ended 0 "$what"
says "rank $host: 1500 rounds"

# Whoever notices tells the other, which may have nothing on the way: else that one would wait for as
# long as --timeout, past the deadline.
fault link down for longer
begin fit --max-sets 1000000 --timeout 300
on 0 || { sleep 3 && cut && sleep 8 && mend; }
ended 1 "$what"
says 'rank [01] is lost over rxe0: it does not answer'

fault link down for good
begin stream --rounds 1000000 --timeout 20
on 0 || cut
ended 1 "$what"
says 'rank [01] is lost over rxe0: it does not answer' # and told the other
on 0 || mend

fault ip link set eth0 down
begin stream --rounds 1000000 --timeout 20
on 0 || ip link set eth0 down
ended 1 "$what"
on 0 || says 'rank 0 is lost over rxe0: .*its port '
! on 0 || says 'rank 1 is lost over rxe0: it does not answer'
on 0 || ip link set eth0 up
active

# ---- The other rank ----

fault the other rank killed
begin stream --rounds 1000000
on 0 || hit -9 "$job"
if on 0; then
	ended 1 "$what"
	says 'rank 1 (pid .* on softroce1) \(died\|is gone\)'
else
	ended 137 "$what"
fi

fault the other rank stopped for 5 s
begin stream --rounds 1500 --bytes 65536
on 0 || { hit -STOP "$job" && sleep 5 && hit -CONT "$job"; }
ended 0 "$what"
says "rank $host: 1500 rounds"

# ---- Strangers ----

fault wrong secret
if on 0; then
	goes 1 "$what" "secret is not this job's" --timeout 20
else
	STRADS_SECRET=fedcba9876543210 goes 1 "$what" 'has another secret' --timeout 20
fi

# Opens connections to rank 0, says to each what comes on the standard input, and keeps them open.
flood() {
	local connection said
	said=$(mktemp)
	cat >"$said"
	until (exec 3<>"/dev/tcp/${STRADS_ROOT/:/\/}") 2>/dev/null; do sleep 0.2; done
	for _ in $(seq "$1"); do
		exec {connection}<>"/dev/tcp/${STRADS_ROOT/:/\/}" && cat "$said" >&$connection
	done 2>/dev/null
	rm -f "$said"
}

fault another version
on 0 || { printf 'STRADSJ\0M\0\0\0' && head -c 52 /dev/zero; } | flood 1
begin stream --rounds 20
ended 0 "$what"
! on 0 || says 'speaks version 77 of the control channel'

fault garbage before and while a job runs
on 0 || head -c 20000 /dev/urandom | flood 100
begin stream --rounds 100 --bytes 65536 --timeout 100
on 0 || head -c 20000 /dev/urandom | flood 100
ended 0 "$what"
says "rank $host: 100 rounds"

# ---- The other host ----

fault the other host gone
begin stream --rounds 1000000 --timeout 20
if on 0; then
	ended 1 "$what"
	says 'rank 1 is lost over rxe0: it does not answer'
	finish
fi
# Once this script's status is known outside.
setsid sh -c 'sleep 3 && busybox poweroff -f' </dev/null >/dev/null 2>&1 &
finish
