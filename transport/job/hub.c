#include "job/hub.h"

#include "job/clock.h"
#include "job/frame.h"
#include "job/outbox.h"
#include "strads/transport.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Letters of one rank that may wait here; then it is not listened to until some have gone. */
#define LETTERS_MAX 64

enum presence { EXPECTED, PRESENT, LEFT, GONE, PRESENCES };

struct member {
	struct strads_hub_source source;
	struct strads_hub *hub;
	int rank;
	int fd;
	enum presence presence;
	char who[96];
	struct strads_reader reader;
	struct strads_outbox outbox;
	int letters; /* of this rank, on their way to others */
	bool muted;  /* not listened to, as they are too many */
	bool gave;   /* has contributed to the collective under way */
	uint8_t *contribution;
	uint64_t contribution_bytes;
};

struct strads_hub {
	struct strads_hub_options options;
	int epoll;
	uint64_t sequence; /* of the collective under way or next */
	int gave;          /* ranks that have contributed */
	uint64_t deadline_ms;
	int ranks_in[PRESENCES]; /* how many ranks are EXPECTED, PRESENT, LEFT, GONE */
	int connected;           /* how many have an open socket */
	int muted;               /* how many are not listened to */
	bool failed;
	struct strads_message *news; /* why, for later comers; NULL for want of memory */
	int exit_code;
	struct member members[];
};

/* ---- Sending ------------------------------------------------------------------------------- */

static void
member_watch(struct member *member)
{
	/* The end of a rank that is not listened to is noticed all the same. */
	struct epoll_event event = {
	    .events =
		(member->muted ? EPOLLRDHUP : EPOLLIN) | (member->outbox.first ? EPOLLOUT : 0),
	    .data.ptr = &member->source,
	};

	epoll_ctl(member->hub->epoll, EPOLL_CTL_MOD, member->fd, &event);
}

static void
member_mute(struct member *member, bool muted)
{
	if (member->muted == muted)
		return;
	member->muted = muted;
	member->hub->muted += muted ? 1 : -1;
	if (member->fd >= 0)
		member_watch(member);
}

/* Letters have gone: listens again to those whose they were. */
static void
unmute(struct strads_hub *hub)
{
	for (int rank = 0; hub->muted && rank < hub->options.size; rank++)
		if (hub->members[rank].letters < LETTERS_MAX)
			member_mute(&hub->members[rank], false);
}

/* Sends what the socket takes. A rank that does not read any more is noticed when reading. */
static void
member_flush(struct member *member)
{
	if (strads_outbox_send(&member->outbox, member->fd) < 0)
		strads_outbox_drop(&member->outbox);
	member_watch(member);
	unmute(member->hub);
}

static void
member_close(struct member *member)
{
	if (member->fd < 0)
		return;
	epoll_ctl(member->hub->epoll, EPOLL_CTL_DEL, member->fd, NULL);
	close(member->fd);
	member->fd = -1;
	member->hub->connected--;
	strads_outbox_drop(&member->outbox);
	strads_reader_next(&member->reader);
	unmute(member->hub);
}

static void
member_becomes(struct member *member, enum presence presence)
{
	member->hub->ranks_in[member->presence]--;
	member->hub->ranks_in[presence]++;
	member->presence = presence;
}

/* A rank that cannot be told for want of memory (of the message, which is then NULL, or here) is
 * cut off: it sees its channel close. */
static void
member_send(struct member *member, struct strads_message *message)
{
	bool idle = !member->outbox.first;

	if (member->fd < 0)
		return;
	if (!message || strads_outbox_put(&member->outbox, message))
		shutdown(member->fd, SHUT_RDWR);
	else if (idle)
		member_flush(member);
}

static void
broadcast(struct strads_hub *hub, int except, struct strads_message *message)
{
	for (int rank = 0; rank < hub->options.size; rank++)
		if (rank != except && hub->members[rank].presence == PRESENT)
			member_send(&hub->members[rank], message);
}

/* ---- Collectives --------------------------------------------------------------------------- */

static void
collective_reset(struct strads_hub *hub)
{
	for (int rank = 0; rank < hub->options.size; rank++) {
		struct member *member = &hub->members[rank];
		free(member->contribution);
		member->contribution = NULL;
		member->gave = false;
	}
	hub->gave = 0;
	hub->sequence++;
}

