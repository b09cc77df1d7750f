/*
 * Letters that have come and wait for their taker. Any thread may bring, deliver or change the
 * taker; it runs on one thread at a time and sees each sender's letters in order.
 */
#ifndef STRADS_MAIL_H
#define STRADS_MAIL_H

#include "job/job.h"

#include <pthread.h>
#include <stdbool.h>

#define STRADS_MAIL_KEPT 64 /* letters per rank of the job that wait at most */

struct strads_letter;

struct strads_mailbox {
	pthread_mutex_t lock; /* of what follows; never held while the taker runs */
	pthread_cond_t idle;  /* no thread delivers any more */
	struct strads_letter *first;
	struct strads_letter *last;
	int count;
	int limit;
	bool delivering;
	pthread_t deliverer; /* valid while delivering */
	strads_mail_taker *taker;
	void *context;
};

/* An empty mailbox without a taker, in a job of `size` ranks. */
void strads_mailbox_init(struct strads_mailbox *mailbox, int size);

/* Frees letters that nobody took. */
void strads_mailbox_fini(struct strads_mailbox *mailbox);

/* Keeps a copy of a letter. Returns STRADS_OK, ERR_MEMORY (it is full, or there is no memory). */
int strads_mailbox_put(struct strads_mailbox *mailbox, int from, const void *bytes, size_t n);

/* Whether there is a taker that does not keep up: nothing more should be put for now. */
bool strads_mailbox_full(struct strads_mailbox *mailbox);

/* Gives what is there to the taker, unless there is none or a thread is at it already. */
void strads_mailbox_deliver(struct strads_mailbox *mailbox);

/* Changes the taker, NULL: to none. The one before does not run any more when this returns, unless
 * it is the caller. */
void strads_mailbox_take(struct strads_mailbox *mailbox, strads_mail_taker *taker, void *context);

#endif
