/*
 * Counter-based random numbers.
 */
#ifndef STRADS_RANDOM_H
#define STRADS_RANDOM_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Counter-based random 64 bits (Random123 Philox 4×32-10; Salmon et al., SC'11): a pure function
 * of (seed, stream, index). */
uint64_t strads_random(uint64_t seed, uint64_t stream, uint64_t index);

/* Uniform in 0 … bound − 1 from 64 uniform bits. */
static inline uint64_t
strads_random_scale(uint64_t bits, uint64_t bound)
{
	return (uint64_t)(__extension__(unsigned __int128) bits * bound >> 64);
}

/* The finalizer of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014): a permutation of the 64-bit
 * numbers that throws neighbours far apart. */
static inline uint64_t
strads_random_mix(uint64_t x)
{
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

#ifdef __cplusplus
}
#endif

#endif
