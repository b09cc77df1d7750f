#include "lasso.h"

#include <math.h>

#include "state.h"

static int
check_options(const struct strads_lasso_options *options)
{
	bool by_path = options->path > 0, by_ratio = !by_path && isnan(options->lambda);

	if (by_path && !options->lambdas &&
	    (options->path_min_ratio <= 0 || options->path_min_ratio >= 1))
		return strads_fail(STRADS_ERR_INPUT,
				   "the path is to end at %g of lambda_max: give a number above 0, "
				   "below 1",
				   options->path_min_ratio);
	if (!by_path && !by_ratio && !(options->lambda >= 0 && isfinite(options->lambda)))
		return strads_fail(STRADS_ERR_INPUT, "lambda is %g: give a number of at least 0",
				   options->lambda);
	if (by_ratio && !(options->lambda_ratio > 0 && isfinite(options->lambda_ratio)))
		return strads_fail(STRADS_ERR_INPUT,
				   "the ratio of lambda to its maximum is %g: give a number above "
				   "0, typically 0.1",
				   options->lambda_ratio);
	if (!(options->l1_ratio > 0 && options->l1_ratio <= 1))
		return strads_fail(
		    STRADS_ERR_INPUT,
		    "the l1 ratio is %g: give a number above 0, up to 1 for the Lasso",
		    options->l1_ratio);
	if (!(options->tol >= 0))
		return strads_fail(STRADS_ERR_INPUT,
				   "the tolerance is %g: give a number of at least 0",
				   options->tol);
	if (!(options->time_limit_s >= 0))
		return strads_fail(STRADS_ERR_INPUT,
				   "the time limit is %g s: give a number above 0, or 0 for none",
				   options->time_limit_s);
	if (options->set_size < 1 || options->passes < 1)
		return strads_fail(STRADS_ERR_INPUT,
				   "a set of %u variables and %u passes: give at least 1 of each",
				   options->set_size, options->passes);
	if ((options->scheduler == STRADS_LINEAR_ROTATION ||
	     options->scheduler == STRADS_LINEAR_SIGNALLING) &&
	    options->engine.staleness > 0)
		return strads_fail(STRADS_ERR_INPUT,
				   "rotation and signalling go by the state before each set: leave "
				   "out --staleness");
	if (options->scheduler == STRADS_LINEAR_CHECKED && options->oversample < 1)
		return strads_fail(STRADS_ERR_INPUT,
				   "0 candidates for each place in a set: give at least 1");
	return STRADS_OK;
}

/* Beyond these, sums of squares might leave the range of a double. */
static int
check_weights(const struct strads_lasso_options *options, uint64_t cols)
{
	for (uint64_t j = 0; options->weight && j < cols; j++) {
		double w = options->weight[j];

		if (w != 0 && !(w >= 1e-20 && w <= 1e20))
			return strads_fail(STRADS_ERR_INPUT,
					   "the penalty of variable %llu has the weight %g: give 0 "
					   "or a number between 1e-20 and 1e20",
					   (unsigned long long)j + 1, w);
	}
	return STRADS_OK;
}

static int
check_data(const struct strads_dataset *train, const struct strads_dataset *test)
{
	if (train->x.cols == 0 || train->rows_total == 0)
		return strads_fail(STRADS_ERR_INPUT,
				   "the training data have %llu rows and %llu columns: nothing to "
				   "fit",
				   (unsigned long long)train->rows_total,
				   (unsigned long long)train->x.cols);
	if (train->x.cols > UINT32_MAX)
		return strads_fail(STRADS_ERR_INPUT, "%llu columns: at most %lu are supported",
				   (unsigned long long)train->x.cols, (unsigned long)UINT32_MAX);
	if (test && test->x.cols != train->x.cols)
		return strads_fail(STRADS_ERR_INPUT,
				   "the test data have %llu columns, the training data %llu: read "
				   "both with the same number",
				   (unsigned long long)test->x.cols,
				   (unsigned long long)train->x.cols);
	return STRADS_OK;
}

/* Runs the program on an engine of its own. */
static int
run(struct strads_lasso *lasso)
{
	struct strads_program program;
	int status;

	strads_lasso_program(lasso, &program);
	lasso->memory_bytes += lasso->own_keys * sizeof *lasso->beta +
			       strads_engine_memory(&program, &lasso->options.engine, lasso->ranks);
	status = strads_engine_new(lasso->fabric, &program, &lasso->options.engine, &lasso->engine);
	if (status)
		return status;
	status = strads_engine_run(lasso->engine);
	strads_engine_delete(&lasso->engine);
	return status;
}

/* The one model, or the path's. */
static int
gather(struct strads_lasso *lasso, struct strads_linear_model *model,
       struct strads_linear_path *path)
{
	int status;

