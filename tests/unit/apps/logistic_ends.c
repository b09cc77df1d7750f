/*
 * How a fit ends: limits, data and settings that leave nothing to do or cannot be.
 */
#include <math.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../share.h"
#include "logistic_problem.h"

struct fixture {
	struct lasso_problem p;
	struct strads_logistic_options options;
	struct lasso_result *results; /* [LASSO_RANKS_MAX] */
};

static int
set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);

	assert_non_null(f);
	f->p = logistic_problem_new(60, 50, 0.4, 0, 21);
	f->options = logistic_defaults();
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

static struct lasso_job
job_of(const struct fixture *f, int ranks)
{
	struct lasso_job job = lasso_job_defaults(STRADS_JOB_SIM, ranks, &f->p);

	job.logistic = &f->options;
	return job;
}

static void
assert_refused(const struct lasso_job *job, struct lasso_result *results, const char *word)
{
	assert_int_equal(lasso_job_run(job, results), 0);
	for (int i = 0; i < job->job.ranks; i++) {
		assert_int_equal(results[i].end.status, STRADS_ERR_INPUT);
		if (!strstr(results[i].end.error, word))
			fail_msg("no '%s' in: %s", word, results[i].end.error);
	}
}

static void
fit__lambda_at_its_maximum_gives_zero(void **state)
{
	struct fixture *f = *state;
	struct lasso_job job = job_of(f, 3);

	for (int intercept = 0; intercept < 2; intercept++) {
		f->options.intercept = intercept > 0;
		f->options.lambda = NAN;
		f->options.lambda_ratio = 1;
		lasso_job_assert(&job, STRADS_LINEAR_CONVERGED, f->results);
		assert_int_equal(f->results[0].count, 0);
		assert_true(f->results[0].last.gap <= 1e-14);
		f->options.lambda = 2 * f->results[0].last.lambda_max;
		lasso_job_assert(&job, STRADS_LINEAR_CONVERGED, f->results);
		assert_int_equal(f->results[0].count, 0);
		assert_true(f->results[0].last.gap <= 1e-14);
	}
}

static void
fit__lambda_zero_is_maximum_likelihood(void **state)
{
	struct fixture *f = *state;
	struct lasso_problem narrow = logistic_problem_new(200, 8, 0.5, 0, 22);
	struct lasso_job job = job_of(f, 2);
	struct lasso_solution s;

	job.problem = &narrow;
	f->options.lambda = 0;
	f->options.intercept = true;
	f->options.standardize = STRADS_STANDARDIZE_CENTER_UNIT;
	lasso_job_assert(&job, STRADS_LINEAR_CONVERGED, f->results);
	s = logistic_problem_solve(&narrow, f->options.standardize, true, 0, 0);
	assert_true(fabs(f->results[0].last.objective - s.objective) <= 1e-9 * s.objective);
	free(s.beta);
	lasso_problem_free(&narrow);
}

/* Without a penalty margins grow without end: the gradients become small, as documented. */
static void
fit__lambda_zero_on_separable_classes_ends(void **state)
{
	struct fixture *f = *state;
	struct lasso_problem wide = logistic_problem_new(20, 60, 0.6, 0, 23);
	struct lasso_job job = job_of(f, 2);

	job.problem = &wide;
	f->options.lambda = 0;
	f->options.tol = 1e-6;
	f->options.intercept = true;
	lasso_job_assert(&job, STRADS_LINEAR_CONVERGED, f->results);
	assert_true(f->results[0].last.train_accuracy == 1);
	assert_true(f->results[0].last.objective <= 1e-3);
	lasso_problem_free(&wide);
}

static void
fit__a_small_penalty_on_separable_classes_has_an_optimum(void **state)
{
	struct fixture *f = *state;
	struct lasso_problem wide = logistic_problem_new(20, 60, 0.6, 0, 23);
	struct lasso_job job = job_of(f, 2);

	job.problem = &wide;
	f->options.lambda_ratio = 1e-4;
	f->options.tol = 1e-8;
	f->options.set_size = 64;
	f->options.passes = 1000;
	lasso_job_assert(&job, STRADS_LINEAR_CONVERGED, f->results);
	assert_true(f->results[0].last.train_accuracy == 1);
	lasso_problem_free(&wide);
}

