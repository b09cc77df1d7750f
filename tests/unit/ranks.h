/*
 * Runs something on every rank of a job, each with a fabric, and brings out what each rank leaves.
 * Ranks may be processes: what they leave comes through memory shared with them.
 */
#ifndef STRADS_TEST_RANKS_H
#define STRADS_TEST_RANKS_H

#include <stddef.h>

#include "strads/transport.h"

/* How a rank ended: the first member of what it leaves. */
struct rank_end {
	int status;      /* of the first call that failed; STRADS_AGAIN if it never told */
	char error[512]; /* its sentence */
};

/* What a rank does; `result` is its own, all zeros but for the end, which is told for it. Returns a
 * status. */
typedef int rank_task(struct strads_fabric *fabric, const void *arg, void *result);

/* Forked ranks for LOCAL; for SIM simulated ones, on an adapter of 1.5 µs and 12 GB/s. */
struct strads_job_options ranks_job(enum strads_job_kind kind, int ranks);

/* Runs the task on all ranks; results [job->ranks] of `bytes` each. Returns the job's exit code
 * (every rank returns 0 whatever happened to it). */
int ranks_run(const struct strads_job_options *job, const char *fabric, rank_task *task,
	      const void *arg, void *results, size_t bytes);

/* Runs the task and asserts that every rank succeeded. */
void ranks_assert(const struct strads_job_options *job, const char *fabric, rank_task *task,
		  const void *arg, void *results, size_t bytes);

#endif
