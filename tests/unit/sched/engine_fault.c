/*
 * What goes wrong on one rank ends the run on all, with a reason.
 */
#include <signal.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "toy_job.h"

#define SET 5

static const enum strads_job_kind kinds[] = {STRADS_JOB_LOCAL, STRADS_JOB_SIM};

/* Rank `odd` ends with `status`, all others with `others`; every sentence holds `reason`. */
static void
assert_ends(const struct toy_job *job, int odd, int status, int others, const char *reason)
{
	struct toy_result results[TOY_RANKS_MAX];

	assert_int_equal(toy_job_run(job, results), 0);
	for (int i = 0; i < job->job.ranks; i++) {
		if (results[i].end.status != (i == odd ? status : others) ||
		    !strstr(results[i].end.error, reason))
			fail_msg("rank %d ended with %s: %s", i,
				 strads_status_name(results[i].end.status), results[i].end.error);
		assert_in_range(results[i].finished, 0, SET + 1);
	}
}

/* With three schedulers, rank t mod 3 schedules set t. */
static void
check_failing(const char *primitive, int rank, int status, const char *reason)
{
	for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
		struct toy_job job = toy_job_defaults(kinds[k], 3);

		job.toy.fail_in = primitive;
		job.toy.fail_rank = rank;
		job.toy.fail_set = SET;
		job.engine.schedulers = 3;
		assert_ends(&job, rank, status, STRADS_ERR_ABORTED, reason);
	}
}

static void
strads_engine_run__a_primitive_fails(void **state)
{
	(void)state;
	check_failing("schedule", SET % 3, STRADS_ERR_INPUT, "told to fail in schedule");
	check_failing("push", 1, STRADS_ERR_INPUT, "told to fail in push");
	check_failing("sync", 0, STRADS_ERR_INPUT, "told to fail in sync");
	check_failing("finish", 2, STRADS_ERR_INPUT, "told to fail in finish");
}

/* Whose schedule it is knows why there is none, and on hosts that are in time it speaks first. */
static void
assert_no_schedule(const struct toy_job *job, int rank)
{
	struct toy_result results[TOY_RANKS_MAX];

	if (job->job.kind == STRADS_JOB_SIM) {
		assert_ends(job, rank, STRADS_ERR_TIMEOUT, STRADS_ERR_ABORTED,
			    "had no schedule of set 5 for 1.");
		return;
	}
	assert_int_equal(toy_job_run(job, results), 0);
	assert_int_equal(results[rank].end.status, STRADS_ERR_TIMEOUT);
	assert_non_null(strstr(results[rank].end.error, "had no schedule of set 5 for "));
	for (int i = 0; i < job->job.ranks; i++)
		assert_non_null(strstr(results[i].end.error, "no schedule of set 5"));
}

/* A schedule that never comes ends at the deadline; so does one whose beginning fails. */
static void
strads_engine_run__a_schedule_is_put_off_for_ever(void **state)
{
	(void)state;
	for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
		struct toy_job job = toy_job_defaults(kinds[k], 3);

		job.toy.in_turn = true;
		job.toy.fail_in = "begin";
		job.toy.fail_rank = SET % 3;
		job.toy.fail_set = SET;
		job.engine.schedulers = 3;
		assert_ends(&job, SET % 3, STRADS_ERR_INPUT, STRADS_ERR_ABORTED,
			    "told to fail in begin");
		job.toy.fail_in = "endless wait";
		job.engine.timeout_ms = 1000;
		assert_no_schedule(&job, SET % 3);
	}
}

static void
strads_engine_run__a_push_never_ends(void **state)
{
	struct toy_job job = toy_job_defaults(STRADS_JOB_SIM, 1);

	(void)state;
	job.toy.fail_in = "endless push";
	job.toy.fail_rank = 0;
	job.toy.fail_set = SET;
	job.engine.timeout_ms = 1000;
	assert_ends(&job, 0, STRADS_ERR_TIMEOUT, STRADS_ERR_ABORTED,
		    "no end of the push of set 5 block 0 from rank 0 for 1.");
}

/* Who sums the partials up misses that of a rank which itself waits, as it says. Of processes that
 * are not in time another may be the first to give up. */
