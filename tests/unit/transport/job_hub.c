/* The hub, spoken to over bare sockets, also by ranks that do not keep to the protocol. */
#include "job/clock.h"
#include "job/frame.h"
#include "job/hub.h"
#include "strads/transport.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SIZE     3
#define MANY     100
#define LIMIT_MS 10000

struct fixture {
	struct strads_hub *hub;
	int size;
	int fds[MANY]; /* the ranks' ends */
	struct strads_reader readers[MANY];
};

static int
connect_rank(struct fixture *fixture, int rank)
{
	int ends[2];
	char who[32];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends))
		return 1;
	snprintf(who, sizeof who, "rank %d (pid %d)", rank, 100 + rank);
	fixture->fds[rank] = ends[1];
	strads_reader_init(&fixture->readers[rank], strads_frame_from_hub);
	return strads_hub_connect(fixture->hub, rank, ends[0], who);
}

static struct fixture *
fixture_new(int size, int connected, uint64_t timeout_ms)
{
	struct strads_hub_options options = {
	    .size = size, .timeout_ms = timeout_ms, .close_is_death = true};
	struct fixture *fixture = calloc(1, sizeof *fixture);

	assert_non_null(fixture);
	fixture->size = size;
	for (int rank = 0; rank < size; rank++)
		fixture->fds[rank] = -1;
	assert_int_equal(strads_hub_new(&options, &fixture->hub), STRADS_OK);
	for (int rank = 0; rank < connected; rank++)
		assert_int_equal(connect_rank(fixture, rank), STRADS_OK);
	return fixture;
}

static int
set_up(void **state)
{
	*state = fixture_new(SIZE, SIZE, LIMIT_MS);
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *fixture = *state;

	strads_hub_delete(&fixture->hub);
	for (int rank = 0; rank < fixture->size; rank++) {
		strads_reader_next(&fixture->readers[rank]);
		if (fixture->fds[rank] >= 0)
			close(fixture->fds[rank]);
	}
	free(fixture);
	return 0;
}

static void
say_frame(struct fixture *fixture, int rank, const struct strads_frame *frame, const void *payload,
	  size_t bytes)
{
	assert_int_equal(write(fixture->fds[rank], frame, sizeof *frame), sizeof *frame);
	if (bytes)
		assert_int_equal(write(fixture->fds[rank], payload, bytes), (ssize_t)bytes);
}

static void
say(struct fixture *fixture, int rank, enum strads_frame_type type, uint64_t sequence,
    const void *payload, size_t bytes)
{
	struct strads_frame frame = strads_frame_encode(type, rank, sequence, bytes);

	say_frame(fixture, rank, &frame, payload, bytes);
}

static void
say_verdict(struct fixture *fixture, int rank, enum strads_frame_type type, int status,
	    const char *text)
{
	uint8_t verdict[4 + STRADS_FRAME_TEXT_MAX];

	say(fixture, rank, type, 0, verdict, strads_verdict_encode(status, text, verdict));
}

/* What the hub says to a rank next; fails the test if it says nothing. */
static struct strads_reader *
hear(struct fixture *fixture, int rank)
{
	struct strads_reader *reader = &fixture->readers[rank];
	uint64_t deadline_ms = strads_clock_ms() + LIMIT_MS;
	int status = STRADS_AGAIN;

	strads_reader_next(reader);
	while (status == STRADS_AGAIN && strads_clock_ms() < deadline_ms) {
		assert_int_equal(strads_hub_serve(fixture->hub, 1), STRADS_OK);
		status = strads_reader_step(reader, fixture->fds[rank]);
	}
	assert_int_equal(status, STRADS_OK);
	return reader;
}

static void
hear_verdict(struct fixture *fixture, int rank, enum strads_frame_type type, int status,
	     const char *text)
{
	struct strads_reader *reader = hear(fixture, rank);
	struct strads_verdict verdict;

	assert_int_equal(reader->frame.type, type);
	strads_verdict_decode(reader->payload, reader->frame.length, &verdict);
	assert_int_equal(verdict.status, status);
	assert_string_equal(verdict.text, text);
}

