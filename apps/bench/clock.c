#include "clock.h"

#include <stdlib.h>

#define TRIES    31
#define READINGS 200

static int
by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double
strads_bench_clock_cost(const struct strads_team *team)
{
	double ns[TRIES];

	for (int i = 0; i < TRIES; i++) {
		uint64_t start = team->now_ns(team->context), end = start;

		for (int k = 0; k < READINGS; k++)
			end = team->now_ns(team->context);
		ns[i] = (double)(end - start) / READINGS;
	}
	qsort(ns, TRIES, sizeof *ns, by_value);
	return ns[TRIES / 2];
}
