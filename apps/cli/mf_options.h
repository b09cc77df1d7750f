/*
 * The options of `strads mf`.
 */
#ifndef STRADS_CLI_MF_OPTIONS_H
#define STRADS_CLI_MF_OPTIONS_H

#include "../mf/mf.h"
#include "launch.h"

enum strads_mf_precision { STRADS_MF_SINGLE, STRADS_MF_DOUBLE };

struct strads_mf_settings {
	struct strads_launch launch;

	const char *data;
	const char *test;
	double holdout;

	uint64_t factors;
	double lambda;
	bool weighted;
	bool biases;
	int precision; /* enum strads_mf_precision */

	int algorithm; /* enum strads_mf_algorithm */
	uint64_t inner;
	double rate;
	uint64_t seed;

	double tol;
	uint64_t patience;
	uint64_t iterations;
	double time_limit_s;

	const char *model;
	const char *log;
	bool json;
	bool quiet;
};

#define STRADS_MF_GROUPS 9

/* The table over `settings`, with its end, into `groups`. */
void strads_mf_groups(struct strads_mf_settings *settings,
		      struct strads_option_group groups[STRADS_MF_GROUPS + 1]);

/* From a command line to settings; returns as strads_arguments_parse. */
STRADS_MUST_CHECK int strads_mf_settings_parse(struct strads_mf_settings *settings, int argc,
					       char **argv);

/* The settings as the fit wants them. */
struct strads_mf_options strads_mf_settings_fit(const struct strads_mf_settings *settings);

/* "ccd++". */
const char *strads_mf_algorithm_name(int algorithm);

#endif
