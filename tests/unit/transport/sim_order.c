/* Chance: a run is a function of its seed; data are reordered and torn, but never behind the
 * signal that announces them. */
#include "sim_ranks.h"

#define SEEDS 100

static struct strads_sim_options
rough_network(uint64_t seed)
{
	return (struct strads_sim_options){.seed = seed,
					   .latency_ns = 1500,
					   .overhead_ns = 100,
					   .bytes_per_ns = 12,
					   .jitter = 3,
					   .tear = true};
}

/* ---- Data before their signal ---- */

#define ROUNDS 5
#define PUTS   6
#define SLOT   520
#define TAIL   64 /* payload of the signal itself */

/* Every rank puts six slots and a signal with payload to its neighbour, who checks every byte
 * when it sees the signal and answers with a signal of its own. */
static int
announced_main(struct strads_job *job, void *arg)
{
	const size_t signal = PUTS * SLOT + TAIL, answer = signal + 8, slots = answer + 8;
	struct sim_rank rank;

	(void)arg;
	if (rank_open(&rank, job, slots, slots))
		return CHECK_FAILED;
	for (uint64_t round = 1; round <= ROUNDS; round++) {
		int next = (rank.rank + 1) % rank.size;
		int previous = (rank.rank + rank.size - 1) % rank.size;
		struct strads_counter counter = {0};

		memset(rank.own_base, (int)round + rank.rank, signal);
		for (size_t put = 0; put < PUTS; put++)
			CHECK(&rank,
			      strads_put(rank.fabric, next, rank.shared, put * SLOT, rank.own_base,
					 SLOT - put * 100, &counter) == STRADS_OK);
		CHECK(&rank, strads_put_signal(rank.fabric, next, rank.shared, PUTS * SLOT,
					       rank.own_base, TAIL, round, &counter) == STRADS_OK);
		rank_await_signal(&rank, signal, round);
		for (size_t put = 0; put < PUTS; put++) {
			for (size_t byte = 0; byte < SLOT - put * 100; byte++)
				CHECK(&rank, rank.shared_base[put * SLOT + byte] ==
						 (uint8_t)(round + (unsigned)previous));
		}
		CHECK(&rank, rank.shared_base[signal - 1] == (uint8_t)(round + (unsigned)previous));
		CHECK(&rank, strads_put_signal(rank.fabric, previous, rank.shared, answer, NULL, 0,
					       round, &counter) == STRADS_OK);
		rank_await_signal(&rank, answer, round);
		rank_await(&rank, &counter);
	}
	return rank_close(&rank);
}

static void
put_signal__lands_after_all_earlier_data_whatever_the_seed(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < SEEDS; seed++)
		assert_int_equal(run_ranks(3, rough_network(seed), announced_main, NULL), 0);
}

static void
put_signal__lands_after_torn_data_on_an_ideal_network(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		struct strads_sim_options ideal = {.seed = seed, .tear = true};

		assert_int_equal(run_ranks(3, ideal, announced_main, NULL), 0);
	}
}

/* ---- What there is no promise of does not hold ---- */

#define TORN_BYTES 64

struct sightings {
	int torn;      /* times that a put was seen in part */
	int overtaken; /* times that a later put was seen without an earlier one */
	int late;      /* times that a source changed too early was seen to be */
};

/* Rank 0 puts twice; rank 1 looks on without waiting for anything. */
static int
unannounced_main(struct strads_job *job, void *arg)
{
	struct strads_counter counter = {0};
	struct sightings *seen = arg;
	struct sim_rank rank;

	if (rank_open(&rank, job, 2 * TORN_BYTES, 2 * TORN_BYTES))
		return CHECK_FAILED;
	if (rank.rank == 0) {
		memset(rank.own_base, 1, TORN_BYTES);
		for (size_t put = 0; put < 2; put++)
			CHECK(&rank, strads_put(rank.fabric, 1, rank.shared, put * TORN_BYTES,
						rank.own_base, TORN_BYTES, &counter) == STRADS_OK);
		rank_await(&rank, &counter);
		CHECK(&rank, strads_job_barrier(job) == STRADS_OK);
	} else {
		uint8_t *first = rank.shared_base, *second = first + TORN_BYTES;
		bool torn = false, overtaken = false;

		while (!memchr(second, 1, TORN_BYTES) || memchr(second, 0, TORN_BYTES) ||
		       memchr(first, 0, TORN_BYTES)) {
			CHECK(&rank, strads_fabric_progress(rank.fabric) == STRADS_OK);
			torn |= memchr(first, 1, TORN_BYTES) && memchr(first, 0, TORN_BYTES);
			overtaken |=
			    !memchr(first, 1, TORN_BYTES) && !memchr(second, 0, TORN_BYTES);
		}
		seen->torn += torn;
		seen->overtaken += overtaken;
		CHECK(&rank, strads_job_barrier(job) == STRADS_OK);
	}
	return rank_close(&rank);
}

