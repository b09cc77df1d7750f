#include "job/member.h"

#include "job/clock.h"
#include "strads/transport.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Letters of one rank that may wait here; then it is not listened to until some have gone. */
#define LETTERS_MAX 64

/* ---- Sending ------------------------------------------------------------------------------- */

static void
member_watch(struct strads_member *member)
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
member_mute(struct strads_member *member, bool muted)
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
member_flush(struct strads_member *member)
{
	if (strads_outbox_send(&member->outbox, member->fd) < 0)
		strads_outbox_drop(&member->outbox);
	member_watch(member);
	unmute(member->hub);
}

void
strads_member_close(struct strads_member *member)
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

void
strads_member_becomes(struct strads_member *member, enum strads_presence presence)
{
	member->hub->ranks_in[member->presence]--;
	member->hub->ranks_in[presence]++;
	member->presence = presence;
}

void
strads_member_send(struct strads_member *member, struct strads_message *message)
{
	bool idle = !member->outbox.first;

	if (member->fd < 0)
		return;
	if (!message || strads_outbox_put(&member->outbox, message))
		shutdown(member->fd, SHUT_RDWR);
	else if (idle)
		member_flush(member);
}

void
strads_member_send_all(struct strads_hub *hub, int except, struct strads_message *message)
{
	for (int rank = 0; rank < hub->options.size; rank++)
		if (rank != except && hub->members[rank].presence == STRADS_PRESENT)
			strads_member_send(&hub->members[rank], message);
}

/* ---- What ranks say ------------------------------------------------------------------------ */

static void
cut_off(struct strads_member *member, const char *complaint)
{
	char text[256];

	snprintf(text, sizeof text, "%s was cut off: its control message had %s", member->who,
		 complaint);
	strads_hub_death(member->hub, member->rank, text);
}

static void
take_contribution(struct strads_member *member)
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
	strads_collective_step(hub);
}

static void
take_abort(struct strads_member *member)
{
	struct strads_verdict verdict;
	char text[STRADS_FRAME_TEXT_MAX + 1];

	strads_verdict_decode(member->reader.payload, member->reader.frame.length, &verdict);
	snprintf(text, sizeof text, "rank %d gave up: %.900s", member->rank, verdict.text);
	strads_hub_fail(member->hub, member->rank, STRADS_ERR_ABORTED, text,
			member->reader.frame.sequence);
}

static void
take_leave(struct strads_member *member)
{
	struct strads_hub *hub = member->hub;
	struct strads_verdict verdict;
	struct strads_message *left = strads_message_new(STRADS_FRAME_LEFT, member->rank, 0, 0);

	strads_verdict_decode(member->reader.payload, member->reader.frame.length, &verdict);
	strads_hub_note_code(hub, verdict.status);
	strads_member_becomes(member, STRADS_LEFT);
	strads_member_send(member, left);
	strads_message_release(left);
	strads_collective_step(hub);
}

/* Passes a letter on, if there is anybody to get it. */
static void
take_letter(struct strads_member *member)
{
	struct strads_hub *hub = member->hub;
	const struct strads_frame *frame = &member->reader.frame;
	struct strads_message *mail;

	if (frame->sequence >= (uint64_t)hub->options.size ||
	    frame->sequence == (uint64_t)member->rank) {
		cut_off(member, "a letter to nobody");
		return;
	}
	struct strads_member *to = &hub->members[frame->sequence];
	if (hub->failed || to->presence != STRADS_PRESENT)
		return;
	mail = strads_message_new(STRADS_FRAME_MAIL, member->rank, 0, frame->length);
	if (mail) {
		strads_message_count(mail, &member->letters);
		if (frame->length)
			memcpy(strads_message_payload(mail), member->reader.payload, frame->length);
	}
	strads_member_send(to, mail);
	strads_message_release(mail);
	if (member->letters >= LETTERS_MAX)
		member_mute(member, true);
}

static void
take_message(struct strads_member *member)
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
member_lost(struct strads_member *member)
{
	struct strads_hub *hub = member->hub;
	char text[256];

	strads_member_close(member);
	if (member->presence != STRADS_PRESENT || !hub->options.close_is_death)
		return;
	snprintf(text, sizeof text, "%s %s", member->who,
		 strads_reader_silent(&member->reader)
		     ? "is lost: its host does not answer; is it up, is the network between?"
		     : "died: its control connection closed before the job was done");
	strads_hub_death(hub, member->rank, text);
}

void
strads_member_read(struct strads_member *member, bool ended)
{
	int status = STRADS_OK;

	while (member->fd >= 0 && status == STRADS_OK && (ended || !member->muted)) {
		status = strads_reader_step(&member->reader, member->fd);
		if (status == STRADS_OK && member->presence != STRADS_PRESENT)
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

void
strads_member_ready(struct strads_hub_source *source, uint32_t events)
{
	struct strads_member *member = (struct strads_member *)source;

	/* First what has come: to send would take away why the connection broke. */
	if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		strads_member_read(member, events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR));
	if (events & EPOLLOUT && member->fd >= 0)
		member_flush(member);
}
