/* What the tests of the simulator share: a rank with a fabric, one region that its peers may read
 * and write, and one of its own. A rank reports a failed check on stderr and by its exit code,
 * which is the job's: asserting in a coroutine would leave its stack by longjmp. */
#ifndef SIM_RANKS_H
#define SIM_RANKS_H

#include "sim/sim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

/* Above all codes that a rank may have for another reason: the job's is the highest. */
#define CHECK_FAILED 200

#define CHECK(r, condition)                                                                        \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: rank %d: %s does not hold; %s\n", __FILE__,        \
				__LINE__, (r)->rank, #condition, strads_error());                  \
			return CHECK_FAILED;                                                       \
		}                                                                                  \
	} while (0)

struct sim_rank {
	int rank;
	int size;
	struct strads_job *job;
	struct strads_fabric *fabric;
	struct strads_region *shared; /* peers may get and put */
	struct strads_region *own;
	uint8_t *shared_base;
	uint8_t *own_base;
};

static inline int
rank_open(struct sim_rank *rank, struct strads_job *job, size_t shared_bytes, size_t own_bytes)
{
	struct strads_fabric_options options = {.fabric = "sim"};

	*rank = (struct sim_rank){
	    .rank = strads_job_rank(job), .size = strads_job_size(job), .job = job};
	CHECK(rank, strads_fabric_open(job, &options, &rank->fabric) == STRADS_OK);
	CHECK(rank, strads_region_new(rank->fabric, STRADS_REMOTE_READ | STRADS_REMOTE_WRITE,
				      shared_bytes, &rank->shared) == STRADS_OK);
	CHECK(rank,
	      strads_region_new(rank->fabric, STRADS_LOCAL, own_bytes, &rank->own) == STRADS_OK);
	CHECK(rank, strads_fabric_wire(rank->fabric) == STRADS_OK);
	rank->shared_base = strads_region_base(rank->shared);
	rank->own_base = strads_region_base(rank->own);
	return 0;
}

/* Without a barrier: for ranks whose peers may be gone. */
static inline void
rank_abandon(struct sim_rank *rank)
{
	strads_region_delete(&rank->own);
	strads_region_delete(&rank->shared);
	strads_fabric_close(&rank->fabric);
}

static inline int
rank_close(struct sim_rank *rank)
{
	CHECK(rank, strads_job_barrier(rank->job) == STRADS_OK);
	rank_abandon(rank);
	return 0;
}

/* The clock, less what it costs to look at it. */
static inline uint64_t
rank_clock_ns(struct sim_rank *rank)
{
	return strads_fabric_clock_ns(rank->fabric) - STRADS_SIM_CLOCK_PS / STRADS_SIM_PS;
}

/* Waits without end until `counter` has nothing under way, without the help of progress. */
static inline void
rank_await(struct sim_rank *rank, const struct strads_counter *counter)
{
	while (counter->done != counter->posted)
		strads_fabric_wait(rank->fabric, UINT64_MAX);
}

/* Waits without end for a signal. */
static inline void
rank_await_signal(struct sim_rank *rank, size_t offset, uint64_t value)
{
	while (strads_signal_load(rank->shared, offset) < value)
		strads_fabric_wait(rank->fabric, UINT64_MAX);
}

static inline int
run_ranks(int ranks, struct strads_sim_options sim, strads_rank_main *rank_main, void *arg)
{
	struct strads_job_options options = {
	    .kind = STRADS_JOB_SIM, .ranks = ranks, .timeout_ms = 1000, .sim = sim};

	return strads_job_run(&options, rank_main, arg);
}

#endif
