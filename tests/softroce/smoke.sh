#!/usr/bin/env bash
# Inside a virtual machine: does the soft-RoCE device do what rdma-core's own programs ask of it?
# Alone both ends are processes of this machine; in a pair host 0 serves and host 1 asks.
#   tests/softroce/run.sh  -- tests/softroce/smoke.sh
#   tests/softroce/pair.sh -- tests/softroce/smoke.sh
set -uo pipefail
failures=0
folder=$(mktemp -d)
server=10.77.0.1
port=/sys/class/infiniband/rxe0/ports/1

complain() {
	echo "FAILED: $*"
	failures=$((failures + 1))
}

# The index of the GID that stands for this machine's IPv4 address.
gid_index() {
	local gid
	for gid in "$port"/gids/*; do
		if grep -q ':ffff:0a4d:' "$gid"; then
			basename "$gid"
			return
		fi
	done
}

# ask COMMAND…: a client, again while its server is not there yet.
ask() {
	local tries
	for tries in {1..20}; do
		timeout 30 "$@" >"$folder/client" 2>&1 && return
		sleep 1
	done
	complain "$* ($tries tries)"
	sed 's/^/    /' "$folder/client"
}

# between SERVER -- CLIENT: both programs end well.
between() {
	local serve=() process=
	while [ "$1" != -- ]; do serve+=("$1") && shift; done
	shift
	if [ "$SOFTROCE_HOST" -eq 0 ]; then
		timeout 90 "${serve[@]}" >"$folder/server" 2>&1 &
		process=$!
	fi
	if [ "$SOFTROCE_HOST" -eq 1 ] || [ -z "$SOFTROCE_PEER" ]; then ask "$@"; fi
	if [ -n "$process" ] && ! wait $process; then
		complain "${serve[*]}"
		sed 's/^/    /' "$folder/server"
	fi
	echo "done: ${serve[0]}"
}

ibv_devinfo -d rxe0 | grep -q PORT_ACTIVE || complain 'ibv_devinfo shows no active port of rxe0'
gid=$(gid_index)
between rping -s -a $server -C 10 -- rping -c -a $server -C 10
between ibv_rc_pingpong -d rxe0 -g "$gid" -n 100 -- ibv_rc_pingpong -d rxe0 -g "$gid" -n 100 $server
between ib_write_lat -d rxe0 -x "$gid" -n 100 -- ib_write_lat -d rxe0 -x "$gid" -n 100 $server
between ib_atomic_lat -d rxe0 -x "$gid" -n 100 -- ib_atomic_lat -d rxe0 -x "$gid" -n 100 $server

# Packets that cross the wire can be lost there, and are sent again.
if [ -n "$SOFTROCE_PEER" ]; then
	tc qdisc add dev eth0 root netem loss 2% || complain 'no netem on eth0'
	between ibv_rc_pingpong -d rxe0 -g "$gid" -n 500 -- \
		ibv_rc_pingpong -d rxe0 -g "$gid" -n 500 $server
	tc -s qdisc show dev eth0 | grep dropped || complain 'no statistics of eth0'
fi

rm -rf "$folder"
[ $failures -eq 0 ]
