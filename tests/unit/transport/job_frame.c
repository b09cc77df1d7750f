/* Messages of the control channel, whole, in pieces and mangled. */
#include "job/frame.h"
#include "strads/transport.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct fixture {
	int ends[2];
	struct strads_reader reader;
};

static int
set_up(void **state)
{
	static struct fixture fixture;

	strads_reader_init(&fixture.reader, strads_frame_to_hub);
	*state = &fixture;
	return socketpair(AF_UNIX, SOCK_STREAM, 0, fixture.ends);
}

static int
tear_down(void **state)
{
	struct fixture *fixture = *state;

	strads_reader_next(&fixture->reader);
	close(fixture->ends[0]);
	close(fixture->ends[1]);
	return 0;
}

static void
write_all(struct fixture *fixture, const void *bytes, size_t n)
{
	assert_int_equal(write(fixture->ends[0], bytes, n), (ssize_t)n);
}

static int
step(struct fixture *fixture)
{
	return strads_reader_step(&fixture->reader, fixture->ends[1]);
}

static void
reader_step__byte_by_byte(void **state)
{
	struct fixture *fixture = *state;
	struct strads_frame frame = strads_frame_encode(STRADS_FRAME_GATHER, 3, 17, 5);
	uint8_t bytes[sizeof frame + 5];

	memcpy(bytes, &frame, sizeof frame);
	memcpy(bytes + sizeof frame, "hello", 5);
	for (size_t i = 0; i < sizeof bytes; i++) {
		assert_int_equal(step(fixture), STRADS_AGAIN);
		write_all(fixture, bytes + i, 1);
	}
	assert_int_equal(step(fixture), STRADS_OK);
	assert_int_equal(fixture->reader.frame.type, STRADS_FRAME_GATHER);
	assert_int_equal(fixture->reader.frame.rank, 3);
	assert_int_equal(fixture->reader.frame.sequence, 17);
	assert_int_equal(fixture->reader.frame.length, 5);
	assert_memory_equal(fixture->reader.payload, "hello", 5);
	/* It stays until it is dismissed; then the next one is awaited. */
	assert_int_equal(step(fixture), STRADS_OK);
	strads_reader_next(&fixture->reader);
	assert_int_equal(step(fixture), STRADS_AGAIN);
}

static void
reader_step__two_messages_at_once(void **state)
{
	struct fixture *fixture = *state;
	struct strads_frame frames[2] = {
	    strads_frame_encode(STRADS_FRAME_GATHER, 0, 1, 0),
	    strads_frame_encode(STRADS_FRAME_GATHER, 0, 2, 0),
	};

	write_all(fixture, frames, sizeof frames);
	for (uint64_t i = 1; i <= 2; i++) {
		assert_int_equal(step(fixture), STRADS_OK);
		assert_int_equal(fixture->reader.frame.sequence, i);
		assert_null(fixture->reader.payload);
		strads_reader_next(&fixture->reader);
	}
}

static void
reader_step__truncated(void **state)
{
	struct fixture *fixture = *state;
	struct strads_frame frame = strads_frame_encode(STRADS_FRAME_GATHER, 0, 0, 100);

	write_all(fixture, &frame, sizeof frame);
	write_all(fixture, "some", 4);
	assert_int_equal(step(fixture), STRADS_AGAIN);
	shutdown(fixture->ends[0], SHUT_WR);
	assert_int_equal(step(fixture), STRADS_ERR_PEER);
}

static void
refused(struct fixture *fixture, const struct strads_frame *frame, const char *complaint)
{
	write_all(fixture, frame, sizeof *frame);
	assert_int_equal(step(fixture), STRADS_ERR_PROTOCOL);
	assert_string_equal(fixture->reader.complaint, complaint);
}

static void
reader_step__bad_magic(void **state)
{
	struct strads_frame frame = strads_frame_encode(STRADS_FRAME_GATHER, 0, 0, 0);

	frame.magic ^= 1;
	refused(*state, &frame, "bad magic");
}

static void
reader_step__unknown_type(void **state)
{
	struct strads_frame frame = strads_frame_encode(STRADS_FRAME_TYPES, 0, 0, 0);

	refused(*state, &frame, "an unknown type");
}

static void
reader_step__type_of_the_other_direction(void **state)
{
	struct strads_frame frame = strads_frame_encode(STRADS_FRAME_NEWS, 0, 0, 4);

	refused(*state, &frame, "a type that does not belong here");
}

static void
reader_step__too_long(void **state)
{
	struct strads_frame frame =
	    strads_frame_encode(STRADS_FRAME_GATHER, 0, 0, STRADS_GATHER_MAX + 1);

	refused(*state, &frame, "an impossible length");
}

static void
reader_step__length_of_2_to_the_64(void **state)
{
	struct strads_frame frame = strads_frame_encode(STRADS_FRAME_ABORT, 0, 0, UINT64_MAX);

	refused(*state, &frame, "an impossible length");
}

static void
reader_step__verdict_without_status(void **state)
{
	struct strads_frame frame = strads_frame_encode(STRADS_FRAME_ABORT, 0, 0, 3);

	refused(*state, &frame, "an impossible length");
}

static void
verdict__long_text_is_cut(void **state)
{
	char text[3000];
	uint8_t bytes[4 + STRADS_FRAME_TEXT_MAX];
	struct strads_verdict verdict;

	(void)state;
	memset(text, 'x', sizeof text - 1);
	text[sizeof text - 1] = 0;
	size_t length = strads_verdict_encode(-5, text, bytes);
	assert_int_equal(length, sizeof bytes);
	strads_verdict_decode(bytes, length, &verdict);
	assert_int_equal(verdict.status, -5);
	assert_int_equal(strlen(verdict.text), STRADS_FRAME_TEXT_MAX);
}

static void
verdict__control_characters_become_spaces(void **state)
{
	uint8_t bytes[4 + STRADS_FRAME_TEXT_MAX];
	struct strads_verdict verdict;

	(void)state;
	size_t length = strads_verdict_encode(1, "red \033[31m\nline", bytes);
	strads_verdict_decode(bytes, length, &verdict);
	assert_string_equal(verdict.text, "red  [31m line");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	    CASE(reader_step__byte_by_byte),
	    CASE(reader_step__two_messages_at_once),
	    CASE(reader_step__truncated),
	    CASE(reader_step__bad_magic),
	    CASE(reader_step__unknown_type),
	    CASE(reader_step__type_of_the_other_direction),
	    CASE(reader_step__too_long),
	    CASE(reader_step__length_of_2_to_the_64),
	    CASE(reader_step__verdict_without_status),
	    CASE(verdict__long_text_is_cut),
	    CASE(verdict__control_characters_become_spaces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
