#include "job/frame.h"

#include "job/job.h"
#include "strads/transport.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define VERDICT_MAX (4 + STRADS_FRAME_TEXT_MAX)

const struct strads_frame_rule strads_frame_to_hub[STRADS_FRAME_TYPES] = {
    [STRADS_FRAME_GATHER] = {true, 0, STRADS_GATHER_MAX},
    [STRADS_FRAME_ABORT] = {true, 4, VERDICT_MAX},
    [STRADS_FRAME_LEAVE] = {true, 4, VERDICT_MAX},
    [STRADS_FRAME_POST] = {true, 0, STRADS_MAIL_MAX},
};

const struct strads_frame_rule strads_frame_from_hub[STRADS_FRAME_TYPES] = {
    [STRADS_FRAME_GATHERED] = {true, 0, STRADS_GATHER_ALL_MAX},
    [STRADS_FRAME_REFUSED] = {true, 4, VERDICT_MAX},
    [STRADS_FRAME_NEWS] = {true, 4, VERDICT_MAX},
    [STRADS_FRAME_LEFT] = {true, 0, 0},
    [STRADS_FRAME_MAIL] = {true, 0, STRADS_MAIL_MAX},
};

struct strads_frame
strads_frame_encode(enum strads_frame_type type, int rank, uint64_t sequence, uint64_t length)
{
	return (struct strads_frame){
	    .magic = htole32(STRADS_FRAME_MAGIC),
	    .type = htole32(type),
	    .rank = htole32((uint32_t)rank),
	    .sequence = htole64(sequence),
	    .length = htole64(length),
	};
}

size_t
strads_verdict_encode(int status, const char *text, uint8_t *into)
{
	uint32_t word = htole32((uint32_t)status);
	size_t length = strnlen(text, STRADS_FRAME_TEXT_MAX);

	memcpy(into, &word, sizeof word);
	memcpy(into + sizeof word, text, length);
	return sizeof word + length;
}

void
strads_verdict_decode(const uint8_t *bytes, size_t length, struct strads_verdict *verdict)
{
	uint32_t word;
	size_t text = length - sizeof word;

	memcpy(&word, bytes, sizeof word);
	verdict->status = (int32_t)le32toh(word);
	memcpy(verdict->text, bytes + sizeof word, text);
	verdict->text[text] = 0;
	for (char *c = verdict->text; c < verdict->text + text; c++)
		if ((unsigned char)*c < ' ' || *c == 127)
			*c = ' ';
}

void
strads_reader_init(struct strads_reader *reader, const struct strads_frame_rule *rules)
{
	*reader = (struct strads_reader){.rules = rules};
}

static int
receive(struct strads_reader *reader, int fd, void *into, size_t bytes, size_t *received)
{
	ssize_t n;

	do
		n = recv(fd, into, bytes, MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n > 0) {
		*received = (size_t)n;
		return STRADS_OK;
	}
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return STRADS_AGAIN;
	reader->error = n < 0 ? errno : 0;
	return STRADS_ERR_PEER;
}

static int
refuse(struct strads_reader *reader, const char *complaint)
{
	reader->complaint = complaint;
	return STRADS_ERR_PROTOCOL;
}

static int
accept_header(struct strads_reader *reader)
{
	struct strads_frame *frame = &reader->frame;

	frame->magic = le32toh(frame->magic);
	frame->type = le32toh(frame->type);
	frame->rank = le32toh(frame->rank);
	frame->sequence = le64toh(frame->sequence);
	frame->length = le64toh(frame->length);
	if (frame->magic != STRADS_FRAME_MAGIC)
		return refuse(reader, "bad magic");
	if (frame->type >= STRADS_FRAME_TYPES || frame->zero)
		return refuse(reader, "an unknown type");

	const struct strads_frame_rule *rule = &reader->rules[frame->type];
	if (!rule->taken)
		return refuse(reader, "a type that does not belong here");
	if (frame->length < rule->min_bytes || frame->length > rule->max_bytes)
		return refuse(reader, "an impossible length");
	if (!frame->length)
		return STRADS_OK;
	reader->payload = malloc(frame->length);
	return reader->payload ? STRADS_OK : STRADS_ERR_MEMORY;
}

int
strads_reader_step(struct strads_reader *reader, int fd)
{
	const size_t header = sizeof reader->frame;
	size_t got = 0;
	int status;

	while (reader->have < header) {
		status = receive(reader, fd, (uint8_t *)&reader->frame + reader->have,
				 header - reader->have, &got);
		if (status)
			return status;
		reader->have += got;
		if (reader->have == header) {
			status = accept_header(reader);
			if (status)
				return status;
		}
	}
	while (reader->have < header + reader->frame.length) {
		size_t done = reader->have - header;
		status =
		    receive(reader, fd, reader->payload + done, reader->frame.length - done, &got);
		if (status)
			return status;
		reader->have += got;
	}
	return STRADS_OK;
}

bool
strads_reader_silent(const struct strads_reader *reader)
{
	return reader->error == ETIMEDOUT || reader->error == EHOSTUNREACH ||
	       reader->error == ENETUNREACH;
}

void
strads_reader_next(struct strads_reader *reader)
{
	free(reader->payload);
	reader->payload = NULL;
	reader->have = 0;
}
