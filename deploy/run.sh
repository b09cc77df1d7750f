#!/usr/bin/env bash
# Installs what is missing, builds, and runs the main job: what makes a Debian package big?
# Lasso of log2(installed size) on the words of 63,000 package descriptions, on 2 ranks.
# Everything it makes lies in data/ (prepared once) and results/.
#   deploy/run.sh [further arguments of `strads lasso`]
set -euo pipefail
cd "$(dirname "$0")/.."

deploy/install.sh build
echo "Building …"
deploy/build.sh release
strads=build/release/strads

lists=data/debian/lists
corpus=data/debian/corpus
if [ ! -e "$corpus/corpus.json" ]; then
	echo "Fetching the package lists and their English descriptions …"
	mkdir -p "$lists/partial" data/debian/cache/archives/partial
	# The machine's own sources, into a folder of the project's own: nothing of the system's
	# changes, and no root is needed.
	if ! apt-get update -qq \
		-o Dir::State::lists="$PWD/$lists" -o Dir::Cache="$PWD/data/debian/cache" \
		-o Acquire::Languages=en -o Acquire::GzipIndexes=false \
		-o Debug::NoLocking=true -o APT::Sandbox::User=root >data/debian/apt.log 2>&1; then
		echo "apt-get update failed; see data/debian/apt.log"
	fi
	if ! "$strads" corpus debian --lists "$lists" --out "$corpus"; then
		echo "No package lists are to be had here: using a generated problem instead."
	fi
fi

mkdir -p results
common=(--ranks 2 --model results/model.txt --log results/run.jsonl --plot results/convergence.svg)
if [ -e "$corpus/corpus.json" ]; then
	"$strads" lasso --data "$corpus/train.svm" --test "$corpus/test.svm" \
		--vocab "$corpus/vocab.txt" --intercept --lambda-ratio 0.01 --tol 1e-4 \
		"${common[@]}" "$@"
else
	if [ ! -e data/generated/train.svm ]; then
		mkdir -p data/generated
		"$strads" generate lasso --rows 20000 --cols 100000 --out data/generated/train.svm \
			--planted data/generated/planted.txt --seed 1
	fi
	"$strads" lasso --data data/generated/train.svm --standardize unit --lambda-ratio 0.05 \
		--tol 1e-4 "${common[@]}" "$@"
fi
