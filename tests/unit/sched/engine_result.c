/*
 * Whatever the ranks, the sizes, the settings and the way things travel: the bits are those that
 * the toy computes without an engine.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../../share.h"
#include "toy_job.h"

/* Forked ranks and simulated ones, directly or by trees; a job of one rank is a process by itself.
 */
static const struct {
	enum strads_job_kind kind;
	int ranks;
	int fan_out;
} jobs[] = {
    {STRADS_JOB_LOCAL, 2, 0}, {STRADS_JOB_LOCAL, 3, 1}, {STRADS_JOB_LOCAL, 3, 0},
    {STRADS_JOB_LOCAL, 8, 2}, {STRADS_JOB_SELF, 1, 0},  {STRADS_JOB_SIM, 1, 0},
    {STRADS_JOB_SIM, 2, 0},   {STRADS_JOB_SIM, 5, 0},   {STRADS_JOB_SIM, 9, 2},
};

/* All of them on the fabric that is taken by itself; the first few where another is asked for. */
static const char *fabric = "auto";
static size_t n_jobs = sizeof jobs / sizeof *jobs;

#define N_FOR_OTHER_FABRIC 2

/* Whether test number `test` runs job i: the few that another fabric has always, else a share. */
static bool
takes(size_t test, size_t i)
{
	return n_jobs == N_FOR_OTHER_FABRIC || strads_test_takes(1000 * test + i);
}

static struct toy_job
job_of(size_t i)
{
	struct toy_job job = toy_job_defaults(jobs[i].kind, jobs[i].ranks);

	job.fabric = fabric;
	job.engine.fan_out = jobs[i].fan_out;
	job.toy.stop_every = n_jobs == N_FOR_OTHER_FABRIC ? 12 : 40;
	return job;
}

static void
strads_engine_run__defaults(void **state)
{
	(void)state;
	for (size_t i = 0; i < n_jobs; i++) {
		struct toy_job job = job_of(i);

		toy_job_assert_reference(&job);
	}
}

static void
strads_engine_run__integers(void **state)
{
	(void)state;
	for (size_t i = 0; i < n_jobs; i++) {
		struct toy_job job = job_of(i);

		if (!takes(1, i))
			continue;
		job.toy.floating = false;
		toy_job_assert_reference(&job);
	}
}

static void
strads_engine_run__any_depth_and_schedulers(void **state)
{
	(void)state;
	for (size_t i = 0; i < n_jobs; i++)
		for (int depth = 1; depth <= 4; depth += depth)
			for (int schedulers = 1; schedulers <= 3; schedulers++) {
				struct toy_job job = job_of(i);

				if (!strads_test_takes(100 * i + 10 * (size_t)depth +
						       (size_t)schedulers))
					continue;
				job.toy.depth = depth;
				job.toy.early_blocks = 30;
				job.toy.stop_every = 12;
				job.engine.schedulers =
				    schedulers < jobs[i].ranks ? schedulers : jobs[i].ranks;
				toy_job_assert_reference(&job);
			}
}

/* Partials of up to 2.5 KB: with their signal, or read, whole or in up to ten pieces. */
static void
strads_engine_run__any_chunk_and_eager(void **state)
{
	const size_t chunks[] = {256, 320, 1000, 65536};
	const size_t eagers[] = {0, 8, 300, 1 << 20};

	(void)state;
	for (size_t i = 0; i < n_jobs; i++)
		for (size_t c = 0; c < sizeof chunks / sizeof *chunks; c++) {
			struct toy_job job = job_of(i);

			if (!strads_test_takes(10 * i + c))
				continue;
			job.toy.stretch = 20;
			job.engine.chunk_bytes = chunks[c];
			job.engine.eager_bytes = eagers[(c + i) % 4];
			toy_job_assert_reference(&job);
		}
}

