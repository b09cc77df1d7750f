#include "job/member.h"

#include "job/clock.h"
#include "job/socket.h"
#include "strads/transport.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EVENTS 64 /* heard at once */

int
strads_hub_new(const struct strads_hub_options *options, struct strads_hub **out)
{
	size_t size = (size_t)options->size;
	struct strads_hub *hub = calloc(1, sizeof *hub + size * sizeof hub->members[0]);

	if (!hub)
		return strads_fail(STRADS_ERR_MEMORY,
				   "no memory for the control channel of %d ranks", options->size);
	hub->options = *options;
	hub->ranks_in[STRADS_EXPECTED] = options->size;
	hub->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (hub->epoll < 0) {
		free(hub);
		return strads_fail(STRADS_ERR_IO, "cannot create the control channel: %s",
				   strerror(errno));
	}
	for (int rank = 0; rank < options->size; rank++) {
		struct strads_member *member = &hub->members[rank];
		member->source.ready = strads_member_ready;
		member->hub = hub;
		member->rank = rank;
		member->fd = -1;
		snprintf(member->who, sizeof member->who, "rank %d", rank);
		strads_reader_init(&member->reader, strads_frame_to_hub);
	}
	*out = hub;
	return STRADS_OK;
}

void
strads_hub_delete(struct strads_hub **hub_pointer)
{
	struct strads_hub *hub = *hub_pointer;

	if (!hub)
		return;
	/* The epoll first: a forked child that drops its copy must not touch the parent's. */
	close(hub->epoll);
	hub->epoll = -1;
	for (int rank = 0; rank < hub->options.size; rank++) {
		strads_member_close(&hub->members[rank]);
		free(hub->members[rank].contribution);
	}
	strads_message_release(hub->news);
	free(hub);
	*hub_pointer = NULL;
}

int
strads_hub_watch(struct strads_hub *hub, int fd, struct strads_hub_source *source)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = source};

	if (epoll_ctl(hub->epoll, EPOLL_CTL_ADD, fd, &event))
		return strads_fail(STRADS_ERR_IO, "cannot watch a control connection: %s",
				   strerror(errno));
	return STRADS_OK;
}

void
strads_hub_unwatch(struct strads_hub *hub, int fd)
{
	epoll_ctl(hub->epoll, EPOLL_CTL_DEL, fd, NULL);
}

int
strads_hub_connect(struct strads_hub *hub, int rank, int fd, const char *who)
{
	struct strads_member *member;
	int status;

	if (rank < 0 || rank >= hub->options.size || hub->members[rank].presence != STRADS_EXPECTED)
		return strads_fail(STRADS_ERR_ARGUMENT, "rank %d cannot connect: %s", rank,
				   rank < 0 || rank >= hub->options.size ? "there is no such rank"
									 : "it already has");
	member = &hub->members[rank];
	status = strads_hub_watch(hub, fd, &member->source);
	if (status)
		return status;
	member->fd = fd;
	hub->connected++;
	strads_member_becomes(member, STRADS_PRESENT);
	snprintf(member->who, sizeof member->who, "%s", who);
	if (hub->failed)
		strads_member_send(member, hub->news);
	return STRADS_OK;
}

int
strads_hub_fd(const struct strads_hub *hub)
{
	return hub->epoll;
}

int
strads_hub_timeout_ms(const struct strads_hub *hub)
{
	return hub->gave && !hub->failed ? strads_clock_left_ms(hub->deadline_ms) : -1;
}

int
strads_hub_serve(struct strads_hub *hub, int timeout_ms)
{
	struct epoll_event events[EVENTS];
	int own_ms = strads_hub_timeout_ms(hub);

	if (own_ms >= 0 && (timeout_ms < 0 || own_ms < timeout_ms))
		timeout_ms = own_ms;
	int n = epoll_wait(hub->epoll, events, EVENTS, timeout_ms);
	if (n < 0 && errno != EINTR)
		return strads_fail(STRADS_ERR_IO, "the control channel broke: %s", strerror(errno));
	for (int i = 0; i < n; i++) {
		struct strads_hub_source *source = events[i].data.ptr;
		source->ready(source, events[i].events);
	}
	/* Where there may be more, what has come is heard first. */
	if (n >= 0 && n < EVENTS && strads_hub_timeout_ms(hub) == 0)
		strads_collective_expire(hub);
	return STRADS_OK;
}

void
strads_hub_drain(struct strads_hub *hub, int rank)
{
	if (hub->members[rank].fd >= 0)
		strads_member_read(&hub->members[rank], true);
}

void
strads_hub_death(struct strads_hub *hub, int rank, const char *sentence)
{
	struct strads_member *member = &hub->members[rank];

	strads_member_close(member);
	if (member->presence == STRADS_LEFT || member->presence == STRADS_GONE)
		return;
	strads_member_becomes(member, STRADS_GONE);
	strads_hub_note_code(hub, 1);
	strads_hub_fail(hub, rank, STRADS_ERR_PEER, sentence, 0);
}

void
strads_hub_note_code(struct strads_hub *hub, int code)
{
	if (code < 0 || code > 255)
		code = 255;
	if (code > hub->exit_code)
		hub->exit_code = code;
}

void
strads_hub_fail(struct strads_hub *hub, int about, int status, const char *sentence,
		uint64_t missed)
{
	if (hub->failed)
		return;
	hub->failed = true;
	hub->news = strads_message_new_verdict(STRADS_FRAME_NEWS, about, missed, status, sentence);
	/* A rank that gives up itself needs not be told. */
	strads_member_send_all(hub, status == STRADS_ERR_ABORTED ? about : -1, hub->news);
	for (int rank = 0; rank < hub->options.size; rank++)
		if (hub->members[rank].fd >= 0)
			strads_socket_tend(hub->members[rank].fd, STRADS_SOCKET_FAREWELL_MS);
}

const char *
strads_hub_who(const struct strads_hub *hub, int rank)
{
	return hub->members[rank].who;
}

bool
strads_hub_expects(const struct strads_hub *hub, int rank)
{
	return hub->members[rank].presence == STRADS_EXPECTED;
}

bool
strads_hub_left(const struct strads_hub *hub, int rank)
{
	return hub->members[rank].presence == STRADS_LEFT;
}

bool
strads_hub_failed(const struct strads_hub *hub)
{
	return hub->failed;
}

int
strads_hub_waiting_for(const struct strads_hub *hub)
{
	return hub->ranks_in[STRADS_PRESENT] + (hub->failed ? 0 : hub->ranks_in[STRADS_EXPECTED]);
}

int
strads_hub_leavers(const struct strads_hub *hub)
{
	return hub->ranks_in[STRADS_LEFT];
}

int
strads_hub_connected(const struct strads_hub *hub)
{
	return hub->connected;
}

int
strads_hub_exit_code(const struct strads_hub *hub)
{
	return hub->exit_code;
}
