# shellcheck shell=bash
# What run.sh and pair.sh share, sourced: a virtual machine with a soft-RoCE device, its own start
# and end. Expects nothing but bash; leaves the options' values and the command in variables.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
softroce=$(cd "$here/../.." && pwd)/build/softroce
folder=$PWD
deadline=300
results=
forwarded=(PATH HOME LANG 'LC_*' LD_LIBRARY_PATH '*SAN_OPTIONS' 'STRADS_*' 'FI_*' 'OMPI_*')
command=()
boot_limit=120 # seconds; a boot takes 10, and 60 where others want the processors
machines=() # the process of each
followers=()

refuse() {
	echo "${0##*/}: $*" >&2
	exit 64
}

# options ARGUMENTS…: what stands before `--`, and the command after it.
options() {
	while [ $# -gt 0 ]; do
		case $1 in
		--deadline) deadline=${2:?} && shift 2 ;;
		--env) forwarded+=("${2:?}") && shift 2 ;;
		--results) results=$(realpath -m "${2:?}") && shift 2 ;;
		--) shift && break ;;
		*) refuse "unknown argument '$1'" ;;
		esac
	done
	[ $# -gt 0 ] || refuse "no command; usage: ${0##*/} [options] -- COMMAND …"
	command=("$@")
}

# quoted WORD: as one word of a POSIX shell.
quoted() {
	printf "'%s' " "${1//\'/\'\\\'\'}"
}

# The command as a script: the chosen variables of the caller, the caller's folder, the words.
command_script() {
	local name pattern word
	for name in $(compgen -e); do
		for pattern in "${forwarded[@]}"; do
			# shellcheck disable=SC2053 # a pattern
			if [[ $name == $pattern ]]; then
				printf 'export %s=%s\n' "$name" "$(quoted "${!name}")"
				break
			fi
		done
	done
	printf 'cd %s|| exit 126\nexec ' "$(quoted "$folder")"
	for word in "${command[@]}"; do quoted "$word"; done
	printf '\n'
}

