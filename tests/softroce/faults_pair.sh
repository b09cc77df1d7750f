#!/usr/bin/env bash
# Inside two virtual machines, a rank in each: what can befall two hosts and the wire between them.
# Every fault ends within its deadline on both, in success with the right result or in a sentence
# that names the other and says what to check. CASE: one of `cases` below; none: all, which takes
# long. The last one takes machine 1 away.
#   tests/softroce/pair.sh -- tests/softroce/faults_pair.sh STRADS FAULT_STREAM [CASE]…
# shellcheck disable=SC2034,SC2154,SC2317
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/faults_harness.sh" "$1" "$2"
shift 2
cases=(no_fault lossy_wire very_lossy_wire link_down_briefly link_down_longer link_down_for_good
	interface_down rank_killed rank_stopped wrong_secret wrong_version garbage host_gone)
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
fit=(lasso wide.svm --lambda-ratio 0.001 --tol 0 --set-size 2 --scheduler fixed --max-sets 100
	--fabric verbs --timeout 30 --log log.jsonl --model m)

# The model that every fit is to end with; host 0 keeps it.
known=
no_fault() {
	[ -z "$known" ] || return
	known=yes
	fault no fault
	begin fit
	ended 2 "$what"
	! on 0 || mv m m.right
}

# loses PERCENT: of what either host sends. Each wait for the last packet of a request is 0.27 s.
loses() {
	local -x STRADS_VERBS_TIMEOUT=16
	no_fault
	fault "$1 % of packets lost"
	tc qdisc add dev eth0 root netem loss "$1%"
	begin stream --rounds 20 --bytes 65536 --timeout 30
	ended 0 "$what"
	says "rank $host: 20 rounds"
	fault "$1 % of packets lost under a fit"
	begin fit
	ended 2 "$what"
	! on 0 || same m m.right
	tc qdisc delete dev eth0 root
}

lossy_wire() {
	loses 1
}

very_lossy_wire() {
	loses 10
}

# ---- The link, cut at host 1 so that nothing passes either way ----

cut() {
	tc qdisc add dev eth0 root netem loss 100%
}

mend() {
	tc qdisc delete dev eth0 root
}

# begin_noticing NAME ARGUMENTS…: as begin, with an adapter that notices after some 8 s that it gets
# no answer: to soft-RoCE 7 retries are without end. Not for packets that are lost here and there, of
# which each counts until a request is through.
begin_noticing() {
	STRADS_VERBS_RETRIES=6 begin "$@"
}

link_down_briefly() {
	fault link down for 2 s, within what packets are sent again
	begin_noticing stream --rounds 1500 --bytes 65536 --timeout 30
	on 0 || { cut && sleep 2 && mend; }
	ended 0 "$what"
	says "rank $host: 1500 rounds"
}

# Whoever notices tells the other, which may have nothing on the way: else that one would wait for as
# long as --timeout, past the deadline.
link_down_longer() {
	fault link down for longer
	begin_noticing fit --max-sets 1000000 --timeout 300
	on 0 || { sleep 3 && cut && sleep 20 && mend; }
	ended 1 "$what"
	says 'rank [01] is lost over rxe0: it does not answer'
}

link_down_for_good() {
	fault link down for good
	begin_noticing stream --rounds 1000000 --timeout 20
	on 0 || cut
	ended 1 "$what"
	says 'rank [01] is lost over rxe0: it does not answer' # and told the other
	on 0 || mend
}

# The job's own connection notices as well, at rank 0 once the link is up again and rank 1's host says
# that it has ended: whichever a rank hears first.
interface_down() {
	fault ip link set eth0 down
	begin_noticing stream --rounds 1000000 --timeout 40 # noticed after 8 s, once after more than 20
	on 0 || ip link set eth0 down
	ended 1 "$what"
	on 0 || says 'rank 0 \(is lost over rxe0: .*its port \|.* is gone: its host does not answer\)'
	! on 0 || says 'rank 1 \(is lost over rxe0: it does not answer\|.* died: its control connection\)'
	on 0 || ip link set eth0 up
	active
}

# ---- The other rank ----

rank_killed() {
	fault the other rank killed
	begin stream --rounds 1000000
	on 0 || hit -9 "$job"
	if on 0; then
		ended 1 "$what"
		says 'rank 1 (pid .* on softroce1) \(died\|is gone\)'
	else
		ended 137 "$what"
	fi
}

rank_stopped() {
	fault the other rank stopped for 5 s
	begin stream --rounds 1500 --bytes 65536
	on 0 || { hit -STOP "$job" && sleep 5 && hit -CONT "$job"; }
	ended 0 "$what"
	says "rank $host: 1500 rounds"
}

# ---- Strangers ----

wrong_secret() {
	fault wrong secret
	if on 0; then
		goes 1 "$what" "secret is not this job's" --timeout 20
	else
		STRADS_SECRET=fedcba9876543210 goes 1 "$what" 'has another secret' --timeout 20
	fi
}

# flood N FORMAT: opens N connections to rank 0, says to each what printf makes of it, and keeps them
# open. It starts no process for each, which in an emulated machine takes longer than the job.
flood() {
	local connection
	trap '' PIPE # some are closed before all is said
	for _ in {1..300}; do
		(exec 3<>"/dev/tcp/${STRADS_ROOT/:/\/}") 2>/dev/null && break
		sleep 0.2
	done
	for _ in $(seq "$1"); do
		# shellcheck disable=SC2059 # a format
		exec {connection}<>"/dev/tcp/${STRADS_ROOT/:/\/}" && printf "$2" >&"$connection"
	done 2>/dev/null
	trap - PIPE
}

# Nothing that printf would take for itself.
noise() {
	head -c 20000 /dev/urandom | LC_ALL=C tr -d '\000%\134'
}

wrong_version() {
	fault another version
	on 0 || flood 1 'STRADSJ\0M\0\0\0%052d'
	begin stream --rounds 20
	ended 0 "$what"
	! on 0 || says 'speaks version 77 of the control channel'
}

garbage() {
	fault garbage before and while a job runs
	on 0 || flood 100 "$(noise)"
	begin stream --rounds 200 --bytes 65536 --timeout 60
	on 0 || { hit -0 "$job" && flood 100 "$(noise)"; }
	ended 0 "$what"
	says "rank $host: 200 rounds"
}

# ---- The other host ----

host_gone() {
	fault the other host gone
	begin_noticing stream --rounds 1000000 --timeout 20
	if on 0; then
		ended 1 "$what"
		says 'rank 1 .*is lost.*: \(it\|its host\) does not answer'
	else # once this script's status is known outside
		setsid sh -c 'sleep 3 && busybox poweroff -f' </dev/null >/dev/null 2>&1 &
	fi
}

# ---- Whatever was asked for, in this order ----

chosen=" ${*:-${cases[*]}} "
for name in "$@"; do
	[[ " ${cases[*]} " == *" $name "* ]] || {
		echo "there is no case '$name'; there are: ${cases[*]}" >&2
		exit 64
	}
done
for name in "${cases[@]}"; do
	[[ $chosen != *" $name "* ]] || "$name"
done
finish
