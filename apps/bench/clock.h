/*
 * The clock: ticks of the processor's counter, in nanoseconds of the system's clock; and what a
 * look at it costs, which every sample holds once.
 */
#ifndef STRADS_BENCH_CLOCK_H
#define STRADS_BENCH_CLOCK_H

#include "side.h"

/* Sets this rank's clock by the team's, which takes some 20 ms. Not for virtual time. */
void strads_bench_clock_tune(struct strads_bench *bench);

/* The median of what two readings in a row differ by, in nanoseconds; measured anew. */
double strads_bench_clock_cost(const struct strads_bench *bench);

#endif
