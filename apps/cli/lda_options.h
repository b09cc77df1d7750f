/*
 * The options of `strads lda`.
 */
#ifndef STRADS_CLI_LDA_OPTIONS_H
#define STRADS_CLI_LDA_OPTIONS_H

#include "../lda/lda.h"
#include "launch.h"

struct strads_lda_settings {
	struct strads_launch launch;

	const char *data;
	const char *vocabulary;
	int format; /* enum strads_document_format */
	int tokens; /* enum strads_document_tokens */
	uint64_t bytes_min;
	const char *stop_words;
	uint64_t documents_min;
	double share_max;
	double holdout;

	uint64_t topics;
	double alpha; /* NaN: 50 / topics */
	double beta;
	uint64_t optimize_interval, optimize_burn_in; /* sweeps; interval 0: never */

	int start;   /* enum strads_lda_start */
	int sampler; /* enum strads_lda_sampler */
	int mode;    /* enum strads_lda_mode */
	uint64_t exchange_every;
	uint64_t parts;
	uint64_t seed;
	bool verify;

	uint64_t sweeps;
	double time_limit_s;
	uint64_t evaluate_every;

	const char *infer; /* a model, or NULL: fit one */
	const char *output;
	uint64_t steps;
	double share_min;

	uint64_t top_words;
	double relevance;
	const char *model;
	const char *assignments;
	const char *log;
	bool json;
	bool quiet;
};

#define STRADS_LDA_GROUPS 10

/* The table over `settings`, with its end, into `groups`. */
void strads_lda_groups(struct strads_lda_settings *settings,
		       struct strads_option_group groups[STRADS_LDA_GROUPS + 1]);

/* From a command line to settings; returns as strads_arguments_parse. */
STRADS_MUST_CHECK int strads_lda_settings_parse(struct strads_lda_settings *settings, int argc,
						char **argv);

/* The settings as the reading of documents wants them, and the fit. */
struct strads_documents_options strads_lda_settings_documents(
    const struct strads_lda_settings *settings);
struct strads_lda_options strads_lda_settings_fit(const struct strads_lda_settings *settings);

#endif
