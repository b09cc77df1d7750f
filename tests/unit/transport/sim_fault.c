/* What goes wrong: death, abort, absence, deadlock; and what the other ranks see of it. */
#include "sim_ranks.h"

#include <stdlib.h>

#define KILLED_CODE 137
#define BYTES       64

static const struct strads_sim_options network = {
    .seed = 1, .latency_ns = 1000, .overhead_ns = 100, .bytes_per_ns = 10};

static struct strads_sim_options
deadly_network(int rank, uint64_t at_ns)
{
	struct strads_sim_options deadly = network;

	deadly.kill_rank = rank;
	deadly.kill_at_ns = at_ns;
	return deadly;
}

/* Whether rank 1 has died at 1 ms and this rank is told so within the stated time. */
static int
check_mourning(struct sim_rank *rank, int status)
{
	CHECK(rank, status == STRADS_ERR_PEER);
	CHECK(rank,
	      strcmp(strads_error(), "rank 1 was killed by the simulator at 1000000 ns") == 0);
	CHECK(rank, strads_job_check(rank->job) == STRADS_ERR_PEER);
	CHECK(rank, rank_clock_ns(rank) >= 1000000 + STRADS_SIM_DETECT_NS);
	CHECK(rank, rank_clock_ns(rank) < 1000000 + STRADS_SIM_DETECT_NS + 10000);
	return 0;
}

/* The victim writes to *arg as long as it lives. */
static int
waiting_main(struct strads_job *job, void *arg)
{
	struct sim_rank rank;
	uint64_t *last_breath = arg;
	int status = STRADS_OK;

	if (rank_open(&rank, job, BYTES, BYTES))
		return CHECK_FAILED;
	while (rank.rank == 1) {
		*last_breath = strads_fabric_clock_ns(rank.fabric);
		strads_fabric_charge(rank.fabric, 100);
	}
	while (!status) {
		strads_fabric_wait(rank.fabric, UINT64_MAX);
		status = strads_fabric_progress(rank.fabric);
	}
	if (check_mourning(&rank, status))
		return CHECK_FAILED;
	rank_abandon(&rank);
	return 0;
}

static void
kill__is_seen_by_ranks_that_wait_without_end(void **state)
{
	uint64_t last_breath = 0;

	(void)state;
	assert_int_equal(run_ranks(4, deadly_network(1, 1000000), waiting_main, &last_breath),
			 KILLED_CODE);
	assert_true(last_breath > 990000 && last_breath <= 1000000);
}

static int
gathering_main(struct strads_job *job, void *arg)
{
	struct sim_rank rank;

	(void)arg;
	if (rank_open(&rank, job, BYTES, BYTES))
		return CHECK_FAILED;
	if (rank.rank == 1)
		for (;;)
			strads_fabric_wait(rank.fabric, UINT64_MAX);
	if (check_mourning(&rank, strads_job_barrier(job)))
		return CHECK_FAILED;
	rank_abandon(&rank);
	return 0;
}

static void
kill__ends_a_collective_on_the_survivors(void **state)
{
	(void)state;
	assert_int_equal(run_ranks(4, deadly_network(1, 1000000), gathering_main, NULL),
			 KILLED_CODE);
}

/* Operations that were under way when their target died, and those started after. */
static int
operating_main(struct strads_job *job, void *arg)
{
	struct strads_counter counter = {0};
	struct sim_rank rank;
	uint8_t *own;

	(void)arg;
	if (rank_open(&rank, job, BYTES, 4 * BYTES))
		return CHECK_FAILED;
	own = rank.own_base;
	if (rank.rank == 1)
		for (;;)
			strads_fabric_wait(rank.fabric, UINT64_MAX);
	strads_fabric_charge(rank.fabric, 1000000 - (double)rank_clock_ns(&rank) - 500);
	CHECK(&rank, strads_put(rank.fabric, 1, rank.shared, 0, own, BYTES, &counter) == 0);
	CHECK(&rank, strads_get(rank.fabric, 1, rank.shared, 0, own, BYTES, &counter) == 0);
	CHECK(&rank, strads_put_signal(rank.fabric, 1, rank.shared, 0, own, 8, 1, &counter) == 0);
	CHECK(&rank, strads_fetch_add(rank.fabric, 1, rank.shared, 0, 1, (uint64_t *)(void *)own,
				      &counter) == 0);
	rank_await(&rank, &counter);
	CHECK(&rank, counter.status == STRADS_ERR_PEER);
	CHECK(&rank, rank_clock_ns(&rank) >= 1000000 + STRADS_SIM_DETECT_NS);
	CHECK(&rank, rank_clock_ns(&rank) < 1000000 + STRADS_SIM_DETECT_NS + 10000);
	CHECK(&rank, strads_flush(rank.fabric, 1) == STRADS_ERR_PEER);
	CHECK(&rank,
	      strads_put(rank.fabric, 1, rank.shared, 0, own, BYTES, &counter) == STRADS_ERR_PEER);
	CHECK(&rank, counter.posted == 4);
	/* Paths between survivors are not touched by it. */
	counter = (struct strads_counter){0};
	CHECK(&rank, strads_put(rank.fabric, rank.size - 1 - rank.rank, rank.shared, 0, own, BYTES,
				&counter) == STRADS_OK);
	rank_await(&rank, &counter);
	CHECK(&rank, counter.status == STRADS_OK);
	strads_fabric_charge(rank.fabric, 1e6);
	rank_abandon(&rank);
	return 0;
}