/* Nothing is on its way to the rank. */
static void
hear_nothing(struct fixture *fixture, int rank)
{
	strads_reader_next(&fixture->readers[rank]);
	assert_int_equal(strads_hub_serve(fixture->hub, 0), STRADS_OK);
	assert_int_equal(strads_reader_step(&fixture->readers[rank], fixture->fds[rank]),
			 STRADS_AGAIN);
}

/* What the others hear of rank 2 once it has misbehaved; and the hub does not speak to it again. */
static void
rank_2_is_cut_off(struct fixture *fixture, const char *complaint)
{
	char text[200];
	struct strads_frame rest;

	snprintf(text, sizeof text, "rank 2 (pid 102) was cut off: its control message had %s",
		 complaint);
	for (int rank = 0; rank < 2; rank++)
		hear_verdict(fixture, rank, STRADS_FRAME_NEWS, STRADS_ERR_PEER, text);
	assert_true(recv(fixture->fds[2], &rest, sizeof rest, MSG_DONTWAIT) <= 0);
	assert_int_equal(strads_hub_waiting_for(fixture->hub), 2);
	assert_true(strads_hub_failed(fixture->hub));
}

/* ---- Collectives --------------------------------------------------------------------------- */

static void
gather__answers_in_rank_order(void **state)
{
	struct fixture *fixture = *state;

	for (uint64_t sequence = 0; sequence < 3; sequence++) {
		say(fixture, 2, STRADS_FRAME_GATHER, sequence, "cc", 2);
		say(fixture, 0, STRADS_FRAME_GATHER, sequence, "aa", 2);
		hear_nothing(fixture, 0);
		say(fixture, 1, STRADS_FRAME_GATHER, sequence, "bb", 2);
		for (int rank = 0; rank < SIZE; rank++) {
			struct strads_reader *reader = hear(fixture, rank);
			assert_int_equal(reader->frame.type, STRADS_FRAME_GATHERED);
			assert_int_equal(reader->frame.sequence, sequence);
			assert_int_equal(reader->frame.length, 6);
			assert_memory_equal(reader->payload, "aabbcc", 6);
		}
	}
}

static void
barrier(struct fixture *fixture, uint64_t sequence)
{
	for (int rank = 0; rank < SIZE; rank++)
		say(fixture, rank, STRADS_FRAME_GATHER, sequence, NULL, 0);
	for (int rank = 0; rank < SIZE; rank++) {
		struct strads_reader *reader = hear(fixture, rank);
		assert_int_equal(reader->frame.type, STRADS_FRAME_GATHERED);
		assert_int_equal(reader->frame.length, 0);
	}
}

static void
gather__of_nothing(void **state)
{
	barrier(*state, 0);
}

static void
gather__unequal_sizes_are_refused_and_the_job_goes_on(void **state)
{
	struct fixture *fixture = *state;

	say(fixture, 0, STRADS_FRAME_GATHER, 0, "aa", 2);
	say(fixture, 1, STRADS_FRAME_GATHER, 0, "bb", 2);
	say(fixture, 2, STRADS_FRAME_GATHER, 0, "c", 1);
	for (int rank = 0; rank < SIZE; rank++)
		hear_verdict(fixture, rank, STRADS_FRAME_REFUSED, STRADS_ERR_PROTOCOL,
			     "rank 2 gave 1 bytes to a collective where rank 0 gave 2");
	assert_false(strads_hub_failed(fixture->hub));
	barrier(fixture, 1);
}

static void
gather__deadline_names_who_is_missing(void **state)
{
	struct fixture *fixture = fixture_new(SIZE, SIZE, 50);

	*state = fixture;
	say(fixture, 0, STRADS_FRAME_GATHER, 0, NULL, 0);
	say(fixture, 2, STRADS_FRAME_GATHER, 0, NULL, 0);
	for (int rank = 0; rank < SIZE; rank++)
		hear_verdict(fixture, rank, STRADS_FRAME_NEWS, STRADS_ERR_TIMEOUT,
			     "rank 1 (pid 101) did not come to a collective within 0.05 s");
	/* It comes too late: there is nothing more to say. */
	say(fixture, 1, STRADS_FRAME_GATHER, 0, NULL, 0);
	hear_nothing(fixture, 1);
	tear_down(state);
}

