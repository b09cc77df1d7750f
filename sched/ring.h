/*
 * Lanes: all rings of one kind. A ring has one writer and one reader and lies in the reader's
 * inbox; its slots hold one message each (wire.h). The n-th message of a ring carries the signal
 * epoch | n and may be written once the reader's credit word, in the writer's inbox, says that
 * message n − slots was taken. Slots are used in turn.
 *
 * An inbox has one ring for each root, the rank that its messages are from. What goes to all goes
 * by the root's tree (tree.h): the writer of a ring is the rank above, and a reader that has others
 * below it passes a message on to their rings of the same root, from the slot where it lies and
 * under the same number, whether or not it has taken it itself; the slot is free when both is done.
 * One ring of a root, with one writer, keeps a root's messages in order, and those of one root from
 * waiting for those of another.
 *
 * Nothing here blocks; AGAIN means: call again later.
 */
#ifndef STRADS_SCHED_RING_H
#define STRADS_SCHED_RING_H

#include "strads/engine.h"
#include "tree.h"
#include "wire.h"

enum strads_lane_id {
	STRADS_LANE_SCHEDULE, /* scheduler → every rank: blocks */
	STRADS_LANE_PARTIAL,  /* worker → reducer: partials, or notes that they can be read */
	STRADS_LANE_COMMIT,   /* reducer → every rank: committed values */
	STRADS_LANES,
	STRADS_LANE_ADDITIONS = STRADS_LANES /* worker → owner, of a parameter server */
};

/* Credit words of one peer, all lanes: one cache line each. */
#define STRADS_CREDIT_BYTES ((size_t)64)

struct strads_ring_out {
	uint64_t sent;   /* messages written */
	uint64_t credit; /* messages taken, as far as this rank has looked */
};

struct strads_ring_in {
	uint64_t read;     /* messages taken by this rank … */
	uint64_t freed;    /* … whose slots are free, … */
	uint64_t returned; /* … which the writer knows */
	int next;          /* root of the ring that waits after this one, −1: none */
	bool waits;        /* in the list of rings that wait */
};

/* The messages of a root that this rank passes on. */
struct strads_relay {
	uint64_t passed; /* messages handed to all below */
	int next;        /* of these, how many have the next one already */
};

struct strads_lane {
	enum strads_lane_id id;
	struct strads_fabric *fabric;
	struct strads_region *inbox; /* REMOTE_WRITE; laid out alike on all ranks */
	uint64_t epoch;              /* in the upper 16 bits */
	int rank;
	struct strads_tree tree;
	uint32_t slots;       /* a power of two */
	size_t slot_bytes;    /* a multiple of 64 */
	size_t rings_offset;  /* of root 0's ring in an inbox; root r's follows at r rings on */
	size_t credit_offset; /* of the credit word of place 0; STRADS_CREDIT_BYTES apart */
	struct strads_stage_stats *sent_stats;   /* counts messages to peers */
	struct strads_stage_stats *credit_stats; /* counts credits to peers */
	/* By the reader's place. Whatever the arity, a writer has one ring at each place, as each
	 * place is below one other, at which the writer is of one tree only. */
	struct strads_ring_out *out;
	struct strads_ring_in *in;     /* by root */
	struct strads_relay *relays;   /* by this rank's place − 1, where others are below it */
	struct strads_counter *handed; /* [relays][slots]: of the ranks that a slot goes on to */
	int waits; /* first root of whose ring something found no room, −1: none */
};

/* Makes what is kept of the rings of a lane whose description, all before `out`, is there. Returns
 * STRADS_OK or ERR_MEMORY; in either case strads_lane_free afterwards. */
STRADS_MUST_CHECK int strads_lane_init(struct strads_lane *lane);
void strads_lane_free(struct strads_lane *lane);

/* Most payload bytes of a message. */
static inline size_t
strads_lane_payload(const struct strads_lane *lane)
{
	return lane->slot_bytes - STRADS_WIRE_TAIL;
}