static void
kill__completes_operations_on_the_dead_with_an_error(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 20; seed++) {
		struct strads_sim_options deadly = deadly_network(1, 1000000);

		deadly.seed = seed;
		deadly.tear = seed % 2;
		deadly.jitter = 1;
		assert_int_equal(run_ranks(3, deadly, operating_main, NULL), KILLED_CODE);
	}
}

/* A survivor that gives up with operations under way: none of them touches freed memory. */
static int
leaving_main(struct strads_job *job, void *arg)
{
	struct strads_counter *counter = calloc(1, sizeof *counter);
	struct sim_rank rank;

	(void)arg;
	if (!counter || rank_open(&rank, job, BYTES, BYTES)) {
		free(counter);
		return CHECK_FAILED;
	}
	for (int peer = 0; peer < rank.size; peer++) {
		CHECK(&rank, strads_put(rank.fabric, peer, rank.shared, 0, rank.own_base, BYTES,
					counter) == STRADS_OK);
		CHECK(&rank, strads_get(rank.fabric, peer, rank.shared, 0, rank.own_base, BYTES,
					counter) == STRADS_OK);
	}
	strads_fabric_charge(rank.fabric, rank.rank * 700);
	rank_abandon(&rank);
	free(counter);
	return 0;
}

static void
close__gives_up_what_is_under_way(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 50; seed++) {
		struct strads_sim_options rough = network;

		rough.seed = seed;
		rough.jitter = 3;
		rough.tear = true;
		assert_int_equal(run_ranks(5, rough, leaving_main, NULL), 0);
	}
}

static int
closed_main(struct strads_job *job, void *arg)
{
	struct strads_counter counter = {0};
	struct sim_rank rank;

	(void)arg;
	if (rank_open(&rank, job, BYTES, BYTES))
		return CHECK_FAILED;
	if (rank.rank == 0) {
		strads_fabric_charge(rank.fabric, 100000);
		CHECK(&rank, strads_get(rank.fabric, 1, rank.shared, 0, rank.own_base, BYTES,
					&counter) == STRADS_OK);
		rank_await(&rank, &counter);
		CHECK(&rank, counter.status == STRADS_ERR_PEER);
	}
	rank_abandon(&rank);
	return 0;
}

static void
get__from_a_rank_that_has_closed_fails(void **state)
{
	(void)state;
	assert_int_equal(run_ranks(2, network, closed_main, NULL), 0);
}

/* ---- Aborts and absence ---- */

static int
aborting_main(struct strads_job *job, void *arg)
{
	struct sim_rank rank;
	int status = STRADS_OK;

	(void)arg;
	if (rank_open(&rank, job, BYTES, BYTES))
		return CHECK_FAILED;
	if (rank.rank == 2) {
		strads_job_abort(job, strads_fail(STRADS_ERR_INPUT, "line 7 is no good"));
		rank_abandon(&rank);
		return 3;
	}
	while (rank.rank == 1 && !status) {
		strads_fabric_wait(rank.fabric, UINT64_MAX);
		status = strads_fabric_progress(rank.fabric);
	}
	if (rank.rank == 0)
		status = strads_job_barrier(job);
	CHECK(&rank, status == STRADS_ERR_ABORTED);
	CHECK(&rank, strcmp(strads_error(), "rank 2 gave up: line 7 is no good") == 0);
	rank_abandon(&rank);
	return 0;
}

static void
abort__is_seen_with_its_reason(void **state)
{
	(void)state;
	/* Rank 2 leaves the collective of rank 0 alone, too; that it gave up says more. */
	assert_int_equal(run_ranks(3, network, aborting_main, NULL), 3);
}

