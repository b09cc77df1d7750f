/* The door of the hub: ranks are let in, strangers are not and disturb nobody. */
#include "job/clock.h"
#include "job/door.h"
#include "job/frame.h"
#include "job/tcp.h"
#include "strads/transport.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SIZE     3
#define LIMIT_MS 10000

static const uint8_t cookie[STRADS_DOOR_COOKIE] = "fifteen letters";

struct fixture {
	struct strads_hub *hub;
	struct strads_door *door;
	uint16_t port;
};

static struct fixture *
fixture_new(uint64_t door_timeout_ms)
{
	struct strads_hub_options hub_options = {
	    .size = SIZE, .timeout_ms = LIMIT_MS, .close_is_death = true};
	struct strads_door_options door_options = {.expected = SIZE, .timeout_ms = door_timeout_ms};
	struct fixture *fixture = calloc(1, sizeof *fixture);

	assert_non_null(fixture);
	memcpy(door_options.cookie, cookie, sizeof cookie);
	assert_int_equal(
	    strads_tcp_listen(htonl(INADDR_LOOPBACK), &fixture->port, &door_options.listener),
	    STRADS_OK);
	assert_int_equal(strads_hub_new(&hub_options, &fixture->hub), STRADS_OK);
	assert_int_equal(strads_door_new(fixture->hub, &door_options, &fixture->door), STRADS_OK);
	return fixture;
}

static int
set_up(void **state)
{
	*state = fixture_new(LIMIT_MS);
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *fixture = *state;

	strads_door_delete(&fixture->door);
	strads_hub_delete(&fixture->hub);
	free(fixture);
	return 0;
}

static int
visit(struct fixture *fixture)
{
	int fd;

	assert_int_equal(strads_tcp_connect(htonl(INADDR_LOOPBACK), fixture->port, LIMIT_MS, &fd),
			 STRADS_OK);
	return fd;
}

static void
serve(struct fixture *fixture)
{
	assert_int_equal(strads_hub_serve(fixture->hub, 1), STRADS_OK);
	strads_door_expire(fixture->door);
}

static void
admitted(struct fixture *fixture, int ranks)
{
	uint64_t deadline_ms = strads_clock_ms() + LIMIT_MS;

	while (strads_hub_connected(fixture->hub) != ranks && strads_clock_ms() < deadline_ms)
		serve(fixture);
	assert_int_equal(strads_hub_connected(fixture->hub), ranks);
}

/* The door closes the connection, without a byte. */
static void
turned_away(struct fixture *fixture, int fd)
{
	uint64_t deadline_ms = strads_clock_ms() + LIMIT_MS;
	ssize_t n = -1;
	char byte;

	while (n < 0 && strads_clock_ms() < deadline_ms) {
		serve(fixture);
		n = recv(fd, &byte, 1, MSG_DONTWAIT);
		if (n < 0 && errno == ECONNRESET)
			n = 0;
	}
	assert_int_equal(n, 0);
	close(fd);
}

static void
door__lets_ranks_in(void **state)
{
	struct fixture *fixture = *state;
	int fds[SIZE];

	for (int rank = SIZE - 1; rank >= 0; rank--) {
		fds[rank] = visit(fixture);
		assert_int_equal(strads_door_knock(fds[rank], cookie, rank, "here"), STRADS_OK);
		admitted(fixture, SIZE - rank);
	}
	assert_non_null(strstr(strads_hub_who(fixture->hub, 1), "rank 1 (pid "));
	assert_non_null(strstr(strads_hub_who(fixture->hub, 1), " on here)"));
	assert_false(strads_hub_failed(fixture->hub));
	for (int rank = 0; rank < SIZE; rank++)
		close(fds[rank]);
}

static void
door__closes_when_all_are_in(void **state)
{
	struct fixture *fixture = *state;
	int fds[SIZE], fd;

	for (int rank = 0; rank < SIZE; rank++) {
		fds[rank] = visit(fixture);
		assert_int_equal(strads_door_knock(fds[rank], cookie, rank, "here"), STRADS_OK);
	}
	admitted(fixture, SIZE);
	assert_int_equal(strads_tcp_connect(htonl(INADDR_LOOPBACK), fixture->port, LIMIT_MS, &fd),
			 STRADS_ERR_IO);
	for (int rank = 0; rank < SIZE; rank++)
		close(fds[rank]);
}

