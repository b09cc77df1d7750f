/* Many ranks in one process. */
#include "sim_ranks.h"

#define RANKS  1024
#define ROUNDS 10

static const struct strads_sim_options network = {
    .seed = 1, .latency_ns = 1500, .overhead_ns = 100, .bytes_per_ns = 12, .jitter = 0.5};

/* A number goes around the ring, one neighbour a round; every rank sends one. */
static int
ring_main(struct strads_job *job, void *arg)
{
	const size_t slot = 16; /* the number and its signal */
	struct strads_counter counter = {0};
	struct sim_rank rank;
	uint64_t number;

	(void)arg;
	if (rank_open(&rank, job, slot * ROUNDS, 8))
		return CHECK_FAILED;
	number = (uint64_t)rank.rank;
	for (size_t round = 0; round < ROUNDS; round++) {
		memcpy(rank.own_base, &number, sizeof number);
		CHECK(&rank,
		      strads_put_signal(rank.fabric, (rank.rank + 1) % rank.size, rank.shared,
					round * slot, rank.own_base, 8, 1, &counter) == STRADS_OK);
		rank_await(&rank, &counter);
		rank_await_signal(&rank, round * slot + 8, 1);
		memcpy(&number, rank.shared_base + round * slot, sizeof number);
	}
	CHECK(&rank, number == (uint64_t)((rank.rank + rank.size - ROUNDS) % rank.size));
	return rank_close(&rank);
}

static void
put_signal__around_a_ring_of_many_ranks(void **state)
{
	(void)state;
	assert_int_equal(run_ranks(RANKS, network, ring_main, NULL), 0);
}

/* All ranks start more operations on rank 0 than a queue holds. */
static int
flood_main(struct strads_job *job, void *arg)
{
	const int operations = 2 * STRADS_SIM_QUEUE;
	struct strads_counter counter = {0};
	struct sim_rank rank;
	bool filled = false;

	(void)arg;
	if (rank_open(&rank, job, 8 * 64, 64))
		return CHECK_FAILED;
	for (int i = 0; i < operations && rank.rank > 0; i++) {
		int status = STRADS_AGAIN;

		while (status == STRADS_AGAIN) {
			status =
			    strads_put_signal(rank.fabric, 0, rank.shared, 8 * (size_t)rank.rank,
					      NULL, 0, (uint64_t)i + 1, &counter);
			filled |= status == STRADS_AGAIN;
			CHECK(&rank, strads_fabric_progress(rank.fabric) == STRADS_OK);
		}
		CHECK(&rank, status == STRADS_OK);
	}
	CHECK(&rank, strads_counter_wait(rank.fabric, &counter) == STRADS_OK);
	CHECK(&rank, filled || rank.rank == 0);
	CHECK(&rank, strads_job_barrier(job) == STRADS_OK);
	for (int peer = 1; peer < rank.size && rank.rank == 0; peer++)
		CHECK(&rank,
		      strads_signal_load(rank.shared, 8 * (size_t)peer) == (uint64_t)operations);
	return rank_close(&rank);
}

static void
put_signal__beyond_the_queue_asks_to_try_again(void **state)
{
	struct strads_sim_options slow = network;

	(void)state;
	slow.latency_ns = 1e6;
	assert_int_equal(run_ranks(32, slow, flood_main, NULL), 0);
}

static int
numbers_main(struct strads_job *job, void *arg)
{
	uint32_t all[RANKS];
	uint32_t mine = (uint32_t)strads_job_rank(job) * 3;

	(void)arg;
	for (int round = 0; round < 3; round++) {
		if (strads_job_allgather(job, &mine, sizeof mine, all))
			return CHECK_FAILED;
		for (uint32_t rank = 0; rank < RANKS; rank++) {
			if (all[rank] != rank * 3 + (uint32_t)round)
				return 2;
		}
		mine++;
	}
	return 0;
}

static void
allgather__of_many_ranks_in_rank_order(void **state)
{
	(void)state;
	assert_int_equal(run_ranks(RANKS, network, numbers_main, NULL), 0);
}

/* A rank may open one fabric after another, and two at a time. */
static int
fabrics_main(struct strads_job *job, void *arg)
{
	struct sim_rank first, second;
	struct strads_counter counter = {0};

	(void)arg;
	if (rank_open(&first, job, 8, 8) || rank_open(&second, job, 8, 8))
		return CHECK_FAILED;
	CHECK(&first, strads_put_signal(first.fabric, 1 - first.rank, first.shared, 0, NULL, 0, 7,
					&counter) == STRADS_OK);
	rank_await_signal(&first, 0, 7);
	CHECK(&second, strads_signal_load(second.shared, 0) == 0);
	rank_await(&first, &counter);
	if (rank_close(&first) || rank_open(&first, job, 8, 8))
		return CHECK_FAILED;
	CHECK(&first, strads_signal_load(first.shared, 0) == 0);
	return rank_close(&first) | rank_close(&second);
}

static void
open__gives_every_fabric_its_own_regions(void **state)
{
	(void)state;
	assert_int_equal(run_ranks(2, network, fabrics_main, NULL), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(put_signal__around_a_ring_of_many_ranks),
	    cmocka_unit_test(put_signal__beyond_the_queue_asks_to_try_again),
	    cmocka_unit_test(allgather__of_many_ranks_in_rank_order),
	    cmocka_unit_test(open__gives_every_fabric_its_own_regions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
