#include "job/mail.h"

#include <stdlib.h>
#include <string.h>

struct strads_letter {
	struct strads_letter *next;
	int from;
	size_t bytes;
	uint8_t text[];
};

void
strads_mailbox_init(struct strads_mailbox *mailbox, int size)
{
	*mailbox = (struct strads_mailbox){
	    .lock = PTHREAD_MUTEX_INITIALIZER,
	    .idle = PTHREAD_COND_INITIALIZER,
	    .limit = STRADS_MAIL_KEPT * size,
	};
}

/* The oldest letter, which is the caller's now. The mailbox is locked and not empty. */
static struct strads_letter *
remove_first(struct strads_mailbox *mailbox)
{
	struct strads_letter *letter = mailbox->first;

	mailbox->first = letter->next;
	mailbox->count--;
	return letter;
}

void
strads_mailbox_fini(struct strads_mailbox *mailbox)
{
	while (mailbox->first)
		free(remove_first(mailbox));
	pthread_cond_destroy(&mailbox->idle);
	pthread_mutex_destroy(&mailbox->lock);
}

int
strads_mailbox_put(struct strads_mailbox *mailbox, int from, const void *bytes, size_t n)
{
	struct strads_letter *letter = malloc(sizeof *letter + n);
	int status = STRADS_OK;

	if (!letter)
		return strads_fail(STRADS_ERR_MEMORY, "no memory for a letter of rank %d", from);
	*letter = (struct strads_letter){.from = from, .bytes = n};
	if (n)
		memcpy(letter->text, bytes, n);
	pthread_mutex_lock(&mailbox->lock);
	if (mailbox->count >= mailbox->limit) {
		free(letter);
		status = strads_fail(STRADS_ERR_MEMORY,
				     "more than %d letters of other ranks wait and are not taken",
				     mailbox->limit);
	} else {
		if (mailbox->first)
			mailbox->last->next = letter;
		else
			mailbox->first = letter;
		mailbox->last = letter;
		mailbox->count++;
	}
	pthread_mutex_unlock(&mailbox->lock);
	return status;
}

bool
strads_mailbox_full(struct strads_mailbox *mailbox)
{
	pthread_mutex_lock(&mailbox->lock);
	bool full = mailbox->taker && mailbox->count >= mailbox->limit;
	pthread_mutex_unlock(&mailbox->lock);
	return full;
}

void
strads_mailbox_deliver(struct strads_mailbox *mailbox)
{
	pthread_mutex_lock(&mailbox->lock);
	while (!mailbox->delivering && mailbox->first && mailbox->taker) {
		struct strads_letter *letter = remove_first(mailbox);
		strads_mail_taker *taker = mailbox->taker;
		void *context = mailbox->context;

		mailbox->delivering = true;
		mailbox->deliverer = pthread_self();
		pthread_mutex_unlock(&mailbox->lock);
		taker(context, letter->from, letter->text, letter->bytes);
		free(letter);
		pthread_mutex_lock(&mailbox->lock);
		mailbox->delivering = false;
		pthread_cond_broadcast(&mailbox->idle);
	}
	pthread_mutex_unlock(&mailbox->lock);
}

void
strads_mailbox_take(struct strads_mailbox *mailbox, strads_mail_taker *taker, void *context)
{
	pthread_mutex_lock(&mailbox->lock);
	mailbox->taker = taker;
	mailbox->context = context;
	while (mailbox->delivering && !pthread_equal(mailbox->deliverer, pthread_self()))
		pthread_cond_wait(&mailbox->idle, &mailbox->lock);
	pthread_mutex_unlock(&mailbox->lock);
}
