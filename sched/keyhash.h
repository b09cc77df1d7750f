/*
 * Where the search for a key starts in a table of a power of two of places.
 */
#ifndef STRADS_SCHED_KEYHASH_H
#define STRADS_SCHED_KEYHASH_H

#include "strads/program.h"

/* The finalizer of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014): keys that follow each other land
 * apart. */
static inline uint64_t
strads_key_hash(strads_key key)
{
	key = (key ^ key >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	key = (key ^ key >> 27) * UINT64_C(0x94d049bb133111eb);
	return key ^ key >> 31;
}

#endif
