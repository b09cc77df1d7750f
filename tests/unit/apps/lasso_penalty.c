/*
 * The penalty: elastic net, weights, variables without a penalty; against a serial solver.
 */
#include <math.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../share.h"
#include "lasso_job.h"

#define ROWS 60
#define COLS 40

#define SCHEDULERS (STRADS_LINEAR_SIGNALLING + 1)

/* Weights of all sizes; `none` of them 0, columns 3 and 4, which are equal, and the constant and
 * empty ones among them. */
static void
fill_weights(double *weight, int none)
{
	for (int j = 0; j < COLS; j++)
		weight[j] = 0.25 * (1 + j % 8);
	for (int j = 1; j <= none; j++)
		weight[j] = 0;
}

static struct lasso_solution
reference(const struct lasso_job *job)
{
	const struct strads_lasso_options *o = &job->lasso;
	const struct lasso_penalty penalty = {.l1_ratio = o->l1_ratio, .weight = o->weight};

	return lasso_problem_solve_penalty(job->problem, o->standardize, o->intercept, penalty,
					   o->lambda, o->lambda_ratio);
}

static void
assert_optimal(const struct lasso_job *job, const struct lasso_result *result)
{
	struct lasso_solution s = reference(job);
	double largest = 0;

	if (fabs(result->last.lambda_max - s.lambda_max) > 1e-8 * s.lambda_max)
		fail_msg("lambda_max is %.12g instead of %.12g", result->last.lambda_max,
			 s.lambda_max);
	if (fabs(result->last.objective - s.objective) > 1e-8 * s.objective)
		fail_msg("objective is %.12g instead of %.12g", result->last.objective,
			 s.objective);
	/* What the gap promises. */
	assert_true(result->last.objective - s.objective <=
		    1e-9 * s.objective + job->lasso.tol * s.objective);
	assert_true(fabs(result->intercept - s.intercept) <= 1e-3 * (1 + fabs(s.intercept)));
	for (uint32_t j = 0; j < job->problem->cols; j++)
		largest = fmax(largest, fabs(s.beta[j]));
	for (uint32_t j = 0; j < job->problem->cols; j++) {
		/* Columns 3 and 4 are equal; a constant one without a penalty is the intercept's.
		 */
		if (j == 1 || j == 3 || j == 4)
			continue;
		if (fabs(result->beta[j] - s.beta[j]) > 3e-4 * largest)
			fail_msg("beta %u is %.9g instead of %.9g", j, result->beta[j], s.beta[j]);
	}
	free(s.beta);
}

/* Setting k of the grid of standardisations, intercepts, schedulers and set updates. */
static struct lasso_job
grid_job(enum strads_job_kind kind, int ranks, const struct lasso_problem *p, int k)
{
	struct lasso_job job = lasso_job_defaults(kind, ranks, p);

	job.lasso.standardize = (enum strads_standardize)(k % 4);
	job.lasso.intercept = k / 4 % 2 > 0;
	job.lasso.scheduler = (enum strads_linear_scheduler)(k / 8 % SCHEDULERS);
	if (job.lasso.scheduler >= STRADS_LINEAR_PRIORITY)
		job.lasso.engine.schedulers = ranks < 3 ? ranks : 3;
	if (k / 8 / SCHEDULERS > 0) {
		job.lasso.set_update = STRADS_SET_UPDATE_PLAIN;
		job.lasso.set_size = 2;
	}
	return job;
}

#define GRID (4 * 2 * SCHEDULERS * 2)

static void
check_grid(int ranks, double l1_ratio, int none)
{
	struct lasso_problem p = lasso_problem_new(ROWS, COLS, 0.4, 0, 31);
	struct lasso_result *results = lasso_results_new();
	double weight[COLS];

	fill_weights(weight, none);
	for (int k = 0; k < GRID; k++) {
		struct lasso_job job = grid_job(STRADS_JOB_SIM, ranks, &p, k);

		job.lasso.l1_ratio = l1_ratio;
		job.lasso.weight = none < 0 ? NULL : weight;
		lasso_job_assert(&job, STRADS_LINEAR_CONVERGED, results);
		assert_optimal(&job, &results[0]);
	}
	free(results);
	lasso_problem_free(&p);
}

