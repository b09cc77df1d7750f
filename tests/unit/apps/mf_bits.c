/*
 * The same seed, data and number of ranks give the same bits, however they travel.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "data_job.h"
#include "mf_job.h"

struct fixture {
	char path[512];
	struct mf_result *expected;
	struct mf_result *results;
};

static int
set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);

	assert_non_null(f);
	snprintf(f->path, sizeof f->path, "%s", mf_job_ratings("bits", 40, 30));
	f->expected = mf_results_new();
	f->results = mf_results_new();
	*state = f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	free(f->expected);
	free(f->results);
	free(f);
	return 0;
}

static struct mf_job
bits_job(const struct fixture *f, int ranks, enum strads_mf_algorithm algorithm)
{
	struct mf_job job = mf_job_defaults(STRADS_JOB_SIM, ranks, f->path);

	job.mf.algorithm = algorithm;
	job.ratings.wide = false;
	job.ratings.holdout = 0.1;
	job.mf.biases = ranks == 2;
	return job;
}

static void
assert_same_bits(const struct mf_job *job, struct fixture *f)
{
	const struct mf_result *got = f->results, *expected = f->expected;

	mf_job_assert(job, STRADS_MF_LIMIT, f->results);
	assert_int_equal(got->evaluations, expected->evaluations);
	for (uint64_t i = 0; i < got->evaluations; i++) {
		assert_memory_equal(&got->point[i].objective, &expected->point[i].objective,
				    sizeof(double));
		assert_memory_equal(&got->point[i].test_rmse, &expected->point[i].test_rmse,
				    sizeof(double));
	}
	assert_memory_equal(got->w, expected->w, sizeof got->w);
	assert_memory_equal(got->h, expected->h, sizeof got->h);
}

static void
bits__same_on_every_fabric(void **state)
{
	struct fixture *f = *state;

	for (int ranks = 1; ranks <= 3; ranks++)
		for (int algorithm = STRADS_MF_CCD; algorithm <= STRADS_MF_SGD; algorithm++) {
			struct mf_job job = bits_job(f, ranks, (enum strads_mf_algorithm)algorithm);

			mf_job_assert(&job, STRADS_MF_LIMIT, f->expected);
			job.job.kind = STRADS_JOB_LOCAL;
			assert_same_bits(&job, f);
			if (ranks == 1 || !strads_fabric_has_provider("ofi"))
				continue;
			job.fabric = "ofi";
			assert_same_bits(&job, f);
		}
}

static void
bits__same_for_every_chunk_network_and_schedulers(void **state)
{
	struct fixture *f = *state;
	struct mf_job job = bits_job(f, 4, STRADS_MF_CCDPP);

	mf_job_assert(&job, STRADS_MF_LIMIT, f->expected);
	job.mf.engine.chunk_bytes = 256;
	assert_same_bits(&job, f);
	job.mf.engine.eager_bytes = 0;
	assert_same_bits(&job, f);
	job.mf.engine.depth = 4;
	job.mf.engine.schedulers = 3;
	assert_same_bits(&job, f);
	job.job.sim.seed = 3;
	job.job.sim.jitter = 3;
	job.job.sim.tear = true;
	assert_same_bits(&job, f);
}

static void
bits__another_seed_gives_another_run(void **state)
{
	struct fixture *f = *state;
	struct mf_job job = bits_job(f, 2, STRADS_MF_CCDPP);

	mf_job_assert(&job, STRADS_MF_LIMIT, f->expected);
	job.mf.seed = 2;
	mf_job_assert(&job, STRADS_MF_LIMIT, f->results);
	assert_true(f->results[0].last.objective != f->expected[0].last.objective);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(bits__same_on_every_fabric),
	    TEST(bits__same_for_every_chunk_network_and_schedulers),
	    TEST(bits__another_seed_gives_another_run),
	};

	return cmocka_run_group_tests(tests, NULL, data_folder_remove);
}