/* Each way in which a failure is told, where it is known before the news that explain it. */
static int
early_main(struct strads_job *job, void *arg)
{
	struct strads_counter counter = {0};
	struct sim_rank rank;
	int status;

	(void)arg;
	if (rank_open(&rank, job, BYTES, BYTES))
		return CHECK_FAILED;
	if (rank.rank == 3) {
		strads_job_abort(job, strads_fail(STRADS_ERR_INPUT, "line 7 is no good"));
		rank_abandon(&rank);
		return 3;
	}
	while (counter.status == STRADS_OK) {
		CHECK(&rank, strads_get(rank.fabric, 3, rank.shared, 0, rank.own_base, BYTES,
					&counter) == STRADS_OK);
		rank_await(&rank, &counter);
	}
	CHECK(&rank, counter.status == STRADS_ERR_PEER);
	CHECK(&rank, strads_job_check(job) == STRADS_OK);
	if (rank.rank == 0)
		status = strads_flush(rank.fabric, 3);
	else if (rank.rank == 1)
		status = strads_counter_wait(rank.fabric, &counter);
	else
		status = strads_fabric_explain(rank.fabric, counter.status);
	CHECK(&rank, status == STRADS_ERR_ABORTED);
	CHECK(&rank, strcmp(strads_error(), "rank 3 gave up: line 7 is no good") == 0);
	rank_abandon(&rank);
	return 0;
}

static void
abort__explains_what_was_noticed_before(void **state)
{
	struct strads_sim_options fast = network;

	(void)state;
	fast.latency_ns = 10;
	assert_int_equal(run_ranks(4, fast, early_main, NULL), 3);
}

/* Where nobody gives a reason, what was noticed is told, in its own words. */
static int
unexplained_main(struct strads_job *job, void *arg)
{
	struct strads_counter counter = {0};
	struct sim_rank rank;
	uint64_t began;

	(void)arg;
	if (rank_open(&rank, job, BYTES, BYTES))
		return CHECK_FAILED;
	if (rank.rank == 0) {
		strads_fabric_charge(rank.fabric, 100000);
		CHECK(&rank, strads_get(rank.fabric, 1, rank.shared, 0, rank.own_base, BYTES,
					&counter) == STRADS_OK);
		rank_await(&rank, &counter);
		began = rank_clock_ns(&rank);
		for (int i = 0; i < 10; i++) {
			(void)strads_fail(counter.status, "it is lost");
			CHECK(&rank, strads_fabric_explain(rank.fabric, counter.status) ==
					 STRADS_ERR_PEER);
			CHECK(&rank, strcmp(strads_error(), "it is lost") == 0);
		}
		/* Reasons are waited for once. */
		CHECK(&rank, rank_clock_ns(&rank) < began + 1100000000);
		CHECK(&rank, strads_fabric_explain(rank.fabric, STRADS_OK) == STRADS_OK);
	}
	rank_abandon(&rank);
	return 0;
}

static void
explain__keeps_what_nobody_explains(void **state)
{
	(void)state;
	assert_int_equal(run_ranks(2, network, unexplained_main, NULL), 0);
}

static int
left_main(struct strads_job *job, void *arg)
{
	int rank = strads_job_rank(job);
	int *statuses = arg;

	if (rank != 1)
		statuses[rank] = strads_job_barrier(job);
	return 0;
}

static void
barrier__fails_when_a_rank_has_left(void **state)
{
	int statuses[3] = {0};

	(void)state;
	assert_int_equal(run_ranks(3, network, left_main, statuses), 0);
	assert_int_equal(statuses[0], STRADS_ERR_PEER);
	assert_int_equal(statuses[2], STRADS_ERR_PEER);
}

static int
late_main(struct strads_job *job, void *arg)
{
	struct sim_rank rank;

	(void)arg;
	if (rank_open(&rank, job, BYTES, BYTES))
		return CHECK_FAILED;
	if (rank.rank == 1)
		strads_fabric_charge(rank.fabric, 5e9); /* the deadline is 1 s */
	CHECK(&rank, strads_job_barrier(job) == STRADS_ERR_TIMEOUT);
	CHECK(&rank, strstr(strads_error(), "rank 1 ") == strads_error());
	rank_abandon(&rank);
	return 0;
}

static void
barrier__fails_at_its_deadline(void **state)
{
	(void)state;
	assert_int_equal(run_ranks(3, network, late_main, NULL), 0);
}

static int
uneven_main(struct strads_job *job, void *arg)
{
	uint8_t mine[2] = {0}, all[8];
	size_t bytes = strads_job_rank(job) == 2 ? 2 : 1;

	(void)arg;
	return strads_job_allgather(job, mine, bytes, all) == STRADS_ERR_PROTOCOL ? 0 : 1;
}

