/*
 * The simulator: all ranks of a job as coroutines of one process, on one virtual time. Each rank
 * has its own clock; always the earliest of all events and runnable ranks comes next (an event
 * before a rank, the lower rank before the higher), so that a run is a function of the options and
 * of what the ranks do, and of nothing else. Internal to sim/.
 *
 * Time is counted in picoseconds (213 days fit), so that short transfers over fast links add up
 * exactly.
 */
#ifndef STRADS_SIM_H
#define STRADS_SIM_H

#include <stdbool.h>
#include <stdint.h>

#include "job/job.h"
#include "provider.h"
#include "sim/coroutine.h"
#include "sim/events.h"

#define STRADS_SIM_PS          1000u /* in a nanosecond */
#define STRADS_SIM_NEVER       UINT64_MAX
#define STRADS_SIM_POLL_PS     50000u    /* the cost of progress, and of a wait that finds news */
#define STRADS_SIM_CLOCK_PS    20000u    /* … of a look at the clock */
#define STRADS_SIM_CONTROL_PS  1000000u  /* … of a message to or from the control channel */
#define STRADS_SIM_DETECT_NS   10000000u /* from a rank's death until the others know */
#define STRADS_SIM_KILLED_CODE (128 + 9) /* exit code of a rank that was killed */
#define STRADS_SIM_QUEUE       1024      /* operations that a fabric may have under way */

enum strads_sim_state {
	STRADS_SIM_READY,   /* runs, or would if others were not earlier */
	STRADS_SIM_WAITING, /* in strads_fabric_wait */
	STRADS_SIM_GATHER,  /* in a collective of the job */
	STRADS_SIM_DONE,    /* rank_main has returned */
	STRADS_SIM_KILLED,
};

/* What a rank contributes to strads_job_allgather. */
struct strads_sim_share {
	const void *mine;
	void *all;
	size_t bytes;
	int status; /* AGAIN until the collective is over */
	int odd;    /* the rank that gave another number of bytes than rank 0 */
};

struct strads_sim_rank {
	struct strads_sim *sim;
	int rank;
	enum strads_sim_state state;
	uint64_t clock; /* ps */
	uint64_t due;   /* when it runs next unless it is woken; NEVER in a wait without end */
	bool news;      /* something concerned this rank since strads_fabric_wait last returned */
	uint64_t owes;  /* what the signals that came since its last progress cost, ps */
	uint64_t out_free; /* when the last byte posted so far has left, ps */
	uint64_t in_free;  /* when the last byte that reached the link so far is in memory, ps */
	struct strads_sim_share share;
	struct strads_sim_endpoint **endpoints; /* in the order opened; NULL where closed */
	int n_endpoints;
	struct strads_coroutine *coroutine;
	bool aborted;
	int missed;       /* 1 + the rank given to strads_job_abort_missing, or 0 */
	char *last_words; /* given to strads_job_abort; NULL: it was not called, or no memory */
	int exit_code;
	struct strads_job job;
};

/* The first thing that ended the job, once the ranks are told of it. */
struct strads_sim_trouble {
	int status; /* STRADS_OK: none so far */
	int missed; /* 1 + the rank that was waited for in vain, or 0 */
	char text[1000];
};

/* A rank in the queue. */
struct strads_sim_turn {
	uint64_t due;
	int rank;
};

/* What an endpoint knows of a peer. */
struct strads_sim_pair {
	uint64_t settled; /* when all data sent so far will have reached the peer's link, ps */
	uint32_t outstanding;
};

/* One fabric of one rank: the context of the provider. */
struct strads_sim_endpoint {
	struct strads_sim_rank *owner;
	struct strads_fabric *fabric;
	int ordinal; /* index among the owner's endpoints; the same on all ranks */
	uint64_t outstanding;
	struct strads_sim_pair *pairs;  /* [size] */
	struct strads_region **regions; /* by id; NULL where deleted */
	int n_regions;
};

struct strads_sim {
	struct strads_sim_options options;
	uint64_t timeout;  /* of collectives, ps */
	uint64_t overhead; /* of posting, ps */
	uint64_t receive;  /* of a signal at its target, ps */
	double ps_per_byte;
	int size;
	struct strads_sim_rank *ranks;
	struct strads_sim_turn *queue; /* binary heap by (due, rank) of ranks that will run */
	int queued;
	int *places; /* [size] where a rank is in the queue; −1 while it is not */
	struct strads_sim_rank *self; /* the rank that gives way, not in the queue; NULL: none */
	int unfinished;               /* ranks neither done nor killed */
	int gathered;                 /* ranks waiting in the collective */
	int departed;                 /* a rank that is known to have left; −1: none */
	struct strads_sim_trouble trouble;
	struct strads_events events;
	struct strads_sim_operation *unused; /* for reuse */
	struct strads_sim_slab *slabs;       /* where all operations lie */
	uint64_t started;                    /* operations, ever */
	uint64_t under_way;                  /* operations, now */
	uint64_t trace;                      /* hash of every event and every turn so far */
	strads_rank_main *rank_main;
	void *arg;
	struct strads_coroutine *caller; /* of strads_job_run_sim */
};