static void
fit__labels_of_zero_and_one_are_the_same(void **state)
{
	struct fixture *f = *state;
	struct lasso_job job = job_of(f, 3);
	struct lasso_result *expected = lasso_results_new();

	lasso_job_assert(&job, STRADS_LINEAR_CONVERGED, expected);
	for (uint32_t i = 0; i < f->p.rows; i++)
		f->p.y[i] = f->p.y[i] > 0;
	lasso_job_assert(&job, STRADS_LINEAR_CONVERGED, f->results);
	assert_memory_equal(expected[0].beta, f->results[0].beta, sizeof expected->beta);
	free(expected);
}

static void
fit__other_labels_are_refused_with_their_row(void **state)
{
	struct fixture *f = *state;
	struct lasso_job job = job_of(f, 3);

	f->p.y[57] = 2;
	f->p.y[41] = 0.5;
	assert_refused(&job, f->results, "row 42 of the training data has the label 0.5");
	f->p.y[41] = f->p.y[57] = 0;
	assert_refused(&job, f->results, "labels -1 and 0");
}

static void
fit__bad_labels_of_held_out_rows_are_refused(void **state)
{
	struct fixture *f = *state;
	struct lasso_job job = job_of(f, 2);
	struct lasso_problem test = logistic_problem_new(10, 50, 0.5, 0, 24);

	job.test = &test;
	test.y[7] = 3;
	assert_refused(&job, f->results, "row 8 of the test data has the label 3");
	lasso_problem_free(&test);
}

static void
fit__one_class_is_refused(void **state)
{
	struct fixture *f = *state;
	struct lasso_job job = job_of(f, 4);

	for (int label = -1; label <= 1; label++) {
		for (uint32_t i = 0; i < f->p.rows; i++)
			f->p.y[i] = label;
		assert_refused(&job, f->results, "one class only");
	}
}

static void
fit__impossible_settings_are_refused(void **state)
{
	struct fixture *f = *state;
	const struct strads_logistic_options good = f->options;
	struct lasso_job job = job_of(f, 2);

	f->options.lambda = -1;
	assert_refused(&job, f->results, "lambda is -1");
	f->options = good;
	f->options.lambda_ratio = 0;
	assert_refused(&job, f->results, "ratio");
	f->options = good;
	f->options.tol = NAN;
	assert_refused(&job, f->results, "tolerance");
	f->options = good;
	f->options.time_limit_s = -3;
	assert_refused(&job, f->results, "time limit");
	f->options = good;
	f->options.set_size = 0;
	assert_refused(&job, f->results, "at least 1");
	f->options = good;
	f->options.scheduler = STRADS_LINEAR_CHECKED;
	assert_refused(&job, f->results, "checked");
	f->options = good;
	f->options.engine.depth = 2;
	f->options.engine.staleness = 1;
	assert_refused(&job, f->results, "staleness");
}

static void
fit__test_data_of_another_width_are_refused(void **state)
{
	struct fixture *f = *state;
	struct lasso_job job = job_of(f, 2);
	struct lasso_problem test = logistic_problem_new(10, 49, 0.5, 0, 23);

	job.test = &test;
	assert_refused(&job, f->results, "49 columns");
	lasso_problem_free(&test);
}

/* With an intercept such columns say nothing; without one they are ordinary, but equal. */
static void
fit__only_constant_columns(void **state)
{
	struct fixture *f = *state;
	struct lasso_job job = job_of(f, 2);

	for (size_t k = 0; k < (size_t)f->p.rows * f->p.cols; k++)
		f->p.x[k] = 0.1;
	f->options.intercept = true;
	lasso_job_assert(&job, STRADS_LINEAR_CONVERGED, f->results);
	assert_int_equal(f->results[0].count, 0);
	f->options.lambda = 0;
	lasso_job_assert(&job, STRADS_LINEAR_CONVERGED, f->results);
	assert_int_equal(f->results[0].count, 0);
	f->options.intercept = false;
	f->options.lambda = NAN;
	lasso_job_assert(&job, STRADS_LINEAR_CONVERGED, f->results);
	assert_true(f->results[0].count > 0);
}

static void
fit__empty_rows_only_count_for_the_intercept(void **state)
{
	struct fixture *f = *state;
	struct lasso_job job = job_of(f, 3);
	struct lasso_solution s;

	for (size_t j = 0; j < f->p.cols; j++)
		for (size_t i = 0; i < f->p.rows; i += 3)
			f->p.x[j * f->p.rows + i] = 0;
	f->options.intercept = true;
	lasso_job_assert(&job, STRADS_LINEAR_CONVERGED, f->results);
	s = logistic_problem_solve(&f->p, f->options.standardize, true, NAN, 0.1);
	assert_true(fabs(f->results[0].last.objective - s.objective) <= 1e-8 * s.objective);
	free(s.beta);
}