static int
first_that_left(const struct strads_hub *hub)
{
	int rank = 0;

	while (hub->members[rank].presence != LEFT)
		rank++;
	return rank;
}

/* The answer of a collective that every rank has contributed to. */
static struct strads_message *
collective_answer(const struct strads_hub *hub)
{
	const struct member *members = hub->members;
	uint64_t bytes = members[0].contribution_bytes;
	char text[128];

	for (int rank = 1; rank < hub->options.size; rank++) {
		if (members[rank].contribution_bytes == bytes)
			continue;
		snprintf(text, sizeof text,
			 "rank %d gave %llu bytes to a collective where rank 0 gave %llu", rank,
			 (unsigned long long)members[rank].contribution_bytes,
			 (unsigned long long)bytes);
		return strads_message_new_verdict(STRADS_FRAME_REFUSED, rank, hub->sequence,
						  STRADS_ERR_PROTOCOL, text);
	}
	struct strads_message *message = strads_message_new(STRADS_FRAME_GATHERED, 0, hub->sequence,
							    bytes * (uint64_t)hub->options.size);
	if (!message || !bytes)
		return message;
	for (int rank = 0; rank < hub->options.size; rank++)
		memcpy(strads_message_payload(message) + (uint64_t)rank * bytes,
		       members[rank].contribution, bytes);
	return message;
}

/* Ends the collective under way if it is complete, or if it can never be. */
static void
collective_step(struct strads_hub *hub)
{
	char text[200];

	if (hub->failed || !hub->gave)
		return;
	if (hub->ranks_in[LEFT]) {
		int left = first_that_left(hub);
		snprintf(text, sizeof text,
			 "%s has left the job while others wait for it in a collective",
			 hub->members[left].who);
		strads_hub_fail(hub, left, STRADS_ERR_PEER, text);
	} else if (hub->gave == hub->options.size) {
		struct strads_message *answer = collective_answer(hub);
		collective_reset(hub);
		broadcast(hub, -1, answer);
		strads_message_release(answer);
	}
}

/* Nobody can come to a collective who has not joined: "ranks 1, 3-5". */
static void
list_expected(const struct strads_hub *hub, char *text, size_t bytes)
{
	size_t length =
	    (size_t)snprintf(text, bytes, "rank%s", hub->ranks_in[EXPECTED] > 1 ? "s" : "");

	for (int rank = 0, last; rank < hub->options.size; rank = last + 1) {
		last = rank;
		if (hub->members[rank].presence != EXPECTED)
			continue;
		while (last + 1 < hub->options.size && hub->members[last + 1].presence == EXPECTED)
			last++;
		if (length + 32 > bytes) {
			snprintf(text + length, bytes - length, ", …");
			return;
		}
		length += (size_t)snprintf(text + length, bytes - length, "%s %d",
					   strchr(text, ' ') ? "," : "", rank);
		if (last > rank)
			length += (size_t)snprintf(text + length, bytes - length, "-%d", last);
	}
}

static void
join_expire(struct strads_hub *hub)
{
	char who[200], text[300];

	list_expected(hub, who, sizeof who);
	snprintf(text, sizeof text,
		 "%s did not join the job within %.3g s: started, and with the "
		 "same address of rank 0?",
		 who, (double)hub->options.timeout_ms * 1e-3);
	strads_hub_fail(hub, -1, STRADS_ERR_TIMEOUT, text);
}

static void
collective_expire(struct strads_hub *hub)
{
	int absent = 0, missing = 0;
	char text[256];

	if (hub->ranks_in[EXPECTED]) {
		join_expire(hub);
		return;
	}
	for (int rank = hub->options.size - 1; rank >= 0; rank--)
		if (!hub->members[rank].gave) {
			absent = rank;
			missing++;
		}
	const struct member *member = &hub->members[absent];
	snprintf(text, sizeof text, "%s%s did not come to a collective within %.3g s", member->who,
		 missing > 1 ? " (and others)" : "", (double)hub->options.timeout_ms * 1e-3);
	strads_hub_fail(hub, absent, STRADS_ERR_TIMEOUT, text);
}

/* ---- What ranks say ------------------------------------------------------------------------ */

static void
cut_off(struct member *member, const char *complaint)
{
	char text[256];

	snprintf(text, sizeof text, "%s was cut off: its control message had %s", member->who,
		 complaint);
	strads_hub_death(member->hub, member->rank, text);
}

