/*
 * The columns of the generated matrix, one at a time.
 */
#ifndef STRADS_COLUMNS_H
#define STRADS_COLUMNS_H

#include "strads/transport.h"

#define STRADS_COLUMN_UNITS 1000000 /* values are multiples of its inverse */

struct strads_columns {
	uint64_t rows, cols, nonzeros, seed;
	uint64_t col;    /* the current column */
	uint32_t *row;   /* [nonzeros] its rows, ascending */
	uint32_t *units; /* [nonzeros] its values · 10^6, 1 … 10^6 */
	uint64_t *drawn; /* [rows / 64 + 1] bits, all clear between columns */
};

/* Returns STRADS_OK, ERR_MEMORY. Thread: any. */
STRADS_MUST_CHECK int strads_columns_open(struct strads_columns *columns, uint64_t rows,
					  uint64_t cols, uint64_t nonzeros, uint64_t seed);

/* Makes `col` the current column. Fast if it is the next one. */
void strads_columns_go(struct strads_columns *columns, uint64_t col);

void strads_columns_close(struct strads_columns *columns);

#endif
