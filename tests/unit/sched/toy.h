/*
 * A program whose result is known: every rank holds the same table of numbers, a block's partial
 * depends on rank, key and table, and the sums are bracketed as the engine promises. The same
 * primitives run here without an engine, one rank after the other, to say what must come out.
 *
 * The primitives check what the engine promises them and fail if it does not hold.
 */
#ifndef STRADS_TEST_TOY_H
#define STRADS_TEST_TOY_H

#include "strads/engine.h"

#define TOY_KEYS      512
#define TOY_SNAPSHOTS 16 /* more than any depth used */

struct toy_options {
	uint32_t block_max;
	uint32_t blocks;       /* in a set that is not early, at most */
	uint32_t early_blocks; /* in a set of the early kind; 0: there is none */
	uint32_t stretch;      /* doubles in a partial for each variable */
	bool floating;         /* numbers whose sum depends on the bracketing; else integers */
	bool one_reducer;      /* the last rank reduces everything */
	bool in_turn;      /* begins its sets, schedules them later, in sight of those in flight */
	uint32_t put_offs; /* and is not ready so many times though nothing is missing */
	uint32_t push_parts; /* a push comes in so many parts, put off after each; 0: in one */
	uint64_t stop_every; /* finish says stop after so many sets */
	int depth;
	int arity; /* of the trees by which sums come up; 0: they are in the order of ranks */
	int staleness;
	double push_cost_ns; /* a variable … */
	int slow_rank;       /* … and a tenth more on this rank; −1: none */
	double pull_cost_ns; /* a variable of the early kind */
	/* Faults: on this rank (−1: none), in this set */
	int fail_rank;
	uint64_t fail_set;
	const char *fail_in; /* "begin", "schedule", "push", "pull", "sync" or "finish": returns an
			      * error; "endless wait": is never ready; "schedule-oversize",
			      * "schedule-endless", "partial-oversize", "pull-oversize": asks for
			      * more than it has declared */
	int kill_rank;       /* is killed in push */
	uint64_t kill_set;
	int sleep_rank; /* sleeps 3 s in push, or charges 3 s to a virtual clock */
	uint64_t sleep_set;
};

struct toy {
	struct toy_options options;
	int rank;
	int ranks;
	struct strads_fabric *fabric; /* to charge; NULL without an engine */
	double table[TOY_KEYS];
	uint64_t digest;   /* of everything synced, in order */
	uint64_t finished; /* sets */
	uint32_t synced;   /* blocks of set `finished` */
	uint32_t parts;    /* of a push, done so far */
	uint64_t seen_set; /* of the block that is to be seen next */
	uint32_t seen_index;
	uint64_t begun;                  /* sets this rank has begun: the last one's number + 1 */
	uint64_t seen[TOY_SNAPSHOTS];    /* digest of a set's first block */
	uint32_t put_off[TOY_SNAPSHOTS]; /* times that a set was not ready */
	uint64_t schedule_next[TOY_SNAPSHOTS];
	uint64_t snapshot[TOY_SNAPSHOTS]; /* digest when a set was begun */
};

struct toy_options toy_defaults(void);
void toy_init(struct toy *toy, const struct toy_options *options, int rank, int ranks,
	      struct strads_fabric *fabric);
struct strads_program toy_program(struct toy *toy);

/* The digest after `sets` sets on `ranks` ranks, computed without an engine. */
uint64_t toy_reference(const struct toy_options *options, int ranks, uint64_t sets);

#endif