	if (!path) {
		strads_lasso_unpenalized_settle(lasso);
		return strads_linear_model_gather(lasso->fabric, lasso->beta_region, &lasso->table,
						  &lasso->columns, lasso->response.offset, model);
	}
	status = strads_linear_path_gather(lasso->fabric, &lasso->share, &lasso->columns,
					   lasso->response.offset, &lasso->path);
	if (status)
		return status;
	*path = lasso->path;
	lasso->path = (struct strads_linear_path){0};
	return STRADS_OK;
}

static int
open_portion(struct strads_lasso *lasso)
{
	int status = strads_linear_portion_open(lasso->fabric, lasso->train, lasso->columns.centred,
						&lasso->portion);

	if (status == STRADS_OK)
		lasso->memory_bytes += strads_linear_portion_bytes(&lasso->portion);
	return status;
}

static int
fit(struct strads_lasso *lasso, struct strads_linear_model *model, struct strads_linear_path *path)
{
	struct strads_job *job = strads_fabric_job(lasso->fabric);
	int status = strads_job_agree(job, strads_lasso_state_take(lasso));

	if (status)
		goto give_state;
	status = strads_lasso_check_open(lasso);
	if (status)
		goto close_check;
	status = strads_lasso_neighbours_open(lasso);
	if (status)
		goto close_neighbours;
	status = strads_lasso_response_learn(lasso);
	if (status)
		goto close_neighbours;
	if (lasso->options.mode != STRADS_LASSO_SERVER)
		status = open_portion(lasso);
	if (status)
		goto close_neighbours;
	strads_lasso_state_start(lasso);
	status = strads_job_agree(job, strads_region_new(lasso->fabric, STRADS_REMOTE_READ,
							 lasso->own_keys * sizeof *lasso->beta,
							 &lasso->beta_region));
	if (status == STRADS_OK)
		status = strads_fabric_wire(lasso->fabric);
	if (status)
		goto delete_region;
	lasso->beta = strads_region_base(lasso->beta_region);
	status = lasso->options.mode == STRADS_LASSO_SERVER ? strads_lasso_server_run(lasso)
							    : run(lasso);
	if (status == STRADS_OK && lasso->outcome != STRADS_LINEAR_DIVERGED)
		status = gather(lasso, model, path);

delete_region:
	strads_region_delete(&lasso->beta_region);
close_neighbours:
	strads_lasso_neighbours_close(lasso);
close_check:
	strads_lasso_check_close(lasso);
give_state:
	strads_lasso_state_give(lasso);
	return status;
}

/* Checks all and fits. */
static int
check_and_fit(struct strads_lasso *lasso, enum strads_linear_outcome *outcome,
	      struct strads_linear_model *model, struct strads_linear_path *path)
{
	int status = check_options(&lasso->options);

	lasso->start_ns = strads_fabric_clock_ns(lasso->fabric);
	if (status == STRADS_OK)
		status = check_data(lasso->train, lasso->test);
	if (status == STRADS_OK)
		status = check_weights(&lasso->options, lasso->train->x.cols);
	status = strads_job_agree(strads_fabric_job(lasso->fabric), status);
	if (status)
		return status;
	strads_lasso_state_size(lasso);
	status = fit(lasso, model, path);
	if (status == STRADS_OK)
		*outcome = lasso->outcome;
	return status;
}

int
strads_lasso_fit(struct strads_fabric *fabric, const struct strads_dataset *train,
		 const struct strads_dataset *test, const struct strads_lasso_options *options,
		 const volatile int *stop, strads_linear_report *report, void *arg,
		 enum strads_linear_outcome *outcome, struct strads_linear_model *model)
{
	struct strads_lasso lasso = {
	    .options = *options,
	    .fabric = fabric,
	    .train = train,
	    .test = test,
	    .stop = stop,
	    .report = report,
	    .report_arg = arg,
	};

	lasso.options.path = 0;
	return check_and_fit(&lasso, outcome, model, NULL);
}

int
strads_lasso_fit_path(struct strads_fabric *fabric, const struct strads_dataset *train,
		      const struct strads_dataset *test, const struct strads_lasso_options *options,
		      const volatile int *stop, strads_linear_report *report, void *arg,
		      enum strads_linear_outcome *outcome, struct strads_linear_path *path)
{
	struct strads_lasso lasso = {
	    .options = *options,
	    .fabric = fabric,
	    .train = train,
	    .test = test,
	    .stop = stop,
	    .report = report,
	    .report_arg = arg,
	};

	lasso.options.lambda = NAN;
	return check_and_fit(&lasso, outcome, NULL, path);
}
