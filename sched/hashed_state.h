/*
 * What a hashed table is made of, for the files that write and read it.
 */
#ifndef STRADS_SCHED_HASHED_STATE_H
#define STRADS_SCHED_HASHED_STATE_H

#include "slot.h"
#include "strads/hashed.h"

#include <assert.h>

#define STRADS_HASHED_SLOTS        4  /* of a bucket */
#define STRADS_HASHED_SEGMENTS_MAX 48 /* more than memory has room for */

/* Buckets of all shards alike. */
struct strads_hashed_shape {
	uint32_t value_words;
	uint32_t segments;
	uint64_t slot_bytes;
	uint64_t buckets[STRADS_HASHED_SEGMENTS_MAX]; /* of each segment */
	uint64_t before[STRADS_HASHED_SEGMENTS_MAX];  /* buckets of the segments before */
};

static_assert(sizeof(struct strads_hashed_shape) == (2 + 2 * STRADS_HASHED_SEGMENTS_MAX) * 8,
	      "shapes are compared byte by byte: no padding");

/* Where a peer's key was found. */
struct strads_hashed_place {
	strads_key key;
	uint64_t slot; /* its number in the shard + 1; 0: none */
};

/* A key being read: its slot if that is known, else its bucket of one segment after the other. */
struct strads_hashed_request {
	strads_key key;
	uint64_t *value;
	enum strads_hashed_answer *answer;
	uint64_t slot; /* as in a place */
	uint32_t segment;
	bool asked;       /* a get is under way */
	uint64_t torn_ns; /* when first seen torn; 0: it was not */
	uint64_t *copy;   /* [bucket], registered */
	struct strads_counter counter;
};

struct strads_hashed {
	struct strads_fabric *fabric;
	struct strads_hashed_options options;
	struct strads_hashed_shape shape;
	int rank, ranks;
	struct strads_region *shard;
	struct strads_region *copies;           /* [reads_max][bucket] */
	struct strads_hashed_place *places;     /* [cache_keys], a power of two; by hash */
	struct strads_hashed_request *requests; /* [reads_max] */
	struct strads_hashed_request **current; /* [reads_max]: the first `reading` are under way */
	uint32_t reading;
	struct strads_hashed_stats stats;
};

/* Number, in its shard, of the first slot of key's bucket in a segment. */
uint64_t strads_hashed_bucket(const struct strads_hashed_shape *shape, strads_key key,
			      uint32_t segment);

#endif