/* Partials much larger than a message: 160 KB. */
static void
strads_engine_run__large_partials(void **state)
{
	(void)state;
	for (size_t i = 0; i < n_jobs; i++) {
		struct toy_job job = job_of(i);

		if (!takes(2, i))
			continue;
		job.toy.stretch = 1280;
		job.toy.stop_every = 6;
		job.engine.memory_bytes = (size_t)64 << 20;
		toy_job_assert_reference(&job);
	}
}

static void
strads_engine_run__pushes_in_parts(void **state)
{
	(void)state;
	for (size_t i = 0; i < n_jobs; i++) {
		struct toy_job job = job_of(i);

		if (!takes(9, i))
			continue;
		job.toy.push_parts = 1 + (uint32_t)i % 3;
		job.toy.early_blocks = 5;
		toy_job_assert_reference(&job);
	}
}

static void
strads_engine_run__sets_of_one_block(void **state)
{
	(void)state;
	for (size_t i = 0; i < n_jobs; i++) {
		struct toy_job job = job_of(i);

		if (!takes(3, i))
			continue;
		job.toy.blocks = 1;
		job.toy.block_max = 64;
		toy_job_assert_reference(&job);
	}
}

static void
strads_engine_run__early_sets_longer_than_the_window(void **state)
{
	(void)state;
	for (size_t i = 0; i < n_jobs; i++) {
		struct toy_job job = job_of(i);

		if (!takes(4, i))
			continue;
		job.toy.block_max = 4;
		job.toy.early_blocks = 128;
		toy_job_assert_reference(&job);
	}
}

static void
strads_engine_run__whole_sets_of_many_blocks(void **state)
{
	(void)state;
	for (size_t i = 0; i < n_jobs; i++) {
		struct toy_job job = job_of(i);

		if (!takes(5, i))
			continue;
		job.toy.block_max = 4;
		job.toy.blocks = 60;
		toy_job_assert_reference(&job);
	}
}

static void
strads_engine_run__one_rank_reduces_everything(void **state)
{
	(void)state;
	for (size_t i = 0; i < n_jobs; i++) {
		struct toy_job job = job_of(i);

		if (!takes(6, i))
			continue;
		job.toy.one_reducer = true;
		job.toy.early_blocks = 30;
		job.engine.eager_bytes = i % 2 ? 0 : 4096;
		toy_job_assert_reference(&job);
	}
}

/* The smallest rings and windows: everything waits for credit and room all the time. */
static void
strads_engine_run__least_memory(void **state)
{
	(void)state;
	for (size_t i = 0; i < n_jobs; i++) {
		struct toy_job job = job_of(i);
		struct toy toy;
		struct strads_program program;

		if (!takes(7, i))
			continue;
		job.toy.early_blocks = 30;
		job.toy.stretch = 4;
		toy_init(&toy, &job.toy, 0, jobs[i].ranks, NULL);
		program = toy_program(&toy);
		job.engine.memory_bytes = 1;
		job.engine.memory_bytes =
		    strads_engine_memory(&program, &job.engine, jobs[i].ranks);
		toy_job_assert_reference(&job);
	}
}

/* Schedules that follow from what was begun and seen, put off now and then, with more early blocks
 * than the window has room for. */
static void
strads_engine_run__begun_and_scheduled_in_turn(void **state)
{
	(void)state;
	for (size_t i = 0; i < n_jobs; i++)
		for (int depth = 1; depth <= 9; depth += n_jobs == N_FOR_OTHER_FABRIC ? 8 : 4)
			for (int schedulers = 1; schedulers <= 3; schedulers++) {
				struct toy_job job = job_of(i);

				if (!strads_test_takes(100 * i + 10 * (size_t)depth +
						       (size_t)schedulers))
					continue;
				job.toy.in_turn = true;
				/* Virtual time stands still while nothing happens. */
				job.toy.put_offs = jobs[i].kind == STRADS_JOB_SIM ? 0 : 3;
				job.toy.depth = depth;
				job.toy.blocks = 8;
				job.toy.early_blocks = schedulers % 2 ? 60 : 0;
				job.toy.block_max = 4;
				job.toy.stop_every = 12;
				job.engine.schedulers =
				    schedulers < jobs[i].ranks ? schedulers : jobs[i].ranks;
				toy_job_assert_reference(&job);
			}
}

