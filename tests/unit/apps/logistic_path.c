/*
 * Paths of λs of a logistic regression: every point is the optimum of its λ.
 */
#include <math.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "logistic_problem.h"

#define ROWS 90
#define COLS 30

/* What is common to the settings below. */
static struct strads_logistic_options
path_options(uint64_t lambdas)
{
	struct strads_logistic_options options = logistic_defaults();

	options.path = (struct strads_linear_grid){.count = lambdas, .min_ratio = 0.05};
	options.intercept = true;
	options.tol = 1e-9;
	return options;
}

static void
assert_point(const struct lasso_problem *p, const struct strads_logistic_options *o,
	     const struct lasso_point *point)
{
	struct lasso_solution s =
	    logistic_problem_solve(p, o->standardize, o->intercept, point->lambda, 0);
	double largest = 1e-3;

	assert_true(point->gap <= o->tol);
	assert_int_equal(point->count, point->nonzeros);
	if (fabs(point->objective - s.objective) > 1e-7 * s.objective)
		fail_msg("lambda %g: objective %.12g instead of %.12g", point->lambda,
			 point->objective, s.objective);
	assert_true(fabs(point->intercept - s.intercept) <= 1e-3 * (1 + fabs(s.intercept)));
	for (uint32_t j = 0; j < p->cols; j++)
		largest = fmax(largest, fabs(s.beta[j]));
	for (uint32_t j = 5; j < p->cols; j++) /* those before depend on each other */
		if (fabs(point->beta[j] - s.beta[j]) > 2e-3 * largest)
			fail_msg("lambda %g: beta %u is %.9g instead of %.9g", point->lambda, j,
				 point->beta[j], s.beta[j]);
	free(s.beta);
}

/* The grid is geometric from λ_max on; explained is 1 − loss / loss of β = 0. */
static void
assert_path(const struct lasso_problem *p, const struct strads_logistic_options *o,
	    const struct lasso_result *result)
{
	double step = pow(o->path.min_ratio, 1 / ((double)o->path.count - 1));

	assert_int_equal(result->points, o->path.count);
	assert_true(result->point[0].lambda == result->last.lambda_max);
	assert_int_equal(result->point[0].count, 0);
	assert_true(fabs(result->point[0].explained) < 1e-9);
	for (uint64_t k = 0; k < o->path.count; k++) {
		double expected = result->last.lambda_max * pow(step, (double)k);

		assert_true(fabs(result->point[k].lambda - expected) <= 1e-12 * expected);
		assert_point(p, o, &result->point[k]);
		assert_true(k == 0 || result->point[k].explained > result->point[k - 1].explained);
	}
}

static void
path__every_point_is_optimal_for_every_scheduler(void **state)
{
	struct lasso_problem p = logistic_problem_new(ROWS, COLS, 0.4, 0, 51);
	struct lasso_result *results = lasso_results_new();

	(void)state;
	for (int k = 0; k < STRADS_LINEAR_CHECKED; k++) {
		struct strads_logistic_options options = path_options(8);
		struct lasso_job job = lasso_job_defaults(STRADS_JOB_SIM, 1 + k % 3, &p);

		job.logistic = &options;
		options.scheduler = (enum strads_linear_scheduler)k;
		options.standardize = (enum strads_standardize)(k % 4);
		options.intercept = k % 2 > 0;
		lasso_job_assert(&job, STRADS_LINEAR_CONVERGED, results);
		assert_path(&p, &options, &results[0]);
	}
	free(results);
	lasso_problem_free(&p);
}

static void
path__same_on_every_number_of_ranks(void **state)
{
	struct lasso_problem p = logistic_problem_new(ROWS, COLS, 0.4, 0, 52);
	struct lasso_result *results = lasso_results_new();

	(void)state;
	for (int ranks = 1; ranks <= 4; ranks++) {
		struct strads_logistic_options options = path_options(6);
		struct lasso_job job = lasso_job_defaults(STRADS_JOB_LOCAL, ranks, &p);

		job.logistic = &options;
		options.engine.depth = ranks;
		options.standardize = STRADS_STANDARDIZE_ZSCORE;
		lasso_job_assert(&job, STRADS_LINEAR_CONVERGED, results);
		assert_path(&p, &options, &results[0]);
		for (int rank = 1; rank < ranks; rank++) {
			assert_int_equal(results[rank].points, 6);
			assert_int_equal(results[rank].point[5].count, 0);
			assert_true(results[rank].point[5].objective ==
				    results[0].point[5].objective);
		}
	}
	free(results);
	lasso_problem_free(&p);
}