static void
elastic_net__every_setting(void **state)
{
	(void)state;
	check_grid(1, 0.5, -1);
	check_grid(3, 0.2, -1);
}

static void
weights__every_setting(void **state)
{
	(void)state;
	check_grid(2, 1, 0);
}

static void
unpenalized__every_setting(void **state)
{
	(void)state;
	check_grid(1, 1, 5);
	check_grid(4, 1, 5);
}

static void
all_at_once__every_setting(void **state)
{
	(void)state;
	check_grid(2, 0.7, 5);
}

/* Processes on 1 to 4 ranks come to the same. */
static void
all_at_once__processes(void **state)
{
	struct lasso_problem p = lasso_problem_new(ROWS, COLS, 0.4, 0, 32);
	struct lasso_result *results = lasso_results_new();
	double weight[COLS];

	(void)state;
	fill_weights(weight, 5);
	for (int ranks = 1; ranks <= 4; ranks++) {
		struct lasso_job job = lasso_job_defaults(STRADS_JOB_LOCAL, ranks, &p);

		job.lasso.l1_ratio = 0.6;
		job.lasso.weight = weight;
		job.lasso.intercept = true;
		job.lasso.engine.depth = ranks;
		job.lasso.engine.staleness = ranks - 1;
		lasso_job_assert(&job, STRADS_LINEAR_CONVERGED, results);
		assert_optimal(&job, &results[0]);
	}
	free(results);
	lasso_problem_free(&p);
}

/* What rank 0 reads of other ranks at the end is what they have settled. */
static void
unpenalized__of_the_last_rank(void **state)
{
	struct lasso_problem p = lasso_problem_new(ROWS, COLS, 0.4, 0, 37);
	struct lasso_result *results = lasso_results_new();
	double weight[COLS];

	(void)state;
	fill_weights(weight, 0);
	weight[COLS - 2] = weight[COLS - 1] = 0;
	for (int run = 0; run < 12; run++) {
		struct lasso_job job = lasso_job_defaults(STRADS_JOB_LOCAL, 4, &p);

		job.lasso.weight = weight;
		lasso_job_assert(&job, STRADS_LINEAR_CONVERGED, results);
		assert_optimal(&job, &results[0]);
	}
	free(results);
	lasso_problem_free(&p);
}

/* Wherever the run ends, the gap is no smaller than what is left to gain. */
static void
unpenalized__gap_bounds_what_is_left(void **state)
{
	struct lasso_problem p = lasso_problem_new(ROWS, COLS, 0.4, 0.5, 33);
	struct lasso_result *results = lasso_results_new();
	double weight[COLS], square = 0, mean = 0;

	(void)state;
	fill_weights(weight, 6);
	for (uint32_t i = 0; i < ROWS; i++)
		mean += p.y[i] / ROWS;
	for (uint32_t i = 0; i < ROWS; i++)
		square += (p.y[i] - mean) * (p.y[i] - mean);
	for (uint64_t sets = 4; sets < 40; sets++) {
		struct lasso_job job = lasso_job_defaults(STRADS_JOB_SIM, 2, &p);
		struct lasso_solution s;

		if (!strads_test_takes(sets))
			continue;
		job.lasso.weight = weight;
		job.lasso.l1_ratio = sets % 2 ? 1 : 0.5;
		job.lasso.intercept = sets % 3 == 0;
		job.lasso.lambda_ratio = 0.02;
		job.lasso.set_size = 3;
		job.lasso.passes = 1;
		job.lasso.tol = 0;
		job.lasso.max_sets = sets;
		lasso_job_assert(&job, STRADS_LINEAR_LIMIT, results);
		s = reference(&job);
		assert_true(results[0].last.gap >= 0);
		if (results[0].last.objective - s.objective >
		    results[0].last.gap * 0.5 * square + 1e-9)
			fail_msg("%llu sets: %.9g above the optimum, gap %.9g",
				 (unsigned long long)sets, results[0].last.objective - s.objective,
				 results[0].last.gap * 0.5 * square);
		free(s.beta);
	}
	free(results);
	lasso_problem_free(&p);
}

