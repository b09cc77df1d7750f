#include "fit_options.h"

#include <math.h>
#include <stddef.h>

#define AT(field) .offset = offsetof(struct strads_fit_settings, field)

static const char *const standardizations[] = {
    [STRADS_STANDARDIZE_NONE] = "none",
    [STRADS_STANDARDIZE_UNIT] = "unit",
    [STRADS_STANDARDIZE_CENTER_UNIT] = "center-unit",
    [STRADS_STANDARDIZE_ZSCORE] = "zscore",
    NULL,
};
static const char *const schedulers[] = {
    [STRADS_LINEAR_CYCLIC] = "cyclic",
    [STRADS_LINEAR_RANDOM] = "random",
    [STRADS_LINEAR_FIXED] = "fixed",
    [STRADS_LINEAR_WORKING_SET] = "working-set",
    [STRADS_LINEAR_PRIORITY] = "priority",
    [STRADS_LINEAR_CHECKED] = "priority-check",
    [STRADS_LINEAR_ROTATION] = "rotation",
    [STRADS_LINEAR_SIGNALLING] = "signalling",
    NULL,
};
static const char *const features[] = {
    [STRADS_FEATURES_COLUMNS] = "columns",
    [STRADS_FEATURES_PAIRS] = "pairs",
    NULL,
};
static const char *const modes[] = {
    [STRADS_LASSO_SCHEDULED] = "scheduled",
    [STRADS_LASSO_SERVER] = "server",
    NULL,
};
static const char *const amongs[] = {
    [STRADS_LASSO_ALL] = "all",
    [STRADS_LASSO_VIOLATORS] = "working-set",
    NULL,
};
static const char *const set_updates[] = {
    [STRADS_SET_UPDATE_GRAM] = "gram",
    [STRADS_SET_UPDATE_PLAIN] = "plain",
    NULL,
};

static const char *const cv_rules[] = {[STRADS_CV_MIN] = "min", [STRADS_CV_ONE_SE] = "1se", NULL};

static const struct strads_option input_options[] = {
    {.name = "data",
     .value = "FILE",
     .kind = STRADS_OPTION_STRING,
     AT(data),
     .doc = "Training data: svmlight/libsvm or MatrixMarket, plain or compressed by zstd, xz or "
	    "gzip; may also stand without --data"},
    {.name = "response",
     .value = "FILE",
     .kind = STRADS_OPTION_STRING,
     AT(response),
     .doc = "The response (labels) of a MatrixMarket matrix"},
    {.name = "test",
     .value = "FILE",
     .kind = STRADS_OPTION_STRING,
     AT(test),
     .doc = "Held-out rows to report the error on, in any of these formats"},
    {.name = "test-response",
     .value = "FILE",
     .kind = STRADS_OPTION_STRING,
     AT(test_response),
     .doc = "The response of a MatrixMarket matrix of held-out rows"},
    {.name = "vocab",
     .value = "FILE",
     .kind = STRADS_OPTION_STRING,
     AT(vocabulary),
     .doc = "Names of the variables, one a line: the strongest are listed by name"},
    {0},
};

static const struct strads_option problem_options[] = {
    {.name = "lambda",
     .value = "NUMBER",
     .kind = STRADS_OPTION_DOUBLE,
     .max = INFINITY,
     AT(lambda),
     .excludes = "lambda-ratio",
     .doc = "Weight of the penalty lambda |b|_1"},
    {.name = "lambda-ratio",
     .value = "NUMBER",
     .kind = STRADS_OPTION_DOUBLE,
     .max = 1,
     AT(lambda_ratio),
     .excludes = "lambda",
     .doc = "The same as a fraction of the smallest lambda without nonzeros (default: 0.1 where "
	    "--lambda is not given)"},
    {.name = "intercept",
     .kind = STRADS_OPTION_FLAG,
     AT(intercept),
     .doc = "Fit an intercept, free of penalty"},
    {.name = "standardize",
     .value = "HOW",
     .fallback = "none",
     .kind = STRADS_OPTION_CHOICE,
     .choices = standardizations,
     AT(standardize),
     .doc = "Columns as they are (none), of norm 1 (unit), of mean 0 and norm 1 (center-unit), or "
	    "of mean 0 and standard deviation 1 (zscore); coefficients are reported on the "
	    "original scale"},
    {0},
};

