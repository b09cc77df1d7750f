#!/usr/bin/env bash
# clang-tidy and cppcheck over the sources of a configured build folder.
#   tests/lint.sh BUILD_FOLDER
set -euo pipefail
cd "$(dirname "$0")/.."
build=$1

git ls-files 'kernels/*.c' 'transport/*.c' 'sched/*.c' 'apps/*.c' |
	xargs -P 2 -n 1 clang-tidy -p "$build" --quiet --warnings-as-errors='*' 2>/dev/null

cppcheck --project="$build/compile_commands.json" -i tests --quiet --error-exitcode=1 -j 2 \
	--enable=warning,performance,portability --inline-suppr --std=c11 \
	--suppress=missingIncludeSystem --suppressions-list=tests/cppcheck.supp
