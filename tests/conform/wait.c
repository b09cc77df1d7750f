/* Targets that do not look: busy computing, or asleep. */
#include "conform.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define WORD sizeof(uint64_t)

static void
pause_ns(struct conform *c, uint64_t ns)
{
	struct timespec time = {.tv_sec = (time_t)(ns / 1000000000u),
				.tv_nsec = (long)(ns % 1000000000u)};

	if (c->sim)
		strads_fabric_charge(c->fabric, (double)ns);
	else
		nanosleep(&time, NULL);
}

/* Computes without calling the fabric. */
static void
compute_ns(struct conform *c, uint64_t ns)
{
	uint64_t until = strads_fabric_clock_ns(c->fabric) + ns;
	volatile double sum = 0;

	if (c->sim) {
		strads_fabric_charge(c->fabric, (double)ns);
		return;
	}
	while (strads_fabric_clock_ns(c->fabric) < until) {
		for (int i = 0; i < 100; i++)
			sum += 1.0 / (i + 1);
	}
}

/* Reads of a rank that is inside a long computation complete before it comes out of it, which it
 * does once they have or after far too long: the last of them still reads the word that says so as
 * 0. */
static int
busy_target(struct conform *c)
{
	enum { GETS = 20 };
	struct strads_region *shelf = conform_region(c, STRADS_REMOTE_READ, 4096);
	struct strads_region *words = conform_region(c, STRADS_REMOTE_WRITE, 2 * WORD);
	struct strads_region *out = conform_region(c, STRADS_LOCAL, 4096);
	struct strads_counter counter = {0};
	uint64_t until, worst_ns = 0;
	int target = c->size - 1;
	uint64_t *awake;

	CHECK(shelf && words && out && conform_wire(c) == 0);
	awake = strads_region_base(shelf);
	if (c->rank == target) {
		conform_fill(awake + 1, 4088, 5);
		CHECK_OK(
		    CONFORM_RETRY(c, strads_put_signal(c->fabric, 0, words, 0, NULL, 0, 1, NULL)));
		CHECK(conform_flush(c, 0) == 0);
		until = strads_fabric_clock_ns(c->fabric) + CONFORM_DEADLINE_NS / 2;
		while (strads_signal_load(words, WORD) != 1 &&
		       strads_fabric_clock_ns(c->fabric) < until)
			compute_ns(c, 1000000);
		__atomic_store_n(awake, 1, __ATOMIC_SEQ_CST);
		CHECK(conform_await(c, words, WORD, 1) == 0);
	}
	if (c->rank != 0)
		return 0;
	CHECK(conform_await(c, words, 0, 1) == 0);
	for (int i = 0; i < GETS; i++) {
		uint64_t *copy = strads_region_base(out);
		uint64_t start = strads_fabric_clock_ns(c->fabric);

		CHECK_OK(CONFORM_RETRY(
		    c, strads_get(c->fabric, target, shelf, 0, copy, 4096, &counter)));
		CHECK_OK(strads_counter_wait(c->fabric, &counter));
		start = strads_fabric_clock_ns(c->fabric) - start;
		worst_ns = start > worst_ns ? start : worst_ns;
		CHECK(copy[0] == 0);
		CHECK(conform_filled(copy + 1, 4088, 5));
	}
	printf("         the slowest of %d reads of a busy rank took %.1f us\n", GETS,
	       (double)worst_ns / 1e3);
	CHECK_OK(
	    CONFORM_RETRY(c, strads_put_signal(c->fabric, target, words, WORD, NULL, 0, 1, NULL)));
	return conform_flush(c, -1);
}

/* A rank that sleeps for a signal is woken by it. */
static int
sleeper_woken(struct conform *c)
{
	enum { ROUNDS = 10 };
	struct strads_region *word = conform_region(c, STRADS_REMOTE_WRITE, WORD);
	struct strads_fabric_stats stats;

	CHECK(word && conform_wire(c) == 0);
	for (uint64_t round = 1; round <= ROUNDS; round++) {
		if (c->rank == 0) /* once long enough to be slept through on a busy machine */
			pause_ns(c, round == 1 ? 1000000000 : 20000000);
		for (int peer = 1; c->rank == 0 && peer < c->size; peer++)
			CHECK_OK(CONFORM_RETRY(
			    c, strads_put_signal(c->fabric, peer, word, 0, NULL, 0, round, NULL)));
		if (c->rank > 0)
			CHECK_OK(strads_signal_wait(c->fabric, word, 0, round));
	}
	strads_fabric_stats(c->fabric, &stats);
	CHECK(c->sim || c->rank == 0 || stats.sleeps > 0);
	return conform_flush(c, -1);
}

