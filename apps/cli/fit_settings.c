#include "fit_settings.h"

#include "arguments.h"
#include "fit_options.h"
#include "plot.h"

#include <math.h>

#define LAMBDA_RATIO_DEFAULT 0.1
#define PATH_DEFAULT         100

/* Variables in a set, unless told: smaller ones cost less in Gram matrices, larger ones fewer
 * rounds. */
#define LASSO_SET    256
#define LOGISTIC_SET 512

static const char *const commands[] = {
    [STRADS_LINEAR_SQUARED] = "strads lasso",
    [STRADS_LINEAR_LOGISTIC] = "strads logistic",
};
static const char *const abouts[] = {
    [STRADS_LINEAR_SQUARED] =
	"Fit a Lasso or an elastic net: minimise 1/2 |y - Xb|^2 + lambda |b|_1 by scheduled "
	"coordinate descent over the rows split among the ranks.",
    [STRADS_LINEAR_LOGISTIC] =
	"Fit an L1-regularised logistic regression: minimise sum log(1 + exp(-y Xb)) + lambda "
	"|b|_1, labels y of -1 and 1 or of 0 and 1, by scheduled proximal Newton steps over the "
	"rows split among the ranks.",
};

static int
check_path(const struct strads_fit_settings *settings)
{
	if (!strads_fit_settings_path(settings)) {
		if (isnan(settings->path_min_ratio))
			return STRADS_OK;
		return strads_fail(STRADS_ERR_INPUT,
				   "--path-min-ratio is of a path: give --path N too");
	}
	if (settings->cv == 1)
		return strads_fail(STRADS_ERR_INPUT, "--cv 1: give at least 2 folds");
	if (!isnan(settings->lambda) || !isnan(settings->lambda_ratio))
		return strads_fail(STRADS_ERR_INPUT,
				   "--path and --cv find their lambdas: leave out --lambda and "
				   "--lambda-ratio");
	if (settings->features == STRADS_FEATURES_PAIRS)
		return strads_fail(STRADS_ERR_INPUT,
				   "--path and --cv are of columns: leave out --features pairs");
	return STRADS_OK;
}

static int
check(const struct strads_fit_settings *settings)
{
	if (!settings->data)
		return strads_fail(
		    STRADS_ERR_INPUT,
		    "no data: name a file in svmlight/libsvm or MatrixMarket format");
	if (settings->audit && (!settings->log || settings->scheduler != STRADS_LINEAR_CHECKED))
		return strads_fail(
		    STRADS_ERR_INPUT,
		    "--audit writes what --scheduler priority-check chose to the log: "
		    "give that and --log FILE too");
	if (settings->audit && settings->features == STRADS_FEATURES_PAIRS)
		return strads_fail(STRADS_ERR_INPUT,
				   "--audit tells of sets of columns: leave out --features pairs");
	if (settings->family == STRADS_LINEAR_LOGISTIC &&
	    settings->scheduler >= STRADS_LINEAR_CHECKED)
		return strads_fail(STRADS_ERR_INPUT,
				   "--scheduler %s is for a Lasso: choose another",
				   strads_fit_scheduler_name(settings->scheduler));
	if (settings->mode == STRADS_LASSO_SERVER && settings->features == STRADS_FEATURES_PAIRS)
		return strads_fail(STRADS_ERR_INPUT,
				   "--mode server has the columns of the data only: leave out "
				   "--features pairs");
	if (settings->plot && strads_plot_check(settings->plot))
		return STRADS_ERR_INPUT;
	return check_path(settings);
}

const char *
strads_fit_command(const struct strads_fit_settings *settings)
{
	return commands[settings->family];
}

int
strads_fit_settings_parse(struct strads_fit_settings *settings, int argc, char **argv)
{
	struct strads_option_group groups[STRADS_FIT_GROUPS + 1];
	const struct strads_arguments arguments = {
	    .command = strads_fit_command(settings),
	    .about = abouts[settings->family],
	    .epilog = "Exit codes: 0 done, 1 failed or diverged, 2 a limit was reached before the "
		      "tolerance, 64 bad arguments.",
	    .positional = "data",
	    .groups = groups,
	};
	int status;

	strads_fit_groups(settings, groups);
	status = strads_arguments_parse(&arguments, argc, argv);
	if (!status)
		status = strads_launch_settle(&settings->launch);
	if (!status)
		status = check(settings);
	if (status)
		return status;
	if (isnan(settings->lambda) && isnan(settings->lambda_ratio) &&
	    !strads_fit_settings_path(settings))
		settings->lambda_ratio = LAMBDA_RATIO_DEFAULT;
	return STRADS_OK;
}

static uint32_t
set_size(const struct strads_fit_settings *settings, uint32_t by_itself)
{
	return settings->set_size > 0 ? (uint32_t)settings->set_size : by_itself;
}

static struct strads_linear_grid
grid(const struct strads_fit_settings *settings)
{
	bool by_itself = settings->cv > 0 && settings->path == 0;

	return (struct strads_linear_grid){.count = by_itself ? PATH_DEFAULT : settings->path,
					   .min_ratio = settings->path_min_ratio};
}

void
strads_fit_settings_lasso(const struct strads_fit_settings *settings,
			  struct strads_lasso_options *options)
{
	*options = (struct strads_lasso_options){
	    .lambda = settings->lambda,
	    .lambda_ratio = settings->lambda_ratio,
	    .path = grid(settings),
	    .l1_ratio = settings->l1_ratio,
	    .tol = settings->tol,
	    .time_limit_s = settings->time_limit_s,
	    .max_sets = settings->max_sets,
	    .seed = settings->seed,
	    .scheduler = (enum strads_linear_scheduler)settings->scheduler,
	    .among = (enum strads_lasso_among)settings->among,
	    .fresh = settings->fresh,
	    .uniform = settings->uniform,
	    .rho = settings->rho,
	    .oversample = (uint32_t)settings->oversample,
	    .column_cache_bytes = settings->column_cache_mb << 20,
	    .set_size = set_size(settings, LASSO_SET),
	    .passes = (uint32_t)settings->passes,
	    .set_update = (enum strads_set_update)settings->set_update,
	    .evaluate_sets = settings->evaluate_sets,
	    .intercept = settings->intercept,
	    .standardize = (enum strads_standardize)settings->standardize,
	    .mode = (enum strads_lasso_mode)settings->mode,
	    .engine = settings->launch.engine,
	};
}

void
strads_fit_settings_logistic(const struct strads_fit_settings *settings,
			     struct strads_logistic_options *options)
{
	*options = (struct strads_logistic_options){
	    .lambda = settings->lambda,
	    .lambda_ratio = settings->lambda_ratio,
	    .path = grid(settings),
	    .tol = settings->tol,
	    .time_limit_s = settings->time_limit_s,
	    .max_sets = settings->max_sets,
	    .seed = settings->seed,
	    .scheduler = (enum strads_linear_scheduler)settings->scheduler,
	    .fresh = settings->fresh,
	    .uniform = settings->uniform,
	    .set_size = set_size(settings, LOGISTIC_SET),
	    .passes = (uint32_t)settings->passes,
	    .intercept = settings->intercept,
	    .standardize = (enum strads_standardize)settings->standardize,
	    .engine = settings->launch.engine,
	};
}
