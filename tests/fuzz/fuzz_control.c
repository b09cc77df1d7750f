/*
 * The control channel, spoken to by whoever connects: a stranger at the door, a rank at the hub,
 * a hub at a rank. Whatever they say, the hub and the other rank go on or end in order.
 */
#include "fuzz.h"
#include "job/client.h"
#include "job/door.h"
#include "job/frame.h"
#include "job/hub.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define RANKS      2
#define TIMEOUT_MS 1000

/* Sends what the other end's buffer takes, and no more. */
static void
say_all(int fd, const uint8_t *data, size_t bytes)
{
	(void)!send(fd, data, bytes, MSG_DONTWAIT | MSG_NOSIGNAL);
	shutdown(fd, SHUT_WR);
}

static struct strads_hub *
hub_new(int fds[RANKS])
{
	const struct strads_hub_options options = {
	    .size = RANKS, .timeout_ms = TIMEOUT_MS, .close_is_death = true};
	struct strads_hub *hub;
	int ends[2];

	FUZZ_CHECK(strads_hub_new(&options, &hub) == STRADS_OK);
	for (int rank = 0; rank < RANKS; rank++) {
		FUZZ_CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
		FUZZ_CHECK(strads_hub_connect(hub, rank, ends[0], "a rank") == STRADS_OK);
		fds[rank] = ends[1];
	}
	return hub;
}

/* Rank 1 says it to the hub: it is dead to the job afterwards, and rank 0 is told in messages. */
static void
fuzz_hub(const uint8_t *data, size_t bytes)
{
	struct strads_reader reader;
	int fds[RANKS], status;
	struct strads_hub *hub = hub_new(fds);

	say_all(fds[1], data, bytes);
	for (int turn = 0; turn < 4; turn++)
		FUZZ_CHECK(strads_hub_serve(hub, 0) == STRADS_OK);
	FUZZ_CHECK(strads_hub_waiting_for(hub) == 1);
	strads_reader_init(&reader, strads_frame_from_hub);
	while ((status = strads_reader_step(&reader, fds[0])) == STRADS_OK)
		strads_reader_next(&reader);
	FUZZ_CHECK(status == STRADS_AGAIN);
	strads_reader_next(&reader);
	close(fds[0]);
	close(fds[1]);
	strads_hub_delete(&hub);
}

/* The hub says it to a rank, which then has reason to end. */
static void
fuzz_client(const uint8_t *data, size_t bytes)
{
	struct strads_job job = {.size = RANKS, .timeout_ms = TIMEOUT_MS};
	struct strads_client *client;
	int ends[2];

	FUZZ_CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
	FUZZ_CHECK(strads_client_new(&job, ends[1], "the hub", &client) == STRADS_OK);
	say_all(ends[0], data, bytes);
	strads_client_serve(&job);
	FUZZ_CHECK(strads_client_check(&job) < 0);
	strads_client_delete(&client);
	close(ends[0]);
}

/* A stranger says it at the door, and gets nowhere. */
static void
fuzz_door(const uint8_t *data, size_t bytes)
{
	static const struct strads_secret secret = {.length = 4, .bytes = "none"};
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	socklen_t length = sizeof at;
	struct strads_door_options options = {
	    .size = RANKS, .secret = &secret, .timeout_ms = TIMEOUT_MS};
	const struct strads_hub_options hub_options = {.size = RANKS, .timeout_ms = TIMEOUT_MS};
	struct strads_hub *hub;
	struct strads_door *door;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	/* Bound to nothing, a socket gets a name of its own. */
	options.listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	FUZZ_CHECK(!bind(options.listener, (struct sockaddr *)&at, sizeof at.sun_family) &&
		   !listen(options.listener, 1) &&
		   !getsockname(options.listener, (struct sockaddr *)&at, &length) &&
		   !connect(fd, (struct sockaddr *)&at, length));
	FUZZ_CHECK(strads_hub_new(&hub_options, &hub) == STRADS_OK);
	FUZZ_CHECK(strads_door_new(hub, &options, &door) == STRADS_OK);
	say_all(fd, data, bytes);
	for (int turn = 0; turn < 6; turn++) {
		FUZZ_CHECK(strads_hub_serve(hub, 0) == STRADS_OK);
		strads_door_expire(door);
	}
	FUZZ_CHECK(strads_hub_connected(hub) == 0 && !strads_hub_failed(hub));
	strads_door_delete(&door);
	strads_hub_delete(&hub);
	close(fd);
}

/* The first byte chooses who is spoken to. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	static void (*const targets[])(const uint8_t *, size_t) = {fuzz_hub, fuzz_client,
								   fuzz_door};

	if (bytes > 0)
		targets[data[0] % 3](data + 1, bytes - 1);
	return 0;
}
