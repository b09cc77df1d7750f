/*
 * Which columns of a matrix have a place in a fixed piece of memory: found by key, the least
 * recently used given up where room is needed. It deals with places, not with what is in them.
 *
 * Places follow each other in memory as they came. Room for a column that fits behind the last one
 * is taken there. Otherwise the least recently used place is given up and, as far as that is too
 * small, what lies beside it: about as much as the new column takes, however large that is, and not
 * one place here and one there until some happen to meet.
 */
#ifndef STRADS_SCHED_CACHE_H
#define STRADS_SCHED_CACHE_H

#include "strads/program.h"

enum strads_standing {
	STRADS_FETCHED, /* on its way */
	STRADS_SIZED,   /* how many entries it has is known; no room yet, and not on its way */
	STRADS_HERE,
};

struct strads_place {
	strads_key key;
	uint64_t at;           /* words before it */
	uint64_t words;        /* 0: it takes no room, or has none yet */
	uint32_t entries;      /* from SIZED on */
	uint32_t pins;         /* reasons why it must stay */
	uint32_t left, right;  /* neighbours in memory, if it takes room */
	uint32_t older, newer; /* by use, if nothing pins it */
	uint32_t chain;        /* next with the same hash, or next that is free */
	bool fresh;            /* HERE, and not yet given to anybody */
	bool wanted;           /* whoever asked has not got it: one of the pins, once it is HERE */
	enum strads_standing standing;
};

struct strads_cache {
	uint64_t words;             /* of memory, 8 bytes each */
	uint32_t places;            /* at most */
	struct strads_place *place; /* [places + 1]; the last begins and ends both lists */
	uint32_t *bucket;           /* [buckets] */
	uint32_t buckets;           /* a power of two */
	uint32_t vacant;            /* first free place, or NONE */
	uint32_t hand;              /* that got room last; once that is gone, the one left of it */
	uint64_t refused; /* no room for so many words since a place became free to be given up */
	uint64_t evicted; /* columns that were HERE */
};

#define STRADS_CACHE_NONE UINT32_MAX

/* Most places of a cache. */
#define STRADS_CACHE_PLACES_MAX (UINT32_C(1) << 30)

/* An empty one; 1 … PLACES_MAX places. STRADS_OK or ERR_MEMORY; frees nothing on failure. */
STRADS_MUST_CHECK int strads_cache_init(struct strads_cache *cache, uint64_t words,
					uint32_t places);
void strads_cache_free(struct strads_cache *cache);

/* Bytes that strads_cache_init allocates. */
size_t strads_cache_bytes(uint32_t places);

/* Place of key, or NONE. */
uint32_t strads_cache_find(const struct strads_cache *cache, strads_key key);

/* A place for key, which has none: pinned once, FETCHED, without room. NONE if all are pinned. */
uint32_t strads_cache_add(struct strads_cache *cache, strads_key key);

/* Gives a pinned place that has none room for `words`. False: what is not pinned is too little, or
 * lies too scattered. */
bool strads_cache_make_room(struct strads_cache *cache, uint32_t number, uint64_t words);

void strads_cache_pin(struct strads_cache *cache, uint32_t number);
/* Takes one pin off; with the last, the place becomes the most recently used. */
void strads_cache_unpin(struct strads_cache *cache, uint32_t number);

#endif
