#include "logistic.h"

#include <math.h>

#include "state.h"

static int
check_options(const struct strads_logistic_options *options)
{
	bool by_ratio = isnan(options->lambda);

	if (!by_ratio && !(options->lambda >= 0 && isfinite(options->lambda)))
		return strads_fail(STRADS_ERR_INPUT, "lambda is %g: give a number of at least 0",
				   options->lambda);
	if (by_ratio && !(options->lambda_ratio > 0 && isfinite(options->lambda_ratio)))
		return strads_fail(STRADS_ERR_INPUT,
				   "the ratio of lambda to its maximum is %g: give a number above "
				   "0, typically 0.1",
				   options->lambda_ratio);
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

/* What a run that ended leaves: the model and how well it orders the test rows. */
static int
harvest(struct strads_logistic *logistic, struct strads_logistic_result *result,
	struct strads_linear_model *model)
{
	int status;

	result->outcome = logistic->outcome;
	result->test_auc = NAN;
	if (logistic->outcome == STRADS_LINEAR_DIVERGED)
		return STRADS_OK;
	status = strads_logistic_auc(logistic, &result->test_auc);
	if (status)
		return status;
	status = strads_linear_model_gather(logistic->fabric, logistic->beta_region,
					    &logistic->table, &logistic->columns, 0, model);
	/* That of the margins: the means of the columns are in it. */
	if (status == STRADS_OK && logistic->rank == 0)
		model->intercept = logistic->intercept;
	return status;
}

static int
fit(struct strads_logistic *logistic, struct strads_logistic_result *result,
    struct strads_linear_model *model)
{
	struct strads_job *job = strads_fabric_job(logistic->fabric);
	struct strads_logistic_result ended;
	struct strads_linear_model made = {0};
	int status = strads_job_agree(job, strads_logistic_state_take(logistic));

	if (status)
		goto give_state;
	status = strads_logistic_labels_learn(logistic);
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
		status = harvest(logistic, &ended, &made);
	if (status)
		goto delete_region;
	*result = ended;
	*model = made;

delete_region:
	strads_region_delete(&logistic->beta_region);
give_state:
	strads_logistic_state_give(logistic);
	return status;
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
	    .start_ns = strads_fabric_clock_ns(fabric),
	};
	int status = check_options(options);

	if (status == STRADS_OK)
		status = strads_job_agree(strads_fabric_job(fabric), check_data(train, test));
	if (status)
		return status;
	strads_logistic_state_size(&logistic);
	return fit(&logistic, result, model);
}
