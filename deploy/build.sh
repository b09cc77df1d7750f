#!/usr/bin/env bash
# Configures and builds one preset (release by default); tests are built only for `with-tests`.
#   deploy/build.sh [PRESET] [with-tests] [further arguments of cmake]
set -euo pipefail
cd "$(dirname "$0")/.."

preset=${1:-release}
tests=OFF
shift $(($# > 0))
if [ "${1:-}" = with-tests ]; then
	tests=ON
	shift
fi

mkdir -p build
log=build/$preset.log
if ! { cmake --preset "$preset" -DSTRADS_TESTS=$tests "$@" && cmake --build --preset "$preset"; } >"$log" 2>&1; then
	tail -n 40 "$log" >&2
	echo "deploy/build.sh: the $preset build failed; the whole log is $log" >&2
	exit 1
fi
