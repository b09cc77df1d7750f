#include "lasso_job.h"

#include <math.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* One rank's side. */
struct side {
	const struct lasso_job *job;
	struct lasso_result *result;
	int rank;
	volatile int stop;
};

struct lasso_job
lasso_job_defaults(enum strads_job_kind kind, int ranks, const struct lasso_problem *problem)
{
	struct lasso_job job = {
	    .job = ranks_job(kind, ranks),
	    .fabric = "auto",
	    .lasso =
		{
		    .lambda = NAN,
		    .lambda_ratio = 0.1,
		    .l1_ratio = 1,
		    .path.min_ratio = NAN,
		    .tol = 1e-10,
		    .max_sets = 200000,
		    .seed = 1,
		    .scheduler = STRADS_LINEAR_WORKING_SET,
		    .fresh = 0.5,
		    .uniform = 0.8,
		    .rho = 0.5,
		    .oversample = 4,
		    .column_cache_bytes = (size_t)1 << 20,
		    .set_size = 8,
		    .passes = 5,
		},
	    .fit = strads_lasso_fit,
	    .problem = problem,
	    .stop_rank = -1,
	};

	strads_engine_defaults(&job.lasso.engine);
	job.lasso.engine.memory_bytes = (size_t)64 << 20;
	return job;
}

static void
report(void *arg, const struct strads_linear_progress *progress, bool final)
{
	struct side *side = arg;
	struct lasso_result *result = side->result;

	if (result->evaluations < LASSO_POINTS_MAX)
		result->objective[result->evaluations] = progress->objective;
	result->evaluations++;
	result->finals += final;
	result->last = *progress;
	if (side->rank == side->job->stop_rank && result->evaluations >= side->job->stop_at)
		side->stop = 1;
}

static int
load(const struct lasso_job *job, struct strads_fabric *fabric, struct strads_dataset *train,
     struct strads_dataset *test)
{
	struct strads_job *ranks = strads_fabric_job(fabric);
	uint64_t rank = (uint64_t)strads_job_rank(ranks), size = (uint64_t)strads_job_size(ranks);
	const struct lasso_problem *p = job->problem, *t = job->test;
	int status = STRADS_OK;

	if (job->file)
		status = strads_dataset_read(fabric, job->file, train);
	else
		status = lasso_problem_rows(p, (uint32_t)(p->rows * rank / size),
					    (uint32_t)(p->rows * (rank + 1) / size), train);
	if (status == STRADS_OK && size > 1 &&
	    (job->lasso.scheduler == STRADS_LINEAR_CHECKED ||
	     job->lasso.scheduler == STRADS_LINEAR_SIGNALLING || job->fit != strads_lasso_fit ||
	     job->lasso.mode == STRADS_LASSO_SERVER))
		status = strads_dataset_publish(fabric, train);
	if (status == STRADS_OK && t)
		status = lasso_problem_rows(t, (uint32_t)(t->rows * rank / size),
					    (uint32_t)(t->rows * (rank + 1) / size), test);
	return status;
}

static void
report_fold(void *arg, int fold, const struct strads_linear_progress *progress, bool final)
{
	if (fold < 0)
		report(arg, progress, final);
}

static void
copy_path(const struct strads_linear_path *path, struct lasso_result *result)
{
	assert_true(path->count <= LASSO_PATH_MAX);
	result->points = path->count;
	for (uint64_t k = 0; k < path->count; k++) {
		const struct strads_linear_point *from = &path->point[k];
		struct lasso_point *to = &result->point[k];

		*to = (struct lasso_point){.lambda = from->at.lambda,
					   .objective = from->at.objective,
					   .gap = from->at.gap,
					   .explained = from->at.explained,
					   .test_mse = from->at.test_mse,
					   .test_log_loss = from->at.test_log_loss,
					   .nonzeros = from->at.nonzeros,
					   .count = from->model.count,
					   .intercept = from->model.intercept};
		for (uint64_t e = 0; e < from->model.count; e++)
			if (from->model.index[e] < LASSO_PATH_COLS)
				to->beta[from->model.index[e]] = from->model.value[e];
	}
}

static void
copy_cross(const struct strads_lasso_cross *cross, struct lasso_result *result)
{
	result->validated = cross->count;
	result->best = cross->best;
	result->one_se = cross->one_se;
	for (uint64_t k = 0; k < cross->count; k++) {
		result->mean[k] = cross->mean[k];
		result->mean_error[k] = cross->error[k];
		for (uint32_t f = 0; f < cross->folds && f < LASSO_FOLDS_MAX; f++)
			result->mse[f][k] = cross->mse[f * cross->count + k];
	}
}

