/*
 * The worker role: takes in the blocks of sets, pushes them, sends the partials or says that they
 * are ready, takes in the commits and syncs them in order. Blocks and commits that others are to
 * have from this rank it passes on as they come, whether or not it can take them itself.
 */
#ifndef STRADS_SCHED_WORKER_H
#define STRADS_SCHED_WORKER_H

#include "window.h"

struct strads_engine;

struct strads_worker {
	uint64_t set;         /* of the block being received */
	uint32_t index;       /* of that block in its set */
	uint32_t kind;        /* of that set, known from its first block on */
	bool early;           /* whether that kind is */
	uint64_t base;        /* sets that are finished when that set is pushed */
	uint64_t fenced;      /* sets up to the last one of an early kind */
	bool receiving;       /* the window's next entry awaits it, … */
	int scheduler;        /* … from this rank */
	uint64_t sets_pushed; /* sets whose last block has been pushed */
};

/* Each does what it can without waiting and sets *moved if it did anything: passes blocks on;
 * admits them; pushes one and sends partials; takes in commits and syncs one block. */
STRADS_MUST_CHECK int strads_worker_relay(struct strads_engine *engine, bool *moved);
STRADS_MUST_CHECK int strads_worker_admit(struct strads_engine *engine, bool *moved);
STRADS_MUST_CHECK int strads_worker_push(struct strads_engine *engine, bool *moved);
STRADS_MUST_CHECK int strads_worker_sync(struct strads_engine *engine, bool *moved);

#endif
