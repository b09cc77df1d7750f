/*
 * How a fit ends: limits, divergence, data and settings that leave nothing to do.
 */
#include <math.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../share.h"
#include "lasso_job.h"

struct fixture {
	struct lasso_problem p;
	struct lasso_result *results; /* [LASSO_RANKS_MAX] */
};

static int
set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);

	assert_non_null(f);
	f->p = lasso_problem_new(60, 50, 0.4, 0, 21);
	f->results = lasso_results_new();
	*state = f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	lasso_problem_free(&f->p);
	free(f->results);
	free(f);
	return 0;
}

static void
assert_refused(const struct lasso_job *job, struct lasso_result *results, const char *word)
{
	assert_int_equal(lasso_job_run(job, results), 0);
	for (int i = 0; i < job->job.ranks; i++) {
		assert_int_equal(results[i].end.status, STRADS_ERR_INPUT);
		assert_non_null(strstr(results[i].end.error, word));
	}
}

static void
fit__lambda_at_its_maximum_gives_zero(void **state)
{
	struct fixture *f = *state;
	struct lasso_job job = lasso_job_defaults(STRADS_JOB_SIM, 3, &f->p);

	job.lasso.lambda_ratio = 1;
	lasso_job_assert(&job, STRADS_LINEAR_CONVERGED, f->results);
	assert_int_equal(f->results[0].count, 0);
	assert_true(f->results[0].last.gap == 0);
	job.lasso.lambda = 2 * f->results[0].last.lambda_max;
	lasso_job_assert(&job, STRADS_LINEAR_CONVERGED, f->results);
	assert_int_equal(f->results[0].count, 0);
	assert_true(f->results[0].last.gap == 0);
}

static void
fit__lambda_zero_is_least_squares(void **state)
{
	struct fixture *f = *state;
	struct lasso_problem narrow = lasso_problem_new(60, 12, 0.5, 0, 22);
	struct lasso_job job = lasso_job_defaults(STRADS_JOB_SIM, 2, &narrow);
	struct lasso_solution s;

	job.lasso.lambda = 0;
	job.lasso.intercept = true;
	job.lasso.standardize = STRADS_STANDARDIZE_CENTER_UNIT;
	lasso_job_assert(&job, STRADS_LINEAR_CONVERGED, f->results);
	s = lasso_problem_solve(&narrow, job.lasso.standardize, true, 0, 0);
	assert_true(fabs(f->results[0].last.objective - s.objective) <= 1e-9 * s.objective);
	free(s.beta);
	lasso_problem_free(&narrow);
}

static void
fit__constant_response_is_refused(void **state)
{
	struct fixture *f = *state;
	struct lasso_job job = lasso_job_defaults(STRADS_JOB_SIM, 4, &f->p);

	for (uint32_t i = 0; i < f->p.rows; i++)
		f->p.y[i] = 0.1;
	assert_refused(&job, f->results, "response");
}

static void
fit__impossible_settings_are_refused(void **state)
{
	struct fixture *f = *state;
	struct lasso_job good = lasso_job_defaults(STRADS_JOB_SIM, 2, &f->p), job = good;

	job.lasso.lambda = -1;
	assert_refused(&job, f->results, "lambda is -1");
	job = good;
	job.lasso.lambda_ratio = 0;
	assert_refused(&job, f->results, "ratio");
	job = good;
	job.lasso.tol = NAN;
	assert_refused(&job, f->results, "tolerance");
	job = good;
	job.lasso.time_limit_s = -3;
	assert_refused(&job, f->results, "time limit");
	job = good;
	job.lasso.set_size = 0;
	assert_refused(&job, f->results, "at least 1");
}

static void
fit__test_data_of_another_width_are_refused(void **state)
{
	struct fixture *f = *state;
	struct lasso_job job = lasso_job_defaults(STRADS_JOB_SIM, 2, &f->p);
	struct lasso_problem test = lasso_problem_new(10, 49, 0.5, 0, 23);

	job.test = &test;
	assert_refused(&job, f->results, "49 columns");
	lasso_problem_free(&test);
}

