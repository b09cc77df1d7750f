#!/usr/bin/env bash
# Ranks that are started one by one and meet over TCP: the same bits as ranks started together; who
# does not belong to the job, does not come or dies is named.
. "$(dirname "$0")/harness.sh"

# As bare hosts have it.
for name in $(compgen -e | grep -E '^(OMPI_|PMIX_|PMI_|SLURM_|STRADS_)'); do
	[ "$name" = STRADS_TEST_DEADLINE ] || unset "$name"
done
secret=$(head -c 16 /dev/urandom | od -An -tx1 | tr -d ' \n')
fit="lasso $data/diabetes.svm --intercept --standardize center-unit --lambda-ratio 0.01 --quiet"

# A port nobody listens at, below those that the kernel gives to connections.
free_port() {
	local port
	while :; do
		port=$((10000 + RANDOM % 20000))
		(exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
	done
	echo "$port"
}

# start RANK SIZE ARGUMENTS…: one rank in the background; its output in out.RANK and err.RANK.
start() {
	local rank=$1 size=$2
	shift 2
	STRADS_RANK=$rank STRADS_SIZE=$size timeout -k 5 "$deadline" "$strads" "$@" \
		>"out.$rank" 2>"err.$rank" &
	pids[$rank]=$!
}

# ended RANK CODE: waits for that rank, which must end with the code ("failed": not 0).
ended() {
	local code=0
	wait "${pids[$1]}" || code=$?
	cp "err.$1" stderr
	case $code in
	124 | 137) complain "rank $1 did not end within $deadline s" ;;
	"$2") ;;
	0) complain "rank $1: exit code 0, not $2" ;;
	*) [ "$2" = failed ] || complain "rank $1: exit code $code, not $2" ;;
	esac
}

# says RANK PATTERN: one line with the pattern is on that rank's stderr.
says() {
	cp "err.$1" stderr
	one_line "$2"
}

run 0 $fit --ranks 3 --model m.local

# Rank 0 comes last.
export STRADS_SECRET=$secret STRADS_ROOT=127.0.0.1:$(free_port)
start 2 3 $fit --model m
start 1 3 $fit --model m
start 0 3 $fit --model m
for rank in 0 1 2; do ended $rank 0; done
same m m.local
[ ! -s err.0 ] && [ ! -s err.1 ] || complain 'a job that went well says something on stderr'

# How many ranks there are is no option of a command.
start 1 2 bench put-signal --duration 0.001
start 0 2 bench put-signal --duration 0.001
for rank in 0 1; do ended $rank 0; done
grep -q '^ *1048576 strads' out.0 || complain 'STRADS_SIZE has changed what bench measures'

# By name, from a file, over IPv6.
echo "$secret" >secret
for root in "localhost" "[::1]"; do
	[ "$root" = localhost ] || [ -e /proc/net/if_inet6 ] || continue
	export STRADS_ROOT=$root:$(free_port)
	rm -f m
	STRADS_SECRET='' STRADS_SECRET_FILE=secret start 0 2 $fit --model m
	start 1 2 $fit --model m
	for rank in 0 1; do ended $rank 0; done
	[ -s m ] || complain "no model at $root"
done

# Strangers in numbers, silent or not, while the ranks join.
export STRADS_ROOT=127.0.0.1:$(free_port)
start 0 3 $fit --model m
strangers=()
for i in $(seq 200); do
	for _ in $(seq 100); do
		{ exec {stranger}<>"/dev/tcp/127.0.0.1/${STRADS_ROOT##*:}"; } 2>/dev/null && break
		sleep 0.1
	done
	strangers+=("$stranger")
	[ $((i % 2)) -eq 0 ] || { head -c 200 /dev/urandom >&"$stranger"; } 2>/dev/null
	[ "$i" -ne 100 ] || start 2 3 $fit --model m
done
start 1 3 $fit --model m
for rank in 0 1 2; do
	ended $rank 0
	[ ! -s err.$rank ] || complain "rank $rank heeds strangers"
done
for stranger in "${strangers[@]}"; do exec {stranger}>&-; done
same m m.local

# Another secret: both ends say so, and who has the right one gets in after it.
export STRADS_ROOT=127.0.0.1:$(free_port)
start 0 2 $fit --model m
STRADS_SECRET=0123456789abcdef0123 start 1 2 $fit --model m
ended 1 1
says 1 'rank 0 at 127.0.0.1:[0-9]* has another secret'
start 1 2 $fit --model m
for rank in 0 1; do ended $rank 0; done
says 0 "a visitor from 127.0.0.1 was turned away: its secret is not this job's"

