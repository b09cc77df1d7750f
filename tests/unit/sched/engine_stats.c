/*
 * What an engine says about itself.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "toy_job.h"

#define RANKS 5

static uint64_t
messages(const struct toy_result *results, enum strads_stage stage)
{
	uint64_t sum = 0;

	for (int i = 0; i < RANKS; i++)
		sum += results[i].stats.stage[stage].messages;
	return sum;
}

static void
strads_engine_stats__messages_are_those_of_the_protocol(void **state)
{
	struct toy_job job = toy_job_defaults(STRADS_JOB_SIM, RANKS);
	struct toy_result results[TOY_RANKS_MAX];
	uint64_t others;

	(void)state;
	job.toy.depth = 1; /* nothing is sent for sets after the last */
	assert_int_equal(toy_job_run(&job, results), 0);
	others = results[0].stats.blocks * (RANKS - 1);
	assert_true(results[0].stats.blocks > job.toy.stop_every);
	assert_true(results[0].stats.variables > 0);
	assert_int_equal(messages(results, STRADS_SCHEDULE), others);
	assert_int_equal(messages(results, STRADS_PUSH), others);
	assert_int_equal(messages(results, STRADS_PULL), others);
	assert_int_equal(results[1].stats.stage[STRADS_SCHEDULE].messages, 0);
	assert_true(results[1].stats.stage[STRADS_PUSH].bytes > 0);
	for (int i = 0; i < RANKS; i++) {
		assert_int_equal(results[i].stats.sets, job.toy.stop_every);
		assert_int_equal(results[i].stats.blocks, results[0].stats.blocks);
		assert_int_equal(results[i].stats.variables, results[0].stats.variables);
	}
}

/* By a tree as many messages are sent in all, and by no rank more of a block than the arity. */
static void
strads_engine_stats__messages_of_a_tree_are_few_a_rank(void **state)
{
	(void)state;
	for (int fan_out = 1; fan_out <= 8; fan_out++) {
		struct toy_job job = toy_job_defaults(STRADS_JOB_SIM, 33);
		struct toy_result results[TOY_RANKS_MAX];
		uint64_t scheduled = 0, pushed = 0, blocks;

		job.toy.depth = 1;
		job.toy.one_reducer = true;
		job.engine.fan_out = fan_out;
		assert_int_equal(toy_job_run(&job, results), 0);
		blocks = results[0].stats.blocks;
		for (int i = 0; i < 33; i++) {
			const struct strads_stage_stats *stage = results[i].stats.stage;

			assert_int_equal(results[i].end.status, STRADS_OK);
			assert_true(stage[STRADS_SCHEDULE].messages <= blocks * (uint64_t)fan_out);
			assert_true(stage[STRADS_PULL].messages <= blocks * (uint64_t)fan_out);
			assert_true(stage[STRADS_PUSH].messages <= blocks);
			assert_true(stage[STRADS_SYNC].messages <=
				    blocks * (uint64_t)(2 + fan_out));
			scheduled += stage[STRADS_SCHEDULE].messages;
			pushed += stage[STRADS_PUSH].messages;
		}
		assert_int_equal(scheduled, blocks * 32);
		assert_int_equal(pushed, blocks * 32);
	}
}

/* Partials that are read count as messages of pull, one note each stays one of push. */
static void
strads_engine_stats__reads_belong_to_pull(void **state)
{
	struct toy_job job = toy_job_defaults(STRADS_JOB_SIM, RANKS);
	struct toy_result eager[TOY_RANKS_MAX], read[TOY_RANKS_MAX];

	(void)state;
	job.toy.depth = 1;
	assert_int_equal(toy_job_run(&job, eager), 0);
	job.engine.eager_bytes = 0;
	assert_int_equal(toy_job_run(&job, read), 0);
	assert_int_equal(messages(read, STRADS_PUSH), messages(eager, STRADS_PUSH));
	assert_true(messages(read, STRADS_PULL) > messages(eager, STRADS_PULL));
	for (int i = 0; i < RANKS; i++) {
		uint64_t moved_eager = eager[i].stats.stage[STRADS_PUSH].bytes;
		uint64_t moved_read = read[i].stats.stage[STRADS_PUSH].bytes;

		assert_true(moved_read < moved_eager);
	}
}

/* On a virtual clock, push is busy for as long as its declared cost and the posting of the partial
 * (100 ns; looking at the clock takes a little, too), and the wall is no shorter than the parts. */
