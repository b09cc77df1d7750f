/*
 * The clock's own cost, which every sample holds once.
 */
#ifndef STRADS_BENCH_CLOCK_H
#define STRADS_BENCH_CLOCK_H

#include "side.h"

/* The median of what two readings in a row differ by, in nanoseconds; measured anew. */
double strads_bench_clock_cost(const struct strads_team *team);

#endif
