/* Virtual time: what operations, computing and waiting cost, in cases that can be told by hand. */
#include "sim_ranks.h"

#define LATENCY  1000 /* ns */
#define OVERHEAD 100  /* ns */
#define MESSAGE  10000
#define PASSAGE  1000 /* ns that a MESSAGE occupies a link of 10 bytes/ns */
#define RECEIPT  700  /* ns that a signal costs its target, where it is told to */

static const struct strads_sim_options network = {
    .seed = 1, .latency_ns = LATENCY, .overhead_ns = OVERHEAD, .bytes_per_ns = 10};

#define OPEN(r, job)                                                                               \
	do {                                                                                       \
		if (rank_open(r, job, 4 * MESSAGE, 4 * MESSAGE))                                   \
			return 1;                                                                  \
	} while (0)

static int
put_main(struct strads_job *job, void *arg)
{
	struct strads_counter counter = {0};
	struct sim_rank rank;
	uint64_t begin;

	(void)arg;
	OPEN(&rank, job);
	if (rank.rank == 0) {
		begin = strads_fabric_clock_ns(rank.fabric);
		CHECK(&rank, strads_put(rank.fabric, 1, rank.shared, 0, rank.own_base, MESSAGE,
					&counter) == STRADS_OK);
		CHECK(&rank, rank_clock_ns(&rank) == begin + OVERHEAD);
		rank_await(&rank, &counter);
		CHECK(&rank,
		      rank_clock_ns(&rank) == begin + OVERHEAD + LATENCY + PASSAGE + LATENCY);
	}
	return rank_close(&rank);
}

static void
put__takes_overhead_latency_and_passage_and_an_acknowledgement(void **state)
{
	(void)state;
	assert_int_equal(run_ranks(2, network, put_main, NULL), 0);
}

static int
signal_main(struct strads_job *job, void *arg)
{
	const uint64_t *receipt = arg;
	const size_t payload = MESSAGE - sizeof(uint64_t);
	struct strads_counter counter = {0};
	struct sim_rank rank;
	uint64_t begin;

	OPEN(&rank, job);
	if (rank.rank == 0) {
		begin = strads_fabric_clock_ns(rank.fabric);
		memcpy(rank.own_base, &begin, sizeof begin);
		CHECK(&rank, strads_put_signal(rank.fabric, 1, rank.shared, 0, rank.own_base,
					       payload, 1, &counter) == STRADS_OK);
		rank_await(&rank, &counter);
	} else {
		rank_await_signal(&rank, payload, 1);
		memcpy(&begin, rank.shared_base, sizeof begin);
		CHECK(&rank,
		      rank_clock_ns(&rank) == begin + OVERHEAD + LATENCY + PASSAGE + *receipt);
	}
	return rank_close(&rank);
}

static void
put_signal__wakes_its_target_when_the_last_byte_lands(void **state)
{
	uint64_t none = 0;

	(void)state;
	assert_int_equal(run_ranks(2, network, signal_main, &none), 0);
}

static void
put_signal__costs_its_target_the_receipt(void **state)
{
	struct strads_sim_options dear = network;
	uint64_t receipt = RECEIPT;

	(void)state;
	dear.receive_ns = RECEIPT;
	assert_int_equal(run_ranks(2, dear, signal_main, &receipt), 0);
}

static int
get_main(struct strads_job *job, void *arg)
{
	struct strads_counter counter = {0};
	struct sim_rank rank;
	uint64_t begin;

	(void)arg;
	OPEN(&rank, job);
	if (rank.rank == 0) {
		begin = strads_fabric_clock_ns(rank.fabric);
		CHECK(&rank, strads_get(rank.fabric, 1, rank.shared, 0, rank.own_base, MESSAGE,
					&counter) == STRADS_OK);
		rank_await(&rank, &counter);
		CHECK(&rank,
		      rank_clock_ns(&rank) == begin + OVERHEAD + LATENCY + LATENCY + PASSAGE);
	}
	return rank_close(&rank);
}

static void
get__takes_a_trip_there_and_one_back(void **state)
{
	(void)state;
	assert_int_equal(run_ranks(2, network, get_main, NULL), 0);
}

static int
outgoing_main(struct strads_job *job, void *arg)
{
	struct strads_counter counter = {0};
	struct sim_rank rank;
	uint64_t begin;

	(void)arg;
	OPEN(&rank, job);
	if (rank.rank == 0) {
		begin = strads_fabric_clock_ns(rank.fabric);
		for (int peer = 1; peer <= 2; peer++)
			CHECK(&rank, strads_put(rank.fabric, peer, rank.shared, 0, rank.own_base,
						MESSAGE, &counter) == STRADS_OK);
		rank_await(&rank, &counter);
		CHECK(&rank, rank_clock_ns(&rank) == begin + OVERHEAD + 2 * PASSAGE + 2 * LATENCY);
	}
	return rank_close(&rank);
}

static void
put__queues_behind_an_earlier_one_on_the_outgoing_link(void **state)
{
	(void)state;
	assert_int_equal(run_ranks(3, network, outgoing_main, NULL), 0);
}

static int
incoming_main(struct strads_job *job, void *arg)
{
	struct strads_counter counter = {0};
	uint64_t *took = arg;
	struct sim_rank rank;
	uint64_t begin;

	OPEN(&rank, job);
	CHECK(&rank, strads_job_barrier(job) == STRADS_OK); /* all go on at one time */
	if (rank.rank > 0) {
		begin = strads_fabric_clock_ns(rank.fabric);
		CHECK(&rank, strads_put(rank.fabric, 0, rank.shared, 0, rank.own_base, MESSAGE,
					&counter) == STRADS_OK);
		rank_await(&rank, &counter);
		took[rank.rank] = rank_clock_ns(&rank) - begin;
	}
	return rank_close(&rank);
}