# Another number of ranks, a rank that does not exist, and one that is there already.
export STRADS_ROOT=127.0.0.1:$(free_port)
start 0 3 $fit --model m
start 2 5 $fit --model m
ended 2 1
says 2 'has 3 ranks, and this rank was told of 5'
start 1 3 $fit --model m
sleep 1
STRADS_RANK=1 STRADS_SIZE=3 run 1 $fit --model m
one_line 'has a rank 1 already'
start 2 3 $fit --model m
for rank in 0 1 2; do ended $rank 0; done
[ "$(grep -c 'was turned away' err.0)" -eq 2 ] || complain 'rank 0 does not name both visitors'
STRADS_RANK=3 STRADS_SIZE=3 run 1 $fit
one_line "STRADS_RANK: '3' is not a number from 0 to 2"

# Ranks that do not come are named by those who did.
start 0 4 $fit --timeout 2
start 2 4 $fit --timeout 2
for rank in 0 2; do
	ended $rank 1
	says $rank 'ranks 1, 3 did not join the job within 2 s'
done
start 1 2 $fit --timeout 1
ended 1 1
says 1 'rank 0 was not reached within 1 s'

# A rank that dies ends the others, which name it; so does rank 0.
wide 400 3000 wide.svm
forever='lasso wide.svm --lambda-ratio 0.0001 --tol 0 --set-size 2 --scheduler fixed --quiet
	--timeout 20 --log log.jsonl'
for victim in 1 0; do
	export STRADS_ROOT=127.0.0.1:$(free_port)
	rm -f log.jsonl
	for rank in 0 1 2; do start $rank 3 $forever; done
	for _ in $(seq 200); do
		grep -qs '"progress"' log.jsonl && break
		sleep 0.1
	done
	read -r process _ <"/proc/${pids[$victim]}/task/${pids[$victim]}/children"
	kill -9 "$process" || complain "rank $victim was not there to be killed"
	for rank in 0 1 2; do
		[ $rank -ne $victim ] || continue
		ended $rank failed
		says $rank "rank $victim (.* \(died\|is gone\):"
	done
	wait "${pids[$victim]}" 2>/dev/null
done

# Without a secret only within this host.
unset STRADS_SECRET
export STRADS_ROOT=127.0.0.1:$(free_port)
start 1 2 $fit --model m
start 0 2 $fit --model m
for rank in 0 1; do ended $rank 0; done
STRADS_ROOT=10.0.0.1:7000 STRADS_RANK=1 STRADS_SIZE=2 run 1 $fit
one_line 'openssl rand -hex 32'
STRADS_ROOT=somewhere STRADS_RANK=1 STRADS_SIZE=2 run 1 $fit
one_line "'somewhere' is not HOST:PORT"

# Two hosts, as far as one can play them: two network namespaces and a cable, no default route, and a
# network of each that leads nowhere. Left to itself libfabric takes the latter, or the loopback for
# the second that the kernel takes to say that a cable is in.
one=strads-a$$ two=strads-b$$
if ! "$strads" info --json | tr -d '\n' | "$json_get" providers.ofi 2>/dev/null | grep -q true; then
	echo 'left out: two hosts (no libfabric)'
elif ! ip netns add "$one" 2>/dev/null; then
	echo 'left out: two hosts (ip netns add is not allowed here)'
else
	trap 'ip netns del "$one"; ip netns del "$two"; rm -rf "$folder"' EXIT
	ip netns add "$two" && ip -n "$one" link add cable type veth peer name cable netns "$two" &&
		ip -n "$one" addr add 192.0.2.1/30 dev cable &&
		ip -n "$two" addr add 192.0.2.2/30 dev cable &&
		for host in "$one" "$two"; do
			# Without IPv6, whose addresses cannot be used before they are probed.
			ip -n "$host" link set cable addrgenmode none up &&
				ip -n "$host" link add aside type veth peer name nowhere &&
				ip -n "$host" addr add 198.51.100.1/24 dev aside &&
				ip -n "$host" link set aside addrgenmode none up &&
				ip -n "$host" link set nowhere addrgenmode none up &&
				ip -n "$host" link set lo up
		done || complain 'cannot join two network namespaces'
	run 0 $fit --job local --ranks 2 --model m.local
	export STRADS_SECRET=$secret STRADS_ROOT=192.0.2.1:7000 real=$strads
	rm -f m
	strads='ip' start 1 2 netns exec "$two" "$real" $fit --model m --fabric ofi
	strads='ip' start 0 2 netns exec "$one" "$real" $fit --model m --fabric ofi
	for rank in 0 1; do ended $rank 0; done
	same m m.local
fi

finish