static void
allgather__of_different_sizes_fails(void **state)
{
	(void)state;
	assert_int_equal(run_ranks(3, network, uneven_main, NULL), 0);
}

/* ---- Deadlock ---- */

static int
stuck_main(struct strads_job *job, void *arg)
{
	struct sim_rank rank;
	const bool *stubborn = arg;
	int status = STRADS_OK;

	if (rank_open(&rank, job, BYTES, BYTES))
		return CHECK_FAILED;
	while (!status || *stubborn) {
		strads_fabric_wait(rank.fabric, UINT64_MAX);
		status = strads_fabric_progress(rank.fabric);
	}
	CHECK(&rank, status == STRADS_ERR_ABORTED);
	CHECK(&rank, strncmp(strads_error(), "deadlock: nothing is under way", 30) == 0);
	CHECK(&rank, strstr(strads_error(), "rank 0 waits in strads_fabric_wait since"));
	CHECK(&rank, strstr(strads_error(), "rank 2 waits in strads_fabric_wait since"));
	rank_abandon(&rank);
	return 0;
}

static void
deadlock__is_told_to_the_ranks(void **state)
{
	bool stubborn = false;

	(void)state;
	assert_int_equal(run_ranks(3, network, stuck_main, &stubborn), 0);
}

static void
deadlock__of_ranks_that_do_not_listen_ends_the_job(void **state)
{
	bool stubborn = true;

	(void)state;
	assert_int_equal(run_ranks(3, network, stuck_main, &stubborn), 1);
}

/* ---- The sentence of a failure ---- */

static int
sentence_main(struct strads_job *job, void *arg)
{
	struct sim_rank rank;
	char mine[32];

	(void)arg;
	if (rank_open(&rank, job, BYTES, BYTES))
		return CHECK_FAILED;
	CHECK(&rank, strads_error()[0] == '\0');
	snprintf(mine, sizeof mine, "rank %d has failed", rank.rank);
	CHECK(&rank, strads_job_barrier(job) == STRADS_OK);
	if (rank.rank != 1)
		strads_fail(STRADS_ERR_IO, "%s", mine);
	for (int i = 0; i < 10; i++) {
		strads_fabric_charge(rank.fabric, 100 + rank.rank);
		CHECK(&rank, strcmp(strads_error(), rank.rank == 1 ? "" : mine) == 0);
	}
	return rank_close(&rank);
}

static void
error__is_each_ranks_own(void **state)
{
	(void)state;
	assert_int_equal(run_ranks(3, network, sentence_main, NULL), 0);
}

/* ---- Options ---- */

static int
never_main(struct strads_job *job, void *arg)
{
	(void)job;
	*(bool *)arg = true;
	return 0;
}

static void
job_run__refuses_impossible_networks(void **state)
{
	const struct strads_sim_options wrong[] = {
	    {.latency_ns = -1},
	    {.overhead_ns = -1},
	    {.bytes_per_ns = -1},
	    {.jitter = -1},
	    {.compute_scale = -1},
	    {.kill_rank = 2, .kill_at_ns = 1},
	    {.latency_ns = __builtin_nan("")},
	    {.kill_rank = -1, .kill_at_ns = 1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		bool ran = false;

		assert_int_equal(run_ranks(2, wrong[i], never_main, &ran), 1);
		assert_false(ran);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(kill__is_seen_by_ranks_that_wait_without_end),
	    cmocka_unit_test(kill__ends_a_collective_on_the_survivors),
	    cmocka_unit_test(kill__completes_operations_on_the_dead_with_an_error),
	    cmocka_unit_test(close__gives_up_what_is_under_way),
	    cmocka_unit_test(get__from_a_rank_that_has_closed_fails),
	    cmocka_unit_test(abort__is_seen_with_its_reason),
	    cmocka_unit_test(abort__explains_what_was_noticed_before),
	    cmocka_unit_test(explain__keeps_what_nobody_explains),
	    cmocka_unit_test(barrier__fails_when_a_rank_has_left),
	    cmocka_unit_test(barrier__fails_at_its_deadline),
	    cmocka_unit_test(allgather__of_different_sizes_fails),
	    cmocka_unit_test(deadlock__is_told_to_the_ranks),
	    cmocka_unit_test(deadlock__of_ranks_that_do_not_listen_ends_the_job),
	    cmocka_unit_test(error__is_each_ranks_own),
	    cmocka_unit_test(job_run__refuses_impossible_networks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