static void
put__queues_behind_those_of_others_on_the_incoming_link(void **state)
{
	uint64_t took[4];

	(void)state;
	assert_int_equal(run_ranks(4, network, incoming_main, took), 0);
	for (uint64_t rank = 1; rank <= 3; rank++)
		assert_int_equal(took[rank], OVERHEAD + LATENCY + rank * PASSAGE + LATENCY);
}

static int
charge_main(struct strads_job *job, void *arg)
{
	struct sim_rank rank;
	uint64_t begin;

	(void)arg;
	OPEN(&rank, job);
	begin = strads_fabric_clock_ns(rank.fabric);
	strads_fabric_charge(rank.fabric, 1000);
	CHECK(&rank, rank_clock_ns(&rank) == begin + 3000);
	return rank_close(&rank);
}

static void
charge__advances_the_clock_by_the_scaled_cost(void **state)
{
	struct strads_sim_options slow = {.compute_scale = 3};

	(void)state;
	assert_int_equal(run_ranks(2, slow, charge_main, NULL), 0);
}

static int
order_main(struct strads_job *job, void *arg)
{
	struct sim_rank rank;
	char *order = arg;

	OPEN(&rank, job);
	CHECK(&rank, strads_job_barrier(job) == STRADS_OK);
	strads_fabric_charge(rank.fabric, 1000 * (rank.size - rank.rank));
	order[strlen(order)] = (char)('0' + rank.rank);
	return rank_close(&rank);
}

static void
charge__lets_earlier_ranks_run_first(void **state)
{
	char order[8] = "";

	(void)state;
	assert_int_equal(run_ranks(4, network, order_main, order), 0);
	assert_string_equal(order, "3210");
}

static int
deadline_main(struct strads_job *job, void *arg)
{
	struct sim_rank rank;
	uint64_t begin;

	(void)arg;
	OPEN(&rank, job);
	strads_fabric_wait(rank.fabric, 0); /* takes note of whatever has happened so far */
	begin = strads_fabric_clock_ns(rank.fabric);
	strads_fabric_wait(rank.fabric, begin + 12345);
	CHECK(&rank, rank_clock_ns(&rank) == begin + 12345);
	return rank_close(&rank);
}

static void
wait__ends_at_its_deadline(void **state)
{
	(void)state;
	assert_int_equal(run_ranks(2, network, deadline_main, NULL), 0);
}

/* A signal that lands while its target computes must not be slept over, although the target looks
 * for it before it computes and then waits without end. */
static int
computing_main(struct strads_job *job, void *arg)
{
	struct strads_counter counter = {0};
	struct sim_rank rank;

	(void)arg;
	OPEN(&rank, job);
	if (rank.rank == 0) {
		CHECK(&rank, strads_put_signal(rank.fabric, 1, rank.shared, 0, NULL, 0, 1,
					       &counter) == STRADS_OK);
		rank_await(&rank, &counter);
	} else {
		while (strads_signal_load(rank.shared, 0) < 1) {
			CHECK(&rank, strads_fabric_progress(rank.fabric) == STRADS_OK);
			strads_fabric_charge(rank.fabric, 1000000);
			strads_fabric_wait(rank.fabric, UINT64_MAX);
		}
	}
	return rank_close(&rank);
}

static void
wait__returns_for_what_landed_while_its_rank_computed(void **state)
{
	(void)state;
	assert_int_equal(run_ranks(2, network, computing_main, NULL), 0);
}

/* With a network that costs nothing, loops that poll still come to an end. */
static int
polling_main(struct strads_job *job, void *arg)
{
	struct strads_counter counter = {0};
	struct sim_rank rank;
	uint64_t until;

	(void)arg;
	OPEN(&rank, job);
	until = strads_fabric_clock_ns(rank.fabric) + 10000;
	while (strads_fabric_clock_ns(rank.fabric) < until)
		;
	CHECK(&rank, strads_put_signal(rank.fabric, (rank.rank + 1) % rank.size, rank.shared, 0,
				       NULL, 0, 1, &counter) == STRADS_OK);
	while (strads_signal_load(rank.shared, 0) < 1 ||
	       strads_flush(rank.fabric, -1) == STRADS_AGAIN)
		CHECK(&rank, strads_fabric_progress(rank.fabric) == STRADS_OK);
	return rank_close(&rank);
}

static void
progress__moves_time_on_an_ideal_network(void **state)
{
	struct strads_sim_options ideal = {.seed = 7};

	(void)state;
	assert_int_equal(run_ranks(5, ideal, polling_main, NULL), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(put__takes_overhead_latency_and_passage_and_an_acknowledgement),
	    cmocka_unit_test(put_signal__costs_its_target_the_receipt),
	    cmocka_unit_test(put_signal__wakes_its_target_when_the_last_byte_lands),
	    cmocka_unit_test(get__takes_a_trip_there_and_one_back),
	    cmocka_unit_test(put__queues_behind_an_earlier_one_on_the_outgoing_link),
	    cmocka_unit_test(put__queues_behind_those_of_others_on_the_incoming_link),
	    cmocka_unit_test(charge__advances_the_clock_by_the_scaled_cost),
	    cmocka_unit_test(charge__lets_earlier_ranks_run_first),
	    cmocka_unit_test(wait__ends_at_its_deadline),
	    cmocka_unit_test(wait__returns_for_what_landed_while_its_rank_computed),
	    cmocka_unit_test(progress__moves_time_on_an_ideal_network),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