/* Rank 1 sleeps for a signal and answers; rank 0, whose signal is held and then let go, computes
 * until the answer is there: nothing else of it is to wake rank 1. */
static int
sleeper_woken_by_held(struct conform *c)
{
	enum { ROUNDS = 4 };
	struct strads_region *words = conform_region(c, STRADS_REMOTE_WRITE, WORD);
	uint64_t until;

	CHECK(words && conform_wire(c) == 0);
	for (uint64_t round = 1; round <= ROUNDS && c->rank < 2; round++) {
		if (c->rank == 1)
			CHECK_OK(strads_signal_wait(c->fabric, words, 0, round));
		else
			pause_ns(c, 100000000);
		strads_fabric_hold(c->fabric);
		CHECK_OK(CONFORM_RETRY(
		    c, strads_put_signal(c->fabric, 1 - c->rank, words, 0, NULL, 0, round, NULL)));
		if (round % 2)
			(void)strads_fabric_release(c->fabric);
		else
			CHECK_OK(strads_fabric_progress(c->fabric));
		until = strads_fabric_clock_ns(c->fabric) + CONFORM_DEADLINE_NS / 2;
		while (c->rank == 0 && strads_signal_load(words, 0) != round &&
		       strads_fabric_clock_ns(c->fabric) < until)
			compute_ns(c, 1000000);
		CHECK(c->rank == 1 || strads_signal_load(words, 0) == round);
	}
	return conform_flush(c, -1);
}

/* A rank that keeps a signal back from one that sleeps, and then does nothing but wait for its peer
 * by other ways: it leaves all the same, and wakes. */
static int
held_wakes_by_itself(struct conform *c)
{
	struct strads_region *in = conform_region(c, STRADS_REMOTE_WRITE, WORD);

	CHECK(in && conform_wire(c) == 0);
	for (uint64_t round = 1; round <= 5; round++) {
		if (c->rank == 0) {
			pause_ns(c, 100000000);
			strads_fabric_hold(c->fabric);
			CHECK_OK(CONFORM_RETRY(
			    c, strads_put_signal(c->fabric, 1, in, 0, NULL, 0, round, NULL)));
		} else if (c->rank == 1) {
			CHECK(conform_await(c, in, 0, round) == 0);
		}
		CHECK_OK(strads_job_barrier(c->job));
	}
	return conform_flush(c, -1);
}

/* One side of two ranks that answer each other. An answer's value is its round, whether it is the
 * last, and whether its sender had slept for the answer before. */
struct race {
	struct strads_region *word;
	uint64_t random;
	uint64_t pause_ns; /* mean, before an answer */
	bool slept;
};

#define RACE_SLEPT   1u
#define RACE_LAST    2u
#define RACE_ROUND   4u
#define RACE_STEP    8       /* a pause grows and shrinks by this part of it */
#define RACE_PAUSE   50000   /* ns, the first */
#define RACE_LONGEST 5000000 /* ns, grown to: there a busy machine puts ranks to sleep itself */

static int
race_send(struct conform *c, struct race *race, uint64_t value)
{
	race->random ^= race->random << 13;
	race->random ^= race->random >> 7;
	race->random ^= race->random << 17;
	compute_ns(c, race->random % (2 * race->pause_ns));
	value |= race->slept ? RACE_SLEPT : 0;
	if (value / RACE_ROUND % 2)
		strads_fabric_hold(c->fabric);
	CHECK_OK(CONFORM_RETRY(
	    c, strads_put_signal(c->fabric, 1 - c->rank, race->word, 0, NULL, 0, value, NULL)));
	(void)strads_fabric_release(c->fabric);
	return 0;
}