static void
take_contribution(struct member *member)
{
	struct strads_hub *hub = member->hub;
	struct strads_reader *reader = &member->reader;

	if (hub->failed)
		return;
	if (member->gave || reader->frame.sequence != hub->sequence) {
		cut_off(member, "the number of another collective");
		return;
	}
	member->gave = true;
	member->contribution = reader->payload;
	member->contribution_bytes = reader->frame.length;
	reader->payload = NULL;
	if (hub->gave++ == 0)
		hub->deadline_ms = strads_clock_ms() + hub->options.timeout_ms;
	collective_step(hub);
}

static void
take_abort(struct member *member)
{
	struct strads_verdict verdict;
	char text[STRADS_FRAME_TEXT_MAX + 1];

	strads_verdict_decode(member->reader.payload, member->reader.frame.length, &verdict);
	snprintf(text, sizeof text, "rank %d gave up: %.900s", member->rank, verdict.text);
	strads_hub_fail(member->hub, member->rank, STRADS_ERR_ABORTED, text);
}

static void
note_exit_code(struct strads_hub *hub, int code)
{
	if (code < 0 || code > 255)
		code = 255;
	if (code > hub->exit_code)
		hub->exit_code = code;
}

static void
take_leave(struct member *member)
{
	struct strads_hub *hub = member->hub;
	struct strads_verdict verdict;
	struct strads_message *left = strads_message_new(STRADS_FRAME_LEFT, member->rank, 0, 0);

	strads_verdict_decode(member->reader.payload, member->reader.frame.length, &verdict);
	note_exit_code(hub, verdict.status);
	member_becomes(member, LEFT);
	member_send(member, left);
	strads_message_release(left);
	collective_step(hub);
}

/* Passes a letter on, if there is anybody to get it. */
static void
take_letter(struct member *member)
{
	struct strads_hub *hub = member->hub;
	const struct strads_frame *frame = &member->reader.frame;
	struct strads_message *mail;

	if (frame->sequence >= (uint64_t)hub->options.size ||
	    frame->sequence == (uint64_t)member->rank) {
		cut_off(member, "a letter to nobody");
		return;
	}
	struct member *to = &hub->members[frame->sequence];
	if (hub->failed || to->presence != PRESENT)
		return;
	mail = strads_message_new(STRADS_FRAME_MAIL, member->rank, 0, frame->length);
	if (mail) {
		strads_message_count(mail, &member->letters);
		if (frame->length)
			memcpy(strads_message_payload(mail), member->reader.payload, frame->length);
	}
	member_send(to, mail);
	strads_message_release(mail);
	if (member->letters >= LETTERS_MAX)
		member_mute(member, true);
}

static void
take_message(struct member *member)
{
	const struct strads_frame *frame = &member->reader.frame;

	if (frame->rank != (uint32_t)member->rank) {
		cut_off(member, "another rank's number");
		return;
	}
	switch (frame->type) {
	case STRADS_FRAME_GATHER:
		take_contribution(member);
		break;
	case STRADS_FRAME_ABORT:
		take_abort(member);
		break;
	case STRADS_FRAME_LEAVE:
		take_leave(member);
		break;
	case STRADS_FRAME_POST:
		take_letter(member);
		break;
	default:
		cut_off(member, "a type that does not belong here");
	}
}

/* The socket is closed or broken. */
static void
member_lost(struct member *member)
{
	struct strads_hub *hub = member->hub;
	char text[256];

	member_close(member);
	if (member->presence != PRESENT || !hub->options.close_is_death)
		return;
	snprintf(text, sizeof text,
		 "%s died: its control connection closed before the job was done", member->who);
	strads_hub_death(hub, member->rank, text);
}

/* Takes what has come, from a rank that has ended even if it is muted. */
static void
member_read(struct member *member, bool ended)
{
	int status = STRADS_OK;

	while (member->fd >= 0 && status == STRADS_OK && (ended || !member->muted)) {
		status = strads_reader_step(&member->reader, member->fd);
		if (status == STRADS_OK && member->presence != PRESENT)
			status = STRADS_ERR_PEER; /* it has left: nothing more is expected */
		if (status == STRADS_OK) {
			take_message(member);
			strads_reader_next(&member->reader);
		}
	}
	if (status == STRADS_ERR_PROTOCOL)
		cut_off(member, member->reader.complaint);
	else if (status == STRADS_ERR_MEMORY)
		cut_off(member, "a length for which there is no memory");
	else if (status == STRADS_ERR_PEER)
		member_lost(member);
}

