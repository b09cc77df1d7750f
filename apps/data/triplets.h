/*
 * Entries of a matrix in any order, wherever they were read, and their way to the ranks that have
 * their rows.
 */
#ifndef STRADS_TRIPLETS_H
#define STRADS_TRIPLETS_H

#include "rows.h"

struct strads_triplet {
	uint64_t row; /* of all rows, from 0 */
	double value;
	uint32_t col; /* from 0 */
};

struct strads_triplets {
	struct strads_triplet *entry;
	size_t count, room;
};

/* Returns STRADS_OK, ERR_MEMORY. */
STRADS_MUST_CHECK int strads_triplets_push(struct strads_triplets *triplets, uint64_t row,
					   uint32_t col, double value);

void strads_triplets_free(struct strads_triplets *triplets);

/* Brings every entry to the rank that has its row, rank r having rows first[r] … first[r + 1] − 1
 * ([ranks + 1], the same on all ranks): each rank sorts its entries into one bucket per rank, and
 * gets its bucket from every other. All columns are below `cols`.
 * `rows` must be as new; it receives this rank's share, entries of a row in the order of ranks and
 * of their lists, y and offset zero. Frees the entries of `triplets` on the way. Collective: all
 * ranks succeed or fail together. Returns STRADS_OK, ERR_INPUT, ERR_MEMORY, or as
 * strads_fabric_wire and strads_counter_wait. Thread: owner. */
STRADS_MUST_CHECK int strads_triplets_exchange(struct strads_fabric *fabric,
					       struct strads_triplets *triplets,
					       const uint64_t *first, uint64_t cols,
					       struct strads_rows *rows);

/* The same with even shares of `rows_total` rows (strads_split_first). */
STRADS_MUST_CHECK int strads_triplets_exchange_evenly(struct strads_fabric *fabric,
						      struct strads_triplets *triplets,
						      uint64_t rows_total, uint64_t cols,
						      struct strads_rows *rows);

#endif
