#!/usr/bin/env bash
# strads bench --against: bare means and MPI take turns with strads. No time is looked at.
. "$(dirname "$0")/harness.sh"
# Open MPI keeps memory to the end: whether strads leaks is for the other tests to see.
export ASAN_OPTIONS="detect_leaks=0:${ASAN_OPTIONS:-}"

# beside FABRIC WHAT SIDES OPTIONS…: each of the sides has a line, and a ratio.
beside() {
	local fabric=$1 what=$2 sides=$3
	shift 3
	[[ " $fabrics " == *" $fabric "* ]] || return
	run 0 bench "$what" --ranks 2 --fabric "$fabric" --iters 10 --warmup 2 -s 64 -r 2 --csv "$@"
	[ "$(grep -v '^#' stdout | cut -d, -f2 | paste -sd,)" = "side,strads,$sides" ] ||
		complain "$what over $fabric: not beside $sides"
	tail -n +2 stdout | grep -v '^#' | grep -v ,strads, | awk -F, '$NF == "" { exit 1 }' ||
		complain "$what over $fabric: a side without its ratio"
}
for what in put get put-bw get-bw rate; do
	beside shm $what memcpy --against raw
	beside ofi $what libfabric,tcp --against raw
done
beside shm put-signal 'cache line,two lines' --against raw
beside ofi put-signal libfabric,tcp --against raw
if command -v mpirun >/dev/null && ! "$strads" bench put --only-mpi 2>&1 | grep -q 'without MPI'; then
	for what in put get put-signal put-bw get-bw rate fan-in fan-out dispatch pull commit round; do
		beside shm $what MPI --against mpi
	done
	beside ofi put-signal libfabric,tcp,MPI --against all
	run 0 bench round --ranks 4 --against mpi --iters 10 -s 100 -r 1 --json
	"$json_get" ranks repeated <stdout >values || complain 'no JSON beside MPI'
fi
finish
