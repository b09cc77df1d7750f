/*
 * The steady clock of this process, for what people are told.
 */
#ifndef STRADS_CLI_CLOCK_H
#define STRADS_CLI_CLOCK_H

#include <time.h>

/* Seconds since some origin. Thread: any. */
static inline double
strads_clock_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

#endif
