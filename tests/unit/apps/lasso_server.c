/*
 * The fit on a parameter server finds the model that the scheduled fit finds.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../share.h"
#include "lasso_job.h"

struct fixture {
	struct lasso_problem p;
	struct lasso_result *expected; /* [LASSO_RANKS_MAX] */
	struct lasso_result *results;
};

static int
set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);

	assert_non_null(f);
	f->p = lasso_problem_new(150, 90, 0.2, 0.3, 21);
	f->expected = lasso_results_new();
	f->results = lasso_results_new();
	*state = f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	lasso_problem_free(&f->p);
	free(f->expected);
	free(f->results);
	free(f);
	return 0;
}

static struct lasso_job
server_job(enum strads_job_kind kind, int ranks, const struct lasso_problem *p)
{
	struct lasso_job job = lasso_job_defaults(kind, ranks, p);

	job.lasso.mode = STRADS_LASSO_SERVER;
	job.lasso.scheduler = STRADS_LINEAR_RANDOM;
	job.lasso.set_size = 4;
	return job;
}

/* The same objective and model as the scheduled fit of the same problem. */
static void
assert_same_model(struct lasso_job *job, struct fixture *f)
{
	struct lasso_job scheduled = *job;

	scheduled.lasso.mode = STRADS_LASSO_SCHEDULED;
	scheduled.lasso.engine.staleness = 0;
	scheduled.job.kind = STRADS_JOB_SIM;
	scheduled.fabric = "auto";
	lasso_job_assert(&scheduled, STRADS_LINEAR_CONVERGED, f->expected);
	lasso_job_assert(job, STRADS_LINEAR_CONVERGED, f->results);
	assert_true(fabs(f->results[0].last.objective - f->expected[0].last.objective) <
		    1e-8 * f->expected[0].last.objective);
	assert_true(fabs(f->results[0].last.lambda - f->expected[0].last.lambda) <=
		    1e-12 * f->expected[0].last.lambda);
	assert_true(fabs(f->results[0].intercept - f->expected[0].intercept) < 1e-3);
	for (int j = 5; j < 90; j++) /* of the equal ones before, either may have it all */
		assert_true(fabs(f->results[0].beta[j] - f->expected[0].beta[j]) < 1e-3);
	assert_true(f->results[0].last.updates > 0 && f->results[0].last.sets > 0);
}

static void
server__finds_the_model_of_the_schedule(void **state)
{
	struct fixture *f = *state;

	for (int run = 0; run < 12; run++) {
		int ranks = 1 + run % 4;
		struct lasso_job job =
		    server_job(run % 2 ? STRADS_JOB_SIM : STRADS_JOB_LOCAL, ranks, &f->p);

		if (!strads_test_takes((uint64_t)run))
			continue;
		job.lasso.engine.staleness = run % 3;
		job.lasso.intercept = run % 4 < 2;
		job.lasso.standardize =
		    run % 3 == 1 ? STRADS_STANDARDIZE_CENTER_UNIT : STRADS_STANDARDIZE_NONE;
		job.lasso.l1_ratio = run % 5 == 4 ? 0.7 : 1;
		job.lasso.scheduler = run % 6 == 5 ? STRADS_LINEAR_CYCLIC : STRADS_LINEAR_RANDOM;
		job.lasso.set_update =
		    run % 4 == 3 ? STRADS_SET_UPDATE_PLAIN : STRADS_SET_UPDATE_GRAM;
		job.lasso.evaluate_sets = run % 2 ? 0 : 50;
		if (run % 2) {
			job.job.sim.jitter = 3;
			job.job.sim.tear = true;
		}
		assert_same_model(&job, f);
	}
}

static void
server__finds_it_over_libfabric(void **state)
{
	struct fixture *f = *state;
	struct lasso_job job = server_job(STRADS_JOB_LOCAL, 2, &f->p);

	if (!strads_fabric_has_provider("ofi"))
		skip();
	job.fabric = "ofi";
	job.lasso.tol = 1e-8;
	job.lasso.engine.staleness = 2;
	job.lasso.evaluate_sets = 200;
	assert_same_model(&job, f);
}

