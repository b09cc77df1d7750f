#!/usr/bin/env bash
# strads lda: what it tells of its topics is what a program of its own computes from the model.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/harness.sh"
/usr/bin/python3 -c '' 2>/dev/null || {
	echo 'skipped: there is no /usr/bin/python3'
	exit 77
}

check() {
	/usr/bin/python3 "$here/lda_output.py" "$@" >said ||
		complain "$* on $ranks ranks: $(head -n 20 said)"
}

# Documents whose words lean towards one of three ranges of 40.
awk 'BEGIN {
	seed = 7
	for (d = 0; d < 120; d++) {
		line = d % 17 == 5 ? "the" : "the of"
		for (i = 0; i < 4 + d % 30 && d % 40 != 9; i++) {
			seed = (seed * 16807) % 2147483647
			w = int((seed / 2147483647) ^ 2 * 60 + d % 3 * 20) % 80
			line = line " w" w
		}
		print line
	}
}' >documents

# Some others, with words that those do not have.
{
	awk 'NR % 5 == 1 { print $0, "other", $NF }' documents
	echo 'the only'
} >new

for ranks in 1 3; do
	run 0 lda --quiet --ranks "$ranks" documents --topics 4 --alpha 0.3 --beta 0.05 --sweeps 20 \
		--tokens blanks --stop-words english --min-documents 2 --holdout 0.1 --relevance 0.4 \
		--top-words 7 --optimize-interval 4 --optimize-burn-in 8 --model m.h5 \
		--assignments assigned --log log
	mv stdout printed
	run 0 export m.h5 --out exported --format text
	check topics documents exported printed 0.4 7
	check likelihood documents exported assigned log
	run 0 lda --quiet --ranks "$ranks" --infer m.h5 new --tokens blanks --seed 5 --steps 30 \
		--min-topic 0 --output "shares$ranks" --log log
	check infer new exported "shares$ranks" log
done

# More topics than are counted in one go, most of them without two words.
ranks=2
run 0 lda --quiet --ranks 2 documents --topics 5000 --sweeps 2 --tokens blanks --top-words 3 \
	--relevance 0.4 --model many.h5
mv stdout printed
run 0 export many.h5 --out many --format text
check topics documents many printed 0.4 3

# Models that are none, or not of these documents.
printf '2\n9\n2\n1 1 1\n2 9 1\n' >numbers
printf '2\n3\n2\n1 1 1\n2 3 1\n' >fewer
head -c 4000 m.h5 >cut.h5
run 0 lda --quiet fewer --topics 2 --sweeps 1 --model fewer.h5
for ranks in ${STRADS_TEST_RANKS:-1 3}; do
	bad() {
		local pattern=$1
		shift
		run failed lda --quiet --ranks "$ranks" --timeout 20 "$@"
		one_line "$pattern"
	}
	bad 'missing.h5: No such file' --infer missing.h5 new
	bad 'cut.h5' --infer cut.h5 new
	bad 'is no HDF5 file' --infer documents new
	bad 'the model knows words, the documents have numbers: give the words' --infer m.h5 numbers
	bad 'the model knows words by their numbers alone' --infer fewer.h5 new
	bad 'the documents have 9 words, the model 3' --infer fewer.h5 numbers
	bad 'cannot write the shares of topics none/s: No such file' --infer m.h5 new --output none/s
	bad 'leave --model and --assignments out' --infer m.h5 new --model other.h5
	bad '--output is for the documents of --infer' documents --output s
done
finish
