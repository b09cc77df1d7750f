/* The thread that serves a rank's peers: when it does, and that callers never wait for the owner.
 */
#include "server.h"

#include "pace.h"

#include "strads/transport.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

#define DEADLINE_MS 20000

/* A server, the provider it serves and somebody who calls. */
struct stage {
	struct strads_server server;
	_Atomic int served;
	_Atomic int answered;
	_Atomic int rested;
	int call;  /* eventfd */
	int ready; /* eventfd: the provider's descriptor; −1: it has none */
	int gate;  /* what the owner sleeps on */
	_Atomic bool sleeps;
};

static bool
serve(void *context)
{
	struct stage *stage = context;
	uint64_t count;

	if (stage->ready >= 0 && read(stage->ready, &count, sizeof count) < 0)
		count = 0;
	atomic_fetch_add(&stage->served, 1);
	return stage->ready >= 0;
}

/* What the server does while the owner is there. */
static bool
rest(void *context)
{
	struct stage *stage = context;
	uint64_t count;

	if (stage->ready >= 0 && read(stage->ready, &count, sizeof count) < 0)
		count = 0;
	atomic_fetch_add(&stage->rested, 1);
	return stage->ready >= 0;
}

static bool
answer(void *context)
{
	struct stage *stage = context;
	uint64_t count;

	assert_int_equal(read(stage->call, &count, sizeof count), sizeof count);
	atomic_fetch_add(&stage->answered, 1);
	return true;
}

/* Leaves the call unread, as a channel that has hung up can be read for ever. */
static bool
hang_up(void *context)
{
	struct stage *stage = context;

	atomic_fetch_add(&stage->answered, 1);
	return false;
}

static void
open_stage_that(struct stage *stage, bool (*serves)(void *), bool (*answers)(void *),
		bool with_descriptor)
{
	struct strads_server_duty duty = {.context = stage,
					  .serve = serves,
					  .rest = rest,
					  .sleeps = &stage->sleeps,
					  .period_ms = 1};

	*stage = (struct stage){.server = {.wake = -1, .rouse = -1}, .ready = -1};
	stage->call = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (with_descriptor)
		stage->ready = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	duty.fd = stage->ready;
	duty.gate = stage->gate = epoll_create1(EPOLL_CLOEXEC);
	if (answers)
		strads_server_attend(&stage->server, stage->call, answers, stage);
	assert_int_equal(strads_server_start(&stage->server, &duty), STRADS_OK);
}

static void
open_stage(struct stage *stage, bool (*answers)(void *), bool with_descriptor)
{
	open_stage_that(stage, serve, answers, with_descriptor);
}

static void
close_stage(struct stage *stage)
{
	strads_server_stop(&stage->server);
	close(stage->gate);
	close(stage->call);
	if (stage->ready >= 0)
		close(stage->ready);
}

static void
poke(int fd)
{
	uint64_t one = 1;

	assert_int_equal(write(fd, &one, sizeof one), sizeof one);
}

static void
reach(const _Atomic int *count, int wanted)
{
	uint64_t deadline = strads_monotone_ns() + DEADLINE_MS * UINT64_C(1000000);

	while (atomic_load(count) < wanted) {
		assert_true(strads_monotone_ns() < deadline);
		poll(NULL, 0, 1);
	}
}

static void
fall_asleep(struct stage *stage)
{
	uint64_t deadline = strads_monotone_ns() + DEADLINE_MS * UINT64_C(1000000);

	strads_server_hush(&stage->server);
	atomic_store(&stage->sleeps, true);
	while (!atomic_load(&stage->server.parked)) {
		assert_true(strads_monotone_ns() < deadline);
		poll(NULL, 0, 1);
	}
}

static void
wake_up(struct stage *stage)
{
	atomic_store(&stage->sleeps, false);
	strads_server_resume(&stage->server);
}

static void
serve__while_the_owner_is_away(void **state)
{
	struct stage stage;

	(void)state;
	open_stage(&stage, answer, false);
	reach(&stage.served, 3);
	close_stage(&stage);
}

static void
serve__again_when_the_descriptor_tells(void **state)
{
	struct stage stage;

	(void)state;
	open_stage(&stage, answer, true);
	reach(&stage.served, 1);
	poke(stage.ready);
	reach(&stage.served, 2);
	close_stage(&stage);
}

/* The owner turns, and then goes away: the server looks no more until the descriptor tells. */
static void
rest__until_the_descriptor_tells(void **state)
{
	struct stage stage;
	int rested;

	(void)state;
	open_stage(&stage, answer, true);
	reach(&stage.served, 1);
	strads_server_turn(&stage.server);
	poke(stage.ready);
	reach(&stage.rested, 1);
	rested = atomic_load(&stage.rested);
	poll(NULL, 0, 20);
	assert_int_equal(atomic_load(&stage.rested), rested);
	assert_int_equal(atomic_load(&stage.served), 1);
	poke(stage.ready);
	reach(&stage.served, 2);
	close_stage(&stage);
}