static void
strads_engine_stats__busy_is_the_declared_cost(void **state)
{
	struct toy_job job = toy_job_defaults(STRADS_JOB_SIM, RANKS);
	struct toy_result results[TOY_RANKS_MAX];

	(void)state;
	job.toy.push_cost_ns = 1000;
	assert_int_equal(toy_job_run(&job, results), 0);
	for (int i = 0; i < RANKS; i++) {
		const struct strads_engine_stats *stats = &results[i].stats;
		uint64_t sum = 0;

		assert_in_range(stats->stage[STRADS_PUSH].busy_ns, stats->variables * 1000,
				stats->variables * 1000 + stats->blocks * 200);
		for (int j = 0; j < STRADS_STAGES; j++)
			sum += stats->stage[j].busy_ns + stats->stage[j].stall_ns;
		assert_true(stats->wall_ns >= sum);
		assert_true(stats->stage[STRADS_SYNC].stall_ns > 0);
	}
}

/* Blocks of one set that go to different reducers are pulled at the same time, though the program
 * has sets of one block otherwise. */
static void
strads_engine_run__pulls_long_blocks_side_by_side(void **state)
{
	struct toy_job job = toy_job_defaults(STRADS_JOB_SIM, 2);
	struct toy_result results[TOY_RANKS_MAX];
	uint64_t busy_ns;

	(void)state;
	job.toy.blocks = 1;
	job.toy.early_blocks = 40;
	job.toy.pull_cost_ns = 1e6;
	assert_int_equal(toy_job_run(&job, results), 0);
	busy_ns = results[0].stats.stage[STRADS_PULL].busy_ns +
		  results[1].stats.stage[STRADS_PULL].busy_ns;
	assert_true(busy_ns > 1000000000);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(results[i].end.status, STRADS_OK);
		assert_in_range(results[i].stats.wall_ns, busy_ns / 2, busy_ns * 3 / 4);
	}
}

/* The rank that schedules pushes last, sums what the others have pushed before it, and goes on at
 * once: they have the next set's keys by then and push beside it. */
static void
strads_engine_run__pushes_long_sets_side_by_side(void **state)
{
	(void)state;
	for (int depth = 1; depth <= 3; depth++) {
		struct toy_job job = toy_job_defaults(STRADS_JOB_SIM, 2);
		struct toy_result results[TOY_RANKS_MAX];

		job.toy.depth = depth;
		job.toy.push_cost_ns = 1e6;
		job.toy.slow_rank = 0;
		assert_int_equal(toy_job_run(&job, results), 0);
		for (int i = 0; i < 2; i++) {
			const struct strads_engine_stats *stats = &results[i].stats;

			assert_int_equal(results[i].end.status, STRADS_OK);
			assert_in_range(stats->wall_ns, stats->variables * 1000000,
					stats->variables * 1150000);
		}
	}
}

static void
strads_engine_memory__bounds_what_is_registered(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++) {
		struct toy_job job = toy_job_defaults(STRADS_JOB_SIM, RANKS);
		struct toy_result results[TOY_RANKS_MAX];
		struct strads_program program;
		struct toy toy;
		size_t predicted;

		job.engine.eager_bytes = i % 2 ? 4096 : 0;
		job.engine.fan_out = i / 2;
		toy_init(&toy, &job.toy, 0, RANKS, NULL);
		program = toy_program(&toy);
		predicted = strads_engine_memory(&program, &job.engine, RANKS);
		assert_int_equal(toy_job_run(&job, results), 0);
		for (int r = 0; r < RANKS; r++) {
			assert_int_equal(results[r].end.status, STRADS_OK);
			assert_true(results[r].registered_bytes > 0);
			assert_true(results[r].registered_bytes <= predicted);
		}
		assert_true(predicted <= job.engine.memory_bytes);
	}
}

static void
strads_stage_name__names_all(void **state)
{
	(void)state;
	assert_string_equal(strads_stage_name(STRADS_SCHEDULE), "schedule");
	assert_string_equal(strads_stage_name(STRADS_PUSH), "push");
	assert_string_equal(strads_stage_name(STRADS_PULL), "pull");
	assert_string_equal(strads_stage_name(STRADS_SYNC), "sync");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(strads_engine_stats__messages_are_those_of_the_protocol),
	    cmocka_unit_test(strads_engine_stats__messages_of_a_tree_are_few_a_rank),
	    cmocka_unit_test(strads_engine_stats__reads_belong_to_pull),
	    cmocka_unit_test(strads_engine_stats__busy_is_the_declared_cost),
	    cmocka_unit_test(strads_engine_run__pulls_long_blocks_side_by_side),
	    cmocka_unit_test(strads_engine_run__pushes_long_sets_side_by_side),
	    cmocka_unit_test(strads_engine_memory__bounds_what_is_registered),
	    cmocka_unit_test(strads_stage_name__names_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
