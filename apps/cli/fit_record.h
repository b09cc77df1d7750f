/*
 * What a command that fits a model says of a run: the lines of its log and the summary on stdout.
 */
#ifndef STRADS_CLI_FIT_RECORD_H
#define STRADS_CLI_FIT_RECORD_H

#include "fit_settings.h"
#include "ranking.h"

#include <stdio.h>

/* The end of a run, as far as it came. */
struct strads_fit_result {
	const char *status; /* "converged", "limit", "diverged" or "failed" */
	const char *error;  /* the sentence of a failure, or NULL */
	struct strads_linear_progress last;
	uint64_t rows, cols, entries, test_rows;
	double load_seconds;
	double total_seconds;
	double test_auc; /* of a logistic regression; NaN where there is none */
	int ranks;
	const uint64_t *peak_bytes; /* [ranks] resident memory; NULL where unknown */
	uint64_t data_bytes;        /* of this rank's share of the data */
	struct strads_ranking terms;
	const struct strads_fit_path *path; /* NULL: one λ */
};

/* The lines, as new references; NULL without memory. Thread: any, but `start` owner. */
json_t *strads_fit_record_start(struct strads_fabric *fabric, struct strads_fit_settings *settings);
json_t *strads_fit_record_progress(const struct strads_fit_settings *settings,
				   const struct strads_linear_progress *progress);
/* A λ of a path that is done with, of all rows (fold −1) or without those of a fold; `seconds` that
 * it took. */
json_t *strads_fit_record_lambda(const struct strads_fit_settings *settings, int fold,
				 const struct strads_linear_progress *progress, double seconds);
json_t *strads_fit_record_set(const struct strads_fit_settings *settings, uint64_t set,
			      const strads_key *keys, uint32_t n, double worst);
json_t *strads_fit_record_summary(const struct strads_fit_result *result,
				  const struct strads_fit_settings *settings);

/* The summary for people. */
void strads_fit_record_print(FILE *out, const struct strads_fit_result *result,
			     const struct strads_fit_settings *settings);

#endif
