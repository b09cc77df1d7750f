#!/usr/bin/env bash
# Inside one virtual machine: faults that a single host can meet, each of which ends within its
# deadline, in success with the right result or in a sentence that helps; no rank is left behind.
#   tests/softroce/run.sh -- tests/softroce/faults.sh STRADS FAULT_STREAM
# shellcheck disable=SC2034,SC2086,SC2154
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/faults_harness.sh" "$1" "$2"
PATH=$PATH:/usr/sbin:/sbin

# ---- Peers that die or stop ----

begin stream --rounds 1000000
pid=${ranks[1]}
hit -9 "$pid"
ended 137 'a peer killed mid-write'
says "rank 0: ERR_PEER: rank 1 (pid $pid) was killed by signal 9"

begin stream --rounds 300
hit -STOP "${ranks[1]}"
sleep 5
hit -CONT "${ranks[1]}"
ended 0 'a peer stopped for 5 s'
says 'rank 0: 300 rounds'
says 'rank 1: 300 rounds'

begin stream --rounds 1000000 --timeout 4
pid=${ranks[1]}
hit -STOP "$pid"
ended 137 'a peer stopped for good'
says 'rank 0: ERR_TIMEOUT: .* 1 have not moved for 4 s'
says "rank 1 (pid $pid) had not ended 4 s after the job failed: killed"

# ---- A fit, without a fault and with ----

wide 60 400 wide.svm
sets=2000
fit=(lasso wide.svm --lambda-ratio 0.001 --tol 0 --set-size 2 --scheduler fixed --ranks 3
	--fabric verbs --timeout 20 --log log.jsonl --model m)
begin fit --max-sets $sets
ended 2 'a fit without a fault'
mv m m.right

begin fit --max-sets $sets
hit -STOP "${ranks[1]}"
sleep 5
hit -CONT "${ranks[1]}"
ended 2 'a fit whose rank stops for 5 s'
same m m.right

begin fit
pid=${ranks[1]}
hit -9 "$pid"
ended 137 'a fit whose rank is killed'
says "rank 1 (pid $pid) was killed by signal 9"

begin fit --timeout 4
hit -STOP "${ranks[1]}"
ended 137 'a fit whose rank stops for good'
says 'from rank 1 for [0-9.]* s'
says 'rank 1 (pid .*) had not ended 4 s after the job failed: killed'

# ---- Ports and devices ----

# Traffic to the device's own address does not pass by the port.
begin fit --max-sets $sets
ip link set veth1 down
sleep 1
ip link set veth1 up
ended 2 'a port down and up'
same m m.right

ip link set veth1 down
goes 1 'a port that is down' 'rxe0 port 1 is down' --fabric verbs
goes 0 'a port that is down, and another path' \
	'RDMA devices are not used: .*rxe0 port 1 is down' --fabric auto:1
ip link set veth1 up
active

goes 1 'a device that is not there' "no RDMA device 'mlx5_9'.*ibv_devices" --fabric verbs:mlx5_9
goes 1 'a port that is not there' 'rxe0 has no port 7' --fabric verbs:rxe0:7

# soft-RoCE keeps a removed device for those who have it open; nobody else finds it.
begin fit --max-sets $sets
rdma link delete rxe0 &
deletion=$!
ended 2 'a device removed under load'
same m m.right
wait $deletion || complain 'the device is not removed'
goes 1 'a device that was removed' 'no RDMA device on this host' --fabric verbs
rdma link add rxe0 type rxe netdev veth0
active

for what in 'address delete 10.77.0.1/24 dev veth0' 'link set veth0 down'; do
	begin stream --rounds 1000000 --timeout 60
	ip $what
	ended 1 "ip $what"
	says 'rank [01]: ERR_FABRIC: rank [01] is lost over rxe0: .*ip address'
	ip link set veth0 up
	ip address replace 10.77.0.1/24 dev veth0
	active
done

# ---- Limits ----

chmod 666 /dev/infiniband/*
prefix=(setpriv --reuid nobody --clear-groups prlimit --memlock=65536)
goes 1 'too little locked memory' \
	'cannot register [0-9]* bytes .*locked-memory limit is 65536 bytes.*ulimit -l' --fabric verbs
goes 0 'too little locked memory, and another path' \
	'RDMA devices are not used: .*register [0-9]* bytes .*ulimit -l' --fabric auto:1
prefix=()

# ---- The network device, for good ----

begin stream --rounds 1000000 --timeout 60
ip link delete veth0
ended 1 'the network device removed under load'
says 'rank [01]: ERR_FABRIC: rank [01] is lost over rxe0: .*the device was removed'

finish
