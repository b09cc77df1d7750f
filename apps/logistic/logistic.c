#include "logistic.h"

#include <math.h>

#include "../linear/check.h"
#include "state.h"

static int
check_options(const struct strads_logistic_options *options)
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
	if (options->scheduler >= STRADS_LINEAR_CHECKED)
		return strads_fail(STRADS_ERR_INPUT,
				   "a logistic regression is not scheduled by checked priorities, "
				   "rotation or signals: its sets are corrected by their Gram "
				   "matrix");
	if (options->engine.staleness > 0)
		return strads_fail(STRADS_ERR_INPUT,
				   "a staleness of %d: a logistic regression follows one model at "
				   "a time, give 0",
				   options->engine.staleness);
	return STRADS_OK;
}

/* Runs the program on an engine of its own. */
static int
run(struct strads_logistic *logistic)
{
	const struct strads_engine_options *options = &logistic->options.engine;
	struct strads_program program;
	int status;

	strads_logistic_program(logistic, &program);
	logistic->memory_bytes += logistic->own_keys * sizeof *logistic->beta +
				  strads_engine_memory(&program, options, logistic->ranks);
	status = strads_engine_new(logistic->fabric, &program, options, &logistic->engine);
	if (status)
		return status;
	status = strads_engine_run(logistic->engine);
	strads_engine_delete(&logistic->engine);
	return status;
}

/* The one model, or the path's. An intercept is that of the margins: the means of the columns are
 * in it. */
static int
gather(struct strads_logistic *logistic, struct strads_linear_model *model,
       struct strads_linear_path *path)
{
	int status;

	if (!model)
		return strads_linear_trail_gather(logistic->fabric, &logistic->trail,
						  logistic->train->x.cols, NULL, path);
	status = strads_linear_model_gather(logistic->fabric, logistic->beta_region,
					    &logistic->table, &logistic->columns, 0, model);
	if (status == STRADS_OK && logistic->rank == 0)
		model->intercept = logistic->intercept;
	return status;
}

/* What a run that ended leaves: the model or models, and how well it orders the test rows. */
static int
harvest(struct strads_logistic *logistic, struct strads_logistic_result *result,
	struct strads_linear_model *model, struct strads_linear_path *path)
{
	double auc = NAN;
	int status = STRADS_OK;

	if (logistic->outcome != STRADS_LINEAR_DIVERGED) {
		status = strads_logistic_auc(logistic, &auc);
		if (status == STRADS_OK)
			status = gather(logistic, model, path);
	}
	if (status == STRADS_OK)
		*result = (struct strads_logistic_result){logistic->outcome, auc};
	return status;
}

static int
open_portion(struct strads_logistic *logistic)
{
	int status = strads_linear_portion_open(logistic->fabric, logistic->train,
						logistic->columns.centred, &logistic->portion);

	if (status == STRADS_OK)
		logistic->memory_bytes += strads_linear_portion_bytes(&logistic->portion);
	return status;
}

static int
fit(struct strads_logistic *logistic, struct strads_logistic_result *result,
    struct strads_linear_model *model, struct strads_linear_path *path)
{
	struct strads_job *job = strads_fabric_job(logistic->fabric);
	int status = strads_job_agree(job, strads_logistic_state_take(logistic));

	if (status)
		goto give_state;
	status = strads_logistic_labels_learn(logistic);
	if (status)
		goto give_state;
	status = open_portion(logistic);
	if (status)
		goto give_state;
	strads_logistic_state_start(logistic);
	status =
	    strads_job_agree(job, strads_region_new(logistic->fabric, STRADS_REMOTE_READ,
						    logistic->own_keys * sizeof *logistic->beta,
						    &logistic->beta_region));
	if (status == STRADS_OK)
		status = strads_fabric_wire(logistic->fabric);
	if (status)
		goto delete_region;
	logistic->beta = strads_region_base(logistic->beta_region);
	status = run(logistic);
	if (status == STRADS_OK)
		status = harvest(logistic, result, model, path);

delete_region:
	strads_region_delete(&logistic->beta_region);
give_state:
	strads_logistic_state_give(logistic);
	return status;
}

/* Checks all and fits. */
static int
check_and_fit(struct strads_logistic *logistic, struct strads_logistic_result *result,
	      struct strads_linear_model *model, struct strads_linear_path *path)
{
	int status = check_options(&logistic->options);

	logistic->start_ns = strads_fabric_clock_ns(logistic->fabric);
	if (status == STRADS_OK)
		status =
		    strads_job_agree(strads_fabric_job(logistic->fabric),
				     strads_linear_check_data(logistic->train, logistic->test));
	if (status)
		return status;
	strads_logistic_state_size(logistic);
	return fit(logistic, result, model, path);
}

int
strads_logistic_fit(struct strads_fabric *fabric, const struct strads_dataset *train,
		    const struct strads_dataset *test,
		    const struct strads_logistic_options *options, const volatile int *stop,
		    strads_linear_report *report, void *arg, struct strads_logistic_result *result,
		    struct strads_linear_model *model)
{
	struct strads_logistic logistic = {
	    .options = *options,
	    .fabric = fabric,
	    .train = train,
	    .test = test,
	    .stop = stop,
	    .report = report,
	    .report_arg = arg,
	};

	logistic.options.path.count = 0;
	return check_and_fit(&logistic, result, model, NULL);
}

int
strads_logistic_fit_path(struct strads_fabric *fabric, const struct strads_dataset *train,
			 const struct strads_dataset *test,
			 const struct strads_logistic_options *options, const volatile int *stop,
			 strads_linear_report *report, void *arg,
			 struct strads_logistic_result *result, struct strads_linear_path *path)
{
	struct strads_logistic logistic = {
	    .options = *options,
	    .fabric = fabric,
	    .train = train,
	    .test = test,
	    .stop = stop,
	    .report = report,
	    .report_arg = arg,
	};

	logistic.options.lambda = NAN;
	return check_and_fit(&logistic, result, NULL, path);
}
