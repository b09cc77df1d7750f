/*
 * The scheduler role: asks the program for the blocks of this rank's sets and sends them to all.
 *
 * Set t is begun right after finish of set t − depth. Unless the program has a primitive for that,
 * it is drafted then. What is drafted waits here until the rings
 * have room, so that a set of up to set_blocks_max blocks is drafted from one and the same state:
 * meanwhile nothing is synced on this rank. Longer sets, of an early kind, are drafted on as room
 * comes.
 */
#ifndef STRADS_SCHED_SCHEDULER_H
#define STRADS_SCHED_SCHEDULER_H

#include "shape.h"
#include "stream.h"

struct strads_engine;

/* One set being drafted and sent. */
struct strads_draft_set {
	uint32_t drafted; /* blocks */
	uint32_t sent;    /* of these, composed into messages */
	uint32_t kind;
	bool early;
	bool complete; /* the last block is drafted */
};

/* A block as it is sent; this rank's worker uses it where it lies. */
struct strads_draft {
	struct strads_wire_block *wire; /* [draft_stride], registered */
	size_t bytes;
	struct strads_loan loan;
	bool used; /* until this rank's worker has synced it */
};

struct strads_scheduler {
	struct strads_draft_set *sets; /* [draft_sets], set t in (t / schedulers) mod draft_sets */
	struct strads_draft *drafts;   /* [draft_sets][set_blocks] */
	uint64_t begun;                /* the set to be begun next; this rank's are S apart */
	uint64_t next;                 /* the set whose first block is to be drafted next */
	struct strads_draft_set *newest; /* the one before it; NULL: none yet */
	bool asked;                      /* that was not ready … */
	uint64_t asked_ns;               /* … when first asked for */
	uint64_t sending;                /* the set whose blocks are being sent */
	struct strads_stream stream;
	struct strads_cast cast;
};

/* On ranks that schedule; elsewhere nothing is allocated. `trailers` is the cast's own memory,
 * `blocks` that of the drafts. Returns STRADS_OK or ERR_MEMORY; in either case
 * strads_scheduler_free afterwards. */
STRADS_MUST_CHECK int strads_scheduler_init(struct strads_engine *engine,
					    struct strads_trailer *trailers, uint8_t *blocks);
void strads_scheduler_free(struct strads_scheduler *scheduler);

/* Whether nothing may be synced because a draft that depends on the state is due. */
bool strads_scheduler_holds(const struct strads_engine *engine);

/* The draft of a block of one of this rank's sets that is not finished, NULL: not drafted yet. */
struct strads_draft *strads_scheduler_draft(const struct strads_engine *engine, uint64_t set,
					    uint32_t index);

/* Whether all that this rank has drafted of the sets before `set`, and if `first` the first block
 * of that one, has been sent to all. */
bool strads_scheduler_told(const struct strads_engine *engine, uint64_t set, bool first);

/* Drafts at most one block; sends what can be sent of the set that is being pushed. *moved is set
 * if it did anything. */
STRADS_MUST_CHECK int strads_scheduler_step(struct strads_engine *engine, bool *moved);

/* Says for how long the program has put off the first block of set `next`, which it was asked for.
 * Returns ERR_TIMEOUT. */
int strads_scheduler_too_late(const struct strads_engine *engine);

/* Sends what else can be sent: of sets to come, behind what others wait for already. */
STRADS_MUST_CHECK int strads_scheduler_send(struct strads_engine *engine, bool *moved);

#endif
