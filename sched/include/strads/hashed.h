/*
 * Hashed tables: values under 64-bit keys that need no dense range. A key's owner, which follows
 * from the key, inserts and changes it; every rank reads it from the owner's memory by itself.
 */
#ifndef STRADS_HASHED_H
#define STRADS_HASHED_H

#include "strads/program.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Every rank has a shard: slots in a region that its peers may read. A slot is one value with its
 * key, in cache lines of its own; four slots are a bucket. The shard is a chain of segments, each
 * of twice as many buckets as the one before. A key has one bucket in every segment and lies in the
 * first that had room: so the table grows into its memory without that anything moves, what has
 * been found once is found there for ever, and a bucket with room ends a search.
 *
 * Each line carries the version of its slot and a check of its own bytes: a reader that came
 * between the writes to a slot sees it, and reads again. Keys are not removed. */
struct strads_hashed;

struct strads_hashed_options {
	uint32_t value_bytes; /* of every value; a multiple of 8, up to 64 KiB; with up to 48 a slot
			       * is one line */
	uint64_t first_keys;  /* as many as a shard is expected to hold: of the first segment */
	size_t memory_bytes;  /* of a shard, at most; what is not used is not touched */
	uint32_t cache_keys;  /* places of peers' keys to remember, 16 bytes each; 0: none */
	uint32_t reads_max;   /* keys being read at once, ≥ 1 */
};

/* Values of 8 bytes, 4096 keys, 64 MiB, 65536 places, 64 reads. */
void strads_hashed_defaults(struct strads_hashed_options *options);

struct strads_hashed_stats {
	uint64_t keys;     /* in this rank's shard */
	uint64_t reads;    /* keys of peers read … */
	uint64_t messages; /* in so many gets … */
	uint64_t bytes;    /* … of so many bytes */
	uint64_t torn;     /* gets that came between writes, and were repeated */
};

/* Collective, with the same options on all ranks. Returns STRADS_OK, ERR_ARGUMENT (an option out of
 * range or another on another rank; memory for less than one bucket), ERR_MEMORY, or as
 * strads_fabric_wire. Thread: owner. */
STRADS_MUST_CHECK int strads_hashed_new(struct strads_fabric *fabric,
					const struct strads_hashed_options *options,
					struct strads_hashed **hashed);

/* Frees and nulls. No peer may still read (a barrier), nor any read of this rank's be under way.
 * Thread: owner. */
void strads_hashed_delete(struct strads_hashed **hashed);

/* The rank that owns key. Thread: any. */
int strads_hashed_owner(const struct strads_hashed *hashed, strads_key key);

/* Gives a key of this rank's own a value, [value_bytes]; inserts it if it is new. Returns
 * STRADS_OK, ERR_ARGUMENT (another rank's key), ERR_MEMORY (it is new, and of its buckets none has
 * room). Thread: owner. */
STRADS_MUST_CHECK int strads_hashed_put(struct strads_hashed *hashed, strads_key key,
					const void *value);

/* The value of a key of this rank's own; false if it has none. Thread: owner. */
bool strads_hashed_get(const struct strads_hashed *hashed, strads_key key, void *value);

enum strads_hashed_answer { STRADS_HASHED_WAITING, STRADS_HASHED_FOUND, STRADS_HASHED_ABSENT };

/* Begins to read key from its owner. *answer is WAITING at first; once strads_hashed_step has made
 * it FOUND, *value [value_bytes] is what the owner had put there at some moment since this call, as
 * a whole. Both are borrowed until then. Returns STRADS_OK, AGAIN (as many as can be are being
 * read: step), ERR_ARGUMENT. Thread: owner. */
STRADS_MUST_CHECK int strads_hashed_read(struct strads_hashed *hashed, strads_key key, void *value,
					 enum strads_hashed_answer *answer);

/* Moves what is being read on, without waiting; the fabric must be progressed beside. Returns
 * STRADS_OK, ERR_TIMEOUT (a value was being written whenever it was read, until the fabric's
 * deadline), ERR_PROTOCOL, or what the gets failed with. Thread: owner. */
STRADS_MUST_CHECK int strads_hashed_step(struct strads_hashed *hashed);

/* Keys being read. */
uint32_t strads_hashed_reading(const struct strads_hashed *hashed);

void strads_hashed_stats(const struct strads_hashed *hashed, struct strads_hashed_stats *stats);

#ifdef __cplusplus
}
#endif

#endif