/* Sends the message [payload, padding, trailer] that lies in `n` pieces (registered, borrowed until
 * `counter` counts it) to peer, one of those right below this rank in its own tree. Returns
 * STRADS_OK, AGAIN (no credit, or the fabric is busy), or the fabric's error. */
STRADS_MUST_CHECK int strads_lane_send(struct strads_lane *lane, int peer,
				       const struct strads_piece *pieces, size_t n,
				       struct strads_counter *counter);

/* The rank that writes root's ring in this rank's inbox: root itself, or who passes on. */
int strads_lane_writer(const struct strads_lane *lane, int root);

/* Whether root's ring holds a message that was not taken. */
bool strads_lane_ready(const struct strads_lane *lane, int root);

/* The word that says so, for strads_signal_glance. */
struct strads_signal strads_lane_awaits(const struct strads_lane *lane, int root);

/* The next message of root's ring, left there: STRADS_OK, AGAIN (none yet), ERR_PROTOCOL. The
 * payload stays in place until strads_lane_take. */
STRADS_MUST_CHECK int strads_lane_peek(const struct strads_lane *lane, int root,
				       const struct strads_trailer **trailer, const void **payload);

/* Takes the message last peeked at. Its slot is free when it is passed on, too; credit goes to the
 * writer by halves of a ring. Returns STRADS_OK or the fabric's error. */
STRADS_MUST_CHECK int strads_lane_take(struct strads_lane *lane, int root);

/* Passes on what has come of root, as far as there is room; the rest waits for strads_lane_settle.
 * *moved is set if anything was. Returns STRADS_OK, ERR_PROTOCOL or the fabric's error. */
STRADS_MUST_CHECK int strads_lane_relay(struct strads_lane *lane, int root, bool *moved);

/* Whether all that this rank has taken of root's messages up to number `last` is passed on. */
bool strads_lane_passed(const struct strads_lane *lane, int root, uint64_t last);

/* Tries again to pass on, to free and to return credit for what found no room: STRADS_OK (nothing
 * left), AGAIN, or an error. *moved is set if anything was passed on. */
STRADS_MUST_CHECK int strads_lane_settle(struct strads_lane *lane, bool *moved);

/* A message composed for all that are below its root. */
struct strads_message {
	struct strads_piece pieces[2]; /* of [payload, padding, trailer] */
	size_t n;
	struct strads_counter counter; /* of the ranks it was handed to */
};

/* One root's messages that go to every other rank alike, composed once and sent from where the
 * payload lies: the last one of a stream has its trailer right behind it, so that it is one piece;
 * behind the others the stream goes on. A message's place is free for another once it has reached
 * all below the root. */
struct strads_cast {
	struct strads_lane *lane;
	struct strads_trailer *trailers; /* [lane->slots], registered */
	struct strads_message *messages; /* [lane->slots] */
	uint64_t composed;               /* messages */
	uint64_t sent;                   /* messages handed to all below */
	int next;                        /* of these, how many have message `sent` already */
};

/* Memory that a cast sends from: by its messages first … end − 1, if any. */
struct strads_loan {
	uint64_t first;
	uint64_t end;
};

/* Whether one more message can be composed. */
bool strads_cast_room(const struct strads_cast *cast);

/* Composes a message of the payload that the trailer speaks of, which must be registered, at a
 * multiple of 8, and stay as it is until the message has reached all ranks. Of any but the last of
 * a stream its bytes are a multiple of 8; behind that one there is room for padding and trailer. */
void strads_cast_add(struct strads_cast *cast, uint8_t *payload,
		     const struct strads_trailer *trailer);

/* Whether memory that was lent may be written again. */
bool strads_cast_returned(const struct strads_cast *cast, const struct strads_loan *loan);

/* Sends what credit allows: STRADS_OK (nothing left to send), AGAIN, or an error. *moved is set if
 * anything was sent. */
STRADS_MUST_CHECK int strads_cast_step(struct strads_cast *cast, bool *moved);

/* Of message `sent`, which some below miss: the first of them, and its trailer. */
int strads_cast_waits_for(const struct strads_cast *cast);
const struct strads_trailer *strads_cast_waiting(const struct strads_cast *cast);

#endif
