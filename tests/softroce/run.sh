#!/usr/bin/env bash
# Runs a command in a virtual machine that has a soft-RoCE device: rxe0 on veth0, 10.77.0.1.
#   tests/softroce/run.sh [--deadline SECONDS] [--env NAME]… [--results FOLDER] -- COMMAND …
# See README.md.
set -uo pipefail
. "$(dirname "$0")/machine.sh"
options "$@"
prepare
bring_up boot 0 10.77.0.1 ''
follow 0 ''
finish