static void
fit__only_constant_columns_gives_zero(void **state)
{
	struct fixture *f = *state;
	struct lasso_job job = lasso_job_defaults(STRADS_JOB_SIM, 2, &f->p);

	for (size_t k = 0; k < (size_t)f->p.rows * f->p.cols; k++)
		f->p.x[k] = 0.1;
	job.lasso.intercept = true;
	lasso_job_assert(&job, STRADS_LINEAR_CONVERGED, f->results);
	assert_int_equal(f->results[0].count, 0);
	job.lasso.lambda = 0;
	lasso_job_assert(&job, STRADS_LINEAR_CONVERGED, f->results);
	assert_int_equal(f->results[0].count, 0);
}

static void
fit__ends_at_the_number_of_sets(void **state)
{
	struct fixture *f = *state;

	for (int depth = 1; depth <= 3; depth++) {
		for (uint64_t max_sets = 3; max_sets < 24; max_sets++) {
			struct lasso_job job = lasso_job_defaults(STRADS_JOB_SIM, 3, &f->p);

			if (!strads_test_takes(3 * max_sets + (uint64_t)depth))
				continue;
			job.lasso.engine.depth = depth;
			job.lasso.max_sets = max_sets;
			job.lasso.tol = 1e-15;
			job.lasso.intercept = true;
			lasso_job_assert(&job, STRADS_LINEAR_LIMIT, f->results);
			assert_int_equal(f->results[0].last.sets, max_sets);
		}
	}
}

static void
fit__ends_at_the_time_limit(void **state)
{
	struct fixture *f = *state;
	struct lasso_job job = lasso_job_defaults(STRADS_JOB_SIM, 2, &f->p);

	job.lasso.tol = 0;
	job.lasso.max_sets = 0;
	job.lasso.time_limit_s = 1e-3; /* of virtual time */
	lasso_job_assert(&job, STRADS_LINEAR_LIMIT, f->results);
	assert_true(f->results[0].last.seconds >= 1e-3);
}

static void
fit__ends_when_any_rank_is_asked_to_stop(void **state)
{
	struct fixture *f = *state;

	for (int rank = 0; rank < 3; rank++) {
		struct lasso_job job = lasso_job_defaults(STRADS_JOB_SIM, 3, &f->p);

		job.lasso.tol = 0;
		job.lasso.max_sets = 0;
		job.lasso.set_size = 1;
		job.lasso.scheduler = STRADS_LINEAR_FIXED;
		job.lasso.intercept = true;
		job.lasso.lambda_ratio = 0.01;
		job.stop_rank = rank;
		job.stop_at = 1;
		lasso_job_assert(&job, STRADS_LINEAR_LIMIT, f->results);
		assert_true(f->results[0].evaluations <= 3);
	}
}

static void
fit__ends_where_only_rounding_is_left(void **state)
{
	struct fixture *f = *state;
	struct lasso_job job = lasso_job_defaults(STRADS_JOB_SIM, 2, &f->p);

	job.lasso.tol = 0;
	job.lasso.max_sets = 0;
	/* The gap may come out as exactly 0. */
	assert_int_equal(lasso_job_run(&job, f->results), 0);
	assert_int_equal(f->results[0].end.status, STRADS_OK);
	assert_true(f->results[0].outcome != STRADS_LINEAR_DIVERGED);
	assert_true(f->results[0].last.gap <= 1e-13);
}

