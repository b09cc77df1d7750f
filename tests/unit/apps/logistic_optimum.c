/*
 * The fit ends at the optimum: for every setting, against a serial solver and the optimality
 * conditions.
 */
#include <math.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>

#include <cmocka.h>

#include "logistic_problem.h"

static void
assert_optimal(const struct lasso_job *job, const struct lasso_result *result,
	       const struct lasso_solution *s)
{
	const struct strads_logistic_options *o = job->logistic;
	const struct lasso_problem *p = job->problem;
	double largest = 0;

	assert_true(fabs(result->last.lambda_max - s->lambda_max) <= 1e-9 * s->lambda_max);
	if (!(fabs(result->last.objective - s->objective) <= 1e-8 * s->objective))
		fail_msg("objective %.15g instead of %.15g, gap %g", result->last.objective,
			 s->objective, result->last.gap);
	assert_true(fabs(result->intercept - s->intercept) <= 1e-3 * (1 + fabs(s->intercept)));
	assert_true(logistic_problem_violation(p, o->standardize, o->intercept, result->last.lambda,
					       result->beta, result->intercept) <= 1e-3);
	for (uint32_t j = 0; j < p->cols; j++)
		largest = fmax(largest, fabs(s->beta[j]));
	for (uint32_t j = 0; j < p->cols; j++) {
		double expected = s->beta[j], got = result->beta[j];

		/* Columns 3 and 4 are equal: only their sum is determined. */
		if (j == 3 || j == 4) {
			expected = s->beta[3] + s->beta[4];
			got = result->beta[3] + result->beta[4];
		}
		if (fabs(got - expected) > 1e-3 * largest)
			fail_msg("beta %u is %.9g instead of %.9g", j, got, expected);
	}
}

/* One standardisation, with and without an intercept, by every scheduler. */
static void
check_settings(struct lasso_job *job, struct strads_logistic_options *o,
	       struct lasso_result *results)
{
	for (int intercept = 0; intercept < 2; intercept++) {
		struct lasso_solution s;

		o->intercept = intercept > 0;
		s = logistic_problem_solve(job->problem, o->standardize, o->intercept, o->lambda,
					   o->lambda_ratio);
		for (int k = STRADS_LINEAR_CYCLIC; k <= STRADS_LINEAR_PRIORITY; k++) {
			o->scheduler = (enum strads_linear_scheduler)k;
			lasso_job_assert(job, STRADS_LINEAR_CONVERGED, results);
			assert_optimal(job, &results[0], &s);
		}
		free(s.beta);
	}
}

static void
check_grid(enum strads_job_kind kind, int ranks, const struct lasso_problem *p)
{
	struct lasso_result *results = lasso_results_new();

	for (int standardize = 0; standardize < 4; standardize++) {
		struct lasso_job job = lasso_job_defaults(kind, ranks, p);
		struct strads_logistic_options options = logistic_defaults();

		job.logistic = &options;
		options.standardize = (enum strads_standardize)standardize;
		options.engine.schedulers = ranks < 3 ? ranks : 3;
		check_settings(&job, &options, results);
	}
	free(results);
}

static void
fit__every_setting_on_simulated_ranks(void **state)
{
	struct lasso_problem p = logistic_problem_new(60, 40, 0.4, 0, 1);

	(void)state;
	check_grid(STRADS_JOB_SIM, 1, &p);
	check_grid(STRADS_JOB_SIM, 3, &p);
	lasso_problem_free(&p);
}

static void
fit__every_setting_on_processes(void **state)
{
	struct lasso_problem p = logistic_problem_new(60, 40, 0.4, 0, 2);

	(void)state;
	check_grid(STRADS_JOB_LOCAL, 2, &p);
	lasso_problem_free(&p);
}

static void
fit__many_processes(void **state)
{
	struct lasso_problem p = logistic_problem_new(60, 40, 0.4, 0, 3);
	struct lasso_result *results = lasso_results_new();
	struct strads_logistic_options options = logistic_defaults();
	struct lasso_solution s;

	(void)state;
	options.intercept = true;
	options.standardize = STRADS_STANDARDIZE_CENTER_UNIT;
	s = logistic_problem_solve(&p, options.standardize, true, NAN, 0.1);
	for (int ranks = 1; ranks <= 8; ranks++) {
		struct lasso_job job = lasso_job_defaults(STRADS_JOB_LOCAL, ranks, &p);

		job.logistic = &options;
		lasso_job_assert(&job, STRADS_LINEAR_CONVERGED, results);
		assert_optimal(&job, &results[0], &s);
	}
	free(s.beta);
	free(results);
	lasso_problem_free(&p);
}

/* More variables than rows, classes that a plane separates, correlated neighbours, lists of many
 * blocks; and most columns are discarded on the way. */
static void
fit__wide_correlated_and_separable(void **state)
{
	struct lasso_problem p = logistic_problem_new(50, 600, 0.3, 0.9, 4);
	struct lasso_result *results = lasso_results_new();
	struct strads_logistic_options options = logistic_defaults();

	(void)state;
	options.intercept = true;
	options.standardize = STRADS_STANDARDIZE_UNIT;
	options.lambda_ratio = 0.01;
	options.passes = 50;
	for (int all = 0; all < 2; all++) {
		for (uint32_t set_size = 16; set_size <= 1024; set_size *= 8) {
			struct lasso_job job = lasso_job_defaults(STRADS_JOB_SIM, 3, &p);

			job.logistic = &options;
			options.scheduler = all ? STRADS_LINEAR_FIXED : STRADS_LINEAR_WORKING_SET;
			options.set_size = set_size;
			lasso_job_assert(&job, STRADS_LINEAR_CONVERGED, results);
			assert_true(results[0].last.train_accuracy == 1);
			assert_true(logistic_problem_violation(
					&p, options.standardize, true, results[0].last.lambda,
					results[0].beta, results[0].intercept) <= 1e-2);
		}
	}
	free(results);
	lasso_problem_free(&p);
}

/* Columns that no row can make violate are not looked at: the gap must be that of all of them. */
static void
fit__large_means_and_rare_entries(void **state)
{
	struct lasso_problem p = logistic_problem_new(300, 200, 0.02, 0, 5);
	struct lasso_result *results = lasso_results_new();

	(void)state;
	for (size_t i = 0; i < p.rows; i++)
		p.x[5 * p.rows + i] += 1000; /* variance 1e-6 of its mean square */
	for (int run = 0; run < 4; run++) {
		struct strads_logistic_options options = logistic_defaults();
		struct lasso_job job = lasso_job_defaults(STRADS_JOB_SIM, 1 + run, &p);
		struct lasso_solution s;

		job.logistic = &options;
		options.intercept = run % 2 > 0;
		options.standardize =
		    run < 2 ? STRADS_STANDARDIZE_ZSCORE : STRADS_STANDARDIZE_CENTER_UNIT;
		options.lambda_ratio = 0.3;
		s = logistic_problem_solve(&p, options.standardize, options.intercept, NAN, 0.3);
		lasso_job_assert(&job, STRADS_LINEAR_CONVERGED, results);
		assert_optimal(&job, &results[0], &s);
		free(s.beta);
	}
	free(results);
	lasso_problem_free(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(fit__every_setting_on_simulated_ranks),
	    cmocka_unit_test(fit__every_setting_on_processes),
	    cmocka_unit_test(fit__many_processes),
	    cmocka_unit_test(fit__wide_correlated_and_separable),
	    cmocka_unit_test(fit__large_means_and_rare_entries),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
