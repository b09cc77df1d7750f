#include "job/client.h"

#include "job/clock.h"
#include "job/frame.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

/* The hub keeps the deadline of a collective and knows who is missing; a rank keeps its own in case
 * that the hub does not answer at all. */
#define HUB_GRACE_MS   2000
#define ABORT_LIMIT_MS 1000

struct strads_client {
	int fd;
	const char *hub_name;
	struct strads_reader reader;
	uint64_t sequence;          /* of the next collective */
	struct strads_verdict news; /* status 0: the job goes on */
};

int
strads_client_new(struct strads_job *job, int fd, const char *hub_name, struct strads_client **out)
{
	struct strads_client *client = calloc(1, sizeof *client);

	if (!client)
		return strads_fail(STRADS_ERR_MEMORY, "no memory for the control channel");
	client->fd = fd;
	client->hub_name = hub_name;
	strads_reader_init(&client->reader, strads_frame_from_hub);
	job->fd = fd;
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
	close(client->fd);
	strads_reader_next(&client->reader);
	free(client);
	*client_pointer = NULL;
}

/* ---- News ---------------------------------------------------------------------------------- */

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
	}
	return news_fail(client);
}

static int
hub_lost(struct strads_client *client)
{
	return news_set(client,
			strads_fail(STRADS_ERR_PEER, "%s is gone: its control connection closed",
				    client->hub_name));
}

static int
hub_garbled(struct strads_client *client, const char *complaint)
{
	return news_set(client,
			strads_fail(STRADS_ERR_PROTOCOL, "%s sent a control message with %s",
				    client->hub_name, complaint));
}

static int
take_news(struct strads_client *client)
{
	struct strads_verdict verdict;

	strads_verdict_decode(client->reader.payload, client->reader.frame.length, &verdict);
	strads_reader_next(&client->reader);
	if (verdict.status >= 0)
		return hub_garbled(client, "news of success");
	return news_set(client, strads_fail(verdict.status, "%s", verdict.text));
}

/* Reads what has arrived: STRADS_OK with an answer in client->reader, STRADS_AGAIN, or why the job
 * cannot go on. */
static int
read_answer(struct strads_client *client)
{
	struct strads_reader *reader = &client->reader;
	int status;

	if (client->news.status)
		return news_fail(client);
	status = strads_reader_step(reader, client->fd);
	if (status == STRADS_OK && reader->frame.type == STRADS_FRAME_NEWS)
		return take_news(client);
	if (status == STRADS_ERR_PROTOCOL)
		return hub_garbled(client, reader->complaint);
	if (status == STRADS_ERR_MEMORY)
		return news_set(client, strads_fail(STRADS_ERR_MEMORY,
						    "no memory for an answer of %llu bytes from %s",
						    (unsigned long long)reader->frame.length,
						    client->hub_name));
	return status == STRADS_ERR_PEER ? hub_lost(client) : status;
}

/* ---- Blocking, with a deadline ------------------------------------------------------------- */

static int
wait_for(struct strads_client *client, short events, uint64_t deadline_ms)
{
	struct pollfd pollfd = {.fd = client->fd, .events = events};
	int n;

	do
		n = poll(&pollfd, 1, strads_clock_left_ms(deadline_ms));
	while (n < 0 && errno == EINTR);
	if (n > 0)
		return STRADS_OK;
	return strads_fail(STRADS_ERR_TIMEOUT, "%s does not answer: it hangs or is stopped",
			   client->hub_name);
}

/* Sends a frame and its payload. A hub that has gone may have left news: those are preferred. */
static int
send_all(struct strads_client *client, const struct strads_frame *frame, const void *payload,
	 size_t bytes, uint64_t deadline_ms)
{
	struct iovec parts[2] = {{(void *)frame, sizeof *frame}, {(void *)payload, bytes}};
	struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};

	while (parts[0].iov_len + parts[1].iov_len) {
		ssize_t n = sendmsg(client->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
			int status = wait_for(client, POLLOUT, deadline_ms);
			if (status)
				return status;
			continue;
		}
		if (n < 0) {
			int status = read_answer(client);
			return status < 0 ? status : hub_lost(client);
		}
		for (int i = 0; i < 2; i++) {
			size_t taken = (size_t)n < parts[i].iov_len ? (size_t)n : parts[i].iov_len;
			parts[i].iov_base = (uint8_t *)parts[i].iov_base + taken;
			parts[i].iov_len -= taken;
			n -= (ssize_t)taken;
		}
	}
	return STRADS_OK;
}

