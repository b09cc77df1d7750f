/*
 * Paths of λs: every point is the optimum of its λ.
 */
#include <math.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lasso_job.h"

#define ROWS 60
#define COLS 40

static struct lasso_job
path_job(enum strads_job_kind kind, int ranks, const struct lasso_problem *p, uint64_t lambdas)
{
	struct lasso_job job = lasso_job_defaults(kind, ranks, p);

	job.lasso.path.count = lambdas;
	job.lasso.path.min_ratio = 0.01;
	job.lasso.intercept = true;
	job.lasso.tol = 1e-9;
	return job;
}

static void
assert_point(const struct lasso_job *job, const struct lasso_point *point)
{
	const struct strads_lasso_options *o = &job->lasso;
	const struct lasso_penalty penalty = {.l1_ratio = o->l1_ratio, .weight = o->weight};
	struct lasso_solution s = lasso_problem_solve_penalty(
	    job->problem, o->standardize, o->intercept, penalty, point->lambda, 0);
	double largest = 1e-3;

	assert_true(point->gap <= o->tol);
	assert_int_equal(point->count, point->nonzeros);
	if (fabs(point->objective - s.objective) > 1e-7 * s.objective)
		fail_msg("lambda %g: objective %.12g instead of %.12g", point->lambda,
			 point->objective, s.objective);
	assert_true(fabs(point->intercept - s.intercept) <= 1e-3 * (1 + fabs(s.intercept)));
	for (uint32_t j = 0; j < job->problem->cols; j++)
		largest = fmax(largest, fabs(s.beta[j]));
	for (uint32_t j = 5; j < job->problem->cols; j++)
		if (fabs(point->beta[j] - s.beta[j]) > 1e-3 * largest)
			fail_msg("lambda %g: beta %u is %.9g instead of %.9g", point->lambda, j,
				 point->beta[j], s.beta[j]);
	free(s.beta);
}

/* The grid is geometric from λ_max on. */
static void
assert_path(const struct lasso_job *job, const struct lasso_result *result, uint64_t points)
{
	double step = pow(job->lasso.path.min_ratio, 1 / ((double)job->lasso.path.count - 1));

	assert_int_equal(result->points, points);
	assert_true(result->point[0].lambda == result->last.lambda_max);
	for (uint64_t k = 0; k < points; k++) {
		double expected = result->last.lambda_max * pow(step, (double)k);

		assert_true(fabs(result->point[k].lambda - expected) <= 1e-12 * expected);
		assert_point(job, &result->point[k]);
		assert_true(k == 0 || result->point[k].explained > result->point[k - 1].explained);
	}
}

static void
path__every_point_is_optimal_for_every_scheduler(void **state)
{
	struct lasso_problem p = lasso_problem_new(ROWS, COLS, 0.4, 0, 41);
	struct lasso_result *results = lasso_results_new();

	(void)state;
	for (int k = 0; k <= STRADS_LINEAR_CHECKED; k++) {
		struct lasso_job job = path_job(STRADS_JOB_SIM, 1 + k % 3, &p, 12);

		job.lasso.scheduler = (enum strads_linear_scheduler)k;
		job.lasso.standardize = (enum strads_standardize)(k % 4);
		job.lasso.intercept = k % 2 > 0;
		lasso_job_assert(&job, STRADS_LINEAR_CONVERGED, results);
		assert_path(&job, &results[0], 12);
	}
	free(results);
	lasso_problem_free(&p);
}

/* On 1 to 4 processes, with all that a penalty can have. */
static void
path__same_on_every_number_of_ranks(void **state)
{
	struct lasso_problem p = lasso_problem_new(ROWS, COLS, 0.4, 0, 42);
	struct lasso_result *results = lasso_results_new();
	double weight[COLS];

	(void)state;
	for (int j = 0; j < COLS; j++)
		weight[j] = j < 8 && j % 4 == 3 ? 0 : 0.5 + j % 3;
	weight[3] = 1;
	for (int ranks = 1; ranks <= 4; ranks++) {
		struct lasso_job job = path_job(STRADS_JOB_LOCAL, ranks, &p, 10);

		job.lasso.l1_ratio = 0.7;
		job.lasso.weight = weight;
		job.lasso.engine.depth = ranks;
		job.lasso.standardize = STRADS_STANDARDIZE_ZSCORE;
		lasso_job_assert(&job, STRADS_LINEAR_CONVERGED, results);
		assert_path(&job, &results[0], 10);
		for (int rank = 1; rank < ranks; rank++) {
			assert_int_equal(results[rank].points, 10);
			assert_int_equal(results[rank].point[9].count, 0);
			assert_true(results[rank].point[9].objective ==
				    results[0].point[9].objective);
		}
	}
	free(results);
	lasso_problem_free(&p);
}

