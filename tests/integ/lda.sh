#!/usr/bin/env bash
# strads lda: what a run says and leaves, on any number of ranks, and what it refuses.
. "$(dirname "$0")/harness.sh"

# Documents of words from one of three lists, as text.
awk 'BEGIN {
	seed = 1
	split("cat dog horse cow sheep goat", list0)
	split("sun moon star planet comet orbit", list1)
	split("oven bread flour salt butter yeast", list2)
	for (d = 0; d < 90; d++) {
		line = ""
		for (i = 0; i < 30; i++) {
			seed = (seed * 16807) % 2147483647
			n = seed % 6 + 1
			line = line " " (d % 3 == 0 ? list0[n] : d % 3 == 1 ? list1[n] : list2[n])
		}
		print line
	}
}' >documents

for fabric in $fabrics; do
	for ranks in 1 2 3; do
		run 0 lda --quiet --fabric "$fabric" --ranks "$ranks" documents --topics 3 \
			--alpha 0.5 --init random --sweeps 60 --holdout 0.1 --verify --model "m$ranks.h5" \
			--log "l$ranks"
		# Each topic is one of the lists.
		for list in cat sun oven; do
			[ "$(grep '^topic' stdout | grep -c "\b$list\b")" = 1 ] ||
				complain "lda on $ranks ranks: $(cat stdout)"
		done
		[ -s "m$ranks.h5" ] || complain 'no model'
		tail -n 1 "l$ranks" >last
		at_most "$("$json_get" heldout_perplexity <last)" 7
		at_most "$("$json_get" s_error <last)" 2
		for key in log_likelihood_per_token tokens_per_second word_nonzeros bytes.get \
			memory_predicted_bytes; do
			"$json_get" "$key" <last >/dev/null || complain "the log has no $key"
		done
	done
done
run 2 lda --quiet documents --topics 3 --time-limit 1e-9
grep -q '^limit: 1 sweeps' stdout || complain 'no limit in the summary'

# Documents without words, first and last, stay and have no topics.
printf '4\n2\n2\n2 1 3\n3 2 1\n' >holes
run 0 lda --quiet holes --ranks 3 --topics 2 --sweeps 3 --verify --holdout 0.4 --assignments assigned
grep -q '2 documents are empty' stdout || complain 'empty documents are not told'

printf '1\n1\n1\n1 2 1\n' >beyond
printf '1\n1\n1\n1 1 0\n' >zero
printf '1\n1\n1\n1 1 -1\n' >negative
printf '1\n1\n2\n1 1 1\n' >short
printf '2 0:1 7:1\n1 1:1\n' >ldac
printf 'other\n' >words
xz -c documents | head -c 200 >cut.xz
gzip -c documents | head -c 200 >cut.gz
: >empty
for ranks in ${STRADS_TEST_RANKS:-1 4}; do
	bad() {
		local pattern=$1
		shift
		run failed lda --quiet --ranks "$ranks" --timeout 20 "$@"
		one_line "$pattern"
	}
	bad "beyond:4: word '2' is beyond the 1 of the header" beyond
	bad "zero:4: count '0' is not a whole number from 1" zero
	bad "negative:4: count '-1' is not a whole number from 1" negative
	bad 'short has 1 entries, its header announces 2: it is truncated' short
	bad "ldac:1: word '7' is beyond the 1 of words" ldac --vocab words
	bad 'holes:2: 2 words, but words has only 1: give the vocabulary' holes --vocab words
	bad 'cut.xz.* truncated' cut.xz
	bad 'cut.gz.* truncated' cut.gz
	bad 'empty is empty' empty
	bad 'empty is empty' documents --vocab empty
	bad 'empty is empty' documents --stop-words empty
	bad 'holes has numbers for words: stop words need a vocabulary' holes --stop-words english
	bad 'every word of documents is left out' documents --min-documents 1000
	bad '--max-share: .2. is not' documents --max-share 2
	bad '--relevance: .2. is not' documents --relevance 2
	bad "'three' is not one of any, docword" documents --format three
	bad "documents has no words" documents --vocab words
	bad 'missing: No such file' missing
	bad 'missing: No such file' documents --vocab missing
	bad '--topics: .0. is not' documents --topics 0
	bad 'alpha is 0' documents --alpha 0
	bad 'does not end in .h5' documents --model m.txt
	bad 'the model none/m.h5: No such file' documents --model none/m.h5
	bad 'the assignments none/a: No such file' documents --assignments none/a
	bad 'a staleness of 1' documents --staleness 1 --depth 3
	bad 'no data' --topics 3
done
finish