static int
race_await(struct conform *c, struct race *race, uint64_t value)
{
	struct strads_fabric_stats before, after;

	strads_fabric_stats(c->fabric, &before);
	CHECK(conform_await(c, race->word, 0, value) == 0);
	strads_fabric_stats(c->fabric, &after);
	race->slept = after.sleeps > before.sleeps;
	if (strads_signal_load(race->word, 0) & RACE_SLEPT)
		race->pause_ns -= race->pause_ns / RACE_STEP;
	else if (!c->sim && race->pause_ns < RACE_LONGEST)
		race->pause_ns += race->pause_ns / RACE_STEP;
	return 0;
}

/* Two ranks answer each other just when the other falls asleep: no signal may slip between the last
 * look and the sleep. How long falling asleep takes depends on the machine, so each feels for it: a
 * peer that slept was answered too late, one that did not too early. (Simulated ranks do not
 * sleep.) */
static int
sleep_races_signal(struct conform *c)
{
	enum { ROUNDS = 2000 };
	struct race race = {.word = conform_region(c, STRADS_REMOTE_WRITE, WORD),
			    .random = 88172645463325252u + (uint64_t)c->rank,
			    .pause_ns = RACE_PAUSE};
	uint64_t until = strads_fabric_clock_ns(c->fabric) + 3000000000u;
	uint64_t slowest_ns = 0;
	uint64_t round = 0;
	uint64_t last = 0;

	CHECK(race.word && conform_wire(c) == 0);
	while (c->rank < 2 && !last) {
		uint64_t start = strads_fabric_clock_ns(c->fabric);
		uint64_t took;

		round++;
		if (c->rank == 1)
			CHECK(race_await(c, &race, round * RACE_ROUND) == 0);
		if (c->rank == 1)
			last = strads_signal_load(race.word, 0) & RACE_LAST;
		else if (round == ROUNDS || start >= until)
			last = RACE_LAST;
		CHECK(race_send(c, &race, round * RACE_ROUND | last) == 0);
		if (c->rank == 0)
			CHECK(race_await(c, &race, round * RACE_ROUND) == 0);
		took = strads_fabric_clock_ns(c->fabric) - start;
		slowest_ns = took > slowest_ns ? took : slowest_ns;
	}
	if (c->rank == 0)
		printf("         the slowest of %llu answers took %.1f ms\n",
		       (unsigned long long)round, (double)slowest_ns / 1e6);
	return conform_flush(c, -1);
}

/* The first that anybody wants of a rank finds it computing, and all want it at once: their signals
 * appear in its memory although it never calls the fabric. */
static int
reached_while_computing(struct conform *c)
{
	struct strads_region *words =
	    conform_region(c, STRADS_REMOTE_WRITE, (size_t)c->size * WORD);
	uint64_t deadline = strads_fabric_clock_ns(c->fabric) + CONFORM_DEADLINE_NS;
	int target = c->size - 1;

	CHECK(words && conform_wire(c) == 0);
	if (c->rank != target) {
		CHECK_OK(
		    CONFORM_RETRY(c, strads_put_signal(c->fabric, target, words,
						       (size_t)c->rank * WORD, NULL, 0, 1, NULL)));
		return conform_flush(c, target);
	}
	for (int rank = 0; rank < target; rank++) {
		while (strads_signal_load(words, (size_t)rank * WORD) != 1) {
			CHECK(strads_fabric_clock_ns(c->fabric) < deadline);
			compute_ns(c, 1000000);
		}
	}
	return 0;
}

/* A wait ends by its deadline where nothing arrives. */
static int
deadline_ends_wait(struct conform *c)
{
	uint64_t until = strads_fabric_clock_ns(c->fabric) + 30000000;

	while (strads_fabric_clock_ns(c->fabric) < until) {
		CHECK_OK(strads_fabric_progress(c->fabric));
		strads_fabric_wait(c->fabric, until);
	}
	strads_fabric_awake(c->fabric);
	return 0;
}

const struct conform_case conform_wait_cases[] = {
    {"wait", "busy_target", busy_target, 0},
    {"wait", "reached_while_computing", reached_while_computing, 0},
    {"wait", "sleeper_woken", sleeper_woken, 0},
    {"wait", "sleeper_woken_by_held", sleeper_woken_by_held, 0},
    {"wait", "held_wakes_by_itself", held_wakes_by_itself, 0},
    {"wait", "sleep_races_signal", sleep_races_signal, 0},
    {"wait", "deadline_ends_wait", deadline_ends_wait, 0},
    {0},
};