static void
strads_engine_run__who_is_missed_tells_what_it_misses(void **state)
{
	(void)state;
	for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
		struct toy_job job = toy_job_defaults(kinds[k], 3);
		struct toy_result results[TOY_RANKS_MAX];
		int told = 0;

		job.toy.one_reducer = true;
		job.toy.fail_in = "endless push";
		job.toy.fail_rank = 0;
		job.toy.fail_set = SET;
		job.engine.timeout_ms = 1000;
		assert_int_equal(toy_job_run(&job, results), 0);
		for (int i = 0; i < 3; i++)
			told += strstr(results[i].end.error, "no partial of set 5 block 0 from "
							     "rank 0 for ") ||
				strstr(results[i].end.error, "no end of the push of set 5");
		assert_true(told >= 2); /* the rank itself, and who misses it or hears of it */
		if (kinds[k] == STRADS_JOB_LOCAL && !strstr(results[1].end.error, "rank 2 gave up"))
			continue;
		assert_int_equal(results[2].end.status, STRADS_ERR_TIMEOUT);
		assert_non_null(
		    strstr(results[2].end.error, "no partial of set 5 block 0 from rank 0 for "));
		assert_int_equal(results[0].end.status, STRADS_ERR_TIMEOUT);
		assert_non_null(strstr(results[0].end.error, "no end of the push of set 5"));
		assert_int_equal(results[1].end.status, STRADS_ERR_ABORTED);
	}
}

static void
strads_engine_run__pull_fails(void **state)
{
	(void)state;
	for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
		struct toy_job job = toy_job_defaults(kinds[k], 3);

		job.toy.one_reducer = true;
		job.toy.fail_in = "pull";
		job.toy.fail_rank = 2;
		job.toy.fail_set = SET;
		assert_ends(&job, 2, STRADS_ERR_INPUT, STRADS_ERR_ABORTED, "told to fail in pull");
	}
}

static void
strads_engine_run__a_program_exceeds_what_it_declared(void **state)
{
	struct toy_job job = toy_job_defaults(STRADS_JOB_SIM, 3);

	(void)state;
	check_failing("schedule-oversize", SET % 3, STRADS_ERR_ARGUMENT, "block_max");
	check_failing("schedule-endless", SET % 3, STRADS_ERR_ARGUMENT, "set_blocks_max");
	check_failing("partial-oversize", 1, STRADS_ERR_ARGUMENT, "partial_max");
	job.toy.one_reducer = true;
	job.toy.fail_in = "pull-oversize";
	job.toy.fail_rank = 2;
	job.toy.fail_set = SET;
	assert_ends(&job, 2, STRADS_ERR_ARGUMENT, STRADS_ERR_ABORTED, "commit_max");
}

/* Few ranks, which reach each other directly, and more, where rank 1 passes on to others. */
static const struct {
	int ranks;
	int fan_out;
} teams[] = {{3, 0}, {8, 2}};

#define TEAMS (sizeof teams / sizeof *teams)

/* All but rank 1, which is dead, know so. */
static void
assert_rank_1_is_missed(const struct toy_job *job, int code)
{
	struct toy_result results[TOY_RANKS_MAX];

	assert_int_equal(toy_job_run(job, results), code);
	for (int i = 0; i < job->job.ranks; i++) {
		if (i == 1)
			continue;
		assert_int_equal(results[i].end.status, STRADS_ERR_PEER);
		assert_non_null(strstr(results[i].end.error, "rank 1"));
	}
}

static void
strads_engine_run__a_rank_is_killed(void **state)
{
	(void)state;
	for (size_t i = 0; i < TEAMS; i++) {
		struct toy_job job = toy_job_defaults(STRADS_JOB_LOCAL, teams[i].ranks);

		job.engine.fan_out = teams[i].fan_out;
		job.toy.kill_rank = 1;
		job.toy.kill_set = SET;
		assert_rank_1_is_missed(&job, 128 + SIGKILL);
	}
}

static void
strads_engine_run__a_simulated_rank_dies(void **state)
{
	(void)state;
	for (size_t i = 0; i < TEAMS; i++) {
		struct toy_job job = toy_job_defaults(STRADS_JOB_SIM, teams[i].ranks);

		job.engine.fan_out = teams[i].fan_out;
		job.toy.push_cost_ns = 1000;
		job.toy.stop_every = 1000000;
		job.job.sim.kill_rank = 1;
		job.job.sim.kill_at_ns = 2000000;
		assert_rank_1_is_missed(&job, 128 + SIGKILL);
	}
}

/* A rank that others are to have things from gives up: they hear why. */
static void
strads_engine_run__a_rank_that_passes_on_fails(void **state)
{
	(void)state;
	for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
		struct toy_job job = toy_job_defaults(kinds[k], 8);

		job.engine.fan_out = 2;
		job.toy.fail_in = "sync";
		job.toy.fail_rank = 1;
		job.toy.fail_set = SET;
		assert_ends(&job, 1, STRADS_ERR_INPUT, STRADS_ERR_ABORTED, "told to fail in sync");
	}
}