static int
send_verdict(struct strads_job *job, enum strads_frame_type type, int status, const char *text,
	     uint64_t deadline_ms)
{
	uint8_t verdict[sizeof(struct strads_verdict)];
	size_t length = strads_verdict_encode(status, text, verdict);
	struct strads_frame frame = strads_frame_encode(type, job->rank, 0, length);

	return send_all(job->context, &frame, verdict, length, deadline_ms);
}

/* Waits for an answer; it is then in client->reader. */
static int
await_answer(struct strads_client *client, uint64_t deadline_ms)
{
	int status;

	while ((status = read_answer(client)) == STRADS_AGAIN) {
		status = wait_for(client, POLLIN, deadline_ms);
		if (status)
			return status;
	}
	return status;
}

/* ---- Operations ---------------------------------------------------------------------------- */

static int
take_gathered(struct strads_client *client, size_t bytes, void *all)
{
	struct strads_reader *reader = &client->reader;
	struct strads_verdict verdict;
	int status = STRADS_OK;

	if (reader->frame.sequence != client->sequence) {
		status = hub_garbled(client, "the number of another collective");
	} else if (reader->frame.type == STRADS_FRAME_REFUSED) {
		strads_verdict_decode(reader->payload, reader->frame.length, &verdict);
		status = strads_fail(verdict.status < 0 ? verdict.status : STRADS_ERR_PROTOCOL,
				     "%s", verdict.text);
	} else if (reader->frame.type != STRADS_FRAME_GATHERED || reader->frame.length != bytes) {
		status = hub_garbled(client, "an answer that does not fit the question");
	} else if (bytes) {
		memcpy(all, reader->payload, bytes);
	}
	strads_reader_next(reader);
	client->sequence++;
	return status;
}

int
strads_client_allgather(struct strads_job *job, const void *mine, size_t bytes, void *all)
{
	struct strads_client *client = job->context;
	uint64_t deadline_ms = strads_clock_ms() + job->timeout_ms + HUB_GRACE_MS;
	struct strads_frame frame =
	    strads_frame_encode(STRADS_FRAME_GATHER, job->rank, client->sequence, bytes);
	int status = strads_client_check(job);

	if (!status)
		status = send_all(client, &frame, mine, bytes, deadline_ms);
	if (!status)
		status = await_answer(client, deadline_ms);
	if (status)
		return news_set(client, status);
	return take_gathered(client, bytes * (size_t)job->size, all);
}

int
strads_client_check(struct strads_job *job)
{
	struct strads_client *client = job->context;
	int status = read_answer(client);

	if (status == STRADS_OK) {
		strads_reader_next(&client->reader);
		return hub_garbled(client, "an answer to no question");
	}
	return status == STRADS_AGAIN ? STRADS_OK : status;
}

void
strads_client_abort(struct strads_job *job, int status, const char *reason)
{
	struct strads_client *client = job->context;

	if (client->news.status)
		return;
	/* Nothing is to be done if this fails: the hub is gone, and with it the job. */
	(void)send_verdict(job, STRADS_FRAME_ABORT, status, reason,
			   strads_clock_ms() + ABORT_LIMIT_MS);
	news_set(client, strads_fail(STRADS_ERR_ABORTED, "this rank gave up: %s", reason));
}

int
strads_client_leave(struct strads_job *job, int code)
{
	struct strads_client *client = job->context;
	struct strads_reader *reader = &client->reader;
	uint64_t deadline_ms = strads_clock_ms() + job->timeout_ms;
	int status = send_verdict(job, STRADS_FRAME_LEAVE, code, "", deadline_ms);

	/* News matter no more; what is awaited comes after them. */
	while (!status) {
		status = strads_reader_step(reader, client->fd);
		if (status == STRADS_AGAIN) {
			status = wait_for(client, POLLIN, deadline_ms);
		} else if (!status) {
			bool left = reader->frame.type == STRADS_FRAME_LEFT;
			strads_reader_next(reader);
			if (left)
				return STRADS_OK;
		}
	}
	return status;
}
