/*
 * Even contiguous shares of 0 … total − 1 for the ranks of a job.
 */
#ifndef STRADS_SPLIT_H
#define STRADS_SPLIT_H

#include <stdint.h>

/* First element of rank's share, ⌊rank · total / ranks⌋; rank may equal ranks. Thread: any. */
static inline uint64_t
strads_split_first(uint64_t total, int ranks, int rank)
{
	uint64_t quotient = total / (uint64_t)ranks, remainder = total % (uint64_t)ranks;

	return quotient * (uint64_t)rank + remainder * (uint64_t)rank / (uint64_t)ranks;
}

#endif
