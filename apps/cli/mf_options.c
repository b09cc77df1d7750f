#include "mf_options.h"

#include "arguments.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#define AT(field) .offset = offsetof(struct strads_mf_settings, field)

static const char *const algorithms[] = {
    [STRADS_MF_CCD] = "ccd",
    [STRADS_MF_CCDPP] = "ccd++",
    [STRADS_MF_ALS] = "als",
    [STRADS_MF_SGD] = "sgd",
    NULL,
};
static const char *const precisions[] = {
    [STRADS_MF_SINGLE] = "single",
    [STRADS_MF_DOUBLE] = "double",
    NULL,
};

static const struct strads_option input_options[] = {
    {.name = "data",
     .value = "FILE",
     .kind = STRADS_OPTION_STRING,
     AT(data),
     .doc = "Ratings to fit: lines `user item rating`, separated by blanks, commas, semicolons or "
	    "`::`, ids being any words; or MatrixMarket; plain or compressed by zstd, xz or gzip; "
	    "may also stand without --data"},
    {.name = "test",
     .value = "FILE",
     .kind = STRADS_OPTION_STRING,
     AT(test),
     .doc = "Held-out ratings to report the error on, in any of these formats"},
    {.name = "holdout",
     .value = "SHARE",
     .fallback = "0",
     .kind = STRADS_OPTION_DOUBLE,
     .max = 0.999,
     AT(holdout),
     .doc = "Hold out this share of the ratings instead, drawn from the seed"},
    {0},
};

static const struct strads_option problem_options[] = {
    {.name = "factors",
     .value = "K",
     .fallback = "40",
     .kind = STRADS_OPTION_UINT,
     .letter = 'k',
     .min = 1,
     .max = STRADS_MF_FACTORS_MAX,
     AT(factors),
     .doc = "Numbers for each user and each item"},
    {.name = "lambda",
     .value = "NUMBER",
     .fallback = "0.07",
     .kind = STRADS_OPTION_DOUBLE,
     .max = INFINITY,
     AT(lambda),
     .doc = "Weight of the penalty on the squares of the factors"},
    {.name = "weighted",
     .fallback = "on",
     .kind = STRADS_OPTION_FLAG,
     AT(weighted),
     .doc = "The penalty of a user or item times the number of its ratings; --weighted=off: the "
	    "same for all"},
    {.name = "biases",
     .fallback = "off",
     .kind = STRADS_OPTION_FLAG,
     AT(biases),
     .doc = "Fit an offset for each user and item, beside the mean of the ratings and the factors"},
    {.name = "precision",
     .value = "single|double",
     .fallback = "single",
     .kind = STRADS_OPTION_CHOICE,
     .choices = precisions,
     AT(precision),
     .doc = "Of factors and residuals; sums over the ranks are double"},
    {0},
};

static const struct strads_option algorithm_options[] = {
    {.name = "algorithm",
     .value = "NAME",
     .fallback = "ccd++",
     .kind = STRADS_OPTION_CHOICE,
     .choices = algorithms,
     AT(algorithm),
     .doc = "Coordinate descent on one factor of all items and users after the other (ccd++), or "
	    "on all factors of the items and then all of the users (ccd); or alternating least "
	    "squares (als; weighted: ALS-WR), or stochastic gradient steps by strata (sgd)"},
    {.name = "inner",
     .value = "N",
     .fallback = "1",
     .kind = STRADS_OPTION_UINT,
     .min = 1,
     .max = 1000,
     AT(inner),
     .doc = "ccd++: updates of a factor before the next one"},
    {.name = "rate",
     .value = "NUMBER",
     .fallback = "0.08",
     .kind = STRADS_OPTION_DOUBLE,
     .min = 1e-6,
     .max = 1e6,
     AT(rate),
     .doc = "sgd: how long the first steps are; later ones are shorter by themselves"},
    {.name = "seed",
     .value = "N",
     .fallback = "1",
     .kind = STRADS_OPTION_UINT,
     AT(seed),
     .doc = "Of the first factors and of --holdout: same seed, data and ranks, same model to the "
	    "bit"},
    {0},
};

static const struct strads_option stop_options[] = {
    {.name = "tol",
     .value = "NUMBER",
     .fallback = "1e-4",
     .kind = STRADS_OPTION_DOUBLE,
     .max = 1,
     AT(tol),
     .doc = "Stop after a sweep that lowers the objective by less than this share of it"},
    {.name = "patience",
     .value = "N",
     .fallback = "0",
     .kind = STRADS_OPTION_UINT,
     AT(patience),
     .doc = "Stop after so many sweeps without a lower held-out error; 0: do not mind it"},
    {.name = "iterations",
     .value = "N",
     .fallback = "0",
     .kind = STRADS_OPTION_UINT,
     AT(iterations),
     .doc = "Stop after so many sweeps over all factors; 0: no limit"},
    {.name = "time-limit",
     .value = "SECONDS",
     .fallback = "0",
     .kind = STRADS_OPTION_DOUBLE,
     .max = INFINITY,
     AT(time_limit_s),
     .doc = "Stop after this time of computing; 0: no limit"},
    {0},
};

