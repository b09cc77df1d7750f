/*
 * What columns are made of, for the files that keep and read them.
 */
#ifndef STRADS_SCHED_COLUMNS_STATE_H
#define STRADS_SCHED_COLUMNS_STATE_H

#include "cache.h"
#include "strads/columns.h"
#include "strads/csc.h"

#include <assert.h>

#define STRADS_COLUMNS_WORD sizeof(uint64_t)

/* What every rank tells of its rows: offsets into its region. */
struct strads_share {
	uint64_t rows, cols, entries;
	uint64_t start, row, value;
	uint64_t first_row; /* filled in by who receives it */
};
static_assert(sizeof(struct strads_share) == 7 * sizeof(uint64_t), "wire format");

/* Of the entries of a column at one rank, as its array of starts has it. */
struct strads_range {
	uint64_t start, end;
};
static_assert(sizeof(struct strads_range) == 2 * sizeof(uint64_t), "read as two starts");

enum strads_read_stage { STRADS_READ_RANGES, STRADS_READ_ROWS, STRADS_READ_VALUES };

/* A column on its way: what is read next comes from `rank`, at the end of what was asked for. */
struct strads_fetch {
	uint32_t number; /* of its place */
	enum strads_read_stage stage;
	int rank;
	uint64_t asked;             /* entries, of the ranks before */
	struct strads_range *range; /* [ranks], registered */
	struct strads_counter counter;
};

struct strads_columns {
	struct strads_fabric *fabric;
	const struct strads_region *region;
	struct strads_csc x;
	struct strads_columns_options options;
	int rank, ranks;
	struct strads_share *share; /* [ranks] */
	int failed;                 /* the first failure to read */

	/* Unless there is but one rank: */
	struct strads_region *memory; /* the cache, then ranges [fetches_max][ranks] */
	struct strads_cache cache;
	struct strads_fetch *fetch;    /* [fetches_max] */
	struct strads_fetch **current; /* [fetches_max]: the first `fetches` are under way */
	uint32_t fetches;
	uint32_t reads; /* under way */
	uint64_t moves; /* whatever brought a fetch further */

	struct strads_columns_stats stats;
};

/* Where the values of a column lie that has room. */
static inline double *
strads_columns_values(const struct strads_columns *columns, const struct strads_place *place)
{
	return (double *)strads_region_base(columns->memory) + place->at;
}

/* Where its rows do: behind the values. */
static inline uint32_t *
strads_columns_rows(const struct strads_columns *columns, const struct strads_place *place)
{
	return (void *)(strads_columns_values(columns, place) + place->entries);
}

/* Room that a column takes. */
static inline uint64_t
strads_columns_words(uint32_t entries)
{
	return (uint64_t)entries + (entries + UINT64_C(1)) / 2;
}

/* Begins to read the column of a place that is pinned; there must be a fetch to spare. Its room,
 * unless it has some, is found on the way. */
void strads_columns_read_start(struct strads_columns *columns, uint32_t number);

/* Moves all that is being read on. Of what ends the place is HERE, and pinned as long as it is
 * wanted, or SIZED and not pinned if there was no room. Returns STRADS_OK, or the failure that is
 * then in columns->failed. */
STRADS_MUST_CHECK int strads_columns_read_step(struct strads_columns *columns);

#endif
