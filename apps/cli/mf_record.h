/*
 * What `strads mf` says of a run: the lines of its log and the summary on stdout.
 */
#ifndef STRADS_CLI_MF_RECORD_H
#define STRADS_CLI_MF_RECORD_H

#include "mf_options.h"

#include <stdio.h>

/* The end of a run, as far as it came. */
struct strads_mf_result {
	const char *status; /* "converged", "stalled", "limit", "diverged" or "failed" */
	const char *error;  /* the sentence of a failure, or NULL */
	struct strads_mf_progress last;
	uint64_t users, items, ratings, replaced, test_ratings;
	double load_seconds, total_seconds;
	int ranks;
	uint64_t *peak_bytes; /* [ranks] resident memory; NULL where unknown */
	uint64_t data_bytes;  /* of this rank's ratings and the ids */
};

/* A line of the log, as a new reference; NULL without memory. Thread: any. */
json_t *strads_mf_record_progress(const struct strads_mf_progress *progress);
json_t *strads_mf_record_summary(const struct strads_mf_result *result,
				 const struct strads_mf_settings *settings);

/* A line for people; returns its length, below `room`. */
size_t strads_mf_record_line(const struct strads_mf_progress *progress, char *line, size_t room);

/* The summary for people. */
void strads_mf_record_print(FILE *out, const struct strads_mf_result *result,
			    const struct strads_mf_settings *settings);

#endif
