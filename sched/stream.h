/*
 * Streams: one block's schedule or commit, cut into as many messages as its length needs, and put
 * together again where it arrives.
 */
#ifndef STRADS_SCHED_STREAM_H
#define STRADS_SCHED_STREAM_H

#include "ring.h"

/* Declared cost of copying or clearing a byte, for the simulator's clock. */
#define STRADS_COPY_NS (1.0 / 32)

/* What is being sent. */
struct strads_stream {
	uint64_t set;
	uint32_t block;
	uint8_t *base;
	size_t total;
	size_t offset; /* bytes composed into messages */
	bool open;     /* not composed to its end; an empty stream is one empty message */
	struct strads_loan *loan;
};

/* Starts to send the `total` bytes at `base`, registered, a multiple of 8, with room for
 * STRADS_WIRE_TAIL bytes behind the next multiple of 8. *loan is to tell when they are free again:
 * once the stream is composed to its end and strads_cast_returned says so. */
void strads_stream_start(struct strads_stream *stream, uint64_t set, uint32_t block, void *base,
			 size_t total, struct strads_loan *loan);

/* Composes messages for all ranks while the cast has room; *moved is set if it did any. */
void strads_stream_compose(struct strads_stream *stream, struct strads_cast *cast, bool *moved);

/* What is expected to arrive. */
struct strads_sink {
	uint64_t set;
	uint32_t block;
	uint8_t *base;
	size_t room;
	size_t total;  /* known from the first message on */
	size_t offset; /* bytes that arrived */
	bool begun;
};

/* Takes the next message of root's ring into the sink. Returns STRADS_OK (complete), AGAIN with
 * *moved set (more to come), AGAIN (no message), ERR_PROTOCOL (not the piece that was expected). */
STRADS_MUST_CHECK int strads_sink_step(struct strads_sink *sink, struct strads_lane *lane, int root,
				       bool *moved);

#endif
