/*
 * Data sets made from text that every Debian machine can fetch.
 */
#ifndef STRADS_CORPUS_H
#define STRADS_CORPUS_H

#include "strads/transport.h"

struct strads_corpus_options {
	const char *lists; /* folder of apt's package lists (*_Packages, *_Translation-en), plain
			    * or compressed by zstd, xz or gzip */
	const char *out;   /* folder that receives the files; made if missing */
	int ngram_max;     /* terms are 1 to this many words, 1 … 3 */
	uint64_t min_df;   /* terms in fewer training documents are left out; ≥ 1 */
};

struct strads_corpus_counts {
	uint64_t packages;     /* stanzas in the lists */
	uint64_t without_size; /* of these: no Installed-Size */
	uint64_t without_text; /* of these: no English description in the lists */
	uint64_t repeated;     /* of these: a package that an earlier list had already */
	uint64_t documents;    /* what remains: train + test */
	uint64_t train, test;
	uint64_t words; /* running words in all documents */
	uint64_t distinct_words;
	uint64_t terms;         /* columns: terms of the training documents */
	uint64_t train_entries; /* nonzeros */
	uint64_t test_entries;
};

/* Makes a regression problem out of package lists: what makes a package big?
 *
 * One document a package: its English description, synopsis included. A package in several lists
 * counts once, as in the list whose file name sorts first. Documents are in the order of package
 * names; every tenth (XXH64 of the name, seed 0, divisible by 10) is held out for testing.
 * Words are runs of at least two ASCII letters (made lower case), digits and bytes above 127, so
 * that UTF-8 words stay whole. Terms are runs of 1 to ngram_max words of one description, over its
 * line and paragraph ends. Values are tf · (log((1 + n) / (1 + df)) + 1), n and df counted over the
 * training documents, rows divided by their Euclidean norm, written with 7 decimals. The response
 * is log2 of Installed-Size, a size in KiB; sizes below 1 count as 1.
 *
 * Writes train.svm and test.svm (svmlight, indices from 1, ascending), vocab.txt (a term a line, in
 * the order of indices), train.names and test.names (the packages, in the order of rows),
 * documents.txt (all descriptions, one a line, as `strads lda` reads them) and documents.names
 * (their packages) and, last, corpus.json (the counts). The same lists give the same bytes.
 *
 * Returns STRADS_OK, ERR_INPUT ("no package lists in DIR: …"), ERR_ARGUMENT, ERR_IO, ERR_MEMORY.
 * Thread: any. */
STRADS_MUST_CHECK int strads_corpus_debian(const struct strads_corpus_options *options,
					   struct strads_corpus_counts *counts);

#endif
