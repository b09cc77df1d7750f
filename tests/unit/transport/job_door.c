/* The door of the hub: ranks are let in, all others are not and disturb nobody. */
#include "job/clock.h"
#include "job/door.h"
#include "job/greeting.h"
#include "job/knock.h"
#include "job/socket.h"
#include "job_board.h"

#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#else
#define RUNNING_ON_VALGRIND 0
#endif

#define SIZE     3
#define LIMIT_MS 20000

static const struct strads_secret secret = {.length = 21, .bytes = "twenty-one characters"};
static const struct strads_secret other_secret = {.length = 21, .bytes = "twenty-one Characters"};

struct fixture {
	struct strads_hub *hub;
	struct strads_door *door;
	uint16_t port;
	int caught, saved; /* stderr meanwhile, and before */
	char said[8192];
};

static struct fixture *
fixture_new(uint64_t door_timeout_ms)
{
	struct strads_hub_options hub_options = {
	    .size = SIZE, .timeout_ms = LIMIT_MS, .close_is_death = true};
	struct strads_door_options door_options = {
	    .size = SIZE, .secret = &secret, .timeout_ms = door_timeout_ms};
	struct fixture *fixture = calloc(1, sizeof *fixture);

	assert_non_null(fixture);
	assert_int_equal(strads_socket_listen("127.0.0.1", &fixture->port, &door_options.listener),
			 STRADS_OK);
	assert_int_equal(strads_hub_new(&hub_options, &fixture->hub), STRADS_OK);
	assert_int_equal(strads_door_new(fixture->hub, &door_options, &fixture->door), STRADS_OK);
	fixture->caught = board_catcher();
	fixture->saved = dup(STDERR_FILENO);
	dup2(fixture->caught, STDERR_FILENO);
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

	dup2(fixture->saved, STDERR_FILENO);
	close(fixture->saved);
	close(fixture->caught);
	strads_door_delete(&fixture->door);
	strads_hub_delete(&fixture->hub);
	free(fixture);
	return 0;
}

/* What the door has said on stderr. */
static const char *
said(struct fixture *fixture)
{
	ssize_t n = pread(fixture->caught, fixture->said, sizeof fixture->said - 1, 0);

	fixture->said[n > 0 ? n : 0] = 0;
	return fixture->said;
}