static void
member_ready(struct strads_hub_source *source, uint32_t events)
{
	struct member *member = (struct member *)source;

	if (events & EPOLLOUT)
		member_flush(member);
	if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		member_read(member, events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR));
}

/* ---- The hub ------------------------------------------------------------------------------- */

int
strads_hub_new(const struct strads_hub_options *options, struct strads_hub **out)
{
	size_t size = (size_t)options->size;
	struct strads_hub *hub = calloc(1, sizeof *hub + size * sizeof hub->members[0]);

	if (!hub)
		return strads_fail(STRADS_ERR_MEMORY,
				   "no memory for the control channel of %d ranks", options->size);
	hub->options = *options;
	hub->ranks_in[EXPECTED] = options->size;
	hub->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (hub->epoll < 0) {
		free(hub);
		return strads_fail(STRADS_ERR_IO, "cannot create the control channel: %s",
				   strerror(errno));
	}
	for (int rank = 0; rank < options->size; rank++) {
		struct member *member = &hub->members[rank];
		member->source.ready = member_ready;
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
		member_close(&hub->members[rank]);
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
	struct member *member;
	int status;

	if (rank < 0 || rank >= hub->options.size || hub->members[rank].presence != EXPECTED)
		return strads_fail(STRADS_ERR_ARGUMENT, "rank %d cannot connect: %s", rank,
				   rank < 0 || rank >= hub->options.size ? "there is no such rank"
									 : "it already has");
	member = &hub->members[rank];
	status = strads_hub_watch(hub, fd, &member->source);
	if (status)
		return status;
	member->fd = fd;
	hub->connected++;
	member_becomes(member, PRESENT);
	snprintf(member->who, sizeof member->who, "%s", who);
	if (hub->failed)
		member_send(member, hub->news);
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
	struct epoll_event events[64];
	int own_ms = strads_hub_timeout_ms(hub);

	if (own_ms >= 0 && (timeout_ms < 0 || own_ms < timeout_ms))
		timeout_ms = own_ms;
	int n = epoll_wait(hub->epoll, events, 64, timeout_ms);
	if (n < 0 && errno != EINTR)
		return strads_fail(STRADS_ERR_IO, "the control channel broke: %s", strerror(errno));
	for (int i = 0; i < n; i++) {
		struct strads_hub_source *source = events[i].data.ptr;
		source->ready(source, events[i].events);
	}
	if (strads_hub_timeout_ms(hub) == 0)
		collective_expire(hub);
	return STRADS_OK;
}

void
strads_hub_drain(struct strads_hub *hub, int rank)
{
	if (hub->members[rank].fd >= 0)
		member_read(&hub->members[rank], true);
}

void
strads_hub_death(struct strads_hub *hub, int rank, const char *sentence)
{
	struct member *member = &hub->members[rank];

	member_close(member);
	if (member->presence == LEFT || member->presence == GONE)
		return;
	member_becomes(member, GONE);
	note_exit_code(hub, 1);
	strads_hub_fail(hub, rank, STRADS_ERR_PEER, sentence);
}

void
strads_hub_fail(struct strads_hub *hub, int about, int status, const char *sentence)
{
	if (hub->failed)
		return;
	hub->failed = true;
	hub->news = strads_message_new_verdict(STRADS_FRAME_NEWS, about, 0, status, sentence);
	/* A rank that gives up itself needs not be told. */
	broadcast(hub, status == STRADS_ERR_ABORTED ? about : -1, hub->news);
}

const char *
strads_hub_who(const struct strads_hub *hub, int rank)
{
	return hub->members[rank].who;
}

bool
strads_hub_expects(const struct strads_hub *hub, int rank)
{
	return hub->members[rank].presence == EXPECTED;
}

bool
strads_hub_left(const struct strads_hub *hub, int rank)
{
	return hub->members[rank].presence == LEFT;
}

bool
strads_hub_failed(const struct strads_hub *hub)
{
	return hub->failed;
}

int
strads_hub_waiting_for(const struct strads_hub *hub)
{
	return hub->ranks_in[PRESENT] + (hub->failed ? 0 : hub->ranks_in[EXPECTED]);
}

int
strads_hub_leavers(const struct strads_hub *hub)
{
	return hub->ranks_in[LEFT];
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
