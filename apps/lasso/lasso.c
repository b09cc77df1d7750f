#include "lasso.h"

#include <math.h>

#include "../linear/check.h"
#include "state.h"

static int
check_options(const struct strads_lasso_options *options)
{
	int status = options->path.count > 0
			 ? strads_linear_grid_check(&options->path)
			 : strads_linear_check_lambda(options->lambda, options->lambda_ratio);

	if (!status)
		status = strads_linear_check_stop(options->tol, options->time_limit_s);
	if (!status)
		status = strads_linear_check_sets(options->set_size, options->passes);
	if (status)
		return status;
	if (!(options->l1_ratio > 0 && options->l1_ratio <= 1))
		return strads_fail(
		    STRADS_ERR_INPUT,
		    "the l1 ratio is %g: give a number above 0, up to 1 for the Lasso",
		    options->l1_ratio);
	if ((options->scheduler == STRADS_LINEAR_ROTATION ||
	     options->scheduler == STRADS_LINEAR_SIGNALLING) &&
	    options->engine.staleness > 0)
		return strads_fail(STRADS_ERR_INPUT,
				   "rotation and signalling go by the state before each set: leave "
				   "out --staleness");
	if (options->among == STRADS_LASSO_VIOLATORS &&
	    (options->scheduler == STRADS_LINEAR_SIGNALLING ||
	     options->mode == STRADS_LASSO_SERVER))
		return strads_fail(STRADS_ERR_INPUT,
				   "signalling and a parameter server go through all variables: "
				   "leave out --among working-set");
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

	if (path)
		return strads_linear_trail_gather(lasso->fabric, &lasso->trail,
						  lasso->train->x.cols, lasso->columns.mean, path);
	strads_lasso_unpenalized_settle(lasso);
	status = strads_job_barrier(strads_fabric_job(lasso->fabric)); /* rank 0 reads it of all */
	if (status != STRADS_OK)
		return status;
	return strads_linear_model_gather(lasso->fabric, lasso->beta_region, &lasso->table,
					  &lasso->columns, lasso->response.offset, model);
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
		status = strads_linear_check_data(lasso->train, lasso->test);
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

	lasso.options.path.count = 0;
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
