/*
 * The same seed, data and number of ranks give the same bits, however they travel.
 */
#include <math.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../share.h"
#include "lasso_job.h"

static struct lasso_job
bits_job(enum strads_job_kind kind, int ranks, const struct lasso_problem *p,
	 const struct lasso_problem *test)
{
	struct lasso_job job = lasso_job_defaults(kind, ranks, p);

	job.test = test;
	job.lasso.intercept = true;
	job.lasso.standardize = STRADS_STANDARDIZE_CENTER_UNIT;
	job.lasso.lambda_ratio = 0.05;
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
	assert_memory_equal(&results[0].last.test_mse, &expected->last.test_mse, sizeof(double));
}

struct fixture {
	struct lasso_problem p;
	struct lasso_problem test;
	struct lasso_result *expected; /* [LASSO_RANKS_MAX] */
	struct lasso_result *results;
};

static int
set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);

	assert_non_null(f);
	f->p = lasso_problem_new(80, 120, 0.2, 0.5, 11);
	f->test = lasso_problem_new(30, 120, 0.2, 0.5, 12);
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

	for (int ranks = 1; ranks <= 8; ranks = ranks < 3 ? ranks + 1 : ranks + 5) {
		struct lasso_job job = bits_job(STRADS_JOB_SIM, ranks, &f->p, &f->test);

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
	static const size_t chunks[] = {256, 1000, 65536};
	static const size_t eager[] = {0, 64, 65536};
	struct fixture *f = *state;
	struct lasso_job job = bits_job(STRADS_JOB_SIM, 3, &f->p, &f->test);

	lasso_job_assert(&job, STRADS_LINEAR_CONVERGED, f->expected);
	for (size_t c = 0; c < sizeof chunks / sizeof *chunks; c++) {
		for (size_t e = 0; e < sizeof eager / sizeof *eager; e++) {
			if (!strads_test_takes(100 + 3 * c + e))
				continue;
			job.lasso.engine.chunk_bytes = chunks[c];
			job.lasso.engine.eager_bytes = eager[e];
			assert_same_bits(&job, f->expected, f->results);
		}
	}
}

static void
bits__same_for_every_schedulers_and_network(void **state)
{
	struct fixture *f = *state;

	for (int depth = 1; depth <= 4; depth++) {
		struct lasso_job job = bits_job(STRADS_JOB_SIM, 4, &f->p, &f->test);

		job.lasso.engine.depth = depth;
		lasso_job_assert(&job, STRADS_LINEAR_CONVERGED, f->expected);
		for (int schedulers = 2; schedulers <= 4; schedulers++) {
			job.lasso.engine.schedulers = schedulers;
			job.job.sim.seed = (uint64_t)schedulers;
			job.job.sim.jitter = 3;
			job.job.sim.tear = true;
			assert_same_bits(&job, f->expected, f->results);
		}
		job.job.kind = STRADS_JOB_LOCAL;
		assert_same_bits(&job, f->expected, f->results);
	}
}

/* By priority each scheduler draws among its own variables: their number matters, nothing else; and
 * least of all when the columns arrive that a check looks at. */
static void
bits__same_by_priority_for_every_network(void **state)
{
	struct fixture *f = *state;

	for (int run = 0; run < 6; run++) {
		struct lasso_job job = bits_job(STRADS_JOB_SIM, 3, &f->p, &f->test);
		int schedulers = 1 + run % 3;

		if (!strads_test_takes(180 + (uint64_t)run))
			continue;
		job.lasso.scheduler = run < 3 ? STRADS_LINEAR_PRIORITY : STRADS_LINEAR_CHECKED;
		job.lasso.among = run % 2 ? STRADS_LASSO_VIOLATORS : STRADS_LASSO_ALL;
		job.lasso.rho = 0.3;
		job.lasso.engine.schedulers = schedulers;
		job.lasso.engine.depth = 1 + schedulers;
		lasso_job_assert(&job, STRADS_LINEAR_CONVERGED, f->expected);
		job.job.sim.jitter = 3;
		job.job.sim.tear = true;
		job.lasso.engine.chunk_bytes = 256;
		job.lasso.column_cache_bytes = 1 << 16;
		assert_same_bits(&job, f->expected, f->results);
		job.job.kind = STRADS_JOB_LOCAL;
		assert_same_bits(&job, f->expected, f->results);
		job.fabric = "ofi";
		if (strads_fabric_has_provider("ofi"))
			assert_same_bits(&job, f->expected, f->results);
	}
}

/* Blocks that move round the ranks, and variables that are signalled: their order follows from the
 * commits alone. */