/* What has come before a hub that was stopped looks at the time has come in time. */
static void
gather__deadline_after_all_that_has_come(void **state)
{
	struct fixture *fixture = fixture_new(MANY, MANY, 50);

	*state = fixture;
	say(fixture, 0, STRADS_FRAME_GATHER, 0, NULL, 0);
	hear_nothing(fixture, 0);
	usleep(80000);
	for (int rank = 1; rank < MANY; rank++)
		say(fixture, rank, STRADS_FRAME_GATHER, 0, NULL, 0);
	for (int rank = 0; rank < MANY; rank++)
		assert_int_equal(hear(fixture, rank)->frame.type, STRADS_FRAME_GATHERED);
	tear_down(state);
}

static void
gather__deadline_counts_ranks_that_never_connected(void **state)
{
	struct fixture *fixture = fixture_new(SIZE, 1, 50);

	*state = fixture;
	say(fixture, 0, STRADS_FRAME_GATHER, 0, NULL, 0);
	hear_verdict(fixture, 0, STRADS_FRAME_NEWS, STRADS_ERR_TIMEOUT,
		     "ranks 1-2 did not join the job within 0.05 s: started, and with the same "
		     "address of rank 0?");
	tear_down(state);
}

static void
gather__after_a_rank_has_left(void **state)
{
	struct fixture *fixture = *state;

	say_verdict(fixture, 1, STRADS_FRAME_LEAVE, 0, "");
	assert_int_equal(hear(fixture, 1)->frame.type, STRADS_FRAME_LEFT);
	say(fixture, 0, STRADS_FRAME_GATHER, 0, NULL, 0);
	hear_verdict(fixture, 0, STRADS_FRAME_NEWS, STRADS_ERR_PEER,
		     "rank 1 (pid 101) has left the job while others wait for it in a collective");
}

/* ---- Ranks that do not keep to the protocol ------------------------------------------------ */

static void
mangled__bad_magic(void **state)
{
	struct fixture *fixture = *state;
	struct strads_frame frame = strads_frame_encode(STRADS_FRAME_GATHER, 2, 0, 0);

	frame.magic = 0;
	say_frame(fixture, 2, &frame, NULL, 0);
	rank_2_is_cut_off(fixture, "bad magic");
}

static void
mangled__too_long(void **state)
{
	struct fixture *fixture = *state;
	struct strads_frame frame =
	    strads_frame_encode(STRADS_FRAME_GATHER, 2, 0, STRADS_GATHER_MAX + 1);

	say_frame(fixture, 2, &frame, NULL, 0);
	rank_2_is_cut_off(fixture, "an impossible length");
}

static void
mangled__another_ranks_number(void **state)
{
	struct fixture *fixture = *state;
	struct strads_frame frame = strads_frame_encode(STRADS_FRAME_GATHER, 1, 0, 0);

	say_frame(fixture, 2, &frame, NULL, 0);
	rank_2_is_cut_off(fixture, "another rank's number");
}

static void
mangled__number_of_another_collective(void **state)
{
	struct fixture *fixture = *state;

	say(fixture, 2, STRADS_FRAME_GATHER, 1, NULL, 0);
	rank_2_is_cut_off(fixture, "the number of another collective");
}

static void
mangled__two_contributions(void **state)
{
	struct fixture *fixture = *state;

	say(fixture, 2, STRADS_FRAME_GATHER, 0, "x", 1);
	say(fixture, 2, STRADS_FRAME_GATHER, 0, "y", 1);
	rank_2_is_cut_off(fixture, "the number of another collective");
}

static void
mangled__answer_from_a_rank(void **state)
{
	struct fixture *fixture = *state;

	say(fixture, 2, STRADS_FRAME_GATHERED, 0, NULL, 0);
	rank_2_is_cut_off(fixture, "a type that does not belong here");
}

