#!/usr/bin/env bash
# Runs the unit tests of a build folder under valgrind, one a processor; any error or definite leak
# fails. Left out are the tests that repeat others over another fabric, or for long, and those that
# watch the calls that valgrind watches.
#   tests/valgrind.sh BUILD_FOLDER
set -euo pipefail
cd "$(dirname "$0")/.."
build=$1
left_out='layers|quiet_|sched_engine_result|sched_[a-z]+_(ofi|auto)|transport_(ofi|verbs)|transport_sim_many|unit_(lasso|logistic)_(sklearn|optimum|bits|penalty|path)|unit_lasso_(ends|server)'

one() {
	local name=$1 command=$2 log="build/valgrind-$1.log" status=0 begun=$SECONDS
	eval "timeout 600 valgrind --quiet --error-exitcode=99 --leak-check=full \
		--show-leak-kinds=definite --errors-for-leak-kinds=definite \
		--suppressions=tests/valgrind.supp $command" >"$log" 2>&1 </dev/null || status=$?
	case $status in
	0) echo "valgrind: $name clean ($((SECONDS - begun)) s)" ;;
	77) echo "valgrind: $name skipped" ;;
	*)
		echo "valgrind: $name failed with $status"
		tail -n 40 "$log"
		return 1
		;;
	esac
}
export -f one

ctest --test-dir "$build" -L unit -E "$left_out" --show-only=json-v1 | python3 -c '
import json, shlex, sys
for test in json.load(sys.stdin)["tests"]:
    print(test["name"], shlex.join(test["command"]), sep="\0", end="\0")' |
	xargs -0 -n 2 -P 2 bash -c 'one "$@"' one