/* Of a Lasso alone. */
static const struct strads_option lasso_problem_options[] = {
    {.name = "l1-ratio",
     .value = "NUMBER",
     .fallback = "1",
     .kind = STRADS_OPTION_DOUBLE,
     .min = 1e-6,
     .max = 1,
     AT(l1_ratio),
     .doc = "Elastic net: the part a of the penalty lambda (a |b|_1 + (1 - a)/2 |b|^2) that is the "
	    "Lasso's"},
    {.name = "penalty-factors",
     .value = "FILE",
     .kind = STRADS_OPTION_STRING,
     AT(penalty_factors),
     .doc =
	 "Weights of the variables in the penalty: a number for each, one a line, or lines INDEX "
	 "NUMBER for those whose weight is not 1; 0: no penalty"},
    {.name = "features",
     .value = "WHICH",
     .fallback = "columns",
     .kind = STRADS_OPTION_CHOICE,
     .choices = features,
     AT(features),
     .doc = "The variables: the columns of the data, or the products of every two of them (pairs), "
	    "which are computed, not stored"},
    {0},
};

static const struct strads_option path_options[] = {
    {.name = "path",
     .value = "N",
     .fallback = "0",
     .kind = STRADS_OPTION_UINT,
     .max = 10000,
     AT(path),
     .doc = "Fit N lambdas, from the smallest without nonzeros down geometrically, each from the "
	    "solution before; ends early where the deviance is explained (default of a "
	    "cross-validation: 100)"},
    {.name = "path-min-ratio",
     .value = "NUMBER",
     .kind = STRADS_OPTION_DOUBLE,
     .min = 1e-12,
     .max = 0.9999,
     AT(path_min_ratio),
     .doc = "The last lambda over the first (default: 0.01 with fewer rows than columns, else "
	    "0.0001)"},
    {0},
};

/* Of a Lasso alone. */
static const struct strads_option cv_options[] = {
    {.name = "cv",
     .value = "K",
     .fallback = "0",
     .kind = STRADS_OPTION_UINT,
     .max = 1 << 30,
     AT(cv),
     .doc = "Cross-validate the path: K folds of the rows, drawn from the seed"},
    {.name = "cv-rule",
     .value = "min|1se",
     .fallback = "min",
     .kind = STRADS_OPTION_CHOICE,
     .choices = cv_rules,
     AT(cv_rule),
     .doc = "The model is that of the least cross-validated error, or of the largest lambda within "
	    "one standard error of it"},
    {0},
};

static const struct strads_option stop_options[] = {
    {.name = "tol",
     .value = "NUMBER",
     .fallback = "1e-6",
     .kind = STRADS_OPTION_DOUBLE,
     .max = 1,
     AT(tol),
     .doc = "Duality gap to reach, relative to the objective of the best constant"},
    {.name = "time-limit",
     .value = "SECONDS",
     .fallback = "0",
     .kind = STRADS_OPTION_DOUBLE,
     .max = INFINITY,
     AT(time_limit_s),
     .doc = "Stop after this time of computing; 0: no limit"},
    {.name = "max-sets",
     .value = "N",
     .fallback = "0",
     .kind = STRADS_OPTION_UINT,
     AT(max_sets),
     .doc = "Stop after this many schedule sets; 0: no limit"},
    {0},
};

static const struct strads_option schedule_options[] = {
    {.name = "scheduler",
     .value = "NAME",
     .fallback = "working-set",
     .kind = STRADS_OPTION_CHOICE,
     .choices = schedulers,
     AT(scheduler),
     .doc = "Which variables next: cyclic, random, fixed blocks, the support and the worst "
	    "violators of optimality (working-set), those "
	    "whose last change was largest (priority); for a Lasso also: of these such that do not "
	    "interfere (priority-check), blocks that move round the ranks (rotation), or those "
	    "that what changed interacts with most (signalling)"},
    {.name = "fresh-share",
     .value = "SHARE",
     .fallback = "0.5",
     .kind = STRADS_OPTION_DOUBLE,
     .max = 1,
     AT(fresh),
     .doc = "By priority: share of the choices among variables that were never updated, while "
	    "there are any"},
    {.name = "uniform-share",
     .value = "SHARE",
     .fallback = "0.8",
     .kind = STRADS_OPTION_DOUBLE,
     .max = 1,
     AT(uniform),
     .doc = "By priority: share of the other choices that are made without regard to the last "
	    "change"},
    {.name = "set-size",
     .value = "N",
     .fallback = "0",
     .kind = STRADS_OPTION_UINT,
     .max = 65536,
     AT(set_size),
     .doc = "Variables updated together; 0: 256 of a Lasso, 512 of a logistic regression"},
    {.name = "passes",
     .value = "N",
     .fallback = "100",
     .kind = STRADS_OPTION_INT,
     .min = 1,
     .max = 1000,
     AT(passes),
     .doc = "Most passes of coordinate descent over a set corrected by its Gram matrix"},
    {.name = "seed",
     .value = "N",
     .fallback = "1",
     .kind = STRADS_OPTION_UINT,
     AT(seed),
     .doc = "Seed of the schedule: same seed, data and ranks, same model to the bit"},
    {0},
};

