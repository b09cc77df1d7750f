/*
 * Documents as bags of words: read from a text file, split among the ranks.
 */
#ifndef STRADS_DOCUMENTS_H
#define STRADS_DOCUMENTS_H

#include "names.h"

enum strads_document_format {
	STRADS_DOCUMENTS_ANY,     /* told by the first lines */
	STRADS_DOCUMENTS_DOCWORD, /* UCI: three lines of sizes, then `document word count` from 1 */
	STRADS_DOCUMENTS_LDAC,    /* Blei: a document a line, `N word:count …`, words from 0 */
	STRADS_DOCUMENTS_TEXT,    /* a document a line */
};

/* What is a word of text. Bytes above 127 are letters. */
enum strads_document_tokens {
	STRADS_TOKENS_ALNUM,   /* a run of letters and digits, ASCII letters in lower case */
	STRADS_TOKENS_LETTERS, /* a run of letters, likewise */
	STRADS_TOKENS_BLANKS,  /* what stands between blanks, as it is */
};

struct strads_documents {
	/* This rank's: documents first … first + docs − 1. */
	uint64_t first;
	uint32_t docs;
	uint64_t *start; /* [docs + 1] */
	uint32_t *word;  /* [start[docs]] from 0; may occur in a document more than once */
	uint32_t *count; /* [start[docs]] ≥ 1 */
	uint64_t tokens; /* sum of the counts */

	uint64_t words;                 /* different ones there may be, the same on all ranks */
	struct strads_names vocabulary; /* [words], or empty where they are not known */
	uint64_t docs_total, tokens_total;
	uint64_t empty_total; /* documents without words */

	/* What the options leave out: words, and tokens of this rank and of all. */
	uint64_t left_words, left_tokens, left_tokens_total;
};

struct strads_documents_options {
	const char *data;
	const char *vocabulary; /* a word a line, or NULL */
	enum strads_document_format format;
	enum strads_document_tokens tokens; /* of text, … */
	uint32_t bytes_min;                 /* … those of so many bytes or more; typically 2 */
	const char *stop_words;             /* as strads_stop_words_read takes them, or NULL */
	uint64_t documents_min; /* words that fewer documents have are left out; 0: none */
	double share_max;       /* those that more than this share of all have; 1: none */
};

/* Reads on all ranks together: plain files and those compressed by zstd, xz or gzip. Of docword the
 * documents are cut where ranks have equal parts of a file that is in their order; of the others
 * every rank has the lines of its part of the file. Collective; on failure every rank returns an
 * error, one of which is the sentence naming file, line, value and what to do. Returns STRADS_OK,
 * ERR_INPUT, ERR_IO, ERR_MEMORY, or as strads_job_agree and strads_fabric_wire. The caller frees.
 * Thread: owner. */
STRADS_MUST_CHECK int strads_documents_read(struct strads_fabric *fabric,
					    const struct strads_documents_options *options,
					    struct strads_documents *documents);

/* Frees all; the structure is then as new. */
void strads_documents_free(struct strads_documents *documents);

#endif
