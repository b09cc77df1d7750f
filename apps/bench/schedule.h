/*
 * What a schedule costs, over variables that are computed and not stored: any number of them.
 */
#ifndef STRADS_BENCH_SCHEDULE_H
#define STRADS_BENCH_SCHEDULE_H

#include "strads/engine.h"

struct strads_bench_schedule_options {
	uint64_t variables; /* J ≥ 1 */
	uint32_t set_size;  /* ≥ 1 */
	uint64_t sets;      /* ≥ 10 */
	uint64_t seed;
	struct strads_engine_options engine;
};

struct strads_bench_schedule_result {
	uint64_t updates;
	uint64_t touched;         /* variables drawn at least once, of all schedulers */
	uint64_t scheduler_bytes; /* of the scheduler that has most */
	uint64_t bytes, messages; /* of all ranks, for all sets */
	double draw_ns[2]; /* for one variable, in the first tenth of the sets and the last */
	double seconds;
	double fall; /* ‖r‖² at the end over that at the start */
};

/* Runs coordinate descent on ½‖y − Xβ‖², sets drawn by priority. Column j of X has 16 entries of
 * ±1/4 in rows that follow from j alone, among 2^20; y is random. Collective; the result is the
 * same on all ranks. Returns STRADS_OK, ERR_MEMORY, or as strads_priority_new and
 * strads_engine_run. Thread: owner. */
STRADS_MUST_CHECK int strads_bench_schedule(struct strads_fabric *fabric,
					    const struct strads_bench_schedule_options *options,
					    struct strads_bench_schedule_result *result);

#endif