static void
fit__the_objective_never_rises(void **state)
{
	struct fixture *f = *state;
	struct lasso_problem p = logistic_problem_new(50, 600, 0.3, 0.9, 25);
	struct lasso_job job = job_of(f, 2);

	job.problem = &p;
	f->options.lambda_ratio = 1e-3;
	f->options.tol = 1e-6;
	lasso_job_assert(&job, STRADS_LINEAR_CONVERGED, f->results);
	assert_in_range(f->results[0].evaluations, 5, LASSO_POINTS_MAX);
	for (uint64_t k = 1; k < f->results[0].evaluations; k++)
		assert_true(f->results[0].objective[k] <=
			    f->results[0].objective[k - 1] * (1 + 1e-12));
	lasso_problem_free(&p);
}

/* Bounds and norms are kept as floats, which end at 1e38 and at 1e-45. */
static void
fit__values_of_any_size_give_the_same_fit(void **state)
{
	struct fixture *f = *state;
	struct lasso_job job = job_of(f, 2);
	double objective;

	lasso_job_assert(&job, STRADS_LINEAR_CONVERGED, f->results);
	objective = f->results[0].last.objective;
	for (size_t k = 0; k < (size_t)f->p.rows * f->p.cols; k++)
		f->p.x[k] *= 1e30;
	lasso_job_assert(&job, STRADS_LINEAR_CONVERGED, f->results);
	assert_true(fabs(f->results[0].last.objective - objective) <= 1e-9 * objective);
	for (size_t k = 0; k < (size_t)f->p.rows * f->p.cols; k++)
		f->p.x[k] *= 1e-80;
	lasso_job_assert(&job, STRADS_LINEAR_CONVERGED, f->results);
	assert_true(fabs(f->results[0].last.objective - objective) <= 1e-9 * objective);
}

static void
fit__ends_at_the_number_of_sets(void **state)
{
	struct fixture *f = *state;

	for (int depth = 1; depth <= 3; depth++) {
		for (uint64_t max_sets = 3; max_sets < 40; max_sets++) {
			struct lasso_job job = job_of(f, 3);

			if (!strads_test_takes(3 * max_sets + (uint64_t)depth))
				continue;
			f->options.engine.depth = depth;
			f->options.max_sets = max_sets;
			f->options.tol = 1e-15;
			f->options.intercept = true;
			lasso_job_assert(&job, STRADS_LINEAR_LIMIT, f->results);
			assert_int_equal(f->results[0].last.sets, max_sets);
		}
	}
}

/* What is reported is the model that is given, whatever was under way. */
static void
fit__ended_early_reports_the_model_it_gives(void **state)
{
	struct fixture *f = *state;

	for (uint64_t max_sets = 5; max_sets < 40; max_sets += 3) {
		struct lasso_job job = job_of(f, 2);
		double loss = 0;

		f->options.max_sets = max_sets;
		f->options.intercept = true;
		f->options.standardize = STRADS_STANDARDIZE_CENTER_UNIT;
		f->options.tol = 1e-15;
		lasso_job_assert(&job, STRADS_LINEAR_LIMIT, f->results);
		for (size_t i = 0; i < f->p.rows; i++)
			loss += log(1 + exp(-f->p.y[i] *
					    logistic_problem_margin(&f->p, f->results[0].beta,
								    f->results[0].intercept, i)));
		assert_true(fabs(f->results[0].last.train_log_loss - loss / f->p.rows) <= 1e-12);
	}
}

static void
fit__ends_at_the_time_limit(void **state)
{
	struct fixture *f = *state;
	struct lasso_job job = job_of(f, 2);

	f->options.tol = 0;
	f->options.max_sets = 0;
	f->options.time_limit_s = 1e-4; /* of virtual time */
	lasso_job_assert(&job, STRADS_LINEAR_LIMIT, f->results);
	assert_true(f->results[0].last.seconds >= 1e-4);
}

