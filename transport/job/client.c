#include "job/client.h"

#include "job/clock.h"
#include "job/frame.h"
#include "job/mail.h"
#include "job/outbox.h"
#include "job/socket.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* The hub keeps the deadline of a collective and knows who is missing; a rank keeps its own in case
 * that the hub does not answer at all. */
#define HUB_GRACE_MS   2000
#define ABORT_LIMIT_MS 1000

#define FULL_MAILBOX_MS 10 /* between looks whether the taker has made room */

#define LETTERS_MAX 64 /* in the outbox; then strads_job_post says AGAIN */

struct strads_client {
	int fd;
	int epoll; /* job->fd: the socket, and `alarm` */
	int alarm; /* eventfd: readable once there are news, whichever thread has read them */
	int bell;  /* eventfd: some thread has read what the owner may be waiting for */
	int size;
	const char *hub_name;
	struct strads_mailbox mailbox;

	pthread_mutex_t lock; /* of what follows; held only while reading and writing */
	struct strads_reader reader;
	struct strads_outbox outbox;
	bool full;                  /* the socket takes no more of the outbox for now */
	bool choked;                /* nothing is read until the taker of letters has caught up */
	int letters;                /* in the outbox */
	bool awaiting;              /* the owner waits for an answer */
	bool answered;              /* it is here, for the owner to take: */
	struct strads_frame answer; /* what it is … */
	uint8_t *gathered;          /* … and its payload */
	bool deaf;                  /* nothing comes from the hub any more */
	uint64_t sequence;          /* of the next collective */
	struct strads_verdict news; /* status 0: the job goes on */
};

static int
watch(const struct strads_client *client, int operation, int fd, uint32_t events)
{
	struct epoll_event event = {.events = events};

	return epoll_ctl(client->epoll, operation, fd, &event);
}

static int
open_descriptors(struct strads_client *client)
{
	client->epoll = epoll_create1(EPOLL_CLOEXEC);
	client->alarm = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	client->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (client->epoll < 0 || client->alarm < 0 || client->bell < 0 ||
	    watch(client, EPOLL_CTL_ADD, client->fd, EPOLLIN) ||
	    watch(client, EPOLL_CTL_ADD, client->alarm, EPOLLIN))
		return strads_fail(STRADS_ERR_IO, "cannot watch the control channel: %s",
				   strerror(errno));
	return STRADS_OK;
}

