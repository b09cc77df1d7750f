#!/usr/bin/env bash
# Every floor includes only the headers of those below it (docs/architecture.md), never by a path
# that climbs out of its own floor. Prints each offending line; exits 1 if there are any.
set -euo pipefail
cd "$(dirname "$0")/.."

declare -A may=(
	[kernels]="kernels"
	[transport]="transport"
	[sched]="sched kernels transport"
	[apps]="apps sched kernels transport"
)
declare -A floor_of
for floor in "${!may[@]}"; do
	for header in "$floor"/include/strads/*.h; do
		if [ -e "$header" ]; then floor_of[strads/$(basename "$header")]=$floor; fi
	done
done

wrong=0
report() {
	echo "$1: $2"
	wrong=1
}
for floor in "${!may[@]}"; do
	while IFS=: read -r file line text; do
		header=${text#*\"}
		header=${header%%\"*}
		case $header in
		strads/*)
			owner=${floor_of[$header]:-}
			if [ -z "$owner" ]; then report "$file:$line" "$header belongs to no floor"; continue; fi
			if [[ " ${may[$floor]} " != *" $owner "* ]]; then
				report "$file:$line" "$floor includes $header of $owner"
			fi
			;;
		*)
			if [[ $header == */../* || $header == ../* ]]; then
				resolved=$(realpath -m --relative-to=. "${file%/*}/$header")
			else
				resolved=${file%/*}/$header
			fi
			if [[ $resolved != "$floor"/* ]]; then
				report "$file:$line" "$header leaves $floor"
			fi
			;;
		esac
	done < <(grep -rnE '^#[[:space:]]*include[[:space:]]+"' "$floor" --include='*.c' --include='*.h')
done
exit $wrong
