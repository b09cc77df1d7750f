/*
 * Runs the toy on all ranks of a job and tells what each rank saw.
 */
#ifndef STRADS_TEST_TOY_JOB_H
#define STRADS_TEST_TOY_JOB_H

#include "ranks.h"
#include "toy.h"

#define TOY_RANKS_MAX 100

struct toy_job {
	struct strads_job_options job;
	struct strads_engine_options engine;
	struct toy_options toy;
	const char *fabric; /* as in struct strads_fabric_options */
	int runs;           /* calls of strads_engine_run, one after another */
	int odd_rank;       /* is given another depth than the others; −1: none */
};

struct toy_result {
	struct rank_end end;
	uint64_t digest;
	uint64_t finished;
	struct strads_engine_stats stats;
	uint64_t registered_bytes; /* by the engine */
};

/* `ranks` ranks, forked for LOCAL, simulated for SIM; small rings, one run. */
struct toy_job toy_job_defaults(enum strads_job_kind kind, int ranks);

/* Runs the job; returns its exit code (every rank returns 0 whatever happened to it). */
int toy_job_run(const struct toy_job *job, struct toy_result results[TOY_RANKS_MAX]);

/* Runs the job and asserts that every rank succeeded with the digest of the reference. */
void toy_job_assert_reference(const struct toy_job *job);

#endif
