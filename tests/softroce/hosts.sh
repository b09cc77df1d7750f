#!/usr/bin/env bash
# On each of two virtual machines joined by a wire: jobs of four ranks, two to a host, that are
# started one by one and meet over TCP. Runs the conformance suite and a Lasso, over what `auto`
# chooses (shared memory inside a host, verbs between hosts) and over libfabric's tcp; the models'
# bits are compared with those that shared memory gives on one host. CASE: a group or case of the
# suite; none: all of it, which takes long.
#   tests/softroce/pair.sh --deadline 1500 -- tests/softroce/hosts.sh build/release [CASE]...
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "${1:?}" && pwd)
shift
. "$here/groups.sh"

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit
export STRADS_SIZE=4
export STRADS_SECRET='as the wire has two ends, no secret is at stake'
port=7000

# joined COMMAND…: as the two ranks of this host in a new job; both end well.
joined() {
	local rank process code=0 processes=()
	for rank in $((2 * SOFTROCE_HOST)) $((2 * SOFTROCE_HOST + 1)); do
		STRADS_ROOT=10.77.0.1:$port STRADS_RANK=$rank timeout 600 "$@" &
		processes+=($!)
	done
	for process in "${processes[@]}"; do wait "$process" || code=$?; done
	return $code
}

# in_job NAME COMMAND…: the same on both hosts, at ports of its own.
in_job() {
	local name=$1
	shift
	port=$((port + 100))
	group "$name" joined "$@"
}

fit=("$build/strads" lasso "$here/../data/diabetes.svm" --intercept --standardize center-unit
	--lambda-ratio 0.01 --tol 1e-10 --set-size 4 --scheduler fixed --quiet)

conform=("$build/tests/conform/conform" --per-host 2)
in_job 'conformance, mixed paths' "${conform[@]}" --fabric auto "$@"
in_job 'conformance, ofi' "${conform[@]}" --fabric ofi "$@"
in_job 'Lasso, mixed paths' "${fit[@]}" --fabric auto --model mixed --log mixed.log
in_job 'Lasso, ofi' "${fit[@]}" --fabric ofi --model ofi
if [ "$SOFTROCE_HOST" -eq 0 ]; then # where rank 0 has left its files
	group 'Lasso, one host' "${fit[@]}" --job local --ranks 4 --fabric shm --model reference
	group 'the same bits, mixed paths' cmp mixed reference
	group 'the same bits, ofi' cmp ofi reference
	group 'shared memory and verbs were the paths' \
		grep -q '"paths":{"self":1,"shm":1,"verbs:rxe0[^"]*":2}' mixed.log
fi
finish_groups
