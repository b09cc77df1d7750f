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

#ifdef __cplusplus
}
#endif

#endif
