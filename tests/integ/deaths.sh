#!/usr/bin/env bash
# Ranks that are killed, and runs that are asked to stop, end soon, and say what happened.
. "$(dirname "$0")/harness.sh"

# libfabric does not give back what belongs to a connection whose peer has died.
echo leak:libfabric.so >lsan.supp
export LSAN_OPTIONS="suppressions=$folder/lsan.supp:print_suppressions=0:${LSAN_OPTIONS:-}"

wide 100 1000 wide.svm
forever='lasso wide.svm --lambda-ratio 0.0001 --tol 0 --set-size 2 --scheduler fixed --ranks 3
	--timeout 20 --log log.jsonl --model m'

# start FABRIC ARGUMENTS…: runs $forever in the background until it has logged progress; its id in
# $job.
start() {
	rm -f log.jsonl m
	timeout -k 5 "$deadline" "$strads" $forever --fabric "$@" >stdout 2>stderr &
	local wrapper=$!
	job=
	for _ in $(seq 200); do
		if [ -z "$job" ]; then
			read -r job _ <"/proc/$wrapper/task/$wrapper/children" || true
		fi
		grep -qs '"progress"' log.jsonl && break
		sleep 0.1
	done
	grep -qs '"progress"' log.jsonl || complain "no progress over $1 within 20 s"
	waited=$wrapper
}

await() {
	code=0
	wait "$waited" || code=$?
	[ "$code" -ne 124 ] || complain "did not end within $deadline s after $1"
}

for fabric in $fabrics; do
	for victim in 1 3; do
		start $fabric
		ranks=$(cat "/proc/$job/task/$job/children")
		pid=$(echo $ranks | cut -d ' ' -f $victim)
		kill -9 "$pid"
		await "kill -9 over $fabric"
		[ "$code" -ne 0 ] || complain "exit code 0 though rank $((victim - 1)) was killed"
		grep -q "rank $((victim - 1)) (pid $pid) was killed by signal 9" stderr ||
			complain "nobody names rank $((victim - 1)), killed over $fabric"
		[ "$(grep -vc '^ *[0-9.]* s  objective' stderr)" -eq 1 ] ||
			complain "the death is not told in one line"
		for rank in $ranks; do
			[ ! -e "/proc/$rank" ] || complain "a rank outlives its job"
		done
	done
done

# A rank that stops is named by who waits for it, and by who ends it.
start shm --timeout 4
set -- $(cat "/proc/$job/task/$job/children")
kill -STOP "$2"
await SIGSTOP
[ "$code" -eq 137 ] || complain "exit code $code, not 137, after SIGSTOP"
grep -q 'from rank 1 for [0-9.]* s' stderr || complain 'nobody says which rank does not answer'
grep -q "rank 1 (pid $2) had not ended 4 s after the job failed: killed" stderr ||
	complain 'nobody says which rank was killed'
[ ! -e "/proc/$2" ] || complain 'a stopped rank outlives its job'

# The first signal asks for an orderly end. `timeout` passes it on to its whole group besides.
for signal in INT TERM; do
	start ${fabrics%% *}
	kill -$signal "$waited"
	await SIG$signal
	[ "$code" -eq 2 ] || complain "exit code $code, not 2, after SIG$signal"
	[ -s m ] || complain "no model after SIG$signal"
	[ "$(tail -1 log.jsonl | "$json_get" event status)" = 'summary limit ' ] ||
		complain "no summary after SIG$signal"
done

finish
