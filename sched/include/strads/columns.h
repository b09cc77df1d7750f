/*
 * Whole columns of a matrix whose rows are split among the ranks, for who looks at how columns
 * correlate: read from the memory of the ranks that have the rows, and kept as long as there is
 * room.
 */
#ifndef STRADS_COLUMNS_H
#define STRADS_COLUMNS_H

#include "strads/program.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Every rank has all columns of its own rows, in a region that its peers may read; rank r has the
 * rows that follow those of rank r − 1. A column that is asked for is read from all ranks at once,
 * without any work of theirs: first where it starts and ends at each, 16 bytes, then its rows and
 * values, straight to where they are used. It stays in the cache until room is needed, when the
 * least recently used columns that nobody holds are given up, and what lies beside them.
 *
 * A job of one rank has no cache: it is given the columns where they are. */
struct strads_columns;

struct strads_csc; /* strads/csc.h */

struct strads_columns_options {
	size_t cache_bytes;   /* of rows and values: 12 bytes an entry, up to 4 more a column */
	uint32_t columns_max; /* in the cache, 1 … 2^30; 68 to 72 bytes each beside */
	uint32_t fetches_max; /* columns being read at once, ≥ 1 */
	uint32_t reads_max;   /* reads under way at once, ≥ 1 */
};

/* 64 MiB, 262144 columns, 64 fetches, 256 reads. */
void strads_columns_defaults(struct strads_columns_options *options);

/* Bytes of registered and private memory that such columns take, on each of `ranks` ranks. */
size_t strads_columns_memory(const struct strads_columns_options *options, int ranks);

/* One column over the rows of all ranks. */
struct strads_column {
	uint32_t entries;
	const uint32_t *row; /* [entries] among all rows, ascending */
	const double *value; /* [entries] */
};

struct strads_columns_stats {
	uint64_t held;     /* times a column was given out … */
	uint64_t hits;     /* … that had not just been read for it */
	uint64_t fetched;  /* columns read */
	uint64_t evicted;  /* columns that made room for others */
	uint64_t messages; /* reads from peers, for all of this … */
	uint64_t bytes;    /* … and what they brought */
};

/* The columns of the matrix of which `x` is this rank's rows; the arrays of x lie in `region`,
 * which is STRADS_REMOTE_READ and wired (with one rank: anywhere, and region may be NULL). Both are
 * borrowed, and must not change, until every rank has deleted its columns. Collective; options may
 * differ from rank to rank. Returns STRADS_OK, ERR_ARGUMENT (an option out of range, arrays outside
 * the region, another number of columns on another rank, 2^32 rows or more in all), ERR_MEMORY, or
 * as strads_job_gather. Thread: owner. */
STRADS_MUST_CHECK int strads_columns_new(struct strads_fabric *fabric,
					 const struct strads_region *region,
					 const struct strads_csc *x,
					 const struct strads_columns_options *options,
					 struct strads_columns **columns);

/* Waits for what is still being read, then frees and nulls. Not collective. Thread: owner. */
void strads_columns_delete(struct strads_columns **columns);

/* hold: no room, and none comes from what is being read. */
#define STRADS_COLUMNS_FULL 2

/* Gives column `key`, which then stays where it is until it has been released as many times as it
 * was held. Never blocks; reads what was asked for before as well. Sets *moved if it did anything:
 * a loop that asked for all it wants in vain may sleep (strads_fabric_wait) if none of the calls
 * did.
 *
 * Returns STRADS_OK: it is in *column. STRADS_AGAIN: it is being read, or waits for others that
 * are; call again after strads_fabric_progress. Once it has come it waits to be held: who no longer
 * wants it says so (strads_columns_forget). STRADS_COLUMNS_FULL: what is held and what waits to be
 * takes all room; hold and release some of that, then call again, or do without. ERR_ARGUMENT:
 * there is no such column. ERR_MEMORY: it is larger than the whole cache, whatever is released.
 * ERR_PROTOCOL: a rank's arrays are no columns of sparse rows. Or as strads_get. After these last
 * two nothing more can be held. Thread: owner. */
STRADS_MUST_CHECK int strads_columns_hold(struct strads_columns *columns, strads_key key,
					  struct strads_column *column, bool *moved);

/* Of a key that is held. Thread: owner. */
void strads_columns_release(struct strads_columns *columns, strads_key key);

/* Column `key`, for which hold said AGAIN or FULL, is not wanted any more by anybody. Thread:
 * owner. */
void strads_columns_forget(struct strads_columns *columns, strads_key key);

void strads_columns_stats(const struct strads_columns *columns, struct strads_columns_stats *stats);

#ifdef __cplusplus
}
#endif

#endif
