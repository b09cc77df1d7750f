/*
 * A pace: lets a loop that turns every few nanoseconds do something every few milliseconds, and
 * read the clock but once in many turns. Internal to transport/.
 */
#ifndef STRADS_PACE_H
#define STRADS_PACE_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#define STRADS_PACE_TURNS     32      /* turns between two looks at the clock */
#define STRADS_PACE_PERIOD_NS 2000000 /* between two times it is due */

/* All zero: due at the next turn. */
struct strads_pace {
	uint32_t turns; /* left before the clock is read */
	uint64_t due_ns;
};

/* Nanoseconds of the monotone clock. */
static inline uint64_t
strads_monotone_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* The same, of the last tick of the kernel's clock (1 to 10 ms ago): no system call even where the
 * machine's own clock takes one. */
static inline uint64_t
strads_coarse_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* The clock's part of strads_pace_due. */
static inline bool
strads_pace_late(struct strads_pace *pace)
{
	uint64_t now = strads_coarse_ns();

	pace->turns = STRADS_PACE_TURNS;
	if (now < pace->due_ns)
		return false;
	pace->due_ns = now + STRADS_PACE_PERIOD_NS;
	return true;
}

/* One turn: is it time? */
static inline bool
strads_pace_due(struct strads_pace *pace)
{
	if (pace->turns > 0) {
		pace->turns--;
		return false;
	}
	return strads_pace_late(pace);
}

#endif