/* Sets that were scheduled before a stop are carried out after it. */
static void
strads_engine_run__stopped_and_run_again(void **state)
{
	(void)state;
	for (int depth = 1; depth <= 4; depth++)
		for (size_t i = 0; i < n_jobs; i++) {
			struct toy_job job = job_of(i);

			if (!strads_test_takes(10 * i + (size_t)depth))
				continue;
			job.toy.depth = depth;
			job.toy.early_blocks = i % 2 ? 30 : 0;
			job.toy.stop_every = 7;
			job.runs = 5;
			job.engine.schedulers = jobs[i].ranks > 1 ? 2 : 1;
			toy_job_assert_reference(&job);
		}
}

/* Each set pushed against exactly the state that its lag says, early sets against all before them,
 * with the least and with more depth, in one run or in parts. */
static void
strads_engine_run__any_staleness(void **state)
{
	(void)state;
	for (size_t i = 0; i < n_jobs; i++)
		for (int run = 0; run < 12; run++) {
			struct toy_job job = job_of(i);

			if (!strads_test_takes(100 * i + (size_t)run))
				continue;
			job.toy.staleness = 1 + run % 4;
			job.toy.depth = job.toy.staleness + 1 + (run / 2) % 3;
			job.toy.in_turn = run % 3 == 1;
			job.toy.early_blocks = run % 2 ? 30 : 0;
			job.toy.stretch = run % 5 ? 1 : 20;
			job.toy.stop_every = 7;
			job.runs = 3;
			job.engine.eager_bytes = run % 4 == 3 ? 0 : 4096;
			job.engine.schedulers = run % 3 < jobs[i].ranks ? 1 + run % 3 : 1;
			if (job.engine.schedulers > jobs[i].ranks)
				job.engine.schedulers = jobs[i].ranks;
			toy_job_assert_reference(&job);
		}
}

/* Commits that come early are held back in the least window there can be. */
static void
strads_engine_run__stale_with_least_memory(void **state)
{
	(void)state;
	for (size_t i = 0; i < n_jobs; i++) {
		struct toy_job job = job_of(i);
		struct toy toy;
		struct strads_program program;

		if (!takes(8, i))
			continue;
		job.toy.staleness = 3;
		job.toy.depth = job.engine.depth = 4;
		job.engine.staleness = 3;
		job.toy.early_blocks = i % 2 ? 30 : 0;
		toy_init(&toy, &job.toy, 0, jobs[i].ranks, NULL);
		program = toy_program(&toy);
		job.engine.memory_bytes = 1;
		job.engine.memory_bytes =
		    strads_engine_memory(&program, &job.engine, jobs[i].ranks);
		toy_job_assert_reference(&job);
	}
}

/* Some ranks reach each other over libfabric alone, and pass on what came by the other path. */
static void
strads_engine_run__eight_ranks_by_a_tree(void **state)
{
	struct toy_job job = toy_job_defaults(STRADS_JOB_LOCAL, 8);

	(void)state;
	job.fabric = fabric;
	job.toy.early_blocks = 12;
	job.toy.stop_every = 9;
	for (job.engine.fan_out = 1; job.engine.fan_out <= 3; job.engine.fan_out++)
		toy_job_assert_reference(&job);
}

