/* A rank's end of the control channel, at whose other end the test speaks: what is read when, and
 * whether the descriptor that a thread sleeps on tells of it. */
#include "job/client.h"

#include "job/clock.h"
#include "job/frame.h"
#include "job/mail.h"
#include "strads/transport.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define RANKS      2
#define TIMEOUT_MS 20000
#define MANY       (STRADS_MAIL_KEPT * RANKS * 2)

struct stage {
	struct strads_job job;
	struct strads_client *client;
	int hub;         /* the other end */
	pthread_t owner; /* sits in a collective */
	sem_t entered;   /* the first letter is being taken, … */
	sem_t go_on;     /* … which ends now */
	_Atomic int taken;
	uint32_t all[RANKS];
	int status; /* of the collective */
};

static void
pass(sem_t *semaphore)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += TIMEOUT_MS / 1000;
	assert_int_equal(sem_timedwait(semaphore, &until), 0);
}

/* Takes its time for the first letter. */
static void
take(void *context, int from, const void *bytes, size_t n)
{
	struct stage *stage = context;

	(void)from;
	(void)bytes;
	(void)n;
	if (atomic_load(&stage->taken) == 0) {
		sem_post(&stage->entered);
		pass(&stage->go_on);
	}
	atomic_fetch_add(&stage->taken, 1);
}

static void *
gather(void *context)
{
	struct stage *stage = context;
	const uint32_t mine = 1;

	stage->status = strads_client_allgather(&stage->job, &mine, sizeof mine, stage->all);
	return NULL;
}

/* The hub says it. */
static void
say(const struct stage *stage, enum strads_frame_type type, const void *payload, size_t bytes)
{
	struct strads_frame frame = strads_frame_encode(type, 1, 0, bytes);

	assert_int_equal(send(stage->hub, &frame, sizeof frame, 0), sizeof frame);
	if (bytes)
		assert_int_equal(send(stage->hub, payload, bytes, 0), bytes);
}

static void
hear_contribution(const struct stage *stage)
{
	struct strads_reader reader;
	struct pollfd fd = {.fd = stage->hub, .events = POLLIN};

	strads_reader_init(&reader, strads_frame_to_hub);
	while (strads_reader_step(&reader, stage->hub) == STRADS_AGAIN)
		assert_int_equal(poll(&fd, 1, TIMEOUT_MS), 1);
	assert_int_equal(reader.frame.type, STRADS_FRAME_GATHER);
	strads_reader_next(&reader);
}

