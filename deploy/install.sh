#!/usr/bin/env bash
# Installs what is missing of the Debian packages of the given groups (build, test, gate, softroce).
#   deploy/install.sh build test
set -euo pipefail
cd "$(dirname "$0")/.."

wanted=()
for group in "$@"; do
	while read -r of package; do
		if [ "$of" = "$group" ]; then wanted+=("$package"); fi
	done < <(grep -v '^#' deploy/packages.txt)
done

missing=()
for package in "${wanted[@]}"; do
	state=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)
	if [ "$state" != installed ]; then missing+=("$package"); fi
done
if [ "${#missing[@]}" -eq 0 ]; then exit 0; fi

echo "Installing ${#missing[@]} packages: ${missing[*]}"
as_root=()
if [ "$(id -u)" -ne 0 ]; then
	if ! command -v sudo >/dev/null; then
		echo "deploy/install.sh: not root and no sudo; ask for: apt-get install ${missing[*]}" >&2
		exit 1
	fi
	as_root=(sudo)
fi
log=$(mktemp)
trap 'rm -f "$log"' EXIT
export DEBIAN_FRONTEND=noninteractive
if ! { "${as_root[@]}" apt-get update -qq &&
	"${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
	tail -n 20 "$log" >&2
	echo "deploy/install.sh: apt-get could not install ${missing[*]} (see above)" >&2
	exit 1
fi