extern const struct strads_job_ops strads_job_sim_ops;

/* ---- scheduler.c: whose turn it is ---- */

/* Runs whatever is not later than the clock of `rank`, the one that runs. */
void strads_sim_yield(struct strads_sim_rank *rank);

/* Stops `rank`, the one that runs, until it is resumed or its clock would pass `due`. */
void strads_sim_block(struct strads_sim_rank *rank, enum strads_sim_state state, uint64_t due);

/* Lets a blocked rank go on at `time`, or at its clock if that is later. */
void strads_sim_resume(struct strads_sim_rank *rank, uint64_t time);

/* Takes a rank that does not run out of those that will. */
void strads_sim_dequeue(struct strads_sim_rank *rank);

/* Something concerned `rank` at `time`: ends its strads_fabric_wait, or makes the next one end at
 * once. */
void strads_sim_notify(struct strads_sim_rank *rank, uint64_t time);

/* Ends `rank`, the one that runs, whose rank_main has returned exit_code. */
void strads_sim_retire(struct strads_sim_rank *rank, int exit_code) __attribute__((noreturn));

/* Runs all ranks until they are done or killed, or wait for ever. */
void strads_sim_run(struct strads_sim *sim);

/* Stirs a number into the hash of the run. */
static inline void
strads_sim_stir(struct strads_sim *sim, uint64_t number)
{
	/* The multiplier is 2^64 divided by the golden ratio. */
	uint64_t mixed = (sim->trace ^ number) * 0x9e3779b97f4a7c15u;

	sim->trace = mixed ^ (mixed >> 29);
}

/* strads_sim_yield if there is anything earlier. */
static inline void
strads_sim_pass(struct strads_sim_rank *rank)
{
	const struct strads_sim *sim = rank->sim;

	if ((sim->events.count > 0 && sim->events.heap[0].time <= rank->clock) ||
	    (sim->queued > 0 && sim->queue[0].due <= rank->clock))
		strads_sim_yield(rank);
}

/* Nanoseconds as picoseconds: NEVER where they do not fit. */
static inline uint64_t
strads_sim_ps(uint64_t ns)
{
	return ns < STRADS_SIM_NEVER / STRADS_SIM_PS ? ns * STRADS_SIM_PS : STRADS_SIM_NEVER;
}

/* ---- news.c: what befalls ranks, and how the others hear of it ---- */

/* The events that the functions of news.c add, at most: every rank may abort and leave, one may
 * die, which the others learn. */
static inline size_t
strads_sim_news_max(const struct strads_sim *sim)
{
	return 2 * (size_t)sim->size + 2;
}

/* Schedules the death of options.kill_rank, if there is to be one. */
void strads_sim_plan_death(struct strads_sim *sim);

/* When the others know of that death. */
static inline uint64_t
strads_sim_detected(const struct strads_sim *sim)
{
	return strads_sim_ps(sim->options.kill_at_ns) + strads_sim_ps(STRADS_SIM_DETECT_NS);
}

/* Schedules that the others hear of what `rank` has just done: it has aborted or left. */
void strads_sim_announce(struct strads_sim_rank *rank);

/* The events KILL and NEWS. */
void strads_sim_kill(struct strads_sim *sim, const struct strads_event *event);
void strads_sim_spread(struct strads_sim *sim, const struct strads_event *event);

/* Tells all ranks that one has left while others wait for it in a collective. */
void strads_sim_miss(struct strads_sim *sim, uint64_t time);

/* Tells all ranks, at `time`, that the job cannot go on. Only the first time counts. */
void strads_sim_tell(struct strads_sim *sim, uint64_t time, int status, const char *text);

/* STRADS_OK, or what the ranks have been told. */
int strads_sim_check(const struct strads_sim *sim);

/* All ranks wait without end and nothing is under way: says so on stderr and tells the ranks.
 * Returns false if that was done before and was of no use. */
bool strads_sim_deadlock(struct strads_sim *sim);

/* ---- network.c: operations under way ---- */

/* Handles an event of an operation. */
void strads_sim_advance(struct strads_sim *sim, const struct strads_event *event);

/* Frees all operations, also those under way. */
void strads_sim_network_free(struct strads_sim *sim);

/* Starts an operation. Returns STRADS_OK, AGAIN, ERR_PEER, ERR_MEMORY. */
int strads_sim_start(struct strads_sim_endpoint *endpoint, enum strads_op kind,
		     const struct strads_transfer *transfer);

/* Gives up the endpoint's operations on `local` (NULL: on all of its memory): they touch neither
 * that nor their counters any more. */
void strads_sim_give_up(struct strads_sim_endpoint *endpoint, const struct strads_region *local);

#endif
