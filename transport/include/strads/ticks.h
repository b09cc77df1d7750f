/*
 * A stopwatch: a counter that grows steadily with time, in a unit of its own. A look at it costs
 * less than half of one at the system's clock, and never is a system call where the processor has
 * such a counter.
 */
#ifndef STRADS_TICKS_H
#define STRADS_TICKS_H

#include <stdint.h>
#include <time.h>

/* Ticks since some origin. Counters of two processors may differ by a few. Thread: any. */
static inline uint64_t
strads_ticks(void)
{
#if defined(__x86_64__)
	return __builtin_ia32_rdtsc();
#elif defined(__aarch64__)
	uint64_t ticks;

	__asm__ volatile("mrs %0, cntvct_el0" : "=r"(ticks));
	return ticks;
#else
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
#endif
}

#endif