/* All but the socket. */
static void
close_descriptors(const struct strads_client *client)
{
	const int fds[] = {client->bell, client->alarm, client->epoll};

	for (int i = 0; i < 3; i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

int
strads_client_new(struct strads_job *job, int fd, const char *hub_name, struct strads_client **out)
{
	struct strads_client *client = calloc(1, sizeof *client);
	int status;

	if (!client)
		return strads_fail(STRADS_ERR_MEMORY, "no memory for the control channel");
	client->fd = fd;
	client->size = job->size;
	client->hub_name = hub_name;
	status = open_descriptors(client);
	if (status) {
		close_descriptors(client);
		free(client);
		return status;
	}
	pthread_mutex_init(&client->lock, NULL);
	strads_mailbox_init(&client->mailbox, job->size);
	strads_reader_init(&client->reader, strads_frame_from_hub);
	job->fd = client->epoll;
	job->context = client;
	*out = client;
	return STRADS_OK;
}

void
strads_client_delete(struct strads_client **client_pointer)
{
	struct strads_client *client = *client_pointer;

	if (!client)
		return;
	close_descriptors(client);
	close(client->fd);
	strads_outbox_drop(&client->outbox);
	strads_reader_next(&client->reader);
	free(client->gathered);
	strads_mailbox_fini(&client->mailbox);
	pthread_mutex_destroy(&client->lock);
	free(client);
	*client_pointer = NULL;
}

/* ---- News ---------------------------------------------------------------------------------- */

static void
ring(int eventfd)
{
	/* It fails only where the counter is full, and then it is readable. */
	(void)eventfd_write(eventfd, 1);
}

static int
news_fail(const struct strads_client *client)
{
	if (!client->news.status)
		return STRADS_OK;
	return strads_fail(client->news.status, "%s", client->news.text);
}

/* Keeps the first reason why the job cannot go on, and returns it. */
static int
news_set(struct strads_client *client, int status)
{
	if (!client->news.status) {
		client->news.status = status;
		snprintf(client->news.text, sizeof client->news.text, "%s", strads_error());
		strads_socket_tend(client->fd, STRADS_SOCKET_FAREWELL_MS);
		ring(client->alarm);
		ring(client->bell);
	}
	return news_fail(client);
}

/* As news_set, where nothing more can come after it. */
static int
deafen(struct strads_client *client, int status)
{
	client->deaf = true;
	watch(client, EPOLL_CTL_DEL, client->fd, 0);
	return news_set(client, status);
}

static int
hub_garbled(struct strads_client *client, const char *complaint)
{
	return deafen(client, strads_fail(STRADS_ERR_PROTOCOL, "%s sent a control message with %s",
					  client->hub_name, complaint));
}

static int
reading_failed(struct strads_client *client, int status)
{
	if (status == STRADS_ERR_PROTOCOL)
		return hub_garbled(client, client->reader.complaint);
	if (status == STRADS_ERR_MEMORY)
		return deafen(client,
			      strads_fail(status, "no memory for an answer of %llu bytes from %s",
					  (unsigned long long)client->reader.frame.length,
					  client->hub_name));
	return deafen(
	    client, strads_fail(STRADS_ERR_PEER, "%s is gone: %s", client->hub_name,
				strads_reader_silent(&client->reader)
				    ? "its host does not answer; is it up, is the network between?"
				    : "its control connection closed"));
}

/* ---- Reading and writing, with the lock held ------------------------------------------------ */

static int
take_news(struct strads_client *client)
{
	struct strads_verdict verdict;

	strads_verdict_decode(client->reader.payload, client->reader.frame.length, &verdict);
	strads_reader_next(&client->reader);
	if (verdict.status >= 0)
		return hub_garbled(client, "news of success");
	news_set(client, strads_fail(verdict.status, "%s", verdict.text));
	return STRADS_OK;
}

static int
take_mail(struct strads_client *client)
{
	const struct strads_frame *frame = &client->reader.frame;
	int status = STRADS_OK;

	if (frame->rank >= (uint32_t)client->size)
		return hub_garbled(client, "a letter of nobody");
	status = strads_mailbox_put(&client->mailbox, (int)frame->rank, client->reader.payload,
				    frame->length);
	strads_reader_next(&client->reader);
	return status ? deafen(client, status) : STRADS_OK;
}

/* The descriptor must not tell of what nobody would read or write now: who sleeps on it would not
 * sleep. */
static void
watch_socket(const struct strads_client *client)
{
	watch(client, EPOLL_CTL_MOD, client->fd,
	      (client->choked ? 0 : EPOLLIN) | (client->full ? EPOLLOUT : 0));
}

static void
choke(struct strads_client *client, bool choked)
{
	if (choked == client->choked)
		return;
	client->choked = choked;
	watch_socket(client);
}

/* Sends what the socket takes. That nobody reads there any more is noticed when reading. */
static void
send_some(struct strads_client *client)
{
	int status = strads_outbox_send(&client->outbox, client->fd);
	bool full = status == STRADS_AGAIN;

	if (status < 0)
		strads_outbox_drop(&client->outbox);
	if (full == client->full)
		return;
	client->full = full;
	watch_socket(client);
}

/* Lays it by for the owner, so that what comes behind it is read meanwhile. */
static int
take_answer(struct strads_client *client)
{
	struct strads_reader *reader = &client->reader;

	if (client->awaiting && !client->answered) {
		client->answer = reader->frame;
		client->gathered = reader->payload;
		reader->payload = NULL;
		strads_reader_next(reader);
		client->answered = true;
		ring(client->bell);
		return STRADS_OK;
	}
	strads_reader_next(reader);
	/* After a deadline has passed the answer may still come. */
	return client->news.status ? STRADS_OK : hub_garbled(client, "an answer to no question");
}

/* Takes one message: STRADS_OK, STRADS_AGAIN (none has come, or the taker of letters must catch up
 * first), or why nothing comes any more. */
static int
read_one(struct strads_client *client)
{
	int status;

	if (client->deaf)
		return STRADS_AGAIN;
	choke(client, strads_mailbox_full(&client->mailbox));
	if (client->choked)
		return STRADS_AGAIN;
	status = strads_reader_step(&client->reader, client->fd);
	if (status == STRADS_AGAIN)
		return status;
	if (status)
		return reading_failed(client, status);
	switch (client->reader.frame.type) {
	case STRADS_FRAME_NEWS:
		return take_news(client);
	case STRADS_FRAME_MAIL:
		return take_mail(client);
	default:
		return take_answer(client);
	}
}

static int
put(struct strads_client *client, struct strads_message *message)
{
	int status = message ? strads_outbox_put(&client->outbox, message)
			     : strads_fail(STRADS_ERR_MEMORY, "no memory for a control message");

	strads_message_release(message);
	send_some(client);
	return status;
}

/* ---- Serving ------------------------------------------------------------------------------- */

/* Gives letters to their taker; returns whether that lets more be read. */
static bool
deliver(struct strads_client *client)
{
	bool room;

	strads_mailbox_deliver(&client->mailbox);
	pthread_mutex_lock(&client->lock);
	room = client->choked && !strads_mailbox_full(&client->mailbox);
	if (room)
		choke(client, false);
	pthread_mutex_unlock(&client->lock);
	return room;
}

/* Sends what can be sent, takes all that has come and gives letters to their taker. */
static void
serve(struct strads_client *client)
{
	int status;

	do {
		pthread_mutex_lock(&client->lock);
		send_some(client);
		status = read_one(client);
		pthread_mutex_unlock(&client->lock);
	} while (deliver(client) || status == STRADS_OK);
}

/* Until an answer is there. News end the wait too, unless the owner is leaving. */
static int
await_answer(struct strads_client *client, bool leaving, uint64_t deadline_ms)
{
	struct pollfd fds[] = {{.fd = client->fd}, {.fd = client->bell, .events = POLLIN}};
	eventfd_t rung;

	for (;;) {
		(void)eventfd_read(client->bell, &rung);
		serve(client);
		pthread_mutex_lock(&client->lock);
		bool answered = client->answered;
		bool over = client->deaf || (client->news.status && !leaving);
		int status = news_fail(client);
		fds[0].events = POLLIN | (client->full ? POLLOUT : 0);
		pthread_mutex_unlock(&client->lock);
		if (answered)
			return STRADS_OK;
		if (over)
			return status;
		int left_ms = strads_clock_left_ms(deadline_ms);
		if (!left_ms)
			return strads_fail(STRADS_ERR_TIMEOUT,
					   "%s does not answer: it hangs or is stopped",
					   client->hub_name);
		if (strads_mailbox_full(&client->mailbox)) {
			fds[0].events = 0;
			left_ms = left_ms < FULL_MAILBOX_MS ? left_ms : FULL_MAILBOX_MS;
		}
		poll(fds, 2, left_ms);
	}
}

/* Forgets the answer, if there is one. With the lock held. */
static void
drop_answer(struct strads_client *client)
{
	free(client->gathered);
	client->gathered = NULL;
	client->answered = false;
}

/* Sends a question, after which an answer is awaited. */
static int
ask(struct strads_client *client, struct strads_message *question)
{
	pthread_mutex_lock(&client->lock);
	client->awaiting = true;
	int status = put(client, question);
	pthread_mutex_unlock(&client->lock);
	return status;
}

/* ---- Operations ---------------------------------------------------------------------------- */

void
strads_client_serve(struct strads_job *job)
{
	serve(job->context);
}

int
strads_client_check(struct strads_job *job)
{
	struct strads_client *client = job->context;

	pthread_mutex_lock(&client->lock);
	int status = news_fail(client);
	pthread_mutex_unlock(&client->lock);
	return status;
}

static int
take_gathered(struct strads_client *client, size_t bytes, void *all)
{
	const struct strads_frame *answer = &client->answer;
	struct strads_verdict verdict;
	int status = STRADS_OK;

	if (answer->sequence != client->sequence) {
		status = hub_garbled(client, "the number of another collective");
	} else if (answer->type == STRADS_FRAME_REFUSED) {
		strads_verdict_decode(client->gathered, answer->length, &verdict);
		status = strads_fail(verdict.status < 0 ? verdict.status : STRADS_ERR_PROTOCOL,
				     "%s", verdict.text);
	} else if (answer->type != STRADS_FRAME_GATHERED || answer->length != bytes) {
		status = hub_garbled(client, "an answer that does not fit the question");
	} else if (bytes) {
		memcpy(all, client->gathered, bytes);
	}
	client->sequence++;
	return status;
}

int
strads_client_allgather(struct strads_job *job, const void *mine, size_t bytes, void *all)
{
	struct strads_client *client = job->context;
	uint64_t deadline_ms = strads_clock_ms() + job->timeout_ms + HUB_GRACE_MS;
	int status;

	serve(client);
	status = strads_client_check(job);
	if (status)
		return status;
	struct strads_message *contribution =
	    strads_message_new(STRADS_FRAME_GATHER, job->rank, client->sequence, bytes);
	if (contribution && bytes)
		memcpy(strads_message_payload(contribution), mine, bytes);
	status = ask(client, contribution);
	if (!status)
		status = await_answer(client, false, deadline_ms);
	pthread_mutex_lock(&client->lock);
	status = status ? news_set(client, status)
			: take_gathered(client, bytes * (size_t)job->size, all);
	client->awaiting = false;
	drop_answer(client);
	pthread_mutex_unlock(&client->lock);
	return status;
}

/* Sends what is in the outbox, if the hub takes it in time. */
static void
flush(struct strads_client *client, uint64_t deadline_ms)
{
	struct pollfd pollfd = {.fd = client->fd, .events = POLLOUT};
	bool left;

	do {
		pthread_mutex_lock(&client->lock);
		send_some(client);
		left = client->outbox.first;
		pthread_mutex_unlock(&client->lock);
	} while (left && poll(&pollfd, 1, strads_clock_left_ms(deadline_ms)) != 0);
}

void
strads_client_abort(struct strads_job *job, int status, const char *reason)
{
	struct strads_client *client = job->context;

	pthread_mutex_lock(&client->lock);
	bool over = client->news.status;
	/* Nothing is to be done if this fails: the hub is gone, and with it the job. */
	if (!over)
		(void)put(client, strads_message_new_verdict(STRADS_FRAME_ABORT, job->rank, 0,
							     status, reason));
	pthread_mutex_unlock(&client->lock);
	if (over)
		return;
	flush(client, strads_clock_ms() + ABORT_LIMIT_MS);
	pthread_mutex_lock(&client->lock);
	news_set(client, strads_fail(STRADS_ERR_ABORTED, "this rank gave up: %s", reason));
	pthread_mutex_unlock(&client->lock);
}

int
strads_client_post(struct strads_job *job, int to, const void *bytes, size_t n)
{
	struct strads_client *client = job->context;
	struct strads_message *letter;

	pthread_mutex_lock(&client->lock);
	int status = news_fail(client);
	if (client->letters >= LETTERS_MAX)
		send_some(client);
	if (!status && client->letters >= LETTERS_MAX)
		status = STRADS_AGAIN;
	if (!status) {
		letter = strads_message_new(STRADS_FRAME_POST, job->rank, (uint64_t)to, n);
		if (letter)
			strads_message_count(letter, &client->letters);
		if (letter && n)
			memcpy(strads_message_payload(letter), bytes, n);
		status = put(client, letter);
	}
	pthread_mutex_unlock(&client->lock);
	return status;
}

void
strads_client_take_mail(struct strads_job *job, strads_mail_taker *taker, void *context)
{
	struct strads_client *client = job->context;

	strads_mailbox_take(&client->mailbox, taker, context);
	(void)deliver(client);
}

int
strads_client_leave(struct strads_job *job, int code)
{
	struct strads_client *client = job->context;
	uint64_t deadline_ms = strads_clock_ms() + job->timeout_ms;
	bool left = false;
	int status =
	    ask(client, strads_message_new_verdict(STRADS_FRAME_LEAVE, job->rank, 0, code, ""));

	/* News matter no more; what is awaited comes after them. */
	while (!status && !left) {
		status = await_answer(client, true, deadline_ms);
		if (status)
			break;
		pthread_mutex_lock(&client->lock);
		left = client->answer.type == STRADS_FRAME_LEFT;
		drop_answer(client);
		pthread_mutex_unlock(&client->lock);
	}
	return status;
}