static void
bits__same_by_rotation_and_signals_for_every_network(void **state)
{
	struct fixture *f = *state;

	for (int run = 0; run < 4; run++) {
		struct lasso_job job = bits_job(STRADS_JOB_SIM, 3, &f->p, &f->test);

		if (!strads_test_takes(120 + (uint64_t)run))
			continue;
		job.lasso.scheduler = run < 2 ? STRADS_LINEAR_ROTATION : STRADS_LINEAR_SIGNALLING;
		job.lasso.engine.schedulers = 1 + run % 2 * 2;
		job.lasso.engine.depth = 1 + run % 2;
		job.lasso.set_size = 24;
		job.lasso.passes = 50;
		lasso_job_assert(&job, STRADS_LINEAR_CONVERGED, f->expected);
		job.job.sim.jitter = 3;
		job.job.sim.tear = true;
		job.lasso.engine.chunk_bytes = 256;
		assert_same_bits(&job, f->expected, f->results);
		job.job.kind = STRADS_JOB_LOCAL;
		assert_same_bits(&job, f->expected, f->results);
		job.fabric = "ofi";
		if (strads_fabric_has_provider("ofi"))
			assert_same_bits(&job, f->expected, f->results);
	}
}

/* Whatever arrives when, each set misses exactly the changes that it is to miss; evaluations see
 * all, so that the gap is that of the model. */
static void
bits__same_under_staleness_for_every_network(void **state)
{
	static const enum strads_linear_scheduler schedulers[] = {
	    STRADS_LINEAR_WORKING_SET, STRADS_LINEAR_RANDOM, STRADS_LINEAR_CHECKED};
	struct fixture *f = *state;

	for (int run = 0; run < 6; run++) {
		struct lasso_job job = bits_job(STRADS_JOB_SIM, 3, &f->p, &f->test);

		if (!strads_test_takes(130 + (uint64_t)run))
			continue;
		job.lasso.engine.staleness = 1 + run % 2 * 2;
		job.lasso.engine.depth = job.lasso.engine.staleness + 1 + run / 3;
		job.lasso.engine.schedulers = 1 + run % 2;
		job.lasso.scheduler = schedulers[run % 3];
		job.lasso.set_size = 4;
		job.lasso.rho = 0.3;
		lasso_job_assert(&job, STRADS_LINEAR_CONVERGED, f->expected);
		job.job.sim.seed = 2;
		job.job.sim.jitter = 3;
		job.job.sim.tear = true;
		job.lasso.engine.chunk_bytes = 256;
		assert_same_bits(&job, f->expected, f->results);
		job.job.kind = STRADS_JOB_LOCAL;
		assert_same_bits(&job, f->expected, f->results);
		job.fabric = "ofi";
		if (strads_fabric_has_provider("ofi") && run < 3)
			assert_same_bits(&job, f->expected, f->results);
	}
}

/* A list of two sets, each of which would come again before its last change is seen. */
static void
bits__few_sets_converge_under_staleness(void **state)
{
	static const enum strads_linear_scheduler schedulers[] = {
	    STRADS_LINEAR_CYCLIC, STRADS_LINEAR_FIXED, STRADS_LINEAR_RANDOM};
	struct fixture *f = *state;
	struct lasso_problem p = lasso_problem_new(40, 16, 0.5, 0.2, 5);

	for (int run = 0; run < 3; run++) {
		struct lasso_job job = lasso_job_defaults(STRADS_JOB_SIM, 2, &p);

		job.lasso.scheduler = schedulers[run];
		job.lasso.engine.staleness = 3;
		job.lasso.engine.depth = 5;
		lasso_job_assert(&job, STRADS_LINEAR_CONVERGED, f->results);
	}
	lasso_problem_free(&p);
}

static void
bits__another_seed_gives_another_run(void **state)
{
	struct fixture *f = *state;
	struct lasso_job job = bits_job(STRADS_JOB_SIM, 2, &f->p, &f->test);

	lasso_job_assert(&job, STRADS_LINEAR_CONVERGED, f->expected);
	job.lasso.seed = 2;
	lasso_job_assert(&job, STRADS_LINEAR_CONVERGED, f->results);
	assert_memory_not_equal(f->results[0].objective, f->expected[0].objective,
				f->expected[0].evaluations * sizeof(double));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(bits__same_on_every_fabric, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(bits__same_for_every_chunk_and_eager_size, set_up,
					    tear_down),
	    cmocka_unit_test_setup_teardown(bits__same_for_every_schedulers_and_network, set_up,
					    tear_down),
	    cmocka_unit_test_setup_teardown(bits__same_by_priority_for_every_network, set_up,
					    tear_down),
	    cmocka_unit_test_setup_teardown(bits__same_by_rotation_and_signals_for_every_network,
					    set_up, tear_down),
	    cmocka_unit_test_setup_teardown(bits__same_under_staleness_for_every_network, set_up,
					    tear_down),
	    cmocka_unit_test_setup_teardown(bits__few_sets_converge_under_staleness, set_up,
					    tear_down),
	    cmocka_unit_test_setup_teardown(bits__another_seed_gives_another_run, set_up,
					    tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
