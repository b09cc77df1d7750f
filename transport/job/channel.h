/*
 * The way from a rank to the hub: what is sent and read there by any thread, the answer laid by for
 * the owner, letters for their taker, and news that end the job for this rank, kept once they have
 * arrived.
 */
#ifndef STRADS_CHANNEL_H
#define STRADS_CHANNEL_H

#include "job/frame.h"
#include "job/mail.h"
#include "job/outbox.h"

struct strads_channel {
	int fd;
	int epoll; /* the socket, and `alarm` */
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
	bool awaiting;              /* the owner waits for an answer */
	bool answered;              /* it is here, for the owner to take: */
	struct strads_frame answer; /* what it is … */
	uint8_t *gathered;          /* … and its payload */
	bool deaf;                  /* nothing comes from the hub any more */
	struct strads_verdict news; /* status 0: the job goes on */
	uint64_t missed;            /* 1 + the rank that is to blame for them, or 0 */
};

/* Over `fd`, a stream socket to the hub, which it owns on success; `hub_name` is borrowed. Returns
 * STRADS_OK, ERR_IO. Thread: owner. */
int strads_channel_open(struct strads_channel *channel, int fd, const char *hub_name, int size);
void strads_channel_close(struct strads_channel *channel);

/* ---- With the lock held. Thread: any ---- */

/* STRADS_OK while the job goes on, else why it cannot. */
int strads_channel_news(const struct strads_channel *channel);

/* Keeps the first reason why the job cannot go on (`status`, with its sentence), and returns it. */
int strads_channel_end(struct strads_channel *channel, int status);

/* The same where the hub sent nonsense: "a control message with `complaint`". */
int strads_channel_garbled(struct strads_channel *channel, const char *complaint);

/* Sends what the socket takes. */
void strads_channel_send(struct strads_channel *channel);

/* Sends a message, or keeps it until the socket takes it; NULL is one that found no memory. Returns
 * STRADS_OK, ERR_MEMORY. */
int strads_channel_put(struct strads_channel *channel, struct strads_message *message);

/* Forgets the answer, if there is one. */
void strads_channel_drop(struct strads_channel *channel);

/* ---- Without it ---- */

/* Sends what can be sent, takes all that has come and gives letters to their taker. Thread: any. */
void strads_channel_serve(struct strads_channel *channel);

/* Gives letters to their taker; returns whether that lets more be read. Thread: any. */
bool strads_channel_deliver(struct strads_channel *channel);

/* Sends a question, after which an answer is awaited. Returns as strads_channel_put. Thread: owner.
 */
int strads_channel_ask(struct strads_channel *channel, struct strads_message *question);

/* Until an answer is there. News end the wait too, unless the owner is leaving. Returns STRADS_OK,
 * ERR_TIMEOUT, or what the news are. Thread: owner. */
int strads_channel_await(struct strads_channel *channel, bool leaving, uint64_t deadline_ms);

/* Sends what waits to be sent, if the hub takes it in time. Thread: any. */
void strads_channel_flush(struct strads_channel *channel, uint64_t deadline_ms);

#endif