static int
lines(const char *text)
{
	int n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

static int
visit(struct fixture *fixture)
{
	int fd;

	assert_int_equal(strads_socket_connect("127.0.0.1", fixture->port, LIMIT_MS, &fd),
			 STRADS_OK);
	return fd;
}

static void
serve(struct fixture *fixture)
{
	assert_int_equal(strads_hub_serve(fixture->hub, 1), STRADS_OK);
	strads_door_expire(fixture->door);
}

/* ---- Ranks that knock ---------------------------------------------------------------------- */

struct caller {
	struct strads_knock knock;
	int fd;
	_Atomic bool done;
	int status;
	uint64_t cookie;
	char sentence[1024];
};

static void *
call(void *arg)
{
	struct caller *caller = arg;

	caller->status =
	    strads_knock(&caller->knock, caller->fd, strads_clock_ms() + LIMIT_MS, &caller->cookie);
	snprintf(caller->sentence, sizeof caller->sentence, "%s",
		 caller->status ? strads_error() : "");
	caller->done = true;
	return NULL;
}

/* Knocks while the door is served; the caller closes caller->fd. */
static void
knock(struct fixture *fixture, struct caller *caller)
{
	pthread_t thread;

	caller->knock.where = "here:1";
	caller->knock.host = "elsewhere";
	caller->fd = visit(fixture);
	assert_int_equal(pthread_create(&thread, NULL, call, caller), 0);
	while (!caller->done)
		serve(fixture);
	pthread_join(thread, NULL);
	serve(fixture);
}

static struct caller
rank_caller(int rank)
{
	return (struct caller){.knock = {.rank = rank, .size = SIZE, .secret = &secret}};
}

static void
door__lets_ranks_in(void **state)
{
	struct fixture *fixture = *state;
	int fds[SIZE];

	for (int rank = SIZE - 1; rank >= 0; rank--) {
		struct caller caller = rank_caller(rank);
		knock(fixture, &caller);
		assert_int_equal(caller.status, STRADS_OK);
		assert_int_equal(strads_hub_connected(fixture->hub), SIZE - rank);
		assert_true(caller.cookie == strads_door_cookie(fixture->door));
		fds[rank] = caller.fd;
	}
	assert_non_null(strstr(strads_hub_who(fixture->hub, 1), "rank 1 (pid "));
	assert_non_null(strstr(strads_hub_who(fixture->hub, 1), " on elsewhere)"));
	assert_false(strads_hub_failed(fixture->hub));
	assert_string_equal(said(fixture), "");
	for (int rank = 0; rank < SIZE; rank++)
		close(fds[rank]);
}

/* The visitor is refused with this status and sentence, and the door says why in one line. */
static void
refused(struct fixture *fixture, struct caller *caller, int status, const char *sentence,
	const char *line)
{
	int connected = strads_hub_connected(fixture->hub);

	knock(fixture, caller);
	close(caller->fd);
	assert_int_equal(caller->status, status);
	assert_non_null(strstr(caller->sentence, sentence));
	assert_non_null(
	    strstr(said(fixture), "strads: a visitor from 127.0.0.1 was turned away: "));
	assert_non_null(strstr(fixture->said, line));
	assert_int_equal(lines(fixture->said), 1);
	assert_int_equal(strads_hub_connected(fixture->hub), connected);
	assert_false(strads_hub_failed(fixture->hub));
}

static void
door__another_secret(void **state)
{
	struct caller caller = rank_caller(1);

	caller.knock.secret = &other_secret;
	refused(*state, &caller, STRADS_ERR_ACCESS,
		"rank 0 at here:1 has another secret: give all ranks the same one",
		"its secret is not this job's");
}

static void
door__no_secret(void **state)
{
	static const struct strads_secret none = {.length = 0};
	struct caller caller = rank_caller(1);

	caller.knock.secret = &none;
	refused(*state, &caller, STRADS_ERR_ACCESS, "has another secret",
		"its secret is not this job's");
}

static void
door__another_size(void **state)
{
	struct caller caller = rank_caller(1);

	caller.knock.size = SIZE + 1;
	refused(*state, &caller, STRADS_ERR_ARGUMENT,
		"the job at here:1 has 3 ranks, and this rank was told of 4",
		"it was told of 4 ranks and this job has 3");
}

static void
door__no_such_rank(void **state)
{
	struct caller caller = rank_caller(SIZE);

	refused(*state, &caller, STRADS_ERR_ARGUMENT, "has ranks 0 to 2, and no rank 3",
		"it calls itself rank 3, and this job has ranks 0 to 2");
}

static void
door__a_rank_that_is_in_already(void **state)
{
	struct fixture *fixture = *state;
	struct caller first = rank_caller(1), second = rank_caller(1);

	knock(fixture, &first);
	assert_int_equal(first.status, STRADS_OK);
	refused(fixture, &second, STRADS_ERR_ARGUMENT, "the job at here:1 has a rank 1 already",
		"it calls itself rank 1, and rank 1 (pid ");
	close(first.fd);
}

/* ---- Strangers ----------------------------------------------------------------------------- */

/* What the door sends before it closes the connection; returns the bytes. */
static size_t
turned_away(struct fixture *fixture, int fd, void *into, size_t bytes)
{
	uint64_t deadline_ms = strads_clock_ms() + LIMIT_MS;
	size_t got = 0;
	ssize_t n = 1;

	while (n != 0 && strads_clock_ms() < deadline_ms) {
		serve(fixture);
		n = recv(fd, (uint8_t *)into + got, bytes - got, MSG_DONTWAIT);
		if (n < 0 && errno == ECONNRESET)
			n = 0;
		got += n > 0 ? (size_t)n : 0;
	}
	assert_int_equal(n, 0);
	close(fd);
	return got;
}

static void
door__another_version(void **state)
{
	struct fixture *fixture = *state;
	struct strads_greeting greeting, answer;
	int fd = visit(fixture);

	assert_int_equal(strads_greeting_draw(&greeting), STRADS_OK);
	greeting.version = htole32(77);
	assert_int_equal(send(fd, &greeting, sizeof greeting, MSG_NOSIGNAL), sizeof greeting);
	/* It is told our version, and may say something that is not read. */
	assert_int_equal(send(fd, &greeting, sizeof greeting, MSG_NOSIGNAL), sizeof greeting);
	assert_int_equal(turned_away(fixture, fd, &answer, sizeof answer), sizeof answer);
	assert_int_equal(le32toh(answer.version), STRADS_GREETING_VERSION);
	assert_non_null(strstr(said(fixture), "it speaks version 77 of the control channel and "
					      "this strads version 1"));
	assert_int_equal(strads_hub_connected(fixture->hub), 0);
}

static void
door__garbage_disturbs_nobody(void **state)
{
	struct fixture *fixture = *state;
	struct caller caller = rank_caller(1);
	char garbage[4096], answer[64];
	int stranger = visit(fixture), silent = visit(fixture);

	memset(garbage, 'G', sizeof garbage);
	assert_int_equal(send(stranger, garbage, sizeof garbage, MSG_NOSIGNAL), sizeof garbage);
	knock(fixture, &caller);
	assert_int_equal(caller.status, STRADS_OK);
	assert_int_equal(turned_away(fixture, stranger, answer, sizeof answer), 0);
	close(silent);
	serve(fixture);
	assert_int_equal(strads_hub_connected(fixture->hub), 1);
	assert_false(strads_hub_failed(fixture->hub));
	assert_string_equal(said(fixture), "");
	close(caller.fd);
}

/* What was heard of one visit proves nothing in another. */
static void
door__an_introduction_said_again(void **state)
{
	struct fixture *fixture = *state;
	struct strads_talk talk;
	int fds[2];

	for (int i = 0; i < 2; i++) {
		fds[i] = visit(fixture);
		if (i == 0) {
			assert_int_equal(strads_greeting_draw(&talk.hello), STRADS_OK);
		}
		assert_int_equal(send(fds[i], &talk.hello, sizeof talk.hello, MSG_NOSIGNAL),
				 sizeof talk.hello);
		struct strads_greeting challenge;
		uint64_t deadline_ms = strads_clock_ms() + LIMIT_MS;
		while (recv(fds[i], &challenge, sizeof challenge, MSG_DONTWAIT | MSG_PEEK) !=
			   sizeof challenge &&
		       strads_clock_ms() < deadline_ms)
			serve(fixture);
		assert_int_equal(recv(fds[i], &challenge, sizeof challenge, 0), sizeof challenge);
		if (i == 0) {
			talk.challenge = challenge;
			talk.introduction = (struct strads_introduction){
			    .rank = htole32(1), .size = htole32(SIZE), .host = "here"};
			strads_talk_prove_rank(&talk, &secret, talk.introduction.proof);
			/* It is overheard, and never arrives. */
			close(fds[0]);
		}
	}
	assert_int_equal(send(fds[1], &talk.introduction, sizeof talk.introduction, MSG_NOSIGNAL),
			 sizeof talk.introduction);
	assert_int_equal(turned_away(fixture, fds[1], &talk.admission, sizeof talk.admission),
			 sizeof talk.admission);
	assert_int_equal(le32toh(talk.admission.verdict), STRADS_WRONG_SECRET);
	assert_int_equal(strads_hub_connected(fixture->hub), 0);
}

static void
door__silence_is_not_waited_for(void **state)
{
	struct fixture *fixture = fixture_new(20);
	struct strads_greeting greeting, answer;
	char byte;
	int fd;

	*state = fixture;
	fd = visit(fixture);
	assert_int_equal(send(fd, STRADS_GREETING_MAGIC, 7, MSG_NOSIGNAL), 7);
	assert_int_equal(turned_away(fixture, fd, &byte, 1), 0);
	/* Nor after a greeting. */
	fd = visit(fixture);
	assert_int_equal(strads_greeting_draw(&greeting), STRADS_OK);
	assert_int_equal(send(fd, &greeting, sizeof greeting, MSG_NOSIGNAL), sizeof greeting);
	assert_int_equal(turned_away(fixture, fd, &answer, sizeof answer), sizeof answer);
	tear_down(state);
}

static int
open_descriptors(void)
{
	int n = 0;

	for (int fd = 0; fd < 4096; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void
door__a_flood_of_strangers(void **state)
{
	struct fixture *fixture = *state;
	enum { STRANGERS = 200 };
	int strangers[STRANGERS], before = open_descriptors();
	char garbage[100];

	memset(garbage, 'G', sizeof garbage);
	for (int i = 0; i < STRANGERS; i++) {
		strangers[i] = visit(fixture);
		/* Some say nothing, some nothing that makes sense. */
		if (i % 2)
			send(strangers[i], garbage, sizeof garbage, MSG_NOSIGNAL);
		serve(fixture);
		if (i % 100 != 50)
			continue;
		struct caller caller = rank_caller(1 + i / 100);
		knock(fixture, &caller);
		assert_int_equal(caller.status, STRADS_OK);
		strangers[i - 1] = (close(strangers[i - 1]), caller.fd);
	}
	for (int i = 0; i < 10; i++)
		serve(fixture);
	assert_int_equal(strads_hub_connected(fixture->hub), 2);
	/* Both ends are in this process: of the door's, about 64 may be open, and the ranks'. */
	assert_true(open_descriptors() - before - STRANGERS < 64 + SIZE + 4);
	assert_string_equal(said(fixture), "");
	for (int i = 0; i < STRANGERS; i++)
		close(strangers[i]);
}

/* Where the process has no descriptor left nobody can be let in: the hub's loop rests, and who has
 * waited outside is let in once there is one. */
static void
door__out_of_descriptors(void **state)
{
	struct fixture *fixture = *state;
	struct rlimit before, none;
	struct caller caller = rank_caller(1);
	struct pollfd loop = {.fd = strads_hub_fd(fixture->hub), .events = POLLIN};
	pthread_t thread;

	/* valgrind plays the limit after the fact: it accepts, then closes what is above. */
	if (RUNNING_ON_VALGRIND)
		skip();
	caller.knock.where = "here:1";
	caller.knock.host = "elsewhere";
	caller.fd = visit(fixture);
	assert_int_equal(pthread_create(&thread, NULL, call, &caller), 0);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = before;
	none.rlim_cur = 3; /* all of these are in use */
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	assert_int_equal(strads_hub_serve(fixture->hub, LIMIT_MS), STRADS_OK);
	int busy = poll(&loop, 1, 0);
	int again_ms = strads_door_expire(fixture->door);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(busy, 0);
	assert_in_range(again_ms, 0, 1000);
	while (!caller.done)
		serve(fixture);
	pthread_join(thread, NULL);
	assert_int_equal(caller.status, STRADS_OK);
	close(caller.fd);
}

static void
door__complaints_come_to_an_end(void **state)
{
	struct fixture *fixture = *state;

	for (int i = 0; i < 30; i++) {
		struct caller caller = rank_caller(1);
		caller.knock.secret = &other_secret;
		knock(fixture, &caller);
		close(caller.fd);
		assert_int_equal(caller.status, STRADS_ERR_ACCESS);
	}
	assert_int_equal(lines(said(fixture)), 16);
	assert_non_null(strstr(fixture->said, "(no more is said about others)"));
}

/* ---- Doors that are none ------------------------------------------------------------------- */

/* Knocks at something that answers with these bytes. */
static void
knock_at(const void *answer, size_t bytes, struct caller *caller)
{
	pthread_t thread;
	char heard[256];
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
	*caller = rank_caller(1);
	caller->knock.where = "here:1";
	caller->knock.host = "elsewhere";
	caller->fd = ends[0];
	assert_int_equal(send(ends[1], answer, bytes, 0), (ssize_t)bytes);
	assert_int_equal(pthread_create(&thread, NULL, call, caller), 0);
	/* Its greeting and, if it got so far, its introduction. */
	struct pollfd pollfd = {.fd = ends[1], .events = POLLIN};
	while (!caller->done && poll(&pollfd, 1, 10) >= 0)
		while (recv(ends[1], heard, sizeof heard, MSG_DONTWAIT) > 0)
			;
	pthread_join(thread, NULL);
	close(ends[0]);
	close(ends[1]);
}

static void
knock__something_else_answers(void **state)
{
	struct caller caller;
	char ssh[64] = "SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u2\r\n";

	(void)state;
	knock_at(ssh, sizeof ssh, &caller);
	assert_int_equal(caller.status, STRADS_ERR_PROTOCOL);
	assert_string_equal(caller.sentence,
			    "what answers at here:1 is no strads job: check the address");
}

static void
knock__another_version_answers(void **state)
{
	struct strads_greeting greeting;
	struct caller caller;

	(void)state;
	assert_int_equal(strads_greeting_draw(&greeting), STRADS_OK);
	greeting.version = htole32(2);
	knock_at(&greeting, sizeof greeting, &caller);
	assert_int_equal(caller.status, STRADS_ERR_PROTOCOL);
	assert_string_equal(caller.sentence,
			    "rank 0 at here:1 speaks version 2 of the control channel, this "
			    "strads version 1: start the same strads on all hosts");
}

static void
knock__one_that_does_not_know_the_secret_answers(void **state)
{
	struct strads_talk talk = {.admission = {.verdict = htole32(STRADS_ADMITTED)}};
	uint8_t answer[sizeof talk.challenge + sizeof talk.admission];
	struct caller caller;

	(void)state;
	assert_int_equal(strads_greeting_draw(&talk.challenge), STRADS_OK);
	memcpy(answer, &talk.challenge, sizeof talk.challenge);
	memcpy(answer + sizeof talk.challenge, &talk.admission, sizeof talk.admission);
	knock_at(answer, sizeof answer, &caller);
	assert_int_equal(caller.status, STRADS_ERR_ACCESS);
	assert_non_null(strstr(caller.sentence, "does not know the secret of this job"));
}

/* The kernel may give a connection to a port of this host, where nobody listens, that very port as
 * its own: it then is connected with itself. One try in some ten thousand would be. */
static void
connect__nobody_listens(void **state)
{
	uint64_t until_ms = strads_clock_ms() + 1500;
	uint16_t port = 0;
	int fd;

	(void)state;
	assert_int_equal(strads_socket_listen("127.0.0.1", &port, &fd), STRADS_OK);
	close(fd);
	port &= 0xfffe; /* of even ones connections get theirs, of odd ones listeners */
	while (strads_clock_ms() < until_ms)
		assert_int_equal(strads_socket_connect("127.0.0.1", port, LIMIT_MS, &fd),
				 STRADS_ERR_IO);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	    CASE(door__lets_ranks_in),
	    CASE(door__another_secret),
	    CASE(door__no_secret),
	    CASE(door__another_size),
	    CASE(door__no_such_rank),
	    CASE(door__a_rank_that_is_in_already),
	    CASE(door__another_version),
	    CASE(door__garbage_disturbs_nobody),
	    CASE(door__an_introduction_said_again),
	    cmocka_unit_test(door__silence_is_not_waited_for),
	    CASE(door__a_flood_of_strangers),
	    CASE(door__out_of_descriptors),
	    CASE(door__complaints_come_to_an_end),
	    cmocka_unit_test(knock__something_else_answers),
	    cmocka_unit_test(knock__another_version_answers),
	    cmocka_unit_test(knock__one_that_does_not_know_the_secret_answers),
	    cmocka_unit_test(connect__nobody_listens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
