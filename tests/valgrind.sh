#!/usr/bin/env bash
# Runs the unit tests of a build folder under valgrind; any error or definite leak fails.
#   tests/valgrind.sh BUILD_FOLDER
set -euo pipefail
cd "$(dirname "$0")/.."
build=$1

commands=$(ctest --test-dir "$build" -L unit -LE 'script|heavy' --show-only=json-v1 | python3 -c '
import json, shlex, sys
for test in json.load(sys.stdin)["tests"]:
    print(test["name"], shlex.join(test["command"]), sep="\t")')
failed=0
while IFS=$'\t' read -r name command; do
	status=0
	eval "timeout 600 valgrind --quiet --error-exitcode=99 --leak-check=full \
		--show-leak-kinds=definite --errors-for-leak-kinds=definite \
		--suppressions=tests/valgrind.supp $command" >build/valgrind.log 2>&1 </dev/null || status=$?
	case $status in
	0) echo "valgrind: $name clean" ;;
	77) echo "valgrind: $name skipped" ;;
	*)
		echo "valgrind: $name failed with $status"
		tail -n 40 build/valgrind.log
		failed=1
		;;
	esac
done <<<"$commands"
exit $failed
