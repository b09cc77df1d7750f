# shellcheck shell=bash
# Commands that are run and judged one after the other, sourced: a line for each, and one in the end.
groups=0
failures=0

# group NAME COMMAND…: its output, then how it ended. A skip is a failure here: what the tests need
# is what the machine is for.
group() {
	local name=$1 begun=$SECONDS code=0
	shift
	echo "-- $name: ${*/#"$PWD/"/}"
	"$@" || code=$?
	groups=$((groups + 1))
	if [ $code -eq 0 ]; then
		echo "== $name: ok, $((SECONDS - begun)) s"
	else
		echo "== $name: FAILED with $code, $((SECONDS - begun)) s"
		failures=$((failures + 1))
	fi
}

finish_groups() {
	echo "== $((groups - failures)) of $groups groups hold, $SECONDS s"
	[ $groups -gt 0 ] && [ $failures -eq 0 ]
}
