#include "job/client.h"

#include "job/channel.h"
#include "job/clock.h"

#include <stdlib.h>
#include <string.h>

/* The hub keeps the deadline of a collective and knows who is missing; a rank keeps its own in case
 * that the hub does not answer at all. */
#define HUB_GRACE_MS   2000
#define ABORT_LIMIT_MS 1000

#define LETTERS_MAX 64 /* in the outbox; then strads_job_post says AGAIN */

struct strads_client {
	struct strads_channel channel;
	int letters;       /* in its outbox; under its lock */
	uint64_t sequence; /* of the next collective */
};

int
strads_client_new(struct strads_job *job, int fd, const char *hub_name, struct strads_client **out)
{
	struct strads_client *client = calloc(1, sizeof *client);
	int status;

	if (!client)
		return strads_fail(STRADS_ERR_MEMORY, "no memory for the control channel");
	status = strads_channel_open(&client->channel, fd, hub_name, job->size);
	if (status) {
		free(client);
		return status;
	}
	job->fd = client->channel.epoll;
	job->context = client;
	*out = client;
	return STRADS_OK;
}

void
strads_client_delete(struct strads_client **client)
{
	if (!*client)
		return;
	strads_channel_close(&(*client)->channel);
	free(*client);
	*client = NULL;
}

void
strads_client_serve(struct strads_job *job)
{
	struct strads_client *client = job->context;

	strads_channel_serve(&client->channel);
}

int
strads_client_check(struct strads_job *job)
{
	struct strads_client *client = job->context;

	pthread_mutex_lock(&client->channel.lock);
	int status = strads_channel_news(&client->channel);
	pthread_mutex_unlock(&client->channel.lock);
	return status;
}

static int
take_gathered(struct strads_client *client, size_t bytes, void *all)
{
	const struct strads_frame *answer = &client->channel.answer;
	struct strads_verdict verdict;
	int status = STRADS_OK;

	if (answer->sequence != client->sequence) {
		status =
		    strads_channel_garbled(&client->channel, "the number of another collective");
	} else if (answer->type == STRADS_FRAME_REFUSED) {
		strads_verdict_decode(client->channel.gathered, answer->length, &verdict);
		status = strads_fail(verdict.status < 0 ? verdict.status : STRADS_ERR_PROTOCOL,
				     "%s", verdict.text);
	} else if (answer->type != STRADS_FRAME_GATHERED || answer->length != bytes) {
		status = strads_channel_garbled(&client->channel,
						"an answer that does not fit the question");
	} else if (bytes) {
		memcpy(all, client->channel.gathered, bytes);
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

	strads_channel_serve(&client->channel);
	status = strads_client_check(job);
	if (status)
		return status;
	struct strads_message *contribution =
	    strads_message_new(STRADS_FRAME_GATHER, job->rank, client->sequence, bytes);
	if (contribution && bytes)
		memcpy(strads_message_payload(contribution), mine, bytes);
	status = strads_channel_ask(&client->channel, contribution);
	if (!status)
		status = strads_channel_await(&client->channel, false, deadline_ms);
	pthread_mutex_lock(&client->channel.lock);
	status = status ? strads_channel_end(&client->channel, status)
			: take_gathered(client, bytes * (size_t)job->size, all);
	client->channel.awaiting = false;
	strads_channel_drop(&client->channel);
	pthread_mutex_unlock(&client->channel.lock);
	return status;
}

void
strads_client_abort(struct strads_job *job, int status, const char *reason, int missed)
{
	struct strads_client *client = job->context;

	pthread_mutex_lock(&client->channel.lock);
	bool over = client->channel.news.status;
	/* Nothing is to be done if this fails: the hub is gone, and with it the job. */
	if (!over)
		(void)strads_channel_put(&client->channel,
					 strads_message_new_verdict(STRADS_FRAME_ABORT, job->rank,
								    (uint64_t)missed + 1, status,
								    reason));
	pthread_mutex_unlock(&client->channel.lock);
	if (over)
		return;
	strads_channel_flush(&client->channel, strads_clock_ms() + ABORT_LIMIT_MS);
	pthread_mutex_lock(&client->channel.lock);
	strads_channel_end(&client->channel,
			   strads_fail(STRADS_ERR_ABORTED, "this rank gave up: %s", reason));
	pthread_mutex_unlock(&client->channel.lock);
}

int
strads_client_missed(struct strads_job *job)
{
	struct strads_client *client = job->context;

	pthread_mutex_lock(&client->channel.lock);
	uint64_t missed = client->channel.missed;
	pthread_mutex_unlock(&client->channel.lock);
	return missed <= (uint64_t)job->size ? (int)missed - 1 : -1;
}

int
strads_client_post(struct strads_job *job, int to, const void *bytes, size_t n)
{
	struct strads_client *client = job->context;
	struct strads_message *letter;

	pthread_mutex_lock(&client->channel.lock);
	int status = strads_channel_news(&client->channel);
	if (client->letters >= LETTERS_MAX)
		strads_channel_send(&client->channel);
	if (!status && client->letters >= LETTERS_MAX)
		status = STRADS_AGAIN;
	if (!status) {
		letter = strads_message_new(STRADS_FRAME_POST, job->rank, (uint64_t)to, n);
		if (letter)
			strads_message_count(letter, &client->letters);
		if (letter && n)
			memcpy(strads_message_payload(letter), bytes, n);
		status = strads_channel_put(&client->channel, letter);
	}
	pthread_mutex_unlock(&client->channel.lock);
	return status;
}

void
strads_client_take_mail(struct strads_job *job, strads_mail_taker *taker, void *context)
{
	struct strads_client *client = job->context;

	strads_mailbox_take(&client->channel.mailbox, taker, context);
	(void)strads_channel_deliver(&client->channel);
}

int
strads_client_leave(struct strads_job *job, int code)
{
	struct strads_client *client = job->context;
	uint64_t deadline_ms = strads_clock_ms() + job->timeout_ms;
	bool left = false;
	int status = strads_channel_ask(
	    &client->channel,
	    strads_message_new_verdict(STRADS_FRAME_LEAVE, job->rank, 0, code, ""));

	/* News matter no more; what is awaited comes after them. */
	while (!status && !left) {
		status = strads_channel_await(&client->channel, true, deadline_ms);
		if (status)
			break;
		pthread_mutex_lock(&client->channel.lock);
		left = client->channel.answer.type == STRADS_FRAME_LEFT;
		strads_channel_drop(&client->channel);
		pthread_mutex_unlock(&client->channel.lock);
	}
	return status;
}
