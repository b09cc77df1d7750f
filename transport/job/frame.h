/*
 * The messages of the control channel, and taking them off a stream socket in whatever pieces they
 * arrive. Little-endian on the wire.
 */
#ifndef STRADS_FRAME_H
#define STRADS_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STRADS_FRAME_MAGIC    0x534a4843u          /* "CHJS" */
#define STRADS_FRAME_TEXT_MAX 1000                 /* bytes of a reason or a host name */
#define STRADS_GATHER_MAX     (UINT64_C(64) << 20) /* contribution of one rank */
#define STRADS_GATHER_ALL_MAX (UINT64_C(1) << 30)  /* contributions of all ranks */

enum strads_frame_type {
	STRADS_FRAME_GATHER = 1, /* to the hub: a contribution */
	STRADS_FRAME_ABORT,      /* to the hub: a verdict */
	STRADS_FRAME_LEAVE,      /* to the hub: a verdict whose status is the exit code */
	STRADS_FRAME_POST,       /* to the hub: a letter for the rank that `sequence` gives */
	STRADS_FRAME_GATHERED,   /* from the hub: the contributions of all, in rank order */
	STRADS_FRAME_REFUSED,    /* from the hub: a verdict on one collective */
	STRADS_FRAME_NEWS,       /* from the hub: a verdict that ends the job for the receiver */
	STRADS_FRAME_LEFT,       /* from the hub: LEAVE has arrived */
	STRADS_FRAME_MAIL,       /* from the hub: a letter of `rank` */
	STRADS_FRAME_TYPES,
};

struct strads_frame {
	uint32_t magic;
	uint32_t type;
	uint32_t rank; /* the sender; from the hub: whom it is about */
	uint32_t zero;
	/* Number of the collective; of ABORT and NEWS, 1 + the rank waited for in vain; else 0. */
	uint64_t sequence;
	uint64_t length; /* bytes that follow */
};
_Static_assert(sizeof(struct strads_frame) == 32, "the frame is a wire format");

/* What follows the frame of a verdict: a status (or code) and up to STRADS_FRAME_TEXT_MAX bytes of
 * text without a terminating 0. */
struct strads_verdict {
	int32_t status;
	char text[STRADS_FRAME_TEXT_MAX + 1]; /* in memory: terminated */
};

/* Whether one side takes messages of a type, and how long their payload may be. */
struct strads_frame_rule {
	bool taken;
	uint64_t min_bytes;
	uint64_t max_bytes;
};

/* What is taken by the hub from a rank, and by a rank from the hub; index: type. */
extern const struct strads_frame_rule strads_frame_to_hub[STRADS_FRAME_TYPES];
extern const struct strads_frame_rule strads_frame_from_hub[STRADS_FRAME_TYPES];

/* A frame as it travels. */
struct strads_frame strads_frame_encode(enum strads_frame_type type, int rank, uint64_t sequence,
					uint64_t length);

/* Writes status and text as they travel to `into` (4 + STRADS_FRAME_TEXT_MAX bytes); text that is
 * longer is cut. Returns the bytes written. */
size_t strads_verdict_encode(int status, const char *text, uint8_t *into);

/* Reads `length` bytes (4 … 4 + STRADS_FRAME_TEXT_MAX); control characters become spaces. */
void strads_verdict_decode(const uint8_t *bytes, size_t length, struct strads_verdict *verdict);

/* The state of one direction of one socket. */
struct strads_reader {
	const struct strads_frame_rule *rules;
	struct strads_frame frame; /* of the message read last, in this machine's byte order */
	uint8_t *payload;          /* its frame.length bytes; NULL if there are none */
	size_t have;               /* bytes of frame and payload that have arrived */
	const char *complaint;     /* what was wrong, after ERR_PROTOCOL */
	int error;                 /* errno, after ERR_PEER; 0: the other end closed */
};

void strads_reader_init(struct strads_reader *reader, const struct strads_frame_rule *rules);

/* Reads without blocking until one message is whole: STRADS_OK (frame and payload are valid until
 * strads_reader_next), STRADS_AGAIN, ERR_PEER (the other end closed or is unreachable),
 * ERR_PROTOCOL (not a message this side takes; see complaint), ERR_MEMORY. */
int strads_reader_step(struct strads_reader *reader, int fd);

/* Whether, after ERR_PEER, nothing was heard of the other end's host any more. */
bool strads_reader_silent(const struct strads_reader *reader);

/* Forgets the message and frees its payload unless the caller took it and left NULL there. */
void strads_reader_next(struct strads_reader *reader);

#endif