static void
serve__not_while_the_owner_sleeps_but_after(void **state)
{
	struct stage stage;
	int served;

	(void)state;
	open_stage(&stage, answer, false);
	fall_asleep(&stage);
	served = atomic_load(&stage.served);
	poll(NULL, 0, 20);
	assert_int_equal(atomic_load(&stage.served), served);
	wake_up(&stage);
	reach(&stage.served, served + 1);
	close_stage(&stage);
}

/* It found something else to do, or waits where its descriptor does not ring. */
static void
serve__for_an_owner_that_only_meant_to_sleep(void **state)
{
	struct stage stage;
	int served;

	(void)state;
	open_stage(&stage, answer, true);
	reach(&stage.served, 1);
	strads_server_turn(&stage.server);
	strads_server_hush(&stage.server);
	strads_server_turn(&stage.server);
	poke(stage.ready);
	served = atomic_load(&stage.served);
	reach(&stage.served, served + 3);
	wake_up(&stage);
	close_stage(&stage);
}

/* Serves for the first time until the owner is about to sleep: what it has tried meanwhile was in
 * vain. */
static bool
stand_in_the_way(void *context)
{
	struct stage *stage = context;
	uint64_t deadline = strads_monotone_ns() + DEADLINE_MS * UINT64_C(1000000);

	if (atomic_fetch_add(&stage->served, 1) > 0)
		return false;
	while (!atomic_load(&stage->server.asleep) && strads_monotone_ns() < deadline)
		poll(NULL, 0, 1);
	return false;
}

static void
serve__wakes_the_owner_that_it_was_in_the_way_of(void **state)
{
	bool (*const answers[])(void *) = {answer, NULL};

	(void)state;
	for (size_t i = 0; i < 2; i++) { /* also where nobody calls */
		struct pollfd gate = {.events = POLLIN};
		struct stage stage;

		open_stage_that(&stage, stand_in_the_way, answers[i], false);
		gate.fd = stage.gate;
		reach(&stage.served, 1);
		strads_server_hush(&stage.server);
		assert_int_equal(poll(&gate, 1, DEADLINE_MS), 1);
		wake_up(&stage);
		assert_int_equal(poll(&gate, 1, 0), 0);
		close_stage(&stage);
	}
}

static void
attend__answers_while_the_owner_computes(void **state)
{
	struct stage stage;

	(void)state;
	open_stage(&stage, answer, true);
	reach(&stage.served, 1); /* from now on it waits for the descriptor alone */
	for (int call = 1; call <= 3; call++) {
		poke(stage.call);
		reach(&stage.answered, call);
	}
	close_stage(&stage);
}

static void
attend__answers_while_the_owner_sleeps_and_wakes_it(void **state)
{
	struct pollfd gate = {.events = POLLIN};
	struct stage stage;

	(void)state;
	open_stage(&stage, answer, false);
	gate.fd = stage.gate;
	fall_asleep(&stage);
	for (int call = 1; call <= 3; call++) {
		poke(stage.call);
		assert_int_equal(poll(&gate, 1, DEADLINE_MS), 1);
		assert_int_equal(atomic_load(&stage.answered), call);
		assert_true(atomic_load(&stage.server.parked));
		wake_up(&stage);
		assert_int_equal(poll(&gate, 1, 0), 0);
		fall_asleep(&stage);
	}
	wake_up(&stage);
	close_stage(&stage);
}

static void
attend__leaves_who_has_hung_up(void **state)
{
	struct stage stage;

	(void)state;
	open_stage(&stage, hang_up, false);
	poke(stage.call);
	reach(&stage.answered, 1);
	reach(&stage.served, atomic_load(&stage.served) + 3);
	assert_int_equal(atomic_load(&stage.answered), 1);
	close_stage(&stage);
}

static void
stop__while_the_owner_sleeps(void **state)
{
	struct stage stage;

	(void)state;
	open_stage(&stage, answer, false);
	fall_asleep(&stage);
	close_stage(&stage);
	assert_int_equal(stage.server.wake, -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(serve__while_the_owner_is_away),
	    cmocka_unit_test(serve__again_when_the_descriptor_tells),
	    cmocka_unit_test(rest__until_the_descriptor_tells),
	    cmocka_unit_test(serve__not_while_the_owner_sleeps_but_after),
	    cmocka_unit_test(serve__for_an_owner_that_only_meant_to_sleep),
	    cmocka_unit_test(serve__wakes_the_owner_that_it_was_in_the_way_of),
	    cmocka_unit_test(attend__answers_while_the_owner_computes),
	    cmocka_unit_test(attend__answers_while_the_owner_sleeps_and_wakes_it),
	    cmocka_unit_test(attend__leaves_who_has_hung_up),
	    cmocka_unit_test(stop__while_the_owner_sleeps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
