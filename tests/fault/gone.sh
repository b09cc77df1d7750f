#!/usr/bin/env bash
# A job of two ranks on two hosts, of which each vanishes for the other without a word: two network
# namespaces and a cable, whose packets then go to an address that nobody has.
#   tests/fault/gone.sh PROGRAM
# Exit code 77 where namespaces are not allowed.
set -uo pipefail
program=$1
PATH=$PATH:/usr/sbin:/sbin
one=strads-gone-a$$ two=strads-gone-b$$
failures=0
for name in $(compgen -e | grep -E '^(OMPI_|PMIX_|PMI_|SLURM_|STRADS_)'); do unset "$name"; done
if ! ip netns add "$one" 2>/dev/null; then
	echo 'skipped: ip netns add is not allowed here'
	exit 77
fi
folder=$(mktemp -d)
trap 'ip netns del "$one"; ip netns del "$two" 2>/dev/null; rm -rf "$folder"' EXIT
cd "$folder" || exit 1
export STRADS_SIZE=2 STRADS_SECRET=0123456789abcdef

# connect: joins the two.
connect() {
	ip netns add "$two" &&
		ip -n "$one" link add cable type veth peer name cable netns "$two" &&
		ip -n "$one" addr add 192.0.2.1/30 dev cable &&
		ip -n "$two" addr add 192.0.2.2/30 dev cable &&
		ip -n "$one" link set cable addrgenmode none up &&
		ip -n "$two" link set cable addrgenmode none up
}

# Nothing arrives any more, at either, and no one says so.
cut() {
	ip -n "$one" neigh replace 192.0.2.2 lladdr 02:00:00:00:00:99 dev cable nud permanent
	ip -n "$two" neigh replace 192.0.2.1 lladdr 02:00:00:00:00:99 dev cable nud permanent
	touch cut
}

mend() {
	ip -n "$one" neigh del 192.0.2.2 dev cable
	ip -n "$two" neigh del 192.0.2.1 dev cable
	rm -f cut
}

# vanish PORT ARGUMENTS…: the job, cut in two once both ranks are there; what they say is in rank.0
# and rank.1.
vanish() {
	local rank hosts=("$one" "$two") pids=() code
	export STRADS_ROOT=192.0.2.1:$1
	shift
	for rank in 0 1; do
		STRADS_RANK=$rank timeout 60 ip netns exec "${hosts[rank]}" "$program" "$@" \
			>rank.$rank 2>&1 &
		pids+=($!)
	done
	for _ in {1..200}; do
		[ "$(cat rank.0 rank.1 | grep -c 'barrier: OK')" -lt 2 ] || break
		sleep 0.1
	done
	cut
	for rank in 0 1; do
		code=0
		wait "${pids[rank]}" || code=$?
		[ $code -eq 1 ] || complain "rank $rank: $*: exit code $code, not 1"
	done
	mend
}

complain() {
	echo "FAILED: $*"
	cat rank.0 rank.1
	failures=$((failures + 1))
}

# says RANK PATTERN
says() {
	grep -q -- "$2" "rank.$1" || complain "rank $1 does not say '$2'"
}

connect || {
	echo 'cannot join two network namespaces'
	exit 1
}

# Nothing is on the way: it is the silence that is noticed, after the job's timeout.
vanish 7001 wait-for-news 6000
says 0 'check: ERR_PEER rank 1 (pid .*) is lost: its host does not answer'
says 1 'check: ERR_PEER rank 0 (at 192.0.2.1) is gone: its host does not answer'

# Once the job has failed nobody waits for the other as long as that.
vanish 7002 give-up-when-cut 300000
for rank in 0 1; do says $rank 'check: ERR_ABORTED this rank gave up: no adapter answers'; done
[ "$failures" -eq 0 ]
