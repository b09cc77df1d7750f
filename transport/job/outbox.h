/*
 * Messages on their way from the hub to ranks, or from a rank to the hub. One message may go to
 * many; it is freed when the last has it.
 */
#ifndef STRADS_OUTBOX_H
#define STRADS_OUTBOX_H

#include "job/frame.h"

struct strads_message {
	int references;
	int *counter; /* NULL, or counts this message while it lives */
	size_t bytes;
	uint8_t data[]; /* frame and payload */
};

/* A message with room for `length` bytes of payload, held once by the caller; NULL if there is no
 * memory. */
struct strads_message *strads_message_new(enum strads_frame_type type, int about, uint64_t sequence,
					  uint64_t length);

/* A verdict; NULL if there is no memory. */
struct strads_message *strads_message_new_verdict(enum strads_frame_type type, int about,
						  uint64_t sequence, int status, const char *text);

uint8_t *strads_message_payload(struct strads_message *message);

/* Counts the message in `*counter` from now on until it is freed. */
void strads_message_count(struct strads_message *message, int *counter);

/* The caller does not hold it any longer. NULL is allowed. */
void strads_message_release(struct strads_message *message);

struct strads_outgoing;

/* What one end is still to be sent. All zero: empty. */
struct strads_outbox {
	struct strads_outgoing *first;
	struct strads_outgoing *last;
};

/* Appends a message and holds it until it is sent. Returns STRADS_OK, ERR_MEMORY. */
int strads_outbox_put(struct strads_outbox *outbox, struct strads_message *message);

/* Sends what the socket takes: STRADS_OK (the outbox is empty), STRADS_AGAIN (once the socket is
 * writable), ERR_PEER (nobody reads there any more). */
int strads_outbox_send(struct strads_outbox *outbox, int fd);

/* Empties it unsent. */
void strads_outbox_drop(struct strads_outbox *outbox);

#endif
