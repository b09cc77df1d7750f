/*
 * Which random numbers are for what. Internal to apps/generate/.
 */
#ifndef STRADS_STREAMS_H
#define STRADS_STREAMS_H

#include "strads/random.h"

enum strads_generate_stream {
	STRADS_STREAM_FRESH,   /* index: column */
	STRADS_STREAM_ROWS,    /* index: column · nonzeros + k */
	STRADS_STREAM_VALUES,  /* same */
	STRADS_STREAM_PLANTED, /* index: 3 · k and the two behind it */
	STRADS_STREAM_NOISE,   /* index: 2 · row and the one behind it */
};

/* A number below `bound` ≤ 2^32 out of 64 random bits. */
static inline uint64_t
strads_random_below(uint64_t random, uint64_t bound)
{
	return ((random >> 32) * bound) >> 32;
}

/* U(0, 1] out of 64 random bits. */
static inline double
strads_random_unit(uint64_t random)
{
	return ((double)(random >> 11) + 1.0) * 0x1p-53;
}

#endif