# Ends every machine and takes the run's folder away, however the script ends.
clean_up() {
	if [ ${#machines[@]} -gt 0 ]; then
		kill "${machines[@]}" 2>/dev/null
		wait "${machines[@]}" 2>/dev/null
	fi
	rm -rf "$work"
}

# One run at a time in a checkout; what a killed one left behind goes first.
prepare() {
	mkdir -p "$softroce"
	exec {lock}>"$softroce/lock"
	if ! flock -n "$lock"; then
		echo "${0##*/}: waiting for another run in this checkout" >&2
		flock "$lock"
	fi
	"$here/image.sh" >&2 {lock}>&- || exit
	rm -rf "$softroce"/run.*
	work=$(mktemp -d "$softroce/run.XXXXXX")
	SECONDS=0
	trap clean_up EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM
}

# boot HOST ADDRESS PEER QEMU_ARGUMENTS…: starts machine HOST (0 or 1) in the background. It
# leaves most of the processors to whatever else wants them, but not all: with too little, deadlines
# pass inside. It dies with this script, even where that is killed.
boot() {
	local host=$1 address=$2 peer=$3 exchange=$work/$1/exchange
	shift 3
	mkdir -p "$exchange/results"
	chmod 777 "$exchange/results"
	cp "$here/guest.sh" "$exchange/guest.sh"
	command_script >"$exchange/command"
	cat >"$exchange/settings" <<-END
		export SOFTROCE_HOST=$host
		export SOFTROCE_ADDRESS=$address
		export SOFTROCE_PEER=$peer
		export SOFTROCE_RESULTS=/run/softroce/results
	END
	touch "$exchange/stdout" "$exchange/stderr"
	setpriv --pdeathsig TERM timeout -k 5 $((deadline > SECONDS ? deadline - SECONDS : 1)) \
		setpriv --pdeathsig KILL nice -n 5 \
		qemu-system-x86_64 -accel tcg,thread=multi -cpu max -smp 2 -m 3072 -nodefaults \
		-nographic -no-reboot -serial "file:$work/$host/console" -monitor none \
		-kernel "$softroce/image/vmlinuz" -initrd "$softroce/image/initramfs" \
		-append 'console=ttyS0 panic=-1 mitigations=off no_timer_check' -device virtio-rng-pci \
		-fsdev local,id=root,path=/,security_model=none,readonly=on,multidevs=remap \
		-device virtio-9p-pci,fsdev=root,mount_tag=root \
		-fsdev "local,id=exchange,path=$exchange,security_model=none" \
		-device virtio-9p-pci,fsdev=exchange,mount_tag=exchange \
		"$@" </dev/null >"$work/$host/emulator" 2>&1 {lock}>&- &
	machines+=($!)
}

# follow HOST PREFIX: passes on what the machine's command says, as it says it.
follow() {
	local process=${machines[$1]} exchange=$work/$1/exchange
	tail -q -n +1 -f -s 0.2 --pid="$process" "$exchange/stdout" 2>/dev/null {lock}>&- |
		sed -u "s/^/$2/" {lock}>&- &
	followers+=($!)
	tail -q -n +1 -f -s 0.2 --pid="$process" "$exchange/stderr" 2>/dev/null {lock}>&- |
		sed -u "s/^/$2/" >&2 {lock}>&- &
	followers+=($!)
}

# Waits until a machine's command has begun, which is when each machine is up, or a machine has ended.
wait_for_start() {
	local host limit=$((SECONDS + boot_limit))
	while [ $SECONDS -lt $limit ]; do
		for host in "${!machines[@]}"; do
			if [ -e "$work/$host/exchange/begun" ] || ! kill -0 "${machines[host]}" 2>/dev/null; then
				return 0
			fi
		done
		sleep 0.1
	done
	return 1
}

# bring_up START…: boots by the command START. An emulated kernel now and then stops on its way up
# for good: before any command has begun that is said, and done again.
bring_up() {
	local host
	"$@"
	until wait_for_start; do
		for host in "${!machines[@]}"; do
			echo "${0##*/}: the virtual machine of host $host is not up after $boot_limit s; its last words:" >&2
			tail -n 10 "$work/$host/console" "$work/$host/emulator" >&2
			stop "$host"
		done
		echo "${0##*/}: booting again" >&2
		rm -rf "${work:?}"/*
		machines=()
		"$@"
	done
}

# Waits until each machine's command has ended, or a machine itself has.
wait_for_all() {
	local host ended=0
	while [ $ended -lt ${#machines[@]} ]; do
		sleep 0.1
		ended=0
		for host in "${!machines[@]}"; do
			if [ -e "$work/$host/exchange/status" ]; then
				ended=$((ended + 1))
			elif ! kill -0 "${machines[host]}" 2>/dev/null; then
				return
			fi
		done
	done
}

# status HOST: the exit status of its command; 124 past the deadline, 125 where the machine failed,
# after its last words.
status() {
	if [ -e "$work/$1/exchange/status" ]; then
		cat "$work/$1/exchange/status"
	elif [ "$(cat "$work/$1/ended")" = stopped ]; then
		echo 0
	elif [ "$(cat "$work/$1/ended")" -eq 124 ]; then
		echo "${0##*/}: host $1 did not end within $deadline s" >&2
		echo 124
	else
		echo "${0##*/}: the virtual machine of host $1 failed; its last words:" >&2
		tail -n 30 "$work/$1/console" "$work/$1/emulator" >&2
		echo 125
	fi
}

# stop HOST: ends its machine, and notes whether that had ended by itself.
stop() {
	local code=0 stopped=
	if kill "${machines[$1]}" 2>/dev/null; then stopped=stopped; fi
	wait "${machines[$1]}" 2>/dev/null || code=$?
	echo "${stopped:-$code}" >"$work/$1/ended"
}

# Ends the machines and this script, with the worst of the commands' statuses.
finish() {
	local host code worst=0
	wait_for_all
	for host in "${!machines[@]}"; do stop "$host"; done
	wait "${followers[@]}"
	for host in "${!machines[@]}"; do
		code=$(status "$host")
		[ "$code" -le "$worst" ] || worst=$code
		if [ -n "$results" ]; then
			mkdir -p "$results/$host"
			cp -r "$work/$host/exchange/results/." "$results/$host"
		fi
	done
	machines=()
	exit "$worst"
}
