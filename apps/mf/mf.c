#include "mf.h"

#include "../linear/room.h"
#include "state.h"

#include <math.h>
#include <stdio.h>

static int
check_options(const struct strads_mf_options *options)
{
	if (options->factors < 1 || options->factors > STRADS_MF_FACTORS_MAX)
		return strads_fail(STRADS_ERR_INPUT, "%u factors: give 1 to %d", options->factors,
				   STRADS_MF_FACTORS_MAX);
	if (!(options->lambda >= 0 && isfinite(options->lambda)))
		return strads_fail(STRADS_ERR_INPUT, "lambda is %g: give a number of at least 0",
				   options->lambda);
	if (options->inner < 1)
		return strads_fail(STRADS_ERR_INPUT, "0 inner iterations: give at least 1");
	if (options->algorithm == STRADS_MF_SGD && !(options->rate > 0 && isfinite(options->rate)))
		return strads_fail(STRADS_ERR_INPUT, "a rate of %g: give a number above 0",
				   options->rate);
	if (!(options->tol >= 0) || !(options->time_limit_s >= 0))
		return strads_fail(STRADS_ERR_INPUT,
				   "a tolerance of %g and a time limit of %g s: give numbers of at "
				   "least 0",
				   options->tol, options->time_limit_s);
	if (options->engine.staleness > 0)
		return strads_fail(STRADS_ERR_INPUT,
				   "a staleness of %d: what is solved for follows from what was "
				   "solved for before, give 0",
				   options->engine.staleness);
	return STRADS_OK;
}

/* What this rank will allocate, into progress.memory_bytes. Refused where the engine's budget or
 * the host's memory is too small. */
static int
predict(struct strads_mf *mf)
{
	const struct strads_mf_options *options = &mf->options;
	struct strads_linear_need need = {.dry = true};
	struct strads_program program;
	size_t engine_bytes;
	char what[64];
	int status;

	strads_mf_state_take(mf, &need);
	strads_linear_count(&need, mf->ratings->train.rows + mf->own_items,
			    mf->columns * mf->real_bytes);
	strads_mf_program(mf, &program);
	engine_bytes = strads_engine_memory(&program, &options->engine, mf->ranks);
	strads_linear_count(&need, 1, engine_bytes);
	mf->progress.memory_bytes = need.bytes;
	snprintf(what, sizeof what, "a factorization by %u factors", options->factors);
	status = strads_linear_budget_check(what, engine_bytes, options->engine.memory_bytes,
					    "ask for fewer factors");
	if (status != STRADS_OK)
		return status;
	return strads_linear_room_check(strads_fabric_job(mf->fabric), what, need.bytes,
					"ask for fewer factors");
}

/* Runs the program on an engine of its own. */
static int
run(struct strads_mf *mf)
{
	struct strads_program program;
	int status;

	strads_mf_program(mf, &program);
	status = strads_engine_new(mf->fabric, &program, &mf->options.engine, &mf->engine);
	if (status)
		return status;
	status = strads_engine_run(mf->engine);
	strads_engine_delete(&mf->engine);
	return status;
}

static int
allocate(struct strads_mf *mf)
{
	struct strads_linear_need need = {.what = "a factorization"};
	int status = strads_mf_model_new(mf->fabric, mf->ratings, mf->columns, mf->als || mf->sgd,
					 &mf->model);

	if (status)
		return status;
	mf->w = strads_region_base(mf->model->region[STRADS_MF_USERS]);
	mf->h = strads_region_base(mf->model->region[STRADS_MF_ITEMS]);
	strads_mf_state_take(mf, &need);
	status = strads_job_agree(strads_fabric_job(mf->fabric), need.status);
	return status == STRADS_OK && mf->sgd ? strads_mf_sgd_wire(mf) : status;
}

static int
fit(struct strads_mf *mf)
{
	int status = strads_job_agree(strads_fabric_job(mf->fabric), strads_mf_state_plan(mf));

	if (status == STRADS_OK)
		status = predict(mf);
	if (status == STRADS_OK)
		status = allocate(mf);
	if (status == STRADS_OK) {
		strads_mf_state_start(mf);
		status = run(mf);
	}
	if (status == STRADS_OK && mf->sgd)
		status = strads_mf_sgd_end(mf);
	strads_mf_state_give(mf);
	return status;
}

int
strads_mf_fit(struct strads_fabric *fabric, struct strads_ratings *ratings,
	      const struct strads_mf_options *options, const volatile int *stop,
	      strads_mf_report *report, void *arg, enum strads_mf_outcome *outcome,
	      struct strads_mf_model **model)
{
	struct strads_job *job = strads_fabric_job(fabric);
	bool wide = ratings->train.wide;
	struct strads_mf mf = {
	    .options = *options,
	    .fabric = fabric,
	    .ratings = ratings,
	    .stop = stop,
	    .report = report,
	    .report_arg = arg,
	    .start_ns = strads_fabric_clock_ns(fabric),
	    .rank = strads_job_rank(job),
	    .ranks = strads_job_size(job),
	    .columns = options->factors + options->biases,
	    .wide = wide,
	    .real_bytes = wide ? sizeof(double) : sizeof(float),
	    .course = {.objective = INFINITY, .best_test = INFINITY},
	    .final_set = UINT64_MAX,
	};
	int status = check_options(options);

	if (status == STRADS_OK)
		status = fit(&mf);
	if (status) {
		strads_mf_model_delete(&mf.model);
		return status;
	}
	*outcome = mf.outcome;
	*model = mf.model;
	return STRADS_OK;
}
