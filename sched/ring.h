/*
 * Lanes: all rings of one kind. A ring has one writer and one reader and lies in the reader's
 * inbox; its slots hold one message each (wire.h). The n-th message of a ring carries the signal
 * epoch | n and may be written once the reader's credit word, in the writer's inbox, says that
 * message n − slots was taken. Slots are used in turn.
 *
 * Nothing here blocks; AGAIN means: call again later.
 */
#ifndef STRADS_SCHED_RING_H
#define STRADS_SCHED_RING_H

#include "strads/engine.h"
#include "wire.h"

enum strads_lane_id {
	STRADS_LANE_SCHEDULE, /* scheduler → every rank: blocks */
	STRADS_LANE_PARTIAL,  /* worker → reducer: partials, or notes that they can be read */
	STRADS_LANE_COMMIT,   /* reducer → every rank: committed values */
	STRADS_LANES
};

/* Credit words of one peer, all lanes: one cache line each. */
#define STRADS_CREDIT_BYTES ((size_t)64)

struct strads_ring_out {
	uint64_t sent;   /* messages written */
	uint64_t credit; /* messages taken, as far as this rank has looked */
};

struct strads_ring_in {
	uint64_t taken;
	uint64_t returned; /* of these, made known to the writer */
	int next;          /* writer owed credit after this one, −1: none */
	bool owed;         /* in the list of writers owed */
};

struct strads_lane {
	enum strads_lane_id id;
	struct strads_fabric *fabric;
	struct strads_region *inbox; /* REMOTE_WRITE; laid out alike on all ranks */
	uint64_t epoch;              /* in the upper 16 bits */
	int rank;
	uint32_t slots;       /* a power of two */
	size_t slot_bytes;    /* a multiple of 64 */
	size_t rings_offset;  /* of writer 0's ring in an inbox; writer w's follows at w rings on */
	size_t credit_offset; /* of reader 0's credit word; STRADS_CREDIT_BYTES apart */
	struct strads_ring_out *out; /* by reader */
	struct strads_ring_in *in;   /* by writer */
	int owed;                    /* first writer whose credit found no room, −1: none */
	struct strads_stage_stats *sent_stats;   /* counts messages to peers */
	struct strads_stage_stats *credit_stats; /* counts credits to peers */
};

/* Most payload bytes of a message. */
static inline size_t
strads_lane_payload(const struct strads_lane *lane)
{
	return lane->slot_bytes - STRADS_WIRE_TAIL;
}

/* Sends the message [payload, padding, trailer] that lies in `n` pieces (registered, borrowed until
 * `counter` counts it) to peer. Returns STRADS_OK, AGAIN (no credit, or the fabric is busy), or the
 * fabric's error. */
STRADS_MUST_CHECK int strads_lane_send(struct strads_lane *lane, int peer,
				       const struct strads_piece *pieces, size_t n,
				       struct strads_counter *counter);

/* Whether writer's ring holds a message that was not taken. */
bool strads_lane_ready(const struct strads_lane *lane, int writer);

/* The next message of writer's ring, left there: STRADS_OK, AGAIN (none yet), ERR_PROTOCOL. The
 * payload stays in place until strads_lane_take. */
STRADS_MUST_CHECK int strads_lane_peek(const struct strads_lane *lane, int writer,
				       const struct strads_trailer **trailer, const void **payload);

/* Frees the slot of the message last peeked at; returns credit to the writer by halves of a ring.
 * Returns STRADS_OK or the fabric's error. */
STRADS_MUST_CHECK int strads_lane_take(struct strads_lane *lane, int writer);

/* Tries again to return the credits that the fabric had no room for: STRADS_OK (none left), AGAIN,
 * or an error. */
STRADS_MUST_CHECK int strads_lane_settle(struct strads_lane *lane);

/* A message composed for all ranks. */
struct strads_message {
	struct strads_piece pieces[2]; /* of [payload, padding, trailer] */
	size_t n;
	struct strads_counter counter; /* of the ranks it was handed to */
};

/* One writer's messages that go to every other rank alike, composed once. A long payload is sent
 * from where it lies; a short one is copied to its trailer, for that costs less than a second piece
 * to every rank. A message's place is free for another once it has reached all ranks. */
struct strads_cast {
	struct strads_lane *lane;
	int ranks;                       /* of the job; the writer itself is sent nothing */
	uint8_t *places;                 /* [lane->slots][strads_cast_bytes], registered */
	struct strads_message *messages; /* [lane->slots] */
	uint64_t composed;               /* messages */
	uint64_t sent;                   /* messages handed to all ranks */
	int next;                        /* ranks that have message `sent` already */
};

/* Bytes of a message's place: those of a ring's slot, but no more than it pays to copy. */
static inline size_t
strads_cast_bytes(size_t slot_bytes)
{
	const size_t most = 4096;

	return slot_bytes < most ? slot_bytes : most;
}

/* Memory that a cast sends from: by its messages first … end − 1, if any. */
struct strads_loan {
	uint64_t first;
	uint64_t end;
};

/* Whether one more message can be composed. */
bool strads_cast_room(const struct strads_cast *cast);

/* Composes a message of the payload that the trailer speaks of, which must be registered and stay
 * as it is until the message has reached all ranks. */
void strads_cast_add(struct strads_cast *cast, const void *payload,
		     const struct strads_trailer *trailer);

/* Whether memory that was lent may be written again. */
bool strads_cast_returned(const struct strads_cast *cast, const struct strads_loan *loan);

/* Sends what credit allows: STRADS_OK (nothing left to send), AGAIN, or an error. *moved is set if
 * anything was sent. */
STRADS_MUST_CHECK int strads_cast_step(struct strads_cast *cast, bool *moved);

/* Of message `sent`, which has not reached all: the first rank that misses it, and its trailer. */
int strads_cast_waits_for(const struct strads_cast *cast);
const struct strads_trailer *strads_cast_waiting(const struct strads_cast *cast);

#endif
