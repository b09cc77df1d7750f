/*
 * Cross-validation: each fold against a fit of the other rows alone, and the choice against the
 * folds' errors.
 */
#include <math.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../../apps/data/fold.h"
#include "lasso_job.h"

#define ROWS  47
#define COLS  20
#define FOLDS 4

static struct lasso_job
cross_job(enum strads_job_kind kind, int ranks, const struct lasso_problem *p)
{
	struct lasso_job job = lasso_job_defaults(kind, ranks, p);

	job.lasso.path.count = 8;
	job.lasso.path.min_ratio = 0.02;
	job.lasso.intercept = true;
	job.folds = FOLDS;
	return job;
}

/* The rows in fold f, or not in it. */
static struct lasso_problem
part(const struct lasso_problem *p, const uint32_t *fold, uint32_t f, bool in)
{
	struct lasso_problem q = {.cols = p->cols};
	uint32_t at = 0;

	for (uint32_t i = 0; i < p->rows; i++)
		q.rows += (fold[i] == f) == in;
	q.x = calloc((size_t)q.rows * q.cols, sizeof *q.x);
	q.y = calloc(q.rows, sizeof *q.y);
	assert_true(q.x && q.y);
	for (uint32_t i = 0; i < p->rows; i++) {
		if ((fold[i] == f) != in)
			continue;
		for (uint32_t j = 0; j < q.cols; j++)
			q.x[(size_t)j * q.rows + at] = p->x[(size_t)j * p->rows + i];
		q.y[at++] = p->y[i];
	}
	return q;
}

/* Held-out error of the serial solver. */
static double
reference_mse(const struct lasso_job *job, const uint32_t *fold, uint32_t f, double lambda)
{
	const struct strads_lasso_options *o = &job->lasso;
	const struct lasso_penalty penalty = {.l1_ratio = o->l1_ratio, .weight = o->weight};
	struct lasso_problem rest = part(job->problem, fold, f, false);
	struct lasso_problem held = part(job->problem, fold, f, true);
	struct lasso_solution s =
	    lasso_problem_solve_penalty(&rest, o->standardize, o->intercept, penalty,
					lambda * rest.rows / job->problem->rows, 0);
	double sse = 0;

	for (size_t i = 0; i < held.rows; i++) {
		double r = held.y[i] - s.intercept;

		for (size_t j = 0; j < held.cols; j++)
			r -= held.x[j * held.rows + i] * s.beta[j];
		sse += r * r;
	}
	sse /= held.rows;
	free(s.beta);
	lasso_problem_free(&rest);
	lasso_problem_free(&held);
	return sse;
}

static void
assign(const struct lasso_job *job, uint32_t *fold)
{
	const struct strads_dataset all = {.x.rows = job->problem->rows};

	assert_int_equal(strads_fold_assign(&all, job->lasso.seed, job->folds, fold), STRADS_OK);
}

static void
assert_folds(const struct lasso_job *job, const struct lasso_result *result)
{
	uint32_t fold[ROWS];

	assign(job, fold);
	assert_int_equal(result->validated, result->points);
	for (uint32_t f = 0; f < job->folds; f++) {
		for (uint64_t k = 0; k < result->points; k++) {
			double expected = reference_mse(job, fold, f, result->point[k].lambda);

			if (fabs(result->mse[f][k] - expected) > 1e-4 * expected)
				fail_msg("fold %u, lambda %g: %.9g instead of %.9g", f,
					 result->point[k].lambda, result->mse[f][k], expected);
		}
	}
}

static void
assert_choice(const struct lasso_job *job, const struct lasso_result *r)
{
	uint32_t fold[ROWS], size[LASSO_FOLDS_MAX] = {0};
	double bound;

	assign(job, fold);
	for (uint32_t i = 0; i < ROWS; i++)
		size[fold[i]]++;
	for (uint64_t k = 0; k < r->points; k++) {
		double mean = 0, square = 0;

		for (uint32_t f = 0; f < job->folds; f++)
			mean += r->mse[f][k] * size[f] / ROWS;
		for (uint32_t f = 0; f < job->folds; f++)
			square += (r->mse[f][k] - mean) * (r->mse[f][k] - mean) * size[f] / ROWS;
		assert_true(fabs(r->mean[k] - mean) <= 1e-12 * mean);
		assert_true(fabs(r->mean_error[k] - sqrt(square / (job->folds - 1))) <=
			    1e-9 * mean);
		assert_true(r->mean[r->best] <= r->mean[k]);
	}
	bound = r->mean[r->best] + r->mean_error[r->best];
	assert_true(r->one_se <= r->best && r->mean[r->one_se] <= bound);
	for (uint64_t k = 0; k < r->one_se; k++)
		assert_true(r->mean[k] > bound);
}