static void
fit__ends_when_any_rank_is_asked_to_stop(void **state)
{
	struct fixture *f = *state;

	for (int rank = 0; rank < 3; rank++) {
		struct lasso_job job = job_of(f, 3);

		f->options.tol = 0;
		f->options.max_sets = 0;
		f->options.set_size = 1;
		f->options.scheduler = STRADS_LINEAR_CYCLIC;
		f->options.lambda_ratio = 0.01;
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
	struct lasso_job job = job_of(f, 2);

	f->options.tol = 0;
	f->options.max_sets = 0;
	/* The gap may come out as exactly 0. */
	assert_int_equal(lasso_job_run(&job, f->results), 0);
	assert_int_equal(f->results[0].end.status, STRADS_OK);
	assert_true(f->results[0].outcome != STRADS_LINEAR_DIVERGED);
	assert_true(f->results[0].last.gap <= 1e-12);
}

static void
fit__more_ranks_than_variables(void **state)
{
	struct fixture *f = *state;
	struct lasso_problem p = logistic_problem_new(30, 3, 0.8, 0, 25);
	struct lasso_job job = job_of(f, 8);

	job.problem = &p;
	lasso_job_assert(&job, STRADS_LINEAR_CONVERGED, f->results);
	lasso_problem_free(&p);
}

/* Over all pairs of a positive and a negative row. */
static double
auc_reference(const double *m, const double *y, size_t n)
{
	double above = 0, pairs = 0;

	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < n; k++) {
			if (y[i] <= 0 || y[k] > 0)
				continue;
			pairs++;
			above += m[i] > m[k] ? 1 : m[i] == m[k] ? 0.5 : 0;
		}
	}
	return above / pairs;
}

static void
fit__reports_held_out_error(void **state)
{
	enum { ROWS = 25 };
	struct fixture *f = *state;
	struct lasso_problem test = logistic_problem_new(ROWS, 50, 0.4, 0, 26);
	struct lasso_job job = job_of(f, 3);
	const struct lasso_result *r = &f->results[0];
	double loss = 0, right = 0, constant = 0, share = 0, m[ROWS];

	for (size_t j = 0; j < test.cols; j++)
		for (size_t i = 0; i < 6; i++) /* rows that tie */
			test.x[j * ROWS + i] = 0;
	job.test = &test;
	f->options.intercept = true;
	f->options.standardize = STRADS_STANDARDIZE_ZSCORE;
	lasso_job_assert(&job, STRADS_LINEAR_CONVERGED, f->results);
	for (size_t i = 0; i < f->p.rows; i++)
		share += (f->p.y[i] > 0) / (double)f->p.rows;
	for (size_t i = 0; i < ROWS; i++) {
		m[i] = logistic_problem_margin(&test, r->beta, r->intercept, i);
		loss += log(1 + exp(-test.y[i] * m[i])) / ROWS;
		right += (test.y[i] * m[i] > 0) / (double)ROWS;
		constant -= log(test.y[i] > 0 ? share : 1 - share) / ROWS;
	}
	assert_true(fabs(r->last.test_log_loss - loss) <= 1e-9);
	assert_true(fabs(r->last.test_accuracy - right) <= 1e-12);
	assert_true(fabs(r->last.test_constant_log_loss - constant) <= 1e-12);
	for (size_t i = 1; i < 6; i++)
		m[i] = m[0];
	assert_true(fabs(r->test_auc - auc_reference(m, test.y, ROWS)) <= 1e-12);
	for (size_t i = 0; i < ROWS; i++)
		test.y[i] = 1;
	lasso_job_assert(&job, STRADS_LINEAR_CONVERGED, f->results);
	assert_true(isnan(r->test_auc));
	lasso_problem_free(&test);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(fit__lambda_at_its_maximum_gives_zero),
	    TEST(fit__lambda_zero_is_maximum_likelihood),
	    TEST(fit__lambda_zero_on_separable_classes_ends),
	    TEST(fit__a_small_penalty_on_separable_classes_has_an_optimum),
	    TEST(fit__labels_of_zero_and_one_are_the_same),
	    TEST(fit__other_labels_are_refused_with_their_row),
	    TEST(fit__bad_labels_of_held_out_rows_are_refused),
	    TEST(fit__one_class_is_refused),
	    TEST(fit__impossible_settings_are_refused),
	    TEST(fit__test_data_of_another_width_are_refused),
	    TEST(fit__only_constant_columns),
	    TEST(fit__empty_rows_only_count_for_the_intercept),
	    TEST(fit__the_objective_never_rises),
	    TEST(fit__values_of_any_size_give_the_same_fit),
	    TEST(fit__ends_at_the_number_of_sets),
	    TEST(fit__ended_early_reports_the_model_it_gives),
	    TEST(fit__ends_at_the_time_limit),
	    TEST(fit__ends_when_any_rank_is_asked_to_stop),
	    TEST(fit__ends_where_only_rounding_is_left),
	    TEST(fit__more_ranks_than_variables),
	    TEST(fit__reports_held_out_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