/* A path, with cross-validation or without. */
static int
fit_path(struct side *side, struct strads_fabric *fabric, struct strads_dataset *train,
	 const struct strads_dataset *test)
{
	const struct lasso_job *job = side->job;
	struct lasso_result *result = side->result;
	struct strads_linear_path path = {0};
	struct strads_lasso_cross cross = {0};
	int status;

	if (job->folds > 0)
		status = strads_lasso_cross_validate(fabric, train, test, &job->lasso, job->folds,
						     &side->stop, report_fold, side,
						     &result->outcome, &path, &cross);
	else
		status = strads_lasso_fit_path(fabric, train, test, &job->lasso, &side->stop,
					       report, side, &result->outcome, &path);
	if (status == STRADS_OK) {
		copy_path(&path, result);
		copy_cross(&cross, result);
	}
	strads_lasso_cross_free(&cross);
	strads_linear_path_free(&path);
	return status;
}

/* A logistic regression, or a path of them. */
static int
fit_logistic(const struct lasso_job *job, struct strads_fabric *fabric, struct side *side,
	     const struct strads_dataset *train, const struct strads_dataset *test,
	     struct strads_linear_model *model)
{
	struct strads_logistic_result ended = {0};
	struct strads_linear_path path = {0};
	int status;

	if (job->logistic->path.count > 0)
		status = strads_logistic_fit_path(fabric, train, test, job->logistic, &side->stop,
						  report, side, &ended, &path);
	else
		status = strads_logistic_fit(fabric, train, test, job->logistic, &side->stop,
					     report, side, &ended, model);
	copy_path(&path, side->result);
	strads_linear_path_free(&path);
	side->result->outcome = ended.outcome;
	side->result->test_auc = ended.test_auc;
	return status;
}

static int
fit(struct strads_fabric *fabric, const void *arg, void *left)
{
	const struct lasso_job *job = arg;
	struct lasso_result *result = left;
	struct side side = {
	    .job = job, .result = result, .rank = strads_job_rank(strads_fabric_job(fabric))};
	struct strads_dataset train = {0}, test = {0};
	const struct strads_dataset *held_out = job->test ? &test : NULL;
	struct strads_linear_model model = {0};
	int status = load(job, fabric, &train, &test);

	if (status == STRADS_OK && job->logistic)
		status = fit_logistic(job, fabric, &side, &train, held_out, &model);
	else if (status == STRADS_OK && job->lasso.path.count > 0)
		status = fit_path(&side, fabric, &train, held_out);
	else if (status == STRADS_OK)
		status = job->fit(fabric, &train, held_out, &job->lasso, &side.stop, report, &side,
				  &result->outcome, &model);
	result->count = model.count;
	result->intercept = model.intercept;
	for (uint64_t k = 0; k < model.count && model.index[k] < LASSO_COLS_MAX; k++)
		result->beta[model.index[k]] = model.value[k];
	strads_linear_model_free(&model);
	strads_dataset_free(&train);
	strads_dataset_free(&test);
	return status;
}

int
lasso_job_run(const struct lasso_job *job, struct lasso_result *results)
{
	return ranks_run(&job->job, job->fabric, fit, job, results, sizeof *results);
}

static bool
same(double a, double b)
{
	return a == b || (isnan(a) && isnan(b));
}

void
lasso_job_assert(const struct lasso_job *job, enum strads_linear_outcome outcome,
		 struct lasso_result *results)
{
	ranks_assert(&job->job, job->fabric, fit, job, results, sizeof *results);
	for (int i = 0; i < job->job.ranks; i++) {
		const struct lasso_result *r = &results[i], *first = &results[0];

		if (r->outcome != outcome)
			fail_msg("rank %d of %d: outcome %d, gap %g after %llu sets", i,
				 job->job.ranks, r->outcome, r->last.gap,
				 (unsigned long long)r->last.sets);
		assert_int_equal(r->finals, 1);
		assert_int_equal(r->evaluations, first->evaluations);
		assert_int_equal(r->last.sets, first->last.sets);
		assert_int_equal(r->last.nonzeros, first->last.nonzeros);
		assert_true(same(r->last.objective, first->last.objective));
		assert_true(same(r->last.gap, first->last.gap));
		assert_true(same(r->last.test_mse, first->last.test_mse));
		assert_true(same(r->last.test_log_loss, first->last.test_log_loss));
	}
}

struct lasso_result *
lasso_results_new(void)
{
	struct lasso_result *results = calloc(LASSO_RANKS_MAX, sizeof *results);

	assert_non_null(results);
	return results;
}
