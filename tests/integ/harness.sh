# What the integration tests share: sourced with the binary, the JSON reader and the data folder as
# arguments. Runs the real command with a deadline in a folder of its own, which goes away at the
# end.
set -uo pipefail
strads=$1
json_get=$2
data=$3
deadline=${STRADS_TEST_DEADLINE:-120}

# The providers that carry bytes between processes, to be tried one by one.
fabrics=${STRADS_TEST_FABRICS:-shm}
if [ -z "${STRADS_TEST_FABRICS:-}" ] &&
	"$strads" info --json | tr -d '\n' | "$json_get" providers.ofi 2>/dev/null | grep -q '^true'; then
	fabrics='shm ofi'
fi

folder=$(mktemp -d)
failures=0
trap 'rm -rf "$folder"' EXIT
cd "$folder"

complain() {
	echo "FAILED: $*"
	sed 's/^/    stderr: /' stderr 2>/dev/null
	failures=$((failures + 1))
}

# run CODE ARGUMENTS…: runs strads, which must end with CODE before the deadline. CODE may be
# "failed": anything but 0, and not by the deadline.
run() {
	local expected=$1 code=0
	shift
	timeout -k 5 "$deadline" "$strads" "$@" >stdout 2>stderr || code=$?
	case $code in
	124 | 137)
		complain "strads $* did not end within $deadline s"
		;;
	"$expected") ;;
	0)
		complain "strads $*: exit code 0, not $expected"
		;;
	*)
		[ "$expected" = failed ] || complain "strads $*: exit code $code, not $expected"
		;;
	esac
}

# One line on stderr, with the pattern in it. A sanitizer's report would be more.
one_line() {
	local lines
	lines=$(wc -l <stderr)
	[ "$lines" -eq 1 ] || complain "$lines lines on stderr instead of one"
	grep -q -- "$1" stderr || complain "no '$1' on stderr"
}

same() {
	cmp -s "$1" "$2" || complain "$1 and $2 differ"
}

# at_most A B: the number A is at most B.
at_most() {
	awk -v a="$1" -v b="$2" 'BEGIN { exit !(a + 0 <= b + 0) }' || complain "$1 is more than $2"
}

# wide ROWS COLUMNS FILE: a dense problem without structure, the same everywhere.
wide() {
	awk -v rows="$1" -v cols="$2" 'BEGIN {
		seed = 1
		for (i = 0; i < rows; i++) {
			line = ""
			for (j = 0; j <= cols; j++) {
				seed = (seed * 16807) % 2147483647
				line = line (j ? " " j ":" : "") sprintf("%.6f", seed / 1073741823.5 - 1)
			}
			print line
		}
	}' >"$3"
}

# classes FILE: the diabetes data with labels, -1 up to the median of the response and 1 above.
classes() {
	awk '{ $1 = $1 > 140.5 ? 1 : -1 } 1' "$data/diabetes.svm" >"$1"
}

finish() {
	[ "$failures" -eq 0 ] || echo "$failures failures"
	[ "$failures" -eq 0 ]
	exit
}

skip() {
	echo "skipped: $*"
	exit 77
}
