#include "job/door.h"

#include "job/clock.h"
#include "job/frame.h"
#include "job/tcp.h"
#include "strads/transport.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Strangers that may wait at once beside the ranks that are expected. */
#define STRANGERS_MAX 64

/* A connection that has not shown yet that it belongs here. */
struct visitor {
	struct strads_hub_source source;
	struct strads_door *door;
	struct visitor *next; /* younger */
	int fd;               /* −1: dealt with, to be freed once no event can refer to it */
	uint64_t deadline_ms;
	size_t have; /* bytes of the cookie that have arrived */
	uint8_t cookie[STRADS_DOOR_COOKIE];
	struct strads_reader reader;
};

struct strads_door {
	struct strads_hub_source source;
	struct strads_hub *hub;
	struct strads_door_options options;
	int admitted;
	int waiting; /* visitors with a descriptor */
	struct visitor *oldest;
};

static void
visitor_dismiss(struct visitor *visitor, bool close_too)
{
	if (visitor->fd < 0)
		return;
	strads_hub_unwatch(visitor->door->hub, visitor->fd);
	if (close_too)
		close(visitor->fd);
	visitor->fd = -1;
	visitor->door->waiting--;
	strads_reader_next(&visitor->reader);
}

static void
listener_close(struct strads_door *door)
{
	if (door->options.listener < 0)
		return;
	strads_hub_unwatch(door->hub, door->options.listener);
	close(door->options.listener);
	door->options.listener = -1;
}

/* In a time that does not depend on where the first difference is. */
static bool
cookie_matches(const uint8_t *a, const uint8_t *b)
{
	volatile uint8_t difference = 0;

	for (size_t i = 0; i < STRADS_DOOR_COOKIE; i++)
		difference |= a[i] ^ b[i];
	return difference == 0;
}