static void
strads_engine_run__many_simulated_ranks(void **state)
{
	const struct {
		int ranks;
		int fan_out;
		int schedulers;
		size_t eager_bytes;
	} crowds[] = {{100, 0, 1, 4096}, {33, 3, 2, 0}, {64, 64, 64, 0}, {40, 0, 40, 4096}};

	(void)state;
	for (size_t i = 0; i < sizeof crowds / sizeof *crowds; i++) {
		struct toy_job job = toy_job_defaults(STRADS_JOB_SIM, crowds[i].ranks);

		job.toy.early_blocks = 20;
		job.toy.stop_every = 6;
		job.engine.fan_out = crowds[i].fan_out;
		job.engine.schedulers = crowds[i].schedulers;
		job.engine.eager_bytes = crowds[i].eager_bytes;
		toy_job_assert_reference(&job);
		/* Whoever stops first has passed on what the others need to find the same. */
		job.toy.staleness = 2;
		job.toy.depth = 3 + (int)i % 2;
		job.toy.early_blocks = i % 2 ? 20 : 0;
		job.runs = 2;
		toy_job_assert_reference(&job);
	}
}

static void
strads_engine_run__torn_and_reordered_data(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 60; seed++) {
		struct toy_job job = toy_job_defaults(STRADS_JOB_SIM, 2 + (int)(seed % 9));

		if (!strads_test_takes(seed))
			continue;
		job.job.sim.seed = seed;
		job.job.sim.tear = true;
		job.job.sim.jitter = 10;
		job.job.sim.bytes_per_ns = 0.5;
		job.toy.early_blocks = seed % 3 ? 30 : 0;
		job.toy.stretch = 1 + (uint32_t)(seed % 5) * 4;
		job.toy.depth = 1 + (int)(seed % 4);
		job.toy.staleness = (int)(seed / 4 % 4) < job.toy.depth ? (int)(seed / 4 % 4) : 0;
		job.toy.push_cost_ns = 50;
		job.engine.schedulers = 1 + (int)(seed % 2);
		job.engine.fan_out = (int)(seed % 4);
		job.toy.in_turn = seed % 7 > 3;
		job.engine.chunk_bytes = seed % 2 ? 256 : 4096;
		job.engine.eager_bytes = seed % 4 ? 512 : 0;
		toy_job_assert_reference(&job);
	}
}

/* engine_result [FABRIC] */
int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(strads_engine_run__defaults),
	    cmocka_unit_test(strads_engine_run__integers),
	    cmocka_unit_test(strads_engine_run__any_depth_and_schedulers),
	    cmocka_unit_test(strads_engine_run__any_chunk_and_eager),
	    cmocka_unit_test(strads_engine_run__large_partials),
	    cmocka_unit_test(strads_engine_run__pushes_in_parts),
	    cmocka_unit_test(strads_engine_run__sets_of_one_block),
	    cmocka_unit_test(strads_engine_run__early_sets_longer_than_the_window),
	    cmocka_unit_test(strads_engine_run__whole_sets_of_many_blocks),
	    cmocka_unit_test(strads_engine_run__one_rank_reduces_everything),
	    cmocka_unit_test(strads_engine_run__least_memory),
	    cmocka_unit_test(strads_engine_run__begun_and_scheduled_in_turn),
	    cmocka_unit_test(strads_engine_run__stopped_and_run_again),
	    cmocka_unit_test(strads_engine_run__any_staleness),
	    cmocka_unit_test(strads_engine_run__stale_with_least_memory),
	    cmocka_unit_test(strads_engine_run__eight_ranks_by_a_tree),
	};
	const struct CMUnitTest simulated[] = {
	    cmocka_unit_test(strads_engine_run__many_simulated_ranks),
	    cmocka_unit_test(strads_engine_run__torn_and_reordered_data),
	};

	if (argc > 1) {
		fabric = argv[1];
		n_jobs = N_FOR_OTHER_FABRIC;
		if (!strads_fabric_has_provider("ofi")) {
			fprintf(stderr, "skipped: built without the ofi provider\n");
			return 77;
		}
		return cmocka_run_group_tests(tests, NULL, NULL);
	}
	return cmocka_run_group_tests(tests, NULL, NULL) +
	       cmocka_run_group_tests(simulated, NULL, NULL);
}
