/* The time deadlines of the control channel are kept in. */
#ifndef STRADS_JOB_CLOCK_H
#define STRADS_JOB_CLOCK_H

#include <limits.h>
#include <stdint.h>
#include <time.h>

/* Milliseconds since an arbitrary moment, monotone. */
static inline uint64_t
strads_clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* What is left until `deadline_ms`, as poll takes it: 0 once it has passed. */
static inline int
strads_clock_left_ms(uint64_t deadline_ms)
{
	uint64_t now = strads_clock_ms();

	if (deadline_ms <= now)
		return 0;
	return deadline_ms - now > INT_MAX ? INT_MAX : (int)(deadline_ms - now);
}

#endif
