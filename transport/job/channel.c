#include "job/channel.h"

#include "job/clock.h"
#include "job/socket.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define FULL_MAILBOX_MS 10 /* between looks whether the taker has made room */

static int
watch(const struct strads_channel *channel, int operation, int fd, uint32_t events)
{
	struct epoll_event event = {.events = events};

	return epoll_ctl(channel->epoll, operation, fd, &event);
}

static int
open_descriptors(struct strads_channel *channel)
{
	channel->epoll = epoll_create1(EPOLL_CLOEXEC);
	channel->alarm = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	channel->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (channel->epoll < 0 || channel->alarm < 0 || channel->bell < 0 ||
	    watch(channel, EPOLL_CTL_ADD, channel->fd, EPOLLIN) ||
	    watch(channel, EPOLL_CTL_ADD, channel->alarm, EPOLLIN))
		return strads_fail(STRADS_ERR_IO, "cannot watch the control channel: %s",
				   strerror(errno));
	return STRADS_OK;
}

/* All but the socket. */
static void
close_descriptors(const struct strads_channel *channel)
{
	const int fds[] = {channel->bell, channel->alarm, channel->epoll};

	for (int i = 0; i < 3; i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

int
strads_channel_open(struct strads_channel *channel, int fd, const char *hub_name, int size)
{
	int status;

	*channel = (struct strads_channel){.fd = fd, .hub_name = hub_name, .size = size};
	status = open_descriptors(channel);
	if (status) {
		close_descriptors(channel);
		return status;
	}
	pthread_mutex_init(&channel->lock, NULL);
	strads_mailbox_init(&channel->mailbox, size);
	strads_reader_init(&channel->reader, strads_frame_from_hub);
	return STRADS_OK;
}

void
strads_channel_close(struct strads_channel *channel)
{
	close_descriptors(channel);
	close(channel->fd);
	strads_outbox_drop(&channel->outbox);
	strads_reader_next(&channel->reader);
	free(channel->gathered);
	strads_mailbox_fini(&channel->mailbox);
	pthread_mutex_destroy(&channel->lock);
}

/* ---- News ---------------------------------------------------------------------------------- */

static void
ring(int eventfd)
{
	/* It fails only where the counter is full, and then it is readable. */
	(void)eventfd_write(eventfd, 1);
}

int
strads_channel_news(const struct strads_channel *channel)
{
	if (!channel->news.status)
		return STRADS_OK;
	return strads_fail(channel->news.status, "%s", channel->news.text);
}

int
strads_channel_end(struct strads_channel *channel, int status)
{
	if (!channel->news.status) {
		channel->news.status = status;
		snprintf(channel->news.text, sizeof channel->news.text, "%s", strads_error());
		strads_socket_tend(channel->fd, STRADS_SOCKET_FAREWELL_MS);
		ring(channel->alarm);
		ring(channel->bell);
	}
	return strads_channel_news(channel);
}

/* As strads_channel_end, where nothing more can come after it. */
static int
deafen(struct strads_channel *channel, int status)
{
	channel->deaf = true;
	watch(channel, EPOLL_CTL_DEL, channel->fd, 0);
	return strads_channel_end(channel, status);
}

int
strads_channel_garbled(struct strads_channel *channel, const char *complaint)
{
	return deafen(channel, strads_fail(STRADS_ERR_PROTOCOL, "%s sent a control message with %s",
					   channel->hub_name, complaint));
}

static int
reading_failed(struct strads_channel *channel, int status)
{
	if (status == STRADS_ERR_PROTOCOL)
		return strads_channel_garbled(channel, channel->reader.complaint);
	if (status == STRADS_ERR_MEMORY)
		return deafen(channel,
			      strads_fail(status, "no memory for an answer of %llu bytes from %s",
					  (unsigned long long)channel->reader.frame.length,
					  channel->hub_name));
	return deafen(
	    channel, strads_fail(STRADS_ERR_PEER, "%s is gone: %s", channel->hub_name,
				 strads_reader_silent(&channel->reader)
				     ? "its host does not answer; is it up, is the network between?"
				     : "its control connection closed"));
}

/* ---- Reading and writing, with the lock held ------------------------------------------------ */

static int
take_news(struct strads_channel *channel)
{
	struct strads_verdict verdict;

	strads_verdict_decode(channel->reader.payload, channel->reader.frame.length, &verdict);
	if (!channel->news.status)
		channel->missed = channel->reader.frame.sequence;
	strads_reader_next(&channel->reader);
	if (verdict.status >= 0)
		return strads_channel_garbled(channel, "news of success");
	strads_channel_end(channel, strads_fail(verdict.status, "%s", verdict.text));
	return STRADS_OK;
}

static int
take_mail(struct strads_channel *channel)
{
	const struct strads_frame *frame = &channel->reader.frame;
	int status = STRADS_OK;

	if (frame->rank >= (uint32_t)channel->size)
		return strads_channel_garbled(channel, "a letter of nobody");
	status = strads_mailbox_put(&channel->mailbox, (int)frame->rank, channel->reader.payload,
				    frame->length);
	strads_reader_next(&channel->reader);
	return status ? deafen(channel, status) : STRADS_OK;
}

/* The descriptor must not tell of what nobody would read or write now: who sleeps on it would not
 * sleep. */
static void
watch_socket(const struct strads_channel *channel)
{
	watch(channel, EPOLL_CTL_MOD, channel->fd,
	      (channel->choked ? 0 : EPOLLIN) | (channel->full ? EPOLLOUT : 0));
}

static void
choke(struct strads_channel *channel, bool choked)
{
	if (choked == channel->choked)
		return;
	channel->choked = choked;
	watch_socket(channel);
}

/* That nobody reads there any more is noticed when reading. */
void
strads_channel_send(struct strads_channel *channel)
{
	int status = strads_outbox_send(&channel->outbox, channel->fd);
	bool full = status == STRADS_AGAIN;

	if (status < 0)
		strads_outbox_drop(&channel->outbox);
	if (full == channel->full)
		return;
	channel->full = full;
	watch_socket(channel);
}

/* Lays it by for the owner, so that what comes behind it is read meanwhile. Once the job has ended
 * the last one counts: the one before it comes too late for its question. */
static int
take_answer(struct strads_channel *channel)
{
	struct strads_reader *reader = &channel->reader;

	if (channel->awaiting && (!channel->answered || channel->news.status)) {
		strads_channel_drop(channel);
		channel->answer = reader->frame;
		channel->gathered = reader->payload;
		reader->payload = NULL;
		strads_reader_next(reader);
		channel->answered = true;
		ring(channel->bell);
		return STRADS_OK;
	}
	strads_reader_next(reader);
	/* After a deadline has passed the answer may still come. */
	return channel->news.status ? STRADS_OK
				    : strads_channel_garbled(channel, "an answer to no question");
}

/* Takes one message: STRADS_OK, STRADS_AGAIN (none has come, or the taker of letters must catch up
 * first), or why nothing comes any more. */
static int
read_one(struct strads_channel *channel)
{
	int status;

	if (channel->deaf)
		return STRADS_AGAIN;
	choke(channel, strads_mailbox_full(&channel->mailbox));
	if (channel->choked)
		return STRADS_AGAIN;
	status = strads_reader_step(&channel->reader, channel->fd);
	if (status == STRADS_AGAIN)
		return status;
	if (status)
		return reading_failed(channel, status);
	switch (channel->reader.frame.type) {
	case STRADS_FRAME_NEWS:
		return take_news(channel);
	case STRADS_FRAME_MAIL:
		return take_mail(channel);
	default:
		return take_answer(channel);
	}
}

int
strads_channel_put(struct strads_channel *channel, struct strads_message *message)
{
	int status = message ? strads_outbox_put(&channel->outbox, message)
			     : strads_fail(STRADS_ERR_MEMORY, "no memory for a control message");

	strads_message_release(message);
	strads_channel_send(channel);
	return status;
}

/* ---- Serving ------------------------------------------------------------------------------- */

bool
strads_channel_deliver(struct strads_channel *channel)
{
	bool room;

	strads_mailbox_deliver(&channel->mailbox);
	pthread_mutex_lock(&channel->lock);
	room = channel->choked && !strads_mailbox_full(&channel->mailbox);
	if (room)
		choke(channel, false);
	pthread_mutex_unlock(&channel->lock);
	return room;
}

void
strads_channel_serve(struct strads_channel *channel)
{
	int status;

	do {
		pthread_mutex_lock(&channel->lock);
		strads_channel_send(channel);
		status = read_one(channel);
		pthread_mutex_unlock(&channel->lock);
	} while (strads_channel_deliver(channel) || status == STRADS_OK);
}

int
strads_channel_await(struct strads_channel *channel, bool leaving, uint64_t deadline_ms)
{
	struct pollfd fds[] = {{.fd = channel->fd}, {.fd = channel->bell, .events = POLLIN}};
	eventfd_t rung;

	for (;;) {
		(void)eventfd_read(channel->bell, &rung);
		strads_channel_serve(channel);
		pthread_mutex_lock(&channel->lock);
		bool answered = channel->answered;
		bool over = channel->deaf || (channel->news.status && !leaving);
		int status = strads_channel_news(channel);
		fds[0].events = POLLIN | (channel->full ? POLLOUT : 0);
		pthread_mutex_unlock(&channel->lock);
		if (answered)
			return STRADS_OK;
		if (over)
			return status;
		int left_ms = strads_clock_left_ms(deadline_ms);
		if (!left_ms)
			return strads_fail(STRADS_ERR_TIMEOUT,
					   "%s does not answer: it hangs or is stopped",
					   channel->hub_name);
		if (strads_mailbox_full(&channel->mailbox)) {
			fds[0].events = 0;
			left_ms = left_ms < FULL_MAILBOX_MS ? left_ms : FULL_MAILBOX_MS;
		}
		poll(fds, 2, left_ms);
	}
}

void
strads_channel_drop(struct strads_channel *channel)
{
	free(channel->gathered);
	channel->gathered = NULL;
	channel->answered = false;
}

int
strads_channel_ask(struct strads_channel *channel, struct strads_message *question)
{
	pthread_mutex_lock(&channel->lock);
	channel->awaiting = true;
	int status = strads_channel_put(channel, question);
	pthread_mutex_unlock(&channel->lock);
	return status;
}

void
strads_channel_flush(struct strads_channel *channel, uint64_t deadline_ms)
{
	struct pollfd pollfd = {.fd = channel->fd, .events = POLLOUT};
	bool left;

	do {
		pthread_mutex_lock(&channel->lock);
		strads_channel_send(channel);
		left = channel->outbox.first;
		pthread_mutex_unlock(&channel->lock);
	} while (left && poll(&pollfd, 1, strads_clock_left_ms(deadline_ms)) != 0);
}
