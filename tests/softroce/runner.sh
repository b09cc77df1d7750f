#!/usr/bin/env bash
# The runner itself: what goes into a virtual machine and comes out, how it ends, what it leaves.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
image=$(cd "$here/../.." && pwd)/build/softroce/image
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# A checkout of its own, for what other runs in this one do not to be taken for what is left; the
# image is this one's.
mkdir -p "${image%/*}" "$folder/tests" "$folder/build/softroce"
exec 9>"${image%/*}/lock"
flock 9
"$here/image.sh" || exit
cp -r "$here" "$folder/tests/softroce"
ln -s "$image" "$folder/build/softroce/image"
run=$folder/tests/softroce/run.sh
softroce=$folder/build/softroce
cd "$folder" || exit 1
failures=0

complain() {
	echo "FAILED: $*"
	sed 's/^/    /' stderr
	failures=$((failures + 1))
}

# run CODE ARGUMENTS…
run() {
	local expected=$1 code=0
	shift
	timeout 300 "$run" "$@" >stdout 2>stderr || code=$?
	[ $code -eq "$expected" ] || complain "run.sh $*: exit code $code, not $expected"
}

# The emulators of its runs.
emulators() {
	pgrep -f "qemu-system-x86_64.*$softroce/run"
}

# What a run left: its emulators, its folder.
left() {
	emulators
	ls -d "$softroce"/run.* 2>/dev/null
}

# within SECONDS CONDITION…
within() {
	local tries=$(($1 * 10))
	shift
	until "$@" >/dev/null; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || return 1
		sleep 0.1
	done
}

none() {
	! "$@"
}

# shellcheck disable=SC2016 # for the shell in the machine
STRADS_WORDS="it's \$HOME
two lines" run 3 --results out -- bash -c '
	printf "%s|" "$STRADS_WORDS" "$1" "$PWD" "$SOFTROCE_ADDRESS"
	echo aside >&2
	echo kept >"$SOFTROCE_RESULTS/note"
	echo lost >"$2/lost" && cat "$2/lost"
	exit 3' name "a  'b' \"c\" *" "$folder"
printf '%s|' "it's \$HOME
two lines" "a  'b' \"c\" *" "$folder" 10.77.0.1 >expected
echo lost >>expected
cmp -s stdout expected || complain "stdout is $(cat stdout)"
[ "$(cat stderr)" = aside ] || complain 'stderr is not what the command said'
[ "$(cat out/0/note)" = kept ] || complain 'what was to be kept is not there'
[ ! -e lost ] || complain 'what the machine wrote is on the host'
[ -z "$(left)" ] || complain "left behind: $(left)"

run 124 --deadline 2 -- sleep 100
grep -q 'did not end within 2 s' stderr || complain 'the deadline is not named'
[ -z "$(left)" ] || complain "left behind by the deadline: $(left)"

run 64 --nonsense
run 64

"$run" -- sleep 100 >stdout 2>stderr &
within 20 emulators || complain 'no emulator'
kill -KILL $!
wait $! 2>/dev/null
within 10 none emulators || complain 'the emulator outlives a killed run'

# An emulator that hangs the first time: said, with the console's last words, and booted again.
mkdir hangs
cat >hangs/qemu-system-x86_64 <<'END'
#!/usr/bin/env bash
exchange=$(grep -o '[^=]*/exchange' <<<"$*" | head -n 1)
if mkdir hung; then
	echo 'stuck here' >"${exchange%exchange}console"
else
	touch "$exchange/begun"
	echo 5 >"$exchange/status"
fi
sleep 100
END
chmod +x hangs/qemu-system-x86_64
sed -i 's/^boot_limit=.*/boot_limit=1/' tests/softroce/machine.sh
PATH=$folder/hangs:$PATH run 5 -- true
grep -q 'not up after 1 s' stderr || complain 'the hanging boot is not named'
grep -q 'stuck here' stderr || complain 'its last words are missing'
[ -z "$(left)" ] || complain "left behind by the second boot: $(left)"

# Without the emulator: a skip, said aloud.
mkdir bin
cp -s /usr/bin/* bin 2>cp.log
rm bin/qemu-system-x86_64
code=0
STRADS_REQUIRE_SOFTROCE='' PATH=$folder/bin "$run" -- true >stdout 2>stderr || code=$?
[ $code -eq 77 ] || complain "exit code $code, not 77, without an emulator"
grep -q 'skipped: no qemu-system-x86_64' stderr || complain 'the skip is silent'
STRADS_REQUIRE_SOFTROCE=1 PATH=$folder/bin run 1 -- true
grep -q 'no qemu-system-x86_64' stderr || complain 'what is required and missing is not named'

[ $failures -eq 0 ]