/* More columns than are looked at: what one λ passed by, the next may need. */
static void
path__wide_and_sparse(void **state)
{
	struct lasso_problem p = logistic_problem_new(80, 1200, 0.03, 0.3, 53);
	struct lasso_result *results = lasso_results_new();

	(void)state;
	for (int ranks = 1; ranks <= 3; ranks += 2) {
		struct strads_logistic_options options = path_options(12);
		struct lasso_job job = lasso_job_defaults(STRADS_JOB_SIM, ranks, &p);

		job.logistic = &options;
		options.path.min_ratio = 0.2;
		options.set_size = 64;
		lasso_job_assert(&job, STRADS_LINEAR_CONVERGED, results);
		assert_int_equal(results[0].points, 12);
		for (uint64_t k = 0; k < results[0].points; k++) {
			struct lasso_solution s = logistic_problem_solve(
			    &p, options.standardize, true, results[0].point[k].lambda, 0);

			if (fabs(results[0].point[k].objective - s.objective) > 1e-7 * s.objective)
				fail_msg("point %d: %.12g instead of %.12g", (int)k,
					 results[0].point[k].objective, s.objective);
			free(s.beta);
		}
	}
	free(results);
	lasso_problem_free(&p);
}

static void
path__reports_the_held_out_loss_of_each_point(void **state)
{
	struct lasso_problem p = logistic_problem_new(ROWS, COLS, 0.4, 0, 54);
	struct lasso_problem test = logistic_problem_new(40, COLS, 0.4, 0, 55);
	struct lasso_result *results = lasso_results_new();
	struct strads_logistic_options options = path_options(6);
	struct lasso_job job = lasso_job_defaults(STRADS_JOB_SIM, 3, &p);

	(void)state;
	job.logistic = &options;
	job.test = &test;
	lasso_job_assert(&job, STRADS_LINEAR_CONVERGED, results);
	for (uint64_t k = 0; k < 6; k++) {
		const struct lasso_point *point = &results[0].point[k];
		double loss = 0;

		for (size_t i = 0; i < test.rows; i++)
			loss +=
			    log1p(exp(-test.y[i] * logistic_problem_margin(&test, point->beta,
									   point->intercept, i)));
		assert_true(fabs(point->test_log_loss * test.rows - loss) <= 1e-9 * loss);
	}
	free(results);
	lasso_problem_free(&test);
	lasso_problem_free(&p);
}

/* What is there at a limit are the points that were reached, whole ones but the last. */
static void
path__ends_at_the_number_of_sets(void **state)
{
	struct lasso_problem p = logistic_problem_new(ROWS, COLS, 0.4, 0, 56);
	struct lasso_result *results = lasso_results_new();

	(void)state;
	for (uint64_t sets = 4; sets < 60; sets += 5) {
		struct strads_logistic_options options = path_options(60);
		struct lasso_job job = lasso_job_defaults(STRADS_JOB_SIM, 2, &p);

		job.logistic = &options;
		options.max_sets = sets;
		options.engine.depth = 1 + (int)(sets % 3);
		lasso_job_assert(&job, STRADS_LINEAR_LIMIT, results);
		assert_true(results[0].points >= 1 && results[0].points < 60);
		for (uint64_t k = 0; k + 1 < results[0].points; k++)
			assert_point(&p, &options, &results[0].point[k]);
	}
	free(results);
	lasso_problem_free(&p);
}

static void
path__impossible_ones_are_refused(void **state)
{
	struct lasso_problem p = logistic_problem_new(ROWS, COLS, 0.4, 0, 58);
	struct lasso_result *results = lasso_results_new();
	struct strads_logistic_options options = path_options(5);
	struct lasso_job job = lasso_job_defaults(STRADS_JOB_SIM, 2, &p);

	(void)state;
	job.logistic = &options;
	for (int ratio = 0; ratio <= 1; ratio++) {
		options.path.min_ratio = ratio;
		assert_int_equal(lasso_job_run(&job, results), 0);
		assert_int_equal(results[0].end.status, STRADS_ERR_INPUT);
		assert_non_null(strstr(results[0].end.error, "above 0, below 1"));
	}
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
	    cmocka_unit_test(path__reports_the_held_out_loss_of_each_point),
	    cmocka_unit_test(path__ends_at_the_number_of_sets),
	    cmocka_unit_test(path__impossible_ones_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
