/* Ranks that are away, asleep or dead. */
#include "ofi_pair.h"

#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
/* after its requirements */
#include <cmocka.h>

static void
pause_ms(long ms)
{
	nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

/* Rank 1 calls nothing until a file of the control channel says that rank 0 is done with it. */
static int
read_from_absent(struct pair *pair)
{
	uint64_t *own = strads_region_base(pair->own);
	uint64_t *open = strads_region_base(pair->open);
	struct strads_counter counter = {0};

	open[0] = 40 + (uint64_t)pair->rank;
	PAIR_CHECK(strads_job_barrier(pair->job) == STRADS_OK);
	if (pair->rank == 0) {
		PAIR_CHECK(PAIR_RETRY(pair, strads_get(pair->fabric, 1, pair->open, 0, own, 8,
						       &counter)) == STRADS_OK);
		PAIR_CHECK(pair_complete(pair, &counter) && counter.status == STRADS_OK);
		PAIR_CHECK(own[0] == 41);
		PAIR_CHECK(pair_signal(pair, 8, 8, 5, &counter) == STRADS_OK);
		PAIR_CHECK(pair_complete(pair, &counter) && counter.status == STRADS_OK);
	}
	PAIR_CHECK(strads_job_barrier(pair->job) == STRADS_OK);
	PAIR_CHECK(pair->rank == 0 || strads_signal_load(pair->open, 16) == 5);
	return 0;
}

/* Rank 0 sleeps, as far as the provider and its server know. A signal rings, and the server leaves
 * it alone, or the owner would sleep on. */
static int
sleep_soundly(struct pair *pair)
{
	uint64_t deadline = strads_monotone_ns() + PAIR_DEADLINE_NS;
	struct pollfd gate = {.fd = strads_ofi_wait_fd(pair->ofi), .events = POLLIN};
	struct strads_counter counter = {0};

	PAIR_CHECK(pair_signal(pair, 8, 0, 1, &counter) == STRADS_OK); /* connects */
	PAIR_CHECK(pair_await(pair, 8, 1) && pair_complete(pair, &counter));
	atomic_store(&pair->fabric->wait.sleeps, pair->rank == 0);
	while (pair->rank == 0 && strads_ofi_sleep_prepare(pair->ofi) == STRADS_AGAIN) {
		PAIR_CHECK(strads_ofi_progress(pair->ofi) == STRADS_OK);
		PAIR_CHECK(strads_monotone_ns() < deadline);
	}
	PAIR_CHECK(strads_job_barrier(pair->job) == STRADS_OK);
	if (pair->rank == 1) {
		PAIR_CHECK(pair_signal(pair, 0, 0, 1, &counter) == STRADS_OK);
		PAIR_CHECK(pair_complete(pair, &counter) && counter.status == STRADS_OK);
		return 0;
	}
	PAIR_CHECK(poll(&gate, 1, 20000) == 1);
	while (!atomic_load(&pair->ofi->server.parked)) {
		PAIR_CHECK(strads_monotone_ns() < deadline);
		pause_ms(1);
	}
	PAIR_CHECK(strads_signal_load(pair->open, 0) == 0);
	atomic_store(&pair->fabric->wait.sleeps, false);
	strads_ofi_sleep_done(pair->ofi);
	PAIR_CHECK(pair_await(pair, 0, 1));
	return 0;
}

/* Rank 1 stops, and is killed once operations of all kinds wait for it. Only the provider is asked
 * for progress, so that it must notice by itself. */
static int
outlive(struct pair *pair)
{
	uint64_t *own = strads_region_base(pair->own);
	struct strads_counter first = {0}, gets = {0}, puts = {0}, signals = {0};
	pid_t pids[2];
	pid_t mine = getpid();

	PAIR_CHECK(strads_job_allgather(pair->job, &mine, sizeof mine, pids) == STRADS_OK);
	if (pair->rank == 1) {
		PAIR_CHECK(pair_await(pair, 0, 1));
		raise(SIGSTOP);
		for (;;)
			pause();
	}
	PAIR_CHECK(pair_signal(pair, 0, 0, 1, &first) == STRADS_OK);
	PAIR_CHECK(pair_complete(pair, &first) && first.status == STRADS_OK);
	pause_ms(100);
	PAIR_CHECK(PAIR_RETRY(pair, strads_get(pair->fabric, 1, pair->open, 0, own, 8, &gets)) ==
		   STRADS_OK);
	PAIR_CHECK(PAIR_RETRY(pair, strads_put(pair->fabric, 1, pair->open, 0, own, 8, &puts)) ==
		   STRADS_OK);
	PAIR_CHECK(pair_signal(pair, 0, 8, 2, &signals) == STRADS_OK);
	kill(pids[1], SIGKILL);
	PAIR_CHECK(pair_complete(pair, &gets) && gets.status == STRADS_ERR_PEER);
	PAIR_CHECK(strstr(strads_error(), "rank 1 ") != NULL);
	PAIR_CHECK(pair_complete(pair, &puts) && puts.status == STRADS_ERR_PEER);
	PAIR_CHECK(pair_complete(pair, &signals) && signals.status == STRADS_ERR_PEER);
	PAIR_CHECK(pair_signal(pair, 0, 8, 3, &signals) == STRADS_ERR_PEER);
	PAIR_CHECK(strads_flush(pair->fabric, 1) == STRADS_ERR_PEER);
	return 0;
}

/* A put-signal is complete for libfabric before it has come; no other operation would tell. */
static int
outlive_silently(struct pair *pair)
{
	struct strads_counter first = {0}, second = {0};
	pid_t pids[2];
	pid_t mine = getpid();

	PAIR_CHECK(strads_job_allgather(pair->job, &mine, sizeof mine, pids) == STRADS_OK);
	if (pair->rank == 1) {
		PAIR_CHECK(pair_await(pair, 0, 1));
		raise(SIGSTOP);
		for (;;)
			pause();
	}
	PAIR_CHECK(pair_signal(pair, 0, 0, 1, &first) == STRADS_OK);
	PAIR_CHECK(pair_complete(pair, &first) && first.status == STRADS_OK);
	pause_ms(100);
	PAIR_CHECK(pair_signal(pair, 0, 0, 2, &second) == STRADS_OK);
	kill(pids[1], SIGKILL);
	PAIR_CHECK(pair_complete(pair, &second) && second.status == STRADS_ERR_PEER);
	return 0;
}

/* Until the reads have come to their end, whatever that is. */
static bool
end_reads(struct pair *pair, const struct strads_counter *counter)
{
	uint64_t deadline = strads_monotone_ns() + PAIR_DEADLINE_NS;

	while (counter->done != counter->posted && strads_monotone_ns() < deadline)
		(void)strads_provider_ofi.progress(pair->ofi);
	return counter->status == STRADS_ERR_PEER;
}

/* A peer that never answers ends the wait at the fabric's deadline. */
static int
wait_in_vain(struct pair *pair)
{
	struct strads_counter first = {0}, gets = {0};
	pid_t pids[2];
	pid_t mine = getpid();
	uint64_t *own = strads_region_base(pair->own);

	PAIR_CHECK(strads_job_allgather(pair->job, &mine, sizeof mine, pids) == STRADS_OK);
	if (pair->rank == 1) {
		PAIR_CHECK(pair_await(pair, 0, 1));
		raise(SIGSTOP);
		return 0;
	}
	PAIR_CHECK(pair_signal(pair, 0, 0, 1, &first) == STRADS_OK); /* connects */
	PAIR_CHECK(pair_complete(pair, &first) && first.status == STRADS_OK);
	pair->ofi->timeout_ns = 500000000;
	pause_ms(100);
	PAIR_CHECK(PAIR_RETRY(pair, strads_get(pair->fabric, 1, pair->open, 0, own, 8, &gets)) ==
		   STRADS_OK);
	PAIR_CHECK(!pair_complete(pair, &gets));
	PAIR_CHECK(strads_provider_ofi.progress(pair->ofi) == STRADS_ERR_TIMEOUT);
	PAIR_CHECK(strstr(strads_error(), "rank 1 ") != NULL);
	kill(pids[1], SIGKILL);
	PAIR_CHECK(end_reads(pair, &gets));
	return 0;
}

static void
server__serves_while_the_owner_is_away(void **state)
{
	(void)state;
	assert_true(pair_run(read_from_absent, false));
}

static void
server__rests_while_the_owner_sleeps(void **state)
{
	(void)state;
	assert_true(pair_run(sleep_soundly, false));
}

static void
peer__killed_ends_its_operations(void **state)
{
	(void)state;
	assert_true(pair_run(outlive, true));
}

static void
peer__killed_is_noticed_by_signals_alone(void **state)
{
	(void)state;
	assert_true(pair_run(outlive_silently, true));
}

static void
peer__silent_ends_at_the_deadline(void **state)
{
	(void)state;
	assert_true(pair_run(wait_in_vain, true));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(server__serves_while_the_owner_is_away),
	    cmocka_unit_test(server__rests_while_the_owner_sleeps),
	    cmocka_unit_test(peer__killed_ends_its_operations),
	    cmocka_unit_test(peer__killed_is_noticed_by_signals_alone),
	    cmocka_unit_test(peer__silent_ends_at_the_deadline),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
