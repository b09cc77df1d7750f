/*
 * What the bare means have in common: ranks 0 and 1 only, waits that end, and loops that give way
 * now and then where ranks outnumber processors.
 */
#ifndef STRADS_BENCH_RAW_H
#define STRADS_BENCH_RAW_H

#include "side.h"

/* A wait under way: all zero at its start. */
struct strads_raw_wait {
	uint32_t turns;
	uint64_t deadline_ns;
};

/* The rare part of a turn. */
int strads_raw_pause(struct strads_bench *bench, struct strads_raw_wait *wait);

/* One turn of a loop that waits for the other rank. Returns STRADS_OK, ERR_TIMEOUT, or as
 * strads_job_check. */
static inline int
strads_raw_turn(struct strads_bench *bench, struct strads_raw_wait *wait)
{
	return ++wait->turns % 1024 == 0 ? strads_raw_pause(bench, wait) : STRADS_OK;
}

/* Whether ranks 0 and 1 have the same host name. Collective. */
STRADS_MUST_CHECK int strads_raw_one_host(struct strads_bench *bench, bool *one);

#endif
