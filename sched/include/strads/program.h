/*
 * What a user writes: a program of four primitives (schedule, push, pull, sync), and the engine
 * that carries it over the ranks of a job. Lee, Kim, Zheng, Ho, Gibson, Xing: "On model
 * parallelization and scheduling strategies for distributed machine learning", NIPS 2014.
 *
 * The round. Set t is made by scheduler t mod S, block by block, and sent to every rank. Every rank
 * pushes each block against one and the same state: it writes its partial result, an array of
 * doubles. One rank, the block's reducer, is given the sum of the partials of all ranks, bracketed
 * by rank order or, where ranks are many, by a tree (engine option fan_out), calls pull on the sum
 * and sends what pull wrote, the commit, to every rank. When a rank has pushed the whole set and
 * holds all of its commits, it calls sync for each block in order, then finish. All ranks see the
 * same commits in the same order, so what the program derives from them is the same on all ranks,
 * bit for bit.
 *
 * Consistency. With staleness s (engine option) set t is pushed against the state after set t − 1 −
 * s, exactly: commits that come sooner are held back. s = 0 is bulk synchronous parallel (BSP),
 * more is stale synchronous parallel (SSP; Ho et al., "More effective distributed ML via a stale
 * synchronous parallel parameter server", NIPS 2013), where partials, commits and the pushes that
 * follow overlap, and members of up to s + 1 sets do not see each other's changes. A set of an
 * early kind (below) is a fence under any staleness: it is pushed against the state after set t −
 * 1, and nothing after it is pushed before it is finished. So what looks at the state as a whole
 * (an evaluation, a new working set, whatever is to be saved) is an early kind.
 *
 * No call sees a whole set: a set is any number of blocks, a block at most `block_max` variables.
 * How blocks are cut into messages (--chunk-bytes, --eager) is the engine's affair and changes no
 * result.
 */
#ifndef STRADS_PROGRAM_H
#define STRADS_PROGRAM_H

#include "strads/transport.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A variable: any 64-bit number. */
typedef uint64_t strads_key;

/* One block of a set, as the primitives see it. */
struct strads_block {
	uint64_t set;   /* t, from 0 */
	uint32_t index; /* of the block in its set, from 0 */
	uint32_t kind;  /* the program's own: what is to be done with the variables; < 256 */
	uint64_t arg;   /* the program's own, e.g. a flag or a λ index */
	uint32_t n;     /* variables in the block, 0 … block_max */
	bool last;      /* no further block in this set */
	int reducer;    /* the rank that pulls it */
	const strads_key *keys; /* [n], or NULL: the range first … first + n − 1 */
	strads_key first;
};

/* What schedule fills in; zeroed before the call except `keys`. */
struct strads_block_draft {
	uint32_t kind;
	uint64_t arg;
	uint32_t n;
	bool last;
	bool range; /* variables are first … first + n − 1, keys unused */
	strads_key first;
	strads_key *keys; /* room for block_max keys, to be written when not a range */
	int reducer;      /* −1 (the default): (set + index) mod ranks */
};

struct strads_program {
	const char *name;
	void *state; /* first argument of every primitive */

	uint32_t block_max;      /* most variables in a block; at least 1 */
	uint32_t set_blocks_max; /* most blocks in a set whose kind is not early (≥ 1) */
	size_t partial_max;      /* most doubles in one block's partial */
	size_t commit_max;       /* most bytes in one block's commit */

	/* Writes block `index` of set `set` into *draft: called for index = 0, 1, … until the draft
	 * says last, only on the set's scheduler, only after sync and finish of exactly the sets
	 * 0 … set − D (D: engine depth). All blocks of a set have the same kind. A clock or a
	 * signal may influence it only by what is written into the draft.
	 *
	 * Of a set of an early kind, only the call for index 0 comes at that moment. The others
	 * come as room does, when blocks of this set and whole sets before it may have been synced
	 * since, and index 0 of a later set may have been drafted: they must follow from (set,
	 * index) and what was true at index 0. */
	int (*schedule)(void *state, uint64_t set, uint32_t index,
			struct strads_block_draft *draft);

	/* For schedules that take time or mind what is in flight; may be NULL. Called on the set's
	 * scheduler, once, right after finish of set − D: fixes what the set is to follow from.
	 * Then `schedule` may be called at any later state, must answer from what was fixed and
	 * seen, and may answer STRADS_AGAIN for block 0, to be asked again after the fabric's next
	 * progress. Up to ⌈D / S⌉ sets are begun and not scheduled. */
	int (*begin)(void *state, uint64_t set);

	/* On ranks that schedule: a block has arrived. Called for the blocks of all sets in order,
	 * those that this rank scheduled among them; may be NULL. */
	int (*seen)(void *state, const struct strads_block *block);

	/* Doubles in this block's partial: a function of the block alone, the same on every rank.
	 * May be 0. */
	size_t (*partial_elems)(void *state, const struct strads_block *block);

	/* Writes this rank's partial (zeroed before the call), from its own data and the state that
	 * the set is due: of the previous set, or `staleness` sets before that. A push that reads
	 * from peers may answer STRADS_AGAIN while an operation it has started is under way: it is
	 * called again after the fabric's next progress, with the partial as it left it.
	 * Memory that push writes may be read by peers once they have finished the set; what sync
	 * and finish write, once they have finished the next: others may finish later. */
	int (*push)(void *state, const struct strads_block *block, double *partial);

	/* On the reducer: from the sum over ranks to the commit. Writes at most commit_max bytes
	 * and says how many. Must not change the state. Called in order of blocks. Under staleness
	 * some sets before may have been synced since the push, on one rank more than on another:
	 * then of the state pull may use what early kinds alone change. */
	int (*pull)(void *state, const struct strads_block *block, const double *sum, void *commit,
		    size_t *commit_bytes);

	/* On every rank: makes the committed block part of the state. */
	int (*sync)(void *state, const struct strads_block *block, const void *commit,
		    size_t commit_bytes);

	/* On every rank, after the last sync of a set. STRADS_OK: go on. STRADS_STOP: the run ends
	 * here (every rank must say so at the same set). <0: failed; STRADS_ERR_DIVERGED among
	 * them. */
	int (*finish)(void *state, const struct strads_block *last);

	/* A kind whose members do not interact may be synced block by block, while later blocks of
	 * the same set are still being pushed. Such a set may have any number of blocks, and is a
	 * fence. May be NULL: no kind is. A function of the kind alone. */
	bool (*early)(void *state, uint32_t kind);

	/* Declared cost in nanoseconds of pushing the block on this rank and of pulling it, for the
	 * simulator's clock. May be NULL (no cost). */
	double (*push_cost_ns)(void *state, const struct strads_block *block);
	double (*pull_cost_ns)(void *state, const struct strads_block *block);
};

#define STRADS_STOP 2 /* finish: the run ends with this set */

#ifdef __cplusplus
}
#endif

#endif