/* Reads the cookie, and only that. */
static int
read_cookie(struct visitor *visitor)
{
	while (visitor->have < STRADS_DOOR_COOKIE) {
		ssize_t n = recv(visitor->fd, visitor->cookie + visitor->have,
				 STRADS_DOOR_COOKIE - visitor->have, MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return STRADS_AGAIN;
		if (n <= 0)
			return STRADS_ERR_PEER;
		visitor->have += (size_t)n;
	}
	return cookie_matches(visitor->cookie, visitor->door->options.cookie) ? STRADS_OK
									      : STRADS_ERR_PEER;
}

/* Hands the connection over to the hub. */
static void
admit(struct visitor *visitor)
{
	struct strads_door *door = visitor->door;
	const struct strads_frame *frame = &visitor->reader.frame;
	struct strads_verdict hello;
	char who[128];
	int fd = visitor->fd;

	strads_verdict_decode(visitor->reader.payload, frame->length, &hello);
	snprintf(who, sizeof who, "rank %u (pid %d on %.48s)", frame->rank, hello.status,
		 hello.text);
	uint32_t rank = frame->rank;
	visitor_dismiss(visitor, false);
	strads_tcp_tend(fd, door->options.timeout_ms);
	if (rank > INT32_MAX || strads_hub_connect(door->hub, (int)rank, fd, who)) {
		close(fd);
		return;
	}
	if (++door->admitted == door->options.expected)
		listener_close(door);
}

static void
visitor_ready(struct strads_hub_source *source, uint32_t events)
{
	struct visitor *visitor = (struct visitor *)source;
	int status;

	(void)events;
	if (visitor->fd < 0)
		return;
	status = read_cookie(visitor);
	if (!status)
		status = strads_reader_step(&visitor->reader, visitor->fd);
	if (status == STRADS_AGAIN)
		return;
	if (!status && visitor->reader.frame.type == STRADS_FRAME_HELLO)
		admit(visitor);
	else
		visitor_dismiss(visitor, true);
}

static void
dismiss_oldest(struct strads_door *door)
{
	for (struct visitor *visitor = door->oldest; visitor; visitor = visitor->next)
		if (visitor->fd >= 0) {
			visitor_dismiss(visitor, true);
			return;
		}
}

static void
receive_visitor(struct strads_door *door, int fd)
{
	struct visitor *visitor = calloc(1, sizeof *visitor);
	struct visitor **last = &door->oldest;

	if (!visitor || strads_hub_watch(door->hub, fd, &visitor->source)) {
		free(visitor);
		close(fd);
		return;
	}
	visitor->source.ready = visitor_ready;
	visitor->door = door;
	visitor->fd = fd;
	visitor->deadline_ms = strads_clock_ms() + door->options.timeout_ms;
	strads_reader_init(&visitor->reader, strads_frame_to_door);
	while (*last)
		last = &(*last)->next;
	*last = visitor;
	if (++door->waiting > door->options.expected + STRANGERS_MAX)
		dismiss_oldest(door);
}

static void
listener_ready(struct strads_hub_source *source, uint32_t events)
{
	struct strads_door *door = (struct strads_door *)source;
	int fd;

	(void)events;
	while ((fd = accept4(door->options.listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >=
	       0)
		receive_visitor(door, fd);
	if (errno == EMFILE || errno == ENFILE)
		dismiss_oldest(door);
}

int
strads_door_new(struct strads_hub *hub, const struct strads_door_options *options,
		struct strads_door **out)
{
	struct strads_door *door = calloc(1, sizeof *door);
	int status;

	if (!door)
		return strads_fail(STRADS_ERR_MEMORY, "no memory for the control channel");
	door->source.ready = listener_ready;
	door->hub = hub;
	door->options = *options;
	status = strads_hub_watch(hub, options->listener, &door->source);
	if (status) {
		free(door);
		return status;
	}
	*out = door;
	return STRADS_OK;
}

void
strads_door_delete(struct strads_door **door_pointer)
{
	struct strads_door *door = *door_pointer;

	if (!door)
		return;
	for (struct visitor *visitor = door->oldest; visitor; visitor = visitor->next)
		visitor_dismiss(visitor, true);
	strads_door_expire(door);
	listener_close(door);
	free(door);
	*door_pointer = NULL;
}

int
strads_door_expire(struct strads_door *door)
{
	uint64_t now = strads_clock_ms(), next = UINT64_MAX;

	for (struct visitor **link = &door->oldest; *link;) {
		struct visitor *visitor = *link;
		if (visitor->fd >= 0 && now >= visitor->deadline_ms)
			visitor_dismiss(visitor, true);
		if (visitor->fd < 0) {
			*link = visitor->next;
			free(visitor);
			continue;
		}
		if (visitor->deadline_ms < next)
			next = visitor->deadline_ms;
		link = &visitor->next;
	}
	return next == UINT64_MAX ? -1 : strads_clock_left_ms(next);
}

int
strads_door_knock(int fd, const uint8_t *cookie, int rank, const char *host)
{
	uint8_t message[STRADS_DOOR_COOKIE + sizeof(struct strads_frame) +
			sizeof(struct strads_verdict)];
	uint8_t *at = message + STRADS_DOOR_COOKIE + sizeof(struct strads_frame);
	size_t length = strads_verdict_encode((int)getpid(), host, at);
	struct strads_frame frame = strads_frame_encode(STRADS_FRAME_HELLO, rank, 0, length);

	memcpy(message, cookie, STRADS_DOOR_COOKIE);
	memcpy(message + STRADS_DOOR_COOKIE, &frame, sizeof frame);
	length += STRADS_DOOR_COOKIE + sizeof frame;
	/* A fresh connection takes a kilobyte at once. */
	if (send(fd, message, length, MSG_NOSIGNAL) != (ssize_t)length)
		return strads_fail(STRADS_ERR_PEER,
				   "rank 0 does not take the control connection: %s",
				   strerror(errno));
	return STRADS_OK;
}
