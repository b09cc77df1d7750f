#include "job/outbox.h"

#include "strads/transport.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

struct strads_outgoing {
	struct strads_outgoing *next;
	struct strads_message *message;
	size_t sent;
};

struct strads_message *
strads_message_new(enum strads_frame_type type, int about, uint64_t sequence, uint64_t length)
{
	struct strads_frame frame = strads_frame_encode(type, about, sequence, length);
	struct strads_message *message = malloc(sizeof *message + sizeof frame + length);

	if (!message)
		return NULL;
	message->references = 1;
	message->counter = NULL;
	message->bytes = sizeof frame + length;
	memcpy(message->data, &frame, sizeof frame);
	return message;
}

struct strads_message *
strads_message_new_verdict(enum strads_frame_type type, int about, uint64_t sequence, int status,
			   const char *text)
{
	uint8_t verdict[sizeof(struct strads_verdict)];
	size_t length = strads_verdict_encode(status, text, verdict);
	struct strads_message *message = strads_message_new(type, about, sequence, length);

	if (message)
		memcpy(strads_message_payload(message), verdict, length);
	return message;
}

uint8_t *
strads_message_payload(struct strads_message *message)
{
	return message->data + sizeof(struct strads_frame);
}

void
strads_message_count(struct strads_message *message, int *counter)
{
	message->counter = counter;
	++*counter;
}

void
strads_message_release(struct strads_message *message)
{
	if (!message || --message->references > 0)
		return;
	if (message->counter)
		--*message->counter;
	free(message);
}

int
strads_outbox_put(struct strads_outbox *outbox, struct strads_message *message)
{
	struct strads_outgoing *outgoing = calloc(1, sizeof *outgoing);

	if (!outgoing)
		return strads_fail(STRADS_ERR_MEMORY, "no memory for a control message");
	message->references++;
	outgoing->message = message;
	if (outbox->first)
		outbox->last->next = outgoing;
	else
		outbox->first = outgoing;
	outbox->last = outgoing;
	return STRADS_OK;
}

static void
drop_first(struct strads_outbox *outbox)
{
	struct strads_outgoing *outgoing = outbox->first;

	outbox->first = outgoing->next;
	strads_message_release(outgoing->message);
	free(outgoing);
}

int
strads_outbox_send(struct strads_outbox *outbox, int fd)
{
	while (outbox->first) {
		struct strads_outgoing *outgoing = outbox->first;
		const struct strads_message *message = outgoing->message;
		ssize_t n = send(fd, message->data + outgoing->sent,
				 message->bytes - outgoing->sent, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN || errno == EWOULDBLOCK ? STRADS_AGAIN
								       : STRADS_ERR_PEER;
		outgoing->sent += (size_t)n;
		if (outgoing->sent == message->bytes)
			drop_first(outbox);
	}
	return STRADS_OK;
}

void
strads_outbox_drop(struct strads_outbox *outbox)
{
	while (outbox->first)
		drop_first(outbox);
}
