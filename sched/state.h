/*
 * What an engine is made of, and the clock its roles keep.
 */
#ifndef STRADS_SCHED_STATE_H
#define STRADS_SCHED_STATE_H

#include "reducer.h"
#include "scheduler.h"
#include "worker.h"

#define STRADS_LENGTHY 8 /* steps that the average is taken of, and times a brief one at most */
#define STRADS_STEPS   5 /* of a pass of the loop */

/* Ticks that a stage took in this run. */
struct strads_clocked {
	uint64_t busy, stall;
};

struct strads_engine {
	struct strads_fabric *fabric;
	struct strads_job *job;
	const struct strads_program *program;
	int rank;
	int ranks;
	struct strads_tree tree; /* by which things go to all, and sums come back */
	int schedulers;
	uint64_t depth;
	uint64_t staleness;
	uint64_t timeout_ns;
	struct strads_shape shape;
	struct strads_region *inbox;    /* rings and credit words; peers write */
	struct strads_region *partials; /* the window's; peers read */
	struct strads_region *outbox;   /* what goes to all, and what is read */
	struct strads_lane lane[STRADS_LANES];
	struct strads_window window;
	struct strads_scheduler scheduler;
	struct strads_worker worker;
	struct strads_reducer reducer;
	uint64_t finished; /* sets */
	bool stopping;     /* finish said so */

	bool idle;                          /* nothing to do since `lap` … */
	enum strads_stage waits;            /* … but to wait for this … */
	uint64_t idle_ns;                   /* … since then (0: it did something), … */
	uint64_t courtesy_ns;               /* … and so much longer than the timeout */
	int missed;                         /* the rank that has not come up with it; −1: none */
	enum strads_stage stage;            /* of the last step that did anything */
	uint64_t brief_ticks;               /* what a message of its own may cost */
	uint64_t usual_ticks[STRADS_STEPS]; /* that each step takes */
	bool lapsed;                        /* time has passed since `lap` that is no stage's */
	uint64_t lap;                       /* in ticks */
	uint64_t start_ns, start_ticks;     /* of this run */
	struct strads_clocked clocked[STRADS_STAGES];
	struct strads_engine_stats stats; /* the times are those of the runs before */
};

/* Work begins that the stage of the running step is busy with; ends being idle. */
void strads_engine_begin(struct strads_engine *engine);

/* Adds what the present run has taken so far. */
void strads_engine_clocked(const struct strads_engine *engine, struct strads_engine_stats *stats);

/* Passes on the status of a primitive; gives a failure without a sentence one. */
STRADS_MUST_CHECK int strads_engine_returned(int status, const char *primitive,
					     const struct strads_program *program, uint64_t set,
					     uint32_t index);

#endif