/* A rank that computes for longer than the deadline: whoever waits for it names it. */
static void
strads_engine_run__a_rank_is_silent(void **state)
{
	(void)state;
	for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
		struct toy_job job = toy_job_defaults(kinds[k], 3);
		struct toy_result results[TOY_RANKS_MAX];
		int late = 0;

		job.toy.one_reducer = true;
		job.toy.sleep_rank = 1;
		job.toy.sleep_set = SET;
		job.toy.push_cost_ns = kinds[k] == STRADS_JOB_SIM;
		job.engine.timeout_ms = 1000;
		assert_int_equal(toy_job_run(&job, results), 0);
		for (int i = 0; i < 3; i++) {
			assert_true(results[i].end.status == STRADS_ERR_TIMEOUT ||
				    results[i].end.status == STRADS_ERR_ABORTED);
			late += results[i].end.status == STRADS_ERR_TIMEOUT;
		}
		assert_true(late >= 1);
		if (results[2].end.status == STRADS_ERR_TIMEOUT)
			assert_non_null(strstr(results[2].end.error,
					       "no partial of set 5 block 0 from "
					       "rank 1 for 1."));
	}
}

/* By a tree the last rank's sum comes from rank 0, that one's from rank 2 and that one's from rank
 * 6, which is late: of all that wait, the one that knows speaks. */
static void
strads_engine_run__a_rank_far_down_is_silent(void **state)
{
	struct toy_job job = toy_job_defaults(STRADS_JOB_SIM, 8);
	struct toy_result results[TOY_RANKS_MAX];

	(void)state;
	job.engine.fan_out = 2;
	job.toy.one_reducer = true;
	job.toy.sleep_rank = 6;
	job.toy.sleep_set = SET;
	job.toy.push_cost_ns = 1;
	job.engine.timeout_ms = 1000;
	assert_int_equal(toy_job_run(&job, results), 0);
	assert_int_equal(results[2].end.status, STRADS_ERR_TIMEOUT);
	for (int i = 0; i < 8; i++)
		assert_non_null(strstr(results[i].end.error,
				       "no partial of set 5 block 0 from rank 6 "
				       "for 1."));
}

static void
strads_engine_new__budget_too_small(void **state)
{
	(void)state;
	for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
		struct toy_job job = toy_job_defaults(kinds[k], 3);

		job.engine.memory_bytes = 10000;
		assert_ends(&job, -1, 0, STRADS_ERR_MEMORY, "budget");
	}
}

static void
strads_engine_new__ranks_disagree(void **state)
{
	(void)state;
	for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
		struct toy_job job = toy_job_defaults(kinds[k], 3);

		job.odd_rank = 1;
		assert_ends(&job, -1, 0, STRADS_ERR_ARGUMENT, "different");
	}
}

static void
strads_engine_new__options_out_of_range(void **state)
{
	struct toy_job job = toy_job_defaults(STRADS_JOB_SIM, 3);

	(void)state;
	job.engine.schedulers = 4;
	assert_ends(&job, -1, 0, STRADS_ERR_ARGUMENT, "schedulers");
	job.engine.schedulers = 1;
	job.toy.depth = 0;
	assert_ends(&job, -1, 0, STRADS_ERR_ARGUMENT, "depth");
	job.toy.depth = job.toy.staleness = 4;
	assert_ends(&job, -1, 0, STRADS_ERR_ARGUMENT, "give a depth of at least 5");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(strads_engine_run__a_primitive_fails),
	    cmocka_unit_test(strads_engine_run__a_schedule_is_put_off_for_ever),
	    cmocka_unit_test(strads_engine_run__a_push_never_ends),
	    cmocka_unit_test(strads_engine_run__who_is_missed_tells_what_it_misses),
	    cmocka_unit_test(strads_engine_run__pull_fails),
	    cmocka_unit_test(strads_engine_run__a_program_exceeds_what_it_declared),
	    cmocka_unit_test(strads_engine_run__a_rank_is_killed),
	    cmocka_unit_test(strads_engine_run__a_simulated_rank_dies),
	    cmocka_unit_test(strads_engine_run__a_rank_that_passes_on_fails),
	    cmocka_unit_test(strads_engine_run__a_rank_is_silent),
	    cmocka_unit_test(strads_engine_run__a_rank_far_down_is_silent),
	    cmocka_unit_test(strads_engine_new__budget_too_small),
	    cmocka_unit_test(strads_engine_new__ranks_disagree),
	    cmocka_unit_test(strads_engine_new__options_out_of_range),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
