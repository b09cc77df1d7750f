#include "clock.h"

#include <stdlib.h>

#define TRIES    31
#define READINGS 200

#define TUNING_NS 20000000 /* a clock that is read within 100 ns is then right to 10^-5 */

static int
by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

void
strads_bench_clock_tune(struct strads_bench *bench)
{
	uint64_t start_ns = strads_bench_now(bench), ticks = strads_ticks(), now_ns;

	do
		now_ns = strads_bench_now(bench);
	while (now_ns - start_ns < TUNING_NS);
	bench->origin = ticks;
	bench->ns_a_tick = (double)(now_ns - start_ns) / (double)(strads_ticks() - ticks);
}

double
strads_bench_clock_cost(const struct strads_bench *bench)
{
	double ns[TRIES];

	for (int i = 0; i < TRIES; i++) {
		uint64_t start = strads_bench_now(bench), end = start;

		for (int k = 0; k < READINGS; k++)
			end = strads_bench_now(bench);
		ns[i] = (double)(end - start) / READINGS;
	}
	qsort(ns, TRIES, sizeof *ns, by_value);
	return ns[TRIES / 2];
}
