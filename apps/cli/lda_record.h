/*
 * What `strads lda` says of a run: the lines of its log and the summary on stdout.
 */
#ifndef STRADS_CLI_LDA_RECORD_H
#define STRADS_CLI_LDA_RECORD_H

#include "lda_options.h"
#include "lda_topics.h"

#include <stdio.h>

/* The end of a run, as far as it came. */
struct strads_lda_result {
	const char *status; /* "done", "limit" or "failed" */
	const char *error;  /* the sentence of a failure, or NULL */
	struct strads_lda_progress last;
	uint64_t documents, empty, words, tokens; /* of the file */
	uint64_t left_words, left_tokens;         /* likewise, by the options on words */
	double coherence;                         /* mean over the topics; NaN: not computed */
	double load_seconds, total_seconds;
	int ranks;
	uint64_t *peak_bytes; /* [ranks] resident memory; NULL where unknown */
	uint64_t data_bytes;  /* of this rank's documents and the vocabulary */
};

/* A line of the log, as a new reference; NULL without memory. Thread: any. */
json_t *strads_lda_record_progress(const struct strads_lda_progress *progress);
json_t *strads_lda_record_summary(const struct strads_lda_result *result,
				  const struct strads_lda_settings *settings);

/* A line for people; returns its length, below `room`. */
size_t strads_lda_record_line(const struct strads_lda_progress *progress, char *line, size_t room);

/* The summary for people, without the topics. */
void strads_lda_record_print(FILE *out, const struct strads_lda_result *result,
			     const struct strads_lda_settings *settings);

#endif
