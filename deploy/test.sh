#!/usr/bin/env bash
# Installs what is missing, builds and runs all tests.
#   deploy/test.sh [further arguments of ctest]
# Tests on real data run where STRADS_TEST_DATA names a folder of them; they skip, and say so, where
# there is none.
set -euo pipefail
cd "$(dirname "$0")/.."

deploy/install.sh build test
deploy/build.sh release with-tests
if [ -z "${STRADS_TEST_DATA:-}" ] && [ -d ../shared/data ]; then
	STRADS_TEST_DATA=$(cd ../shared/data && pwd)
	export STRADS_TEST_DATA
fi
ctest --preset release -j2 "$@"
