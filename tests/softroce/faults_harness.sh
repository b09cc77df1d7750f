# shellcheck shell=bash disable=SC2034,SC2154
# What faults.sh and faults_pair.sh share, sourced with the two programs as arguments: a program is
# begun, something is done to it, and it ends within the deadline, as expected, with nothing left.
STRADS_TEST_DEADLINE=${STRADS_TEST_DEADLINE:-120} # emulation is slow, on a busy host more so
. "$here/../integ/harness.sh" "$1" '' ''
stream=$2
fit=()     # the arguments of a fit
prefix=()  # what runs the programs
beginning= # what was begun

# children PID: its children, in one line; none if it is gone.
children() {
	cat "/proc/$1/task/$1/children" 2>/dev/null
}

# Whether what was begun is on its way; of a fit only rank 0 knows.
on_its_way() {
	case $beginning in
	stream) grep -qs running stdout ;;
	fit)
		if [ "${STRADS_RANK:-0}" -eq 0 ]; then
			grep -qs '"progress"' log.jsonl
		else
			[ -n "$(children $waited)" ]
		fi
		;;
	esac
}

# begin NAME ARGUMENTS…: runs the stream or the fit in the background until it is on its way; its
# processes are $job and, where that supervises, $ranks; what is short may have ended.
begin() {
	local command=("$stream" --fabric verbs)
	beginning=$1
	[ "$1" = stream ] || command=("$strads" "${fit[@]}")
	shift
	rm -f stdout stderr log.jsonl m
	"${prefix[@]}" timeout -v -k 5 "$deadline" "${command[@]}" "$@" >stdout 2>stderr &
	waited=$!
	until on_its_way; do
		kill -0 $waited 2>/dev/null || break
		sleep 0.1
	done
	if ! on_its_way; then
		complain "the $beginning does not come on its way"
		finish
	fi
	job=$(children $waited)
	job=${job% }
	read -r -a ranks <<<"$(children "$job")"
}

# hit SIGNAL PID: does a fault, which must not come too late.
hit() {
	kill "$@" || complain 'it had ended before the fault'
}

left() {
	pgrep -x fault_stream || pgrep -x strads
}

# ended CODE WHAT: what was begun ends so, within the deadline.
ended() {
	local expected=$1 code=0
	shift
	wait "$waited" || code=$?
	if grep -q '^timeout: sending signal' stderr; then
		complain "$*: the $beginning did not end within $deadline s"
	elif [ $code -ne "$expected" ]; then
		complain "$*: the $beginning ended with exit code $code, not $expected"
	fi
	if left >pids; then
		complain "$*: ranks are left behind: $(cat pids)"
		xargs kill -9 <pids
	fi
	echo "done: $* ($SECONDS s)"
}

# says PATTERN: somebody has said so.
says() {
	grep -qs -- "$1" stdout stderr || complain "nobody says '$1'"
}

# goes CODE WHAT PATTERN ARGUMENTS…: the stream, run to its end, ends so and says so.
goes() {
	local expected=$1 what=$2 pattern=$3
	shift 3
	beginning=stream
	"${prefix[@]}" timeout -v -k 5 "$deadline" "$stream" --rounds 20 "$@" >stdout 2>stderr &
	waited=$!
	ended "$expected" "$what"
	says "$pattern"
}

# Until the port is up and has the host's address.
active() {
	local port=/sys/class/infiniband/rxe0/ports/1
	for _ in {1..200}; do
		grep -qs ACTIVE $port/state && grep -qs :ffff:0a4d: -r $port/gids && return
		sleep 0.1
	done
	complain 'the port of rxe0 does not come up'
}