static void
cross__folds_are_fits_of_the_other_rows(void **state)
{
	struct lasso_problem p = lasso_problem_new(ROWS, COLS, 0.5, 0, 51);
	struct lasso_result *results = lasso_results_new();
	double weight[COLS];

	(void)state;
	for (int j = 0; j < COLS; j++)
		weight[j] = j == 5 || j == 9 ? 0 : 1 + j % 2;
	for (int k = 0; k < 8; k++) {
		struct lasso_job job = cross_job(STRADS_JOB_SIM, 1 + k % 4, &p);

		job.lasso.standardize = (enum strads_standardize)(k % 4);
		job.lasso.intercept = k / 4 == 0;
		job.lasso.l1_ratio = k % 3 == 2 ? 0.5 : 1;
		job.lasso.weight = k % 3 == 1 ? weight : NULL;
		if (k == 5)
			job.lasso.scheduler = STRADS_LINEAR_CHECKED;
		if (k == 2 || k == 4)
			job.lasso.scheduler = STRADS_LINEAR_SIGNALLING;
		lasso_job_assert(&job, STRADS_LINEAR_CONVERGED, results);
		assert_folds(&job, &results[0]);
		assert_choice(&job, &results[0]);
	}
	free(results);
	lasso_problem_free(&p);
}

/* On 1 to 4 processes the folds, their errors and the choice are the same. */
static void
cross__same_on_every_number_of_ranks(void **state)
{
	struct lasso_problem p = lasso_problem_new(ROWS, COLS, 0.5, 0, 52);
	struct lasso_result *one = lasso_results_new(), *results = lasso_results_new();

	(void)state;
	for (int ranks = 1; ranks <= 4; ranks++) {
		struct lasso_job job = cross_job(STRADS_JOB_LOCAL, ranks, &p);

		lasso_job_assert(&job, STRADS_LINEAR_CONVERGED, ranks == 1 ? one : results);
		if (ranks == 1)
			continue;
		for (int r = 0; r < ranks; r++) {
			assert_int_equal(results[r].best, one->best);
			assert_int_equal(results[r].one_se, one->one_se);
			for (uint64_t k = 0; k < one->points; k++)
				assert_true(fabs(results[r].mean[k] - one->mean[k]) <=
					    1e-5 * one->mean[k]);
		}
	}
	free(one);
	free(results);
	lasso_problem_free(&p);
}

/* Every row a fold of its own. */
static void
cross__as_many_folds_as_rows(void **state)
{
	struct lasso_problem p = lasso_problem_new(9, 5, 0.9, 0, 53);
	struct lasso_result *results = lasso_results_new();
	struct lasso_job job = cross_job(STRADS_JOB_SIM, 3, &p);

	(void)state;
	job.folds = 9;
	job.lasso.path.count = 3;
	lasso_job_assert(&job, STRADS_LINEAR_CONVERGED, results);
	assert_int_equal(results[0].validated, results[0].points);
	free(results);
	lasso_problem_free(&p);
}

static void
assert_refused(const struct lasso_job *job, struct lasso_result *results, const char *word)
{
	assert_int_equal(lasso_job_run(job, results), 0);
	for (int i = 0; i < job->job.ranks; i++) {
		assert_int_equal(results[i].end.status, STRADS_ERR_INPUT);
		if (!strstr(results[i].end.error, word))
			fail_msg("'%s' says nothing of '%s'", results[i].end.error, word);
	}
}

static void
cross__impossible_folds_are_refused(void **state)
{
	struct lasso_problem p = lasso_problem_new(ROWS, COLS, 0.5, 0, 54);
	struct lasso_result *results = lasso_results_new();
	struct lasso_job job = cross_job(STRADS_JOB_SIM, 2, &p);

	(void)state;
	job.folds = ROWS + 1;
	assert_refused(&job, results, "48 folds of 47 rows");
	job.folds = 1;
	assert_refused(&job, results, "1 folds of 47 rows");
	/* One row has another response: without it nothing is left to explain. */
	for (uint32_t i = 0; i < ROWS; i++)
		p.y[i] = i == 7;
	job.folds = 4;
	assert_refused(&job, results, "of 4: every response is 0");
	free(results);
	lasso_problem_free(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(cross__folds_are_fits_of_the_other_rows),
	    cmocka_unit_test(cross__same_on_every_number_of_ranks),
	    cmocka_unit_test(cross__as_many_folds_as_rows),
	    cmocka_unit_test(cross__impossible_folds_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
