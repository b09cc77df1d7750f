/*
 * The fit ends at the optimum: for every setting, against a serial solver and the optimality
 * conditions.
 */
#include <math.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../share.h"
#include "lasso_job.h"

static void
assert_optimal(const struct lasso_job *job, const struct lasso_result *result)
{
	const struct strads_lasso_options *o = &job->lasso;
	const struct lasso_problem *p = job->problem;
	const struct lasso_penalty penalty = {.l1_ratio = o->l1_ratio, .weight = o->weight};
	struct lasso_solution s = lasso_problem_solve_penalty(p, o->standardize, o->intercept,
							      penalty, o->lambda, o->lambda_ratio);
	double largest = 0;

	assert_true(fabs(result->last.lambda_max - s.lambda_max) <= 1e-9 * s.lambda_max);
	assert_true(fabs(result->last.objective - s.objective) <= 1e-8 * s.objective);
	assert_true(fabs(result->intercept - s.intercept) <= 1e-4 * (1 + fabs(s.intercept)));
	assert_true(lasso_problem_violation(p, o->standardize, o->intercept, penalty,
					    result->last.lambda, result->beta,
					    result->intercept) <= 1e-4);
	for (uint32_t j = 0; j < p->cols; j++)
		largest = fmax(largest, fabs(s.beta[j]));
	for (uint32_t j = 0; j < p->cols; j++) {
		double expected = s.beta[j], got = result->beta[j];

		/* Columns 3 and 4 are equal: only their sum is determined. */
		if (j == 3 || j == 4) {
			expected = s.beta[3] + s.beta[4];
			got = result->beta[3] + result->beta[4];
		}
		if (fabs(got - expected) > 1e-4 * largest)
			fail_msg("beta %u is %.9g instead of %.9g", j, got, expected);
	}
	free(s.beta);
}

#define SCHEDULERS (STRADS_LINEAR_SIGNALLING + 1)

/* Every setting at one number of ranks. */
static void
check_grid(enum strads_job_kind kind, int ranks, const struct lasso_problem *p)
{
	struct lasso_result *results = lasso_results_new();

	for (int setting = 0; setting < 4 * 2 * SCHEDULERS * 2; setting++) {
		struct lasso_job job = lasso_job_defaults(kind, ranks, p);

		if (!strads_test_takes(8 * (uint64_t)setting + (uint64_t)ranks))
			continue;
		job.lasso.standardize = (enum strads_standardize)(setting % 4);
		job.lasso.intercept = setting / 4 % 2 > 0;
		job.lasso.scheduler = (enum strads_linear_scheduler)(setting / 8 % SCHEDULERS);
		if (job.lasso.scheduler >= STRADS_LINEAR_PRIORITY)
			job.lasso.engine.schedulers = ranks < 3 ? ranks : 3;
		if (setting / 8 / SCHEDULERS > 0) {
			job.lasso.set_update = STRADS_SET_UPDATE_PLAIN;
			job.lasso.set_size = 2;
		}
		lasso_job_assert(&job, STRADS_LINEAR_CONVERGED, results);
		assert_optimal(&job, &results[0]);
	}
	free(results);
}

static void
fit__every_setting_on_simulated_ranks(void **state)
{
	struct lasso_problem p = lasso_problem_new(60, 40, 0.4, 0, 1);

	(void)state;
	check_grid(STRADS_JOB_SIM, 1, &p);
	check_grid(STRADS_JOB_SIM, 2, &p);
	check_grid(STRADS_JOB_SIM, 3, &p);
	check_grid(STRADS_JOB_SIM, 8, &p);
	lasso_problem_free(&p);
}

static void
fit__every_setting_on_processes(void **state)
{
	struct lasso_problem p = lasso_problem_new(60, 40, 0.4, 0, 2);

	(void)state;
	check_grid(STRADS_JOB_LOCAL, 2, &p);
	lasso_problem_free(&p);
}

static void
fit__many_processes(void **state)
{
	struct lasso_problem p = lasso_problem_new(60, 40, 0.4, 0, 3);
	struct lasso_result *results = lasso_results_new();

	(void)state;
	for (int ranks = 1; ranks <= 8; ranks++) {
		struct lasso_job job = lasso_job_defaults(STRADS_JOB_LOCAL, ranks, &p);

		job.lasso.intercept = true;
		job.lasso.standardize = STRADS_STANDARDIZE_CENTER_UNIT;
		lasso_job_assert(&job, STRADS_LINEAR_CONVERGED, results);
		assert_optimal(&job, &results[0]);
	}
	free(results);
	lasso_problem_free(&p);
}

/* More variables than rows, correlated neighbours, lists of many blocks. */
static void
fit__wide_and_correlated(void **state)
{
	struct lasso_problem p = lasso_problem_new(50, 600, 0.3, 0.9, 4);
	struct lasso_result *results = lasso_results_new();

	(void)state;
	for (int working_set = 0; working_set < 2; working_set++) {
		for (uint32_t set_size = 16; set_size <= 1024; set_size *= 8) {
			struct lasso_job job = lasso_job_defaults(STRADS_JOB_SIM, 3, &p);

			job.lasso.scheduler =
			    working_set ? STRADS_LINEAR_WORKING_SET : STRADS_LINEAR_FIXED;
			job.lasso.set_size = set_size;
			job.lasso.passes = 50;
			job.lasso.intercept = true;
			job.lasso.standardize = STRADS_STANDARDIZE_UNIT;
			lasso_job_assert(&job, STRADS_LINEAR_CONVERGED, results);
			assert_true(lasso_problem_violation(&p, STRADS_STANDARDIZE_UNIT, true,
							    (struct lasso_penalty){.l1_ratio = 1},
							    results[0].last.lambda, results[0].beta,
							    results[0].intercept) <= 1e-3);
		}
	}
	free(results);
	lasso_problem_free(&p);
}