/* More of them than rows: the fit is perfect whatever λ is. */
static void
unpenalized__explain_everything(void **state)
{
	struct lasso_problem p = lasso_problem_new(10, COLS, 0.9, 0, 34);
	struct lasso_result *results = lasso_results_new();
	struct lasso_job job = lasso_job_defaults(STRADS_JOB_SIM, 2, &p);
	double weight[COLS];

	(void)state;
	fill_weights(weight, 30);
	job.lasso.weight = weight;
	job.lasso.lambda = 1;
	lasso_job_assert(&job, STRADS_LINEAR_CONVERGED, results);
	assert_true(results[0].last.objective <= 1e-9);
	free(results);
	lasso_problem_free(&p);
}

/* All λ: at its maximum only variables without a penalty are there, and the gap is closed. */
static void
unpenalized__stay_alone_at_lambda_max(void **state)
{
	struct lasso_problem p = lasso_problem_new(ROWS, COLS, 0.4, 0, 35);
	struct lasso_result *results = lasso_results_new();
	struct lasso_job job = lasso_job_defaults(STRADS_JOB_SIM, 3, &p);
	double weight[COLS];

	(void)state;
	fill_weights(weight, 6);
	job.lasso.weight = weight;
	job.lasso.lambda_ratio = 1;
	lasso_job_assert(&job, STRADS_LINEAR_CONVERGED, results);
	for (int j = 0; j < COLS; j++)
		assert_true(weight[j] == 0 || results[0].beta[j] == 0);
	assert_true(results[0].count >= 3 && results[0].last.nonzeros == results[0].count);
	free(results);
	lasso_problem_free(&p);
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
penalty__impossible_settings_are_refused(void **state)
{
	struct lasso_problem p = lasso_problem_new(ROWS, COLS, 0.4, 0, 36);
	struct lasso_result *results = lasso_results_new();
	struct lasso_job job = lasso_job_defaults(STRADS_JOB_SIM, 2, &p);
	double weight[COLS];

	(void)state;
	job.lasso.l1_ratio = 0;
	assert_refused(&job, results, "l1 ratio is 0");
	job.lasso.l1_ratio = 1.5;
	assert_refused(&job, results, "l1 ratio is 1.5");
	job.lasso.l1_ratio = 1;
	job.lasso.weight = weight;
	fill_weights(weight, 0);
	weight[7] = -1;
	assert_refused(&job, results, "variable 8 has the weight -1");
	weight[7] = INFINITY;
	assert_refused(&job, results, "variable 8 has the weight inf");
	memset(weight, 0, sizeof weight);
	assert_refused(&job, results, "no variable has a penalty");
	free(results);
	lasso_problem_free(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(elastic_net__every_setting),
	    cmocka_unit_test(weights__every_setting),
	    cmocka_unit_test(unpenalized__every_setting),
	    cmocka_unit_test(all_at_once__every_setting),
	    cmocka_unit_test(all_at_once__processes),
	    cmocka_unit_test(unpenalized__of_the_last_rank),
	    cmocka_unit_test(unpenalized__gap_bounds_what_is_left),
	    cmocka_unit_test(unpenalized__explain_everything),
	    cmocka_unit_test(unpenalized__stay_alone_at_lambda_max),
	    cmocka_unit_test(penalty__impossible_settings_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
