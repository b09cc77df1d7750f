/*
 * The same seed, data and number of ranks give the same bits, however they travel.
 */
#include <math.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "logistic_problem.h"

struct fixture {
	struct lasso_problem p;
	struct lasso_problem test;
	struct strads_logistic_options options;
	struct lasso_result *expected; /* [LASSO_RANKS_MAX] */
	struct lasso_result *results;
};

static struct lasso_job
bits_job(const struct fixture *f, enum strads_job_kind kind, int ranks)
{
	struct lasso_job job = lasso_job_defaults(kind, ranks, &f->p);

	job.test = &f->test;
	job.logistic = &f->options;
	return job;
}

static void
assert_same_bits(const struct lasso_job *job, const struct lasso_result *expected,
		 struct lasso_result *results)
{
	size_t points = expected->evaluations * sizeof expected->objective[0];

	lasso_job_assert(job, STRADS_LINEAR_CONVERGED, results);
	assert_int_equal(results[0].evaluations, expected->evaluations);
	assert_int_equal(results[0].last.sets, expected->last.sets);
	assert_int_equal(results[0].last.updates, expected->last.updates);
	assert_int_equal(results[0].count, expected->count);
	assert_memory_equal(results[0].objective, expected->objective, points);
	assert_memory_equal(results[0].beta, expected->beta, sizeof expected->beta);
	assert_memory_equal(&results[0].intercept, &expected->intercept, sizeof(double));
	assert_memory_equal(&results[0].last.gap, &expected->last.gap, sizeof(double));
	assert_memory_equal(&results[0].last.test_log_loss, &expected->last.test_log_loss,
			    sizeof(double));
	assert_memory_equal(&results[0].test_auc, &expected->test_auc, sizeof(double));
}

static int
set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);

	assert_non_null(f);
	f->p = logistic_problem_new(80, 120, 0.2, 0.5, 11);
	f->test = logistic_problem_new(30, 120, 0.2, 0.5, 12);
	f->options = logistic_defaults();
	f->options.intercept = true;
	f->options.standardize = STRADS_STANDARDIZE_CENTER_UNIT;
	f->options.lambda_ratio = 0.05;
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
	lasso_problem_free(&f->test);
	free(f->expected);
	free(f->results);
	free(f);
	return 0;
}

static void
bits__same_on_every_fabric(void **state)
{
	struct fixture *f = *state;

	for (int ranks = 1; ranks <= 4; ranks++) {
		struct lasso_job job = bits_job(f, STRADS_JOB_SIM, ranks);

		lasso_job_assert(&job, STRADS_LINEAR_CONVERGED, f->expected);
		job.job.kind = STRADS_JOB_LOCAL;
		job.fabric = "shm";
		assert_same_bits(&job, f->expected, f->results);
		job.fabric = "ofi";
		if (strads_fabric_has_provider("ofi") && ranks <= 3)
			assert_same_bits(&job, f->expected, f->results);
	}
}

static void
bits__same_for_every_chunk_and_eager_size(void **state)
{
	static const size_t chunks[] = {256, 65536};
	static const size_t eager[] = {0, 65536};
	struct fixture *f = *state;
	struct lasso_job job = bits_job(f, STRADS_JOB_SIM, 3);

	lasso_job_assert(&job, STRADS_LINEAR_CONVERGED, f->expected);
	for (size_t run = 0; run < 4; run++) {
		f->options.engine.chunk_bytes = chunks[run % 2];
		f->options.engine.eager_bytes = eager[run / 2];
		assert_same_bits(&job, f->expected, f->results);
	}
}

static void
bits__same_for_every_schedulers_and_network(void **state)
{
	struct fixture *f = *state;

	for (int depth = 1; depth <= 4; depth++) {
		struct lasso_job job = bits_job(f, STRADS_JOB_SIM, 4);

		f->options.engine.depth = depth;
		f->options.engine.schedulers = 1;
		lasso_job_assert(&job, STRADS_LINEAR_CONVERGED, f->expected);
		for (int schedulers = 2; schedulers <= 4; schedulers++) {
			f->options.engine.schedulers = schedulers;
			job.job.sim.seed = (uint64_t)schedulers;
			job.job.sim.jitter = 3;
			job.job.sim.tear = true;
			assert_same_bits(&job, f->expected, f->results);
		}
	}
}

/* By priority each scheduler draws among its own variables: their number matters, nothing else. */
static void
bits__same_by_priority_for_every_network(void **state)
{
	struct fixture *f = *state;

	f->options.scheduler = STRADS_LINEAR_PRIORITY;
	for (int schedulers = 1; schedulers <= 3; schedulers++) {
		struct lasso_job job = bits_job(f, STRADS_JOB_SIM, 3);

		f->options.engine.schedulers = schedulers;
		f->options.engine.depth = 1 + schedulers;
		f->options.engine.chunk_bytes = 65536;
		lasso_job_assert(&job, STRADS_LINEAR_CONVERGED, f->expected);
		job.job.sim.jitter = 3;
		job.job.sim.tear = true;
		f->options.engine.chunk_bytes = 256;
		assert_same_bits(&job, f->expected, f->results);
		job.job.kind = STRADS_JOB_LOCAL;
		assert_same_bits(&job, f->expected, f->results);
	}
}

static void
bits__another_seed_gives_another_run(void **state)
{
	struct fixture *f = *state;
	struct lasso_job job = bits_job(f, STRADS_JOB_SIM, 2);

	lasso_job_assert(&job, STRADS_LINEAR_CONVERGED, f->expected);
	f->options.seed = 2;
	lasso_job_assert(&job, STRADS_LINEAR_CONVERGED, f->results);
	assert_memory_not_equal(f->results[0].objective, f->expected[0].objective,
				f->expected[0].evaluations * sizeof(double));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(bits__same_on_every_fabric),
	    TEST(bits__same_for_every_chunk_and_eager_size),
	    TEST(bits__same_for_every_schedulers_and_network),
	    TEST(bits__same_by_priority_for_every_network),
	    TEST(bits__another_seed_gives_another_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
