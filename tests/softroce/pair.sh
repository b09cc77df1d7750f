#!/usr/bin/env bash
# Runs a command in each of two virtual machines, whose soft-RoCE devices (rxe0 on eth0, 10.77.0.1
# and 10.77.0.2) are joined by a wire of their own. Ends with the worse status of the two.
#   tests/softroce/pair.sh [--deadline SECONDS] [--env NAME]… [--results FOLDER] -- COMMAND …
# See README.md.
set -uo pipefail
. "$(dirname "$0")/machine.sh"
options "$@"
prepare
cd "$work" || exit 1 # a socket's name has little room

# network MAC OPTIONS…: a device on the wire, which is a socket in this folder, out of reach for
# anything else.
network() {
	local mac=$1
	shift
	echo -netdev "stream,id=wire,$*,addr.type=unix,addr.path=wire" \
		-device "virtio-net-pci,netdev=wire,mac=$mac"
}

# shellcheck disable=SC2046 # words
boot_both() {
	boot 0 10.77.0.1 10.77.0.2 $(network 52:54:00:77:00:01 server=on)
	until [ -e wire ]; do
		kill -0 "${machines[0]}" 2>/dev/null || finish
		sleep 0.1
	done
	boot 1 10.77.0.2 10.77.0.1 $(network 52:54:00:77:00:02 server=off)
}

bring_up boot_both
follow 0 '0| '
follow 1 '1| '
finish