/* More ranks than variables, and a number of rows that ends within a row of the server. */
static void
server__ranks_without_variables(void **state)
{
	struct fixture *f = *state;
	struct lasso_problem p = lasso_problem_new(70, 3, 0.5, 0, 4);
	struct lasso_job job = server_job(STRADS_JOB_SIM, 5, &p);

	lasso_job_assert(&job, STRADS_LINEAR_CONVERGED, f->results);
	lasso_problem_free(&p);
}

/* The columns of a rank have no entries, or the first of them has none. */
static void
server__columns_without_entries(void **state)
{
	struct fixture *f = *state;
	struct lasso_problem p = lasso_problem_new(30, 9, 0.5, 0, 5);
	struct lasso_job job = server_job(STRADS_JOB_SIM, 3, &p);

	memset(p.x, 0, (size_t)7 * p.rows * sizeof *p.x);
	lasso_job_assert(&job, STRADS_LINEAR_CONVERGED, f->results);
	for (int j = 0; j < 7; j++)
		assert_true(f->results[0].beta[j] == 0);
	lasso_problem_free(&p);
}

static void
server__limits(void **state)
{
	struct fixture *f = *state;
	struct lasso_job job = server_job(STRADS_JOB_SIM, 3, &f->p);

	job.lasso.tol = 0;
	job.lasso.lambda_ratio = 1e-3;
	job.lasso.max_sets = 30;
	job.lasso.evaluate_sets = 9;
	lasso_job_assert(&job, STRADS_LINEAR_LIMIT, f->results);
	assert_int_equal(f->results[0].last.sets, 36);
	assert_int_equal(f->results[0].last.updates, 144);
	job.lasso.max_sets = 0;
	job.stop_rank = 1;
	job.stop_at = 3;
	lasso_job_assert(&job, STRADS_LINEAR_LIMIT, f->results);
	assert_int_equal(f->results[0].evaluations, 4);
	job.stop_rank = -1;
	job.lasso.time_limit_s = 1e-9;
	lasso_job_assert(&job, STRADS_LINEAR_LIMIT, f->results);
	assert_int_equal(f->results[0].evaluations, 1);
}

/* Updates without correction, of all variables at once, from residuals that lack several clocks. */
static void
server__says_diverged(void **state)
{
	struct fixture *f = *state;
	struct lasso_problem p = lasso_problem_new(40, 90, 0.9, 0.9, 6);
	struct lasso_job job = server_job(STRADS_JOB_SIM, 3, &p);

	job.lasso.set_update = STRADS_SET_UPDATE_PLAIN;
	job.lasso.set_size = 30;
	job.lasso.engine.staleness = 4;
	job.lasso.lambda_ratio = 0.01;
	job.lasso.max_sets = 100000;
	lasso_job_assert(&job, STRADS_LINEAR_DIVERGED, f->results);
	lasso_problem_free(&p);
}

static void
server__refusals(void **state)
{
	struct fixture *f = *state;
	struct lasso_job job = server_job(STRADS_JOB_SIM, 2, &f->p);

	job.lasso.scheduler = STRADS_LINEAR_FIXED;
	assert_int_equal(lasso_job_run(&job, f->results), 0);
	assert_int_equal(f->results[1].end.status, STRADS_ERR_INPUT);
	assert_non_null(strstr(f->results[1].end.error, "cyclic"));
	job.lasso.scheduler = STRADS_LINEAR_RANDOM;
	job.lasso.path.count = 3;
	assert_int_equal(lasso_job_run(&job, f->results), 0);
	assert_int_equal(f->results[1].end.status, STRADS_ERR_INPUT);
	assert_non_null(strstr(f->results[1].end.error, "leave out paths"));
	job.lasso.path.count = 0;
	job.test = &f->p;
	assert_int_equal(lasso_job_run(&job, f->results), 0);
	assert_int_equal(f->results[0].end.status, STRADS_ERR_INPUT);
	assert_non_null(strstr(f->results[0].end.error, "leave the test data out"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(server__finds_the_model_of_the_schedule, set_up,
					    tear_down),
	    cmocka_unit_test_setup_teardown(server__finds_it_over_libfabric, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(server__ranks_without_variables, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(server__columns_without_entries, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(server__limits, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(server__says_diverged, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(server__refusals, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
