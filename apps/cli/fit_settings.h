/*
 * The settings of the commands that fit a model: `strads lasso`, `strads logistic`.
 */
#ifndef STRADS_CLI_FIT_SETTINGS_H
#define STRADS_CLI_FIT_SETTINGS_H

#include "../lasso/lasso.h"
#include "../logistic/logistic.h"
#include "fit_path.h"
#include "launch.h"

/* What the variables are. */
enum strads_features {
	STRADS_FEATURES_COLUMNS,
	STRADS_FEATURES_PAIRS, /* products of two columns; see ../pairs/pairs.h */
};

struct strads_fit_settings {
	enum strads_linear_family family; /* the command; set before anything else */
	struct strads_launch launch;

	const char *data;
	const char *response;
	const char *test;
	const char *test_response;
	const char *vocabulary;

	double lambda;
	double lambda_ratio;
	uint64_t path; /* λs; 0: one */
	double path_min_ratio;
	uint64_t cv; /* folds; 0: none */
	int cv_rule; /* enum strads_cv_rule */
	double l1_ratio;
	const char *penalty_factors;
	int features; /* enum strads_features */
	bool intercept;
	int standardize; /* enum strads_standardize */

	double tol;
	double time_limit_s;
	uint64_t max_sets;

	uint64_t seed;
	int mode;      /* enum strads_lasso_mode */
	int scheduler; /* enum strads_linear_scheduler */
	double fresh;
	double uniform;
	double rho;
	uint64_t oversample;
	uint64_t column_cache_mb;
	int among; /* enum strads_lasso_among */
	bool audit;
	uint64_t set_size;
	int set_update; /* enum strads_set_update */
	int passes;
	uint64_t evaluate_sets;

	const char *model;
	const char *log;
	const char *plot;
	bool json;
	bool quiet;
};

/* "strads lasso", "strads logistic". */
const char *strads_fit_command(const struct strads_fit_settings *settings);

/* Whether there is more than one λ. */
static inline bool
strads_fit_settings_path(const struct strads_fit_settings *settings)
{
	return settings->path > 0 || settings->cv > 0;
}

/* From a command line to settings; returns as strads_arguments_parse. */
STRADS_MUST_CHECK int strads_fit_settings_parse(struct strads_fit_settings *settings, int argc,
						char **argv);

/* The settings as the fit wants them. */
void strads_fit_settings_lasso(const struct strads_fit_settings *settings,
			       struct strads_lasso_options *options);
void strads_fit_settings_logistic(const struct strads_fit_settings *settings,
				  struct strads_logistic_options *options);

#endif