/* Neighbours nearly equal, and all updated from the same residual. */
static void
fit__plain_updates_diverge_where_corrected_ones_do_not(void **state)
{
	struct fixture *f = *state;
	struct lasso_problem p = lasso_problem_new(200, 400, 0.2, 0.97, 24);

	for (int kind = 0; kind < 2; kind++) {
		struct lasso_job job =
		    lasso_job_defaults(kind ? STRADS_JOB_LOCAL : STRADS_JOB_SIM, 3, &p);

		job.lasso.standardize = STRADS_STANDARDIZE_CENTER_UNIT;
		job.lasso.intercept = true;
		job.lasso.set_size = 256;
		job.lasso.lambda_ratio = 0.02;
		job.lasso.tol = 1e-6;
		job.lasso.scheduler = STRADS_LINEAR_CYCLIC;
		job.lasso.set_update = STRADS_SET_UPDATE_PLAIN;
		lasso_job_assert(&job, STRADS_LINEAR_DIVERGED, f->results);
		assert_int_equal(f->results[0].count, 0);
		assert_false(isfinite(f->results[0].last.objective));
		job.lasso.set_update = STRADS_SET_UPDATE_GRAM;
		lasso_job_assert(&job, STRADS_LINEAR_CONVERGED, f->results);
		/* All variables at once, in as many blocks as ranks. */
		job.lasso.scheduler = STRADS_LINEAR_ROTATION;
		job.lasso.set_size = 512;
		job.lasso.tol = 1e-2;
		lasso_job_assert(&job, STRADS_LINEAR_CONVERGED, f->results);
	}
	lasso_problem_free(&p);
}

static void
fit__more_ranks_than_variables(void **state)
{
	struct fixture *f = *state;
	struct lasso_problem p = lasso_problem_new(30, 3, 0.8, 0, 25);
	struct lasso_job job = lasso_job_defaults(STRADS_JOB_SIM, 8, &p);

	lasso_job_assert(&job, STRADS_LINEAR_CONVERGED, f->results);
	lasso_problem_free(&p);
}

static void
fit__reports_held_out_error(void **state)
{
	struct fixture *f = *state;
	struct lasso_problem test = lasso_problem_new(25, 50, 0.4, 0, 26);
	struct lasso_job job = lasso_job_defaults(STRADS_JOB_SIM, 3, &f->p);
	double sse = 0, mean_sse = 0, train_sse = 0, mean = 0;

	job.test = &test;
	job.lasso.intercept = true;
	job.lasso.standardize = STRADS_STANDARDIZE_ZSCORE;
	lasso_job_assert(&job, STRADS_LINEAR_CONVERGED, f->results);
	for (size_t i = 0; i < f->p.rows; i++) {
		double r = f->p.y[i] - f->results[0].intercept;

		mean += f->p.y[i] / f->p.rows;
		for (size_t j = 0; j < f->p.cols; j++)
			r -= f->p.x[j * f->p.rows + i] * f->results[0].beta[j];
		train_sse += r * r;
	}
	for (size_t i = 0; i < test.rows; i++) {
		double r = test.y[i] - f->results[0].intercept;

		for (size_t j = 0; j < test.cols; j++)
			r -= test.x[j * test.rows + i] * f->results[0].beta[j];
		sse += r * r;
		mean_sse += (test.y[i] - mean) * (test.y[i] - mean);
	}
	assert_true(fabs(f->results[0].last.test_mse - sse / test.rows) <= 1e-9 * sse);
	assert_true(fabs(f->results[0].last.test_mean_mse - mean_sse / test.rows) <=
		    1e-9 * mean_sse);
	assert_true(fabs(f->results[0].last.train_mse - train_sse / f->p.rows) <= 1e-9 * train_sse);
	lasso_problem_free(&test);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(fit__lambda_at_its_maximum_gives_zero),
	    TEST(fit__lambda_zero_is_least_squares),
	    TEST(fit__constant_response_is_refused),
	    TEST(fit__impossible_settings_are_refused),
	    TEST(fit__test_data_of_another_width_are_refused),
	    TEST(fit__only_constant_columns_gives_zero),
	    TEST(fit__ends_at_the_number_of_sets),
	    TEST(fit__ends_at_the_time_limit),
	    TEST(fit__ends_when_any_rank_is_asked_to_stop),
	    TEST(fit__ends_where_only_rounding_is_left),
	    TEST(fit__plain_updates_diverge_where_corrected_ones_do_not),
	    TEST(fit__more_ranks_than_variables),
	    TEST(fit__reports_held_out_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
