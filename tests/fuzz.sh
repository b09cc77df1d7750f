#!/usr/bin/env bash
# Fuzzes each parser for a while with libFuzzer (clang), starting from tests/data/input and
# tests/data/control; two at a time.
#   tests/fuzz.sh SECONDS
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=$1
targets=(fuzz_number fuzz_svmlight fuzz_market fuzz_ratings fuzz_documents fuzz_stanza fuzz_control)

mkdir -p build/fuzz/corpus
log=build/fuzz/build.log
if ! { cmake -S . -B build/fuzz -G Ninja -DCMAKE_C_COMPILER=clang -DSTRADS_FUZZ=ON \
	-DCMAKE_BUILD_TYPE=RelWithDebInfo \
	-DCMAKE_C_FLAGS=-fsanitize=fuzzer-no-link,address,undefined &&
	cmake --build build/fuzz --target "${targets[@]}"; } >"$log" 2>&1; then
	tail -n 30 "$log" >&2
	exit 1
fi

one() {
	local name=$1 seconds=$2
	mkdir -p "build/fuzz/corpus/$name"
	if ! "build/fuzz/tests/fuzz/$name" -max_total_time="$seconds" \
		-artifact_prefix="build/fuzz/$name-" -verbosity=0 -print_final_stats=0 \
		"build/fuzz/corpus/$name" tests/data/input tests/data/control \
		>"build/fuzz/$name.log" 2>&1; then
		tail -n 30 "build/fuzz/$name.log" >&2
		return 1
	fi
	echo "fuzz: $name found nothing in $seconds s"
}
export -f one

printf '%s\n' "${targets[@]}" | xargs -I NAME -P 2 bash -c 'one NAME "$1"' one "$seconds"
