# shellcheck shell=sh disable=SC1091
# A virtual machine's second program, on the host's own root: gives it an rxe device with an
# address, runs the command that the exchange folder holds, and leaves output and status there.
# The host ends the machine: the command of another one may still need its device.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
exchange=/run/softroce
. "$exchange/settings"

fail() {
	echo "softroce: $*"
	busybox poweroff -f
}

# wait_for SECONDS WHAT CONDITION…
wait_for() {
	tries=$(($1 * 10))
	what=$2
	shift 2
	until "$@" >/dev/null 2>&1; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || fail "$what"
		sleep 0.1
	done
}

busybox hostname "softroce$SOFTROCE_HOST"
printf '%s\n' '10.77.0.1 softroce0' '10.77.0.2 softroce1' >>/etc/hosts
ip link set lo up
if [ -n "$SOFTROCE_PEER" ]; then
	netdev=eth0
else
	netdev=veth0
	ip link add veth0 type veth peer name veth1
	ip link set veth1 up
fi
# The device comes before the address: a peer that answers has its device.
ip link set $netdev up
rdma link add rxe0 type rxe netdev $netdev || fail 'cannot add the rxe device'
ip address add "$SOFTROCE_ADDRESS/24" dev $netdev

port=/sys/class/infiniband/rxe0/ports/1
wait_for 20 'the port of rxe0 is not active' grep -q ACTIVE $port/state
wait_for 20 'rxe0 has no GID of its address' grep -q :ffff:0a4d: -r $port/gids
if [ -n "$SOFTROCE_PEER" ]; then
	wait_for 100 'the other machine does not answer' busybox ping -c 1 -W 1 "$SOFTROCE_PEER"
fi

touch $exchange/begun
sh $exchange/command </dev/null >>$exchange/stdout 2>>$exchange/stderr
echo $? >$exchange/status.new
mv $exchange/status.new $exchange/status
while :; do sleep 3600; done