/* More columns than a list has, few entries in each: most are left out at the large λs. */
static void
path__wide_and_sparse(void **state)
{
	struct lasso_problem p = lasso_problem_new(80, 1200, 0.03, 0.3, 43);
	struct lasso_result *results = lasso_results_new();
	struct lasso_job job = path_job(STRADS_JOB_SIM, 3, &p, 15);

	(void)state;
	job.lasso.path.min_ratio = 0.1;
	job.lasso.set_size = 64;
	job.lasso.passes = 50;
	lasso_job_assert(&job, STRADS_LINEAR_CONVERGED, results);
	for (uint64_t k = 0; k < results[0].points; k++) {
		struct lasso_solution s = lasso_problem_solve(&p, job.lasso.standardize, true,
							      results[0].point[k].lambda, 0);

		assert_true(fabs(results[0].point[k].objective - s.objective) <=
			    1e-7 * s.objective);
		free(s.beta);
	}
	free(results);
	lasso_problem_free(&p);
}

static void
path__ends_where_the_deviance_is_explained(void **state)
{
	struct lasso_problem p = lasso_problem_new(30, 80, 0.6, 0, 44);
	struct lasso_result *results = lasso_results_new();
	struct lasso_job job = path_job(STRADS_JOB_SIM, 2, &p, 60);
	uint64_t points;

	(void)state;
	job.lasso.path.min_ratio = 1e-5;
	lasso_job_assert(&job, STRADS_LINEAR_CONVERGED, results);
	points = results[0].points;
	assert_true(points > 5 && points < 60);
	assert_true(results[0].point[points - 1].explained > 0.999);
	assert_true(results[0].point[points - 2].explained <= 0.999);
	free(results);
	lasso_problem_free(&p);
}

static void
path__reports_the_held_out_error_of_each_point(void **state)
{
	struct lasso_problem p = lasso_problem_new(ROWS, COLS, 0.4, 0, 45);
	struct lasso_problem test = lasso_problem_new(25, COLS, 0.4, 0, 46);
	struct lasso_result *results = lasso_results_new();
	struct lasso_job job = path_job(STRADS_JOB_SIM, 3, &p, 8);

	(void)state;
	job.test = &test;
	lasso_job_assert(&job, STRADS_LINEAR_CONVERGED, results);
	for (uint64_t k = 0; k < 8; k++) {
		const struct lasso_point *point = &results[0].point[k];
		double sse = 0;

		for (size_t i = 0; i < test.rows; i++) {
			double r = test.y[i] - point->intercept;

			for (size_t j = 0; j < test.cols; j++)
				r -= test.x[j * test.rows + i] * point->beta[j];
			sse += r * r;
		}
		assert_true(fabs(point->test_mse - sse / test.rows) <= 1e-9 * sse);
	}
	free(results);
	lasso_problem_free(&test);
	lasso_problem_free(&p);
}

/* What is there at a limit are the points that were reached, whole ones but the last. */
static void
path__ends_at_the_number_of_sets(void **state)
{
	struct lasso_problem p = lasso_problem_new(ROWS, COLS, 0.4, 0, 47);
	struct lasso_result *results = lasso_results_new();

	(void)state;
	for (uint64_t sets = 4; sets < 60; sets += 5) {
		struct lasso_job job = path_job(STRADS_JOB_SIM, 2, &p, 20);

		job.lasso.max_sets = sets;
		job.lasso.engine.depth = 1 + (int)(sets % 3);
		lasso_job_assert(&job, STRADS_LINEAR_LIMIT, results);
		assert_true(results[0].points >= 1 && results[0].points < 20);
		for (uint64_t k = 0; k + 1 < results[0].points; k++)
			assert_point(&job, &results[0].point[k]);
	}
	free(results);
	lasso_problem_free(&p);
}

static void
assert_refused(const struct lasso_job *job, struct lasso_result *results, const char *word)
{
	assert_int_equal(lasso_job_run(job, results), 0);
	for (int i = 0; i < job->job.ranks; i++) {
		/* Found out while the ranks run, one of them says so. */
		assert_true(results[i].end.status == STRADS_ERR_INPUT ||
			    results[i].end.status == STRADS_ERR_ABORTED);
		if (!strstr(results[i].end.error, word))
			fail_msg("'%s' says nothing of '%s'", results[i].end.error, word);
	}
}

static void
path__impossible_ones_are_refused(void **state)
{
	struct lasso_problem p = lasso_problem_new(ROWS, COLS, 0.4, 0, 48);
	struct lasso_result *results = lasso_results_new();
	struct lasso_job job = path_job(STRADS_JOB_SIM, 2, &p, 8);

	(void)state;
	job.lasso.path.min_ratio = 0;
	assert_refused(&job, results, "end at 0 of lambda_max");
	job.lasso.path.min_ratio = 1;
	assert_refused(&job, results, "end at 1 of lambda_max");
	job.lasso.path.min_ratio = 0.1;
	for (size_t k = 0; k < (size_t)ROWS * COLS; k++)
		p.x[k] = 1;
	assert_refused(&job, results, "there is no path");
	free(results);
	lasso_problem_free(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(path__every_point_is_optimal_for_every_scheduler),
	    cmocka_unit_test(path__same_on_every_number_of_ranks),
	    cmocka_unit_test(path__wide_and_sparse),
	    cmocka_unit_test(path__ends_where_the_deviance_is_explained),
	    cmocka_unit_test(path__reports_the_held_out_error_of_each_point),
	    cmocka_unit_test(path__ends_at_the_number_of_sets),
	    cmocka_unit_test(path__impossible_ones_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
