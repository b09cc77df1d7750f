/*
 * How much is run of a test that goes through many settings: all of it, or a share where each run
 * takes long, as under sanitizers.
 */
#ifndef STRADS_TEST_SHARE_H
#define STRADS_TEST_SHARE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

/* Whether run k is one of those: every run is, or about one in N where STRADS_TEST_SHARE is N; run
 * 0 always. As though at random, so that no pattern in the settings is lost, but always the same: a
 * loop that gets too few, or the wrong ones, begins its k elsewhere. */
static inline bool
strads_test_takes(uint64_t k)
{
	const char *share = getenv("STRADS_TEST_SHARE");
	uint64_t n = share ? strtoull(share, NULL, 10) : 1;
	uint64_t mixed = k * UINT64_C(0x9e3779b97f4a7c15);

	mixed = (mixed ^ mixed >> 29) * UINT64_C(0xbf58476d1ce4e5b9);
	return n < 2 || (mixed >> 32) % n == 0;
}

#endif
