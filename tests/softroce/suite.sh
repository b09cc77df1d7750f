#!/usr/bin/env bash
# Inside a virtual machine: what strads does over its soft-RoCE device, with the programs of a build
# folder. Named are the parts: `smoke`, rdma-core's own programs; `conform`, the conformance suite and
# what the data path may not do; and `lasso`, the integration tests of the command, where the bits of
# the models are compared with those that shared memory gives.
#   tests/softroce/run.sh -- tests/softroce/suite.sh build/release conform lasso
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "${1:?}" && pwd)
shift
. "$here/groups.sh"

conform() {
	local name=$1
	shift
	group "$name" timeout 400 "$build/tests/conform/conform" "$@"
}

conformance() {
	conform 'two ranks' --fabric verbs --ranks 2
	conform 'three ranks' --fabric verbs --ranks 3 traffic wait
	conform 'four ranks' --fabric verbs --ranks 4
	conform 'four ranks in pairs, which share memory' --fabric auto:2 --ranks 4
	conform 'eight ranks' --fabric verbs --ranks 8 traffic
	export STRADS_VERBS_WIRE=cm
	conform 'connections by librdmacm alone' --fabric verbs --ranks 3 reached_while_computing death
	export STRADS_VERBS_WIRE=job
	conform 'connections over the job' --fabric verbs --ranks 3 reached_while_computing death
	unset STRADS_VERBS_WIRE
	group 'nothing blocks, allocates or locks' timeout 100 "$build/tests/quiet/quiet_data_path" verbs
}

integration() {
	local name=$1
	group "$name" timeout 400 bash "$here/../integ/$name.sh" "$build/strads" \
		"$build/tests/integ/json_get" "$here/../data"
}

lasso() {
	export STRADS_TEST_FABRICS=verbs # of tests that choose one for each run
	export STRADS_FABRIC=verbs       # of the others
	integration equal_models
	integration deaths
	integration mpirun
	integration outputs
	integration records
	# What is said of which input does not depend on the fabric; that all ranks end does.
	STRADS_TEST_RANKS=2 STRADS_TEST_SHARE=10 integration bad_input
}

for part in "$@"; do
	case $part in
	smoke) group "rdma-core's own programs" "$here/smoke.sh" ;;
	conform) conformance ;;
	lasso) lasso ;;
	*) group "unknown part '$part'" false ;;
	esac
done
finish_groups