/* Of a Lasso alone. */
static const struct strads_option lasso_schedule_options[] = {
    {.name = "mode",
     .value = "NAME",
     .fallback = "scheduled",
     .kind = STRADS_OPTION_CHOICE,
     .choices = modes,
     AT(mode),
     .doc = "scheduled, or server: a parameter server for comparison, on which each rank updates "
	    "sets of its own variables, cyclic or random, with nothing to keep those of different "
	    "ranks apart; of the engine's settings the staleness counts"},
    {.name = "among",
     .value = "WHICH",
     .fallback = "all",
     .kind = STRADS_OPTION_CHOICE,
     .choices = amongs,
     AT(among),
     .doc = "Variables that the scheduler chooses among: all, or the support and the worst "
	    "violators of optimality as the last evaluation found them (working-set)"},
    {.name = "rho",
     .value = "NUMBER",
     .fallback = "0.1",
     .kind = STRADS_OPTION_DOUBLE,
     .max = 1,
     AT(rho),
     .doc = "Checked: two variables interfere if their columns are correlated by this or more"},
    {.name = "oversample",
     .value = "N",
     .fallback = "4",
     .kind = STRADS_OPTION_UINT,
     .min = 1,
     .max = 1024,
     AT(oversample),
     .doc = "Checked: candidates for each place in a set"},
    {.name = "column-cache",
     .value = "MB",
     .fallback = "64",
     .kind = STRADS_OPTION_UINT,
     .min = 1,
     .max = 1 << 20,
     AT(column_cache_mb),
     .doc = "Checked, signalling: room for columns read from other ranks, on each rank that "
	    "schedules"},
    {.name = "audit",
     .kind = STRADS_OPTION_FLAG,
     AT(audit),
     .doc = "Checked: write every set to the log, with its largest correlation and the sets in "
	    "flight"},
    {.name = "set-update",
     .value = "HOW",
     .fallback = "gram",
     .kind = STRADS_OPTION_CHOICE,
     .choices = set_updates,
     AT(set_update),
     .doc = "gram: members of a set see each other's changes; plain: they do not, and may diverge"},
    {.name = "evaluate-sets",
     .value = "N",
     .fallback = "0",
     .kind = STRADS_OPTION_UINT,
     AT(evaluate_sets),
     .doc = "Evaluate the gap after so many sets; 0: when it is likely to be small"},
    {0},
};

static const struct strads_option output_options[] = {
    {.name = "model",
     .value = "FILE",
     .kind = STRADS_OPTION_STRING,
     AT(model),
     .doc = "Write the model: text, or HDF5 where the name ends in .h5"},
    {.name = "log",
     .value = "FILE",
     .kind = STRADS_OPTION_STRING,
     AT(log),
     .doc = "Write the log: JSON lines"},
    {.name = "plot",
     .value = "FILE",
     .kind = STRADS_OPTION_STRING,
     AT(plot),
     .doc = "Draw the convergence with gnuplot: .svg or .png"},
    {.name = "json", .kind = STRADS_OPTION_FLAG, AT(json), .doc = "Print the summary as JSON"},
    {.name = "quiet", .kind = STRADS_OPTION_FLAG, AT(quiet), .doc = "Show no progress"},
    {0},
};

void
strads_fit_groups(struct strads_fit_settings *settings,
		  struct strads_option_group groups[STRADS_FIT_GROUPS + 1])
{
	bool lasso = settings->family == STRADS_LINEAR_SQUARED;
	const struct strads_option_group table[STRADS_FIT_GROUPS + 1] = {
	    {"Input:", input_options, settings},
	    {"Problem:", problem_options, settings},
	    {"Variables and penalty of a Lasso:", lasso_problem_options, settings},
	    {"Path of lambdas:", path_options, settings},
	    {"Cross-validation of a Lasso:", cv_options, settings},
	    {"When to stop:", stop_options, settings},
	    {"Output:", output_options, settings},
	    {"Schedule:", schedule_options, settings},
	    {"Schedule of a Lasso:", lasso_schedule_options, settings},
	    {"Ranks:", strads_launch_rank_options, &settings->launch},
	    strads_launch_path_group(&settings->launch),
	    {"Engine:", strads_launch_engine_options, &settings->launch},
	    {"Simulated network (--fabric sim):", strads_launch_sim_options, &settings->launch},
	    {0},
	};

	for (int i = 0; i <= STRADS_FIT_GROUPS; i++) {
		bool of_lasso = table[i].options == lasso_problem_options ||
				table[i].options == cv_options ||
				table[i].options == lasso_schedule_options;

		if (lasso || !of_lasso)
			*groups++ = table[i];
	}
}

const char *
strads_fit_scheduler_name(int scheduler)
{
	return schedulers[scheduler];
}