/* The owner is in a collective, and held up by a letter that it takes there. */
static void
open_stage(struct stage *stage)
{
	int ends[2];

	*stage = (struct stage){.job = {.size = RANKS, .timeout_ms = TIMEOUT_MS}};
	sem_init(&stage->entered, 0, 0);
	sem_init(&stage->go_on, 0, 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	stage->hub = ends[0];
	assert_int_equal(strads_client_new(&stage->job, ends[1], "the hub", &stage->client),
			 STRADS_OK);
	strads_client_take_mail(&stage->job, take, stage);
	assert_int_equal(pthread_create(&stage->owner, NULL, gather, stage), 0);
	hear_contribution(stage);
	say(stage, STRADS_FRAME_MAIL, NULL, 0);
	pass(&stage->entered);
}

/* The owner goes on and comes out of the collective. */
static void
release(struct stage *stage)
{
	sem_post(&stage->go_on);
	assert_int_equal(pthread_join(stage->owner, NULL), 0);
}

static void
close_stage(struct stage *stage)
{
	strads_client_delete(&stage->client);
	close(stage->hub);
	sem_destroy(&stage->go_on);
	sem_destroy(&stage->entered);
}

/* Whether the descriptor comes to rest if another thread serves whenever it can be read. */
static bool
rests(struct stage *stage)
{
	struct pollfd fd = {.fd = stage->job.fd, .events = POLLIN};

	for (int turn = 0; turn < 2 * MANY; turn++) {
		if (poll(&fd, 1, 0) == 0)
			return true;
		strads_client_serve(&stage->job);
	}
	return false;
}

static const uint32_t answer[RANKS] = {1, 2};

static void
descriptor__while_an_answer_waits_for_the_owner(void **state)
{
	struct stage stage;

	(void)state;
	open_stage(&stage);
	say(&stage, STRADS_FRAME_GATHERED, answer, sizeof answer);
	say(&stage, STRADS_FRAME_MAIL, NULL, 0);
	assert_true(rests(&stage));
	release(&stage);
	assert_int_equal(stage.status, STRADS_OK);
	assert_memory_equal(stage.all, answer, sizeof answer);
	assert_int_equal(atomic_load(&stage.taken), 2);
	close_stage(&stage);
}

static void
descriptor__while_the_taker_of_letters_is_behind(void **state)
{
	struct stage stage;

	(void)state;
	open_stage(&stage);
	for (int letter = 0; letter < MANY; letter++)
		say(&stage, STRADS_FRAME_MAIL, NULL, 0);
	assert_true(rests(&stage));
	say(&stage, STRADS_FRAME_GATHERED, answer, sizeof answer);
	release(&stage);
	assert_int_equal(stage.status, STRADS_OK);
	assert_int_equal(atomic_load(&stage.taken), MANY + 1);
	assert_true(rests(&stage));
	close_stage(&stage);
}

static void
news__behind_an_answer_that_waits_for_the_owner(void **state)
{
	uint8_t verdict[4 + STRADS_FRAME_TEXT_MAX];
	size_t bytes = strads_verdict_encode(STRADS_ERR_PEER, "rank 1 died", verdict);
	struct stage stage;

	(void)state;
	open_stage(&stage);
	say(&stage, STRADS_FRAME_GATHERED, answer, sizeof answer);
	say(&stage, STRADS_FRAME_NEWS, verdict, bytes);
	strads_client_serve(&stage.job);
	assert_int_equal(strads_client_check(&stage.job), STRADS_ERR_PEER);
	assert_string_equal(strads_error(), "rank 1 died");
	release(&stage);
	assert_int_equal(stage.status, STRADS_OK);
	close_stage(&stage);
}

static void
answer__twice(void **state)
{
	struct stage stage;

	(void)state;
	open_stage(&stage);
	say(&stage, STRADS_FRAME_GATHERED, answer, sizeof answer);
	say(&stage, STRADS_FRAME_GATHERED, answer, sizeof answer);
	strads_client_serve(&stage.job);
	assert_int_equal(strads_client_check(&stage.job), STRADS_ERR_PROTOCOL);
	assert_non_null(strstr(strads_error(), "an answer to no question"));
	release(&stage);
	close_stage(&stage);
}

/* A hub that was stopped for longer than a collective may take answers both questions at once. */
static void
answer__late_before_that_to_leaving(void **state)
{
	struct stage stage = {.job = {.size = RANKS, .timeout_ms = 1}};
	int ends[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	stage.hub = ends[0];
	assert_int_equal(strads_client_new(&stage.job, ends[1], "the hub", &stage.client),
			 STRADS_OK);
	gather(&stage);
	assert_int_equal(stage.status, STRADS_ERR_TIMEOUT);
	say(&stage, STRADS_FRAME_GATHERED, answer, sizeof answer);
	say(&stage, STRADS_FRAME_LEFT, NULL, 0);
	stage.job.timeout_ms = TIMEOUT_MS;
	assert_int_equal(strads_client_leave(&stage.job, 0), STRADS_OK);
	strads_client_delete(&stage.client);
	close(stage.hub);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(descriptor__while_an_answer_waits_for_the_owner),
	    cmocka_unit_test(descriptor__while_the_taker_of_letters_is_behind),
	    cmocka_unit_test(news__behind_an_answer_that_waits_for_the_owner),
	    cmocka_unit_test(answer__twice),
	    cmocka_unit_test(answer__late_before_that_to_leaving),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