static void
put__is_torn_and_overtaken_under_some_seeds(void **state)
{
	struct sightings seen = {0};

	(void)state;
	for (uint64_t seed = 0; seed < SEEDS; seed++)
		assert_int_equal(run_ranks(2, rough_network(seed), unannounced_main, &seen), 0);
	assert_true(seen.torn > SEEDS / 10);
	assert_true(seen.overtaken > SEEDS / 10);
}

/* Rank 0 writes to a source that it has lent. */
static int
borrowed_main(struct strads_job *job, void *arg)
{
	struct strads_counter counter = {0};
	struct sightings *seen = arg;
	struct sim_rank rank;

	if (rank_open(&rank, job, TORN_BYTES, TORN_BYTES))
		return CHECK_FAILED;
	if (rank.rank == 0) {
		CHECK(&rank, strads_put(rank.fabric, 1, rank.shared, 0, rank.own_base, TORN_BYTES,
					&counter) == STRADS_OK);
		strads_fabric_charge(rank.fabric, 3000);
		memset(rank.own_base, 1, TORN_BYTES);
		rank_await(&rank, &counter);
	}
	CHECK(&rank, strads_job_barrier(job) == STRADS_OK);
	seen->late += rank.rank == 1 && memchr(rank.shared_base, 1, TORN_BYTES);
	return rank_close(&rank);
}

static void
put__shows_a_source_that_changed_too_early_under_some_seeds(void **state)
{
	struct sightings seen = {0};

	(void)state;
	for (uint64_t seed = 0; seed < SEEDS; seed++)
		assert_int_equal(run_ranks(2, rough_network(seed), borrowed_main, &seen), 0);
	assert_true(seen.late > SEEDS / 10);
	assert_true(seen.late < SEEDS);
}

/* ---- The same seed ---- */

struct outcome {
	uint64_t trace;
	uint64_t clock_ns;
	uint64_t sum;
};

/* A bit of everything, with all ranks in each other's way. */
static int
busy_main(struct strads_job *job, void *arg)
{
	struct strads_counter counter = {0};
	struct outcome *outcome = arg;
	struct sim_rank rank;
	uint64_t *old;

	if (rank_open(&rank, job, 4096, 8192))
		return CHECK_FAILED;
	old = (uint64_t *)(void *)(rank.own_base + 4096);
	for (uint64_t round = 1; round <= 20; round++) {
		int peer = (rank.rank + (int)round) % rank.size;

		CHECK(&rank, strads_put(rank.fabric, peer, rank.shared, 512, rank.own_base, 1000,
					&counter) == STRADS_OK);
		CHECK(&rank, strads_get(rank.fabric, peer, rank.shared, 512, rank.own_base + 1024,
					1000, &counter) == STRADS_OK);
		CHECK(&rank, strads_fetch_add(rank.fabric, 0, rank.shared, 0, 1, old, &counter) ==
				 STRADS_OK);
		rank_await(&rank, &counter);
		strads_fabric_charge(rank.fabric, (double)(*old % 7) * 100);
		outcome->sum = outcome->sum * 31 + *old;
	}
	CHECK(&rank, strads_job_barrier(job) == STRADS_OK);
	if (rank.rank == 0) {
		outcome->trace = ((struct strads_sim_rank *)job->context)->sim->trace;
		outcome->clock_ns = rank_clock_ns(&rank);
		CHECK(&rank, strads_signal_load(rank.shared, 0) == 20 * (uint64_t)rank.size);
	}
	return rank_close(&rank);
}

static struct outcome
run_busy(uint64_t seed)
{
	struct outcome outcome = {0};

	assert_int_equal(run_ranks(9, rough_network(seed), busy_main, &outcome), 0);
	return outcome;
}

static void
job_run__is_the_same_for_the_same_seed(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 10; seed++) {
		struct outcome first = run_busy(seed), second = run_busy(seed);

		assert_memory_equal(&first, &second, sizeof first);
	}
}

static void
job_run__differs_with_the_seed(void **state)
{
	struct outcome first = run_busy(1), second = run_busy(2), third = run_busy(1ull << 40);

	(void)state;
	assert_true(first.trace != second.trace);
	assert_true(first.sum != second.sum);
	assert_true(first.trace != third.trace);
	assert_true(second.trace != third.trace);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(put_signal__lands_after_all_earlier_data_whatever_the_seed),
	    cmocka_unit_test(put_signal__lands_after_torn_data_on_an_ideal_network),
	    cmocka_unit_test(put__is_torn_and_overtaken_under_some_seeds),
	    cmocka_unit_test(put__shows_a_source_that_changed_too_early_under_some_seeds),
	    cmocka_unit_test(job_run__is_the_same_for_the_same_seed),
	    cmocka_unit_test(job_run__differs_with_the_seed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