static const struct strads_option output_options[] = {
    {.name = "model",
     .value = "FILE",
     .kind = STRADS_OPTION_STRING,
     AT(model),
     .doc = "Write factors and ids: HDF5, the name ends in .h5"},
    {.name = "log",
     .value = "FILE",
     .kind = STRADS_OPTION_STRING,
     AT(log),
     .doc = "Write the log: JSON lines"},
    {.name = "json", .kind = STRADS_OPTION_FLAG, AT(json), .doc = "Print the summary as JSON"},
    {.name = "quiet", .kind = STRADS_OPTION_FLAG, AT(quiet), .doc = "Show no progress"},
    {0},
};

void
strads_mf_groups(struct strads_mf_settings *settings,
		 struct strads_option_group groups[STRADS_MF_GROUPS + 1])
{
	const struct strads_option_group table[STRADS_MF_GROUPS + 1] = {
	    {"Input:", input_options, settings},
	    {"Problem:", problem_options, settings},
	    {"Algorithm:", algorithm_options, settings},
	    {"When to stop:", stop_options, settings},
	    {"Output:", output_options, settings},
	    {"Ranks:", strads_launch_rank_options, &settings->launch},
	    strads_launch_path_group(&settings->launch),
	    {"Engine:", strads_launch_engine_options, &settings->launch},
	    {"Simulated network (--fabric sim):", strads_launch_sim_options, &settings->launch},
	    {0},
	};

	memcpy(groups, table, sizeof table);
}

static int
check(const struct strads_mf_settings *settings)
{
	const char *model = settings->model;
	size_t length = model ? strlen(model) : 0;

	if (!settings->data)
		return strads_fail(STRADS_ERR_INPUT,
				   "no data: name a file of lines `user item rating`");
	if (settings->test && settings->holdout > 0)
		return strads_fail(STRADS_ERR_INPUT,
				   "--test names the held-out ratings: leave out --holdout");
	if (settings->patience > 0 && !settings->test && !(settings->holdout > 0))
		return strads_fail(STRADS_ERR_INPUT,
				   "--patience minds the held-out error: give --test FILE or "
				   "--holdout SHARE too");
	if (model && (length < 3 || strcmp(model + length - 3, ".h5") != 0))
		return strads_fail(STRADS_ERR_INPUT,
				   "--model: factors are written as HDF5, '%s' does not end in .h5",
				   model);
	return STRADS_OK;
}

int
strads_mf_settings_parse(struct strads_mf_settings *settings, int argc, char **argv)
{
	struct strads_option_group groups[STRADS_MF_GROUPS + 1];
	const struct strads_arguments arguments = {
	    .command = "strads mf",
	    .about = "Factorize a matrix of ratings: minimise the squared error of w_i . h_j over "
		     "the ratings there are, plus lambda times the squares of the factors, by "
		     "scheduled updates; the users are split among the ranks.",
	    .epilog = "Exit codes: 0 done, 1 failed or diverged, 2 a limit was reached before the "
		      "tolerance, 64 bad arguments.",
	    .positional = "data",
	    .groups = groups,
	};
	int status;

	strads_mf_groups(settings, groups);
	status = strads_arguments_parse(&arguments, argc, argv);
	if (!status)
		status = strads_launch_settle(&settings->launch);
	return status ? status : check(settings);
}

struct strads_mf_options
strads_mf_settings_fit(const struct strads_mf_settings *settings)
{
	return (struct strads_mf_options){
	    .algorithm = (enum strads_mf_algorithm)settings->algorithm,
	    .factors = (uint32_t)settings->factors,
	    .lambda = settings->lambda,
	    .weighted = settings->weighted,
	    .biases = settings->biases,
	    .inner = (uint32_t)settings->inner,
	    .rate = settings->rate,
	    .iterations = settings->iterations,
	    .tol = settings->tol,
	    .patience = settings->patience,
	    .time_limit_s = settings->time_limit_s,
	    .seed = settings->seed,
	    .engine = settings->launch.engine,
	};
}

const char *
strads_mf_algorithm_name(int algorithm)
{
	return algorithms[algorithm];
}