/* Columns that are nearly equal and have opposite parts in the response: passes over the list move
 * them by little, and all others by nothing any more. */
static struct lasso_problem
twins(void)
{
	struct lasso_problem p = lasso_problem_new(1500, 300, 0.03, 0, 6);

	for (uint32_t pair = 0; pair < 4; pair++) {
		double *one = p.x + (size_t)(10 + pair) * p.rows;
		double *other = p.x + (size_t)(100 + 30 * pair) * p.rows;

		for (size_t i = 0; i < p.rows; i++) {
			other[i] = one[i] + 0.1 * other[i];
			p.y[i] += 20 * (one[i] - other[i]);
		}
	}
	return p;
}

/* Members far from optimal are gone through again by themselves, which takes a part of the updates
 * that passes over the whole list take. (Under staleness there are but these.) */
static void
fit__what_is_far_from_optimal_comes_again(void **state)
{
	struct lasso_problem p = twins();
	struct lasso_result *results = lasso_results_new();

	(void)state;
	for (int ranks = 1; ranks <= 3; ranks++) {
		uint64_t updates[2];

		for (int staleness = 0; staleness < 2; staleness++) {
			struct lasso_job job = lasso_job_defaults(STRADS_JOB_SIM, ranks, &p);

			job.lasso.scheduler = STRADS_LINEAR_WORKING_SET;
			job.lasso.set_size = 8;
			job.lasso.lambda_ratio = 0.01;
			job.lasso.standardize = STRADS_STANDARDIZE_UNIT;
			job.lasso.engine.depth = 2;
			job.lasso.engine.staleness = staleness;
			lasso_job_assert(&job, STRADS_LINEAR_CONVERGED, results);
			assert_optimal(&job, &results[0]);
			updates[staleness] = results[0].last.updates;
		}
		assert_true(2 * updates[0] < updates[1]);
	}
	free(results);
	lasso_problem_free(&p);
}

/* Orders that go through the support and the worst violators alone: the gap is that of all
 * variables, of which there are more than the working set starts with. */
static void
fit__every_order_within_the_working_set(void **state)
{
	struct lasso_problem p = lasso_problem_new(60, 600, 0.3, 0.3, 6);
	struct lasso_result *results = lasso_results_new();

	(void)state;
	for (int scheduler = 0; scheduler < STRADS_LINEAR_SIGNALLING; scheduler++) {
		for (int staleness = 0; staleness < 2; staleness++) {
			struct lasso_job job = lasso_job_defaults(STRADS_JOB_SIM, 3, &p);

			job.lasso.scheduler = (enum strads_linear_scheduler)scheduler;
			job.lasso.among = STRADS_LASSO_VIOLATORS;
			job.lasso.intercept = true;
			job.lasso.standardize = STRADS_STANDARDIZE_UNIT;
			job.lasso.lambda_ratio = 0.2;
			job.lasso.engine.schedulers = 2;
			job.lasso.engine.depth = 2;
			job.lasso.engine.staleness =
			    scheduler == STRADS_LINEAR_ROTATION ? 0 : staleness;
			lasso_job_assert(&job, STRADS_LINEAR_CONVERGED, results);
			assert_true(lasso_problem_violation(&p, STRADS_STANDARDIZE_UNIT, true,
							    (struct lasso_penalty){.l1_ratio = 1},
							    results[0].last.lambda, results[0].beta,
							    results[0].intercept) <= 1e-3);
		}
	}
	free(results);
	lasso_problem_free(&p);
}

/* The screen leaves most columns out: the gap must be that of all of them. */
static void
fit__large_means_and_rare_entries(void **state)
{
	struct lasso_problem p = lasso_problem_new(300, 200, 0.02, 0, 5);
	struct lasso_result *results = lasso_results_new();

	(void)state;
	for (size_t i = 0; i < p.rows; i++)
		p.x[5 * p.rows + i] += 1000; /* variance 1e-6 of its mean square */
	for (int ranks = 1; ranks <= 4; ranks++) {
		struct lasso_job job = lasso_job_defaults(STRADS_JOB_SIM, ranks, &p);

		job.lasso.intercept = true;
		job.lasso.standardize = STRADS_STANDARDIZE_ZSCORE;
		job.lasso.lambda_ratio = 0.3;
		lasso_job_assert(&job, STRADS_LINEAR_CONVERGED, results);
		assert_optimal(&job, &results[0]);
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
	    cmocka_unit_test(fit__wide_and_correlated),
	    cmocka_unit_test(fit__what_is_far_from_optimal_comes_again),
	    cmocka_unit_test(fit__every_order_within_the_working_set),
	    cmocka_unit_test(fit__large_means_and_rare_entries),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