static void
door__wrong_cookie(void **state)
{
	struct fixture *fixture = *state;
	uint8_t guess[STRADS_DOOR_COOKIE];
	int fd = visit(fixture);

	memcpy(guess, cookie, sizeof guess);
	guess[STRADS_DOOR_COOKIE - 1] ^= 1;
	assert_int_equal(strads_door_knock(fd, guess, 1, "elsewhere"), STRADS_OK);
	turned_away(fixture, fd);
	assert_int_equal(strads_hub_connected(fixture->hub), 0);
}

static void
door__garbage_disturbs_nobody(void **state)
{
	struct fixture *fixture = *state;
	char garbage[4096];
	int rank_fd = visit(fixture), stranger = visit(fixture), silent = visit(fixture);

	memset(garbage, 'G', sizeof garbage);
	assert_int_equal(send(stranger, garbage, sizeof garbage, MSG_NOSIGNAL), sizeof garbage);
	assert_int_equal(strads_door_knock(rank_fd, cookie, 1, "here"), STRADS_OK);
	admitted(fixture, 1);
	turned_away(fixture, stranger);
	close(silent);
	serve(fixture);
	assert_int_equal(strads_hub_connected(fixture->hub), 1);
	assert_false(strads_hub_failed(fixture->hub));
	close(rank_fd);
}

static void
door__garbage_behind_the_cookie(void **state)
{
	struct fixture *fixture = *state;
	uint8_t message[STRADS_DOOR_COOKIE + 100];
	int fd = visit(fixture);

	memset(message, 'G', sizeof message);
	memcpy(message, cookie, sizeof cookie);
	assert_int_equal(send(fd, message, sizeof message, MSG_NOSIGNAL), sizeof message);
	turned_away(fixture, fd);
}

static void
door__something_else_than_hello(void **state)
{
	struct fixture *fixture = *state;
	struct strads_frame frame = strads_frame_encode(STRADS_FRAME_GATHER, 1, 0, 0);
	int fd = visit(fixture);

	assert_int_equal(send(fd, cookie, sizeof cookie, MSG_NOSIGNAL), sizeof cookie);
	assert_int_equal(send(fd, &frame, sizeof frame, MSG_NOSIGNAL), sizeof frame);
	turned_away(fixture, fd);
}

static void
door__a_rank_that_is_in_already_or_does_not_exist(void **state)
{
	static const int wrong[] = {1, SIZE, -1};
	struct fixture *fixture = *state;
	int first = visit(fixture);

	assert_int_equal(strads_door_knock(first, cookie, 1, "here"), STRADS_OK);
	admitted(fixture, 1);
	for (int i = 0; i < 3; i++) {
		int fd = visit(fixture);
		assert_int_equal(strads_door_knock(fd, cookie, wrong[i], "here"), STRADS_OK);
		turned_away(fixture, fd);
	}
	assert_int_equal(strads_hub_connected(fixture->hub), 1);
	close(first);
}

static void
door__silence_is_not_waited_for(void **state)
{
	struct fixture *fixture = fixture_new(20);
	int fd;

	*state = fixture;
	fd = visit(fixture);
	assert_int_equal(send(fd, cookie, 7, MSG_NOSIGNAL), 7);
	turned_away(fixture, fd);
	tear_down(state);
}

static void
door__a_crowd_of_strangers(void **state)
{
	struct fixture *fixture = *state;
	int strangers[100], fd;

	for (int i = 0; i < 100; i++) {
		strangers[i] = visit(fixture);
		serve(fixture);
	}
	fd = visit(fixture);
	assert_int_equal(strads_door_knock(fd, cookie, 2, "here"), STRADS_OK);
	admitted(fixture, 1);
	turned_away(fixture, strangers[0]); /* the oldest had to make room */
	for (int i = 1; i < 100; i++)
		close(strangers[i]);
	close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	    CASE(door__lets_ranks_in),
	    CASE(door__closes_when_all_are_in),
	    CASE(door__wrong_cookie),
	    CASE(door__garbage_disturbs_nobody),
	    CASE(door__garbage_behind_the_cookie),
	    CASE(door__something_else_than_hello),
	    CASE(door__a_rank_that_is_in_already_or_does_not_exist),
	    cmocka_unit_test(door__silence_is_not_waited_for),
	    CASE(door__a_crowd_of_strangers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