static void
mangled__truncated_by_its_death(void **state)
{
	struct fixture *fixture = *state;
	struct strads_frame frame = strads_frame_encode(STRADS_FRAME_GATHER, 2, 0, 1000);

	say_frame(fixture, 2, &frame, "beginning", 9);
	close(fixture->fds[2]);
	fixture->fds[2] = -1;
	for (int rank = 0; rank < 2; rank++)
		hear_verdict(fixture, rank, STRADS_FRAME_NEWS, STRADS_ERR_PEER,
			     "rank 2 (pid 102) died: its control connection closed before the job "
			     "was done");
	assert_int_equal(strads_hub_exit_code(fixture->hub), 1);
}

/* ---- Letters ------------------------------------------------------------------------------- */

static void
letter__is_passed_on(void **state)
{
	struct fixture *fixture = *state;

	say(fixture, 2, STRADS_FRAME_POST, 1, "hello", 5);
	struct strads_reader *reader = hear(fixture, 1);
	assert_int_equal(reader->frame.type, STRADS_FRAME_MAIL);
	assert_int_equal(reader->frame.rank, 2);
	assert_int_equal(reader->frame.length, 5);
	assert_memory_equal(reader->payload, "hello", 5);
	hear_nothing(fixture, 0);
}

static void
letter__too_long_or_to_nobody(void **state)
{
	static const struct {
		uint64_t to, bytes;
		const char *complaint;
	} cases[] = {
	    {0, 1025, "an impossible length"},
	    {2, 0, "a letter to nobody"},
	    {SIZE, 0, "a letter to nobody"},
	    {UINT64_MAX, 0, "a letter to nobody"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct fixture *fixture = fixture_new(SIZE, SIZE, LIMIT_MS);
		struct strads_frame frame =
		    strads_frame_encode(STRADS_FRAME_POST, 2, cases[i].to, cases[i].bytes);

		*state = fixture;
		say_frame(fixture, 2, &frame, NULL, 0);
		rank_2_is_cut_off(fixture, cases[i].complaint);
		tear_down(state);
	}
}

/* Says letters from rank 2 to rank 1, which does not read, until the hub does not take any more.
 * Returns how many it took. */
static int
stuff(struct fixture *fixture)
{
	struct strads_frame frame = strads_frame_encode(STRADS_FRAME_POST, 2, 1, 1024);
	uint8_t message[sizeof frame + 1024] = {0};
	int said = 0, refused = 0;

	memcpy(message, &frame, sizeof frame);
	while (refused < 3 && said < 100000) {
		ssize_t n = send(fixture->fds[2], message, sizeof message, MSG_DONTWAIT);
		if (n < 0)
			refused++;
		else
			assert_int_equal(n, sizeof message);
		said += n > 0;
		assert_int_equal(strads_hub_serve(fixture->hub, 0), STRADS_OK);
	}
	assert_int_equal(refused, 3);
	return said;
}

static void
letters__that_are_not_read_are_bounded_and_none_is_lost(void **state)
{
	struct fixture *fixture = *state;
	int said = stuff(fixture);

	/* The others are served meanwhile. */
	say(fixture, 0, STRADS_FRAME_POST, 2, "x", 1);
	assert_int_equal(hear(fixture, 2)->frame.type, STRADS_FRAME_MAIL);
	for (int i = 0; i < said; i++)
		assert_int_equal(hear(fixture, 1)->frame.type, STRADS_FRAME_MAIL);
	hear_nothing(fixture, 1);
	barrier(fixture, 0);
}

static void
letters__of_a_rank_that_died_behind_them(void **state)
{
	struct fixture *fixture = *state;
	int said = stuff(fixture);

	close(fixture->fds[2]);
	fixture->fds[2] = -1;
	hear_verdict(fixture, 0, STRADS_FRAME_NEWS, STRADS_ERR_PEER,
		     "rank 2 (pid 102) died: its control connection closed before the job was "
		     "done");
	for (int i = 0; i < said; i++)
		assert_int_equal(hear(fixture, 1)->frame.type, STRADS_FRAME_MAIL);
	assert_int_equal(hear(fixture, 1)->frame.type, STRADS_FRAME_NEWS);
}

/* ---- Ends ---------------------------------------------------------------------------------- */

static void
abort__reaches_the_others_only(void **state)
{
	struct fixture *fixture = *state;

	say_verdict(fixture, 1, STRADS_FRAME_ABORT, STRADS_ERR_INPUT, "x.svm:3: not a number");
	hear_verdict(fixture, 0, STRADS_FRAME_NEWS, STRADS_ERR_ABORTED,
		     "rank 1 gave up: x.svm:3: not a number");
	hear_verdict(fixture, 2, STRADS_FRAME_NEWS, STRADS_ERR_ABORTED,
		     "rank 1 gave up: x.svm:3: not a number");
	hear_nothing(fixture, 1);
}

static void
death__only_the_first_is_told(void **state)
{
	struct fixture *fixture = *state;

	strads_hub_death(fixture->hub, 1, "rank 1 was killed");
	strads_hub_death(fixture->hub, 2, "rank 2 was killed");
	hear_verdict(fixture, 0, STRADS_FRAME_NEWS, STRADS_ERR_PEER, "rank 1 was killed");
	hear_nothing(fixture, 0);
	assert_int_equal(strads_hub_waiting_for(fixture->hub), 1);
}

static void
connect__after_the_job_failed(void **state)
{
	struct fixture *fixture = fixture_new(SIZE, 2, LIMIT_MS);

	*state = fixture;
	strads_hub_death(fixture->hub, 1, "rank 1 was killed");
	assert_int_equal(connect_rank(fixture, 2), STRADS_OK);
	hear_verdict(fixture, 2, STRADS_FRAME_NEWS, STRADS_ERR_PEER, "rank 1 was killed");
	tear_down(state);
}

static void
connect__of_a_rank_that_is_there(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(strads_hub_connect(fixture->hub, 1, 0, "rank 1"), STRADS_ERR_ARGUMENT);
	assert_int_equal(strads_hub_connect(fixture->hub, SIZE, 0, "rank 3"), STRADS_ERR_ARGUMENT);
	assert_int_equal(strads_hub_connect(fixture->hub, -1, 0, "rank -1"), STRADS_ERR_ARGUMENT);
}

static void
leave__is_acknowledged_and_no_death(void **state)
{
	struct fixture *fixture = *state;

	for (int rank = 0; rank < SIZE; rank++) {
		say_verdict(fixture, rank, STRADS_FRAME_LEAVE, rank == 1 ? 7 : 0, "");
		assert_int_equal(hear(fixture, rank)->frame.type, STRADS_FRAME_LEFT);
		close(fixture->fds[rank]);
		fixture->fds[rank] = -1;
		assert_int_equal(strads_hub_serve(fixture->hub, 0), STRADS_OK);
		assert_true(strads_hub_left(fixture->hub, rank));
	}
	assert_false(strads_hub_failed(fixture->hub));
	assert_int_equal(strads_hub_waiting_for(fixture->hub), 0);
	assert_int_equal(strads_hub_connected(fixture->hub), 0);
	assert_int_equal(strads_hub_exit_code(fixture->hub), 7);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	    CASE(gather__answers_in_rank_order),
	    CASE(gather__of_nothing),
	    CASE(gather__unequal_sizes_are_refused_and_the_job_goes_on),
	    cmocka_unit_test(gather__deadline_names_who_is_missing),
	    cmocka_unit_test(gather__deadline_after_all_that_has_come),
	    cmocka_unit_test(gather__deadline_counts_ranks_that_never_connected),
	    CASE(gather__after_a_rank_has_left),
	    CASE(mangled__bad_magic),
	    CASE(mangled__too_long),
	    CASE(mangled__another_ranks_number),
	    CASE(mangled__number_of_another_collective),
	    CASE(mangled__two_contributions),
	    CASE(mangled__answer_from_a_rank),
	    CASE(mangled__truncated_by_its_death),
	    CASE(letter__is_passed_on),
	    cmocka_unit_test(letter__too_long_or_to_nobody),
	    CASE(letters__that_are_not_read_are_bounded_and_none_is_lost),
	    CASE(letters__of_a_rank_that_died_behind_them),
	    CASE(abort__reaches_the_others_only),
	    CASE(death__only_the_first_is_told),
	    cmocka_unit_test(connect__after_the_job_failed),
	    CASE(connect__of_a_rank_that_is_there),
	    CASE(leave__is_acknowledged_and_no_death),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
