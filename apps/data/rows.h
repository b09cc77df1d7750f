/*
 * A sparse matrix by rows while it is being read, and its turning into columns.
 */
#ifndef STRADS_ROWS_H
#define STRADS_ROWS_H

#include "strads/csc.h"
#include "strads/transport.h"

/* Most columns of any input: indices from 0 fit 32 bits. */
#define STRADS_COLS_MAX (UINT64_C(1) << 32)

/* Entries of row i: first[i] … first[i + 1] − 1, in the order of the file; the last row is open
 * (first[rows] is not written until strads_rows_end). */
struct strads_rows {
	size_t rows, entries;
	uint64_t cols;    /* largest index seen, from 1 */
	double *y;        /* [rows] */
	uint64_t *offset; /* [rows] in the text, of the row's line */
	uint64_t *first;  /* [rows + 1] */
	uint32_t *col;    /* [entries] from 0 */
	double *value;    /* [entries] */
	size_t y_room, offset_room, first_room, col_room, value_room;
};

/* Makes room for so many more rows. Returns STRADS_OK, ERR_MEMORY, ERR_INPUT (2^32 rows on one
 * rank). */
STRADS_MUST_CHECK int strads_rows_room(struct strads_rows *rows, uint64_t more);

/* Starts a row. Returns STRADS_OK, ERR_MEMORY, ERR_INPUT (2^32 rows on one rank). */
STRADS_MUST_CHECK int strads_rows_begin(struct strads_rows *rows, double y, uint64_t offset);

/* Makes room for `more` entries. */
STRADS_MUST_CHECK int strads_rows_reserve(struct strads_rows *rows, size_t more);

/* Appends an entry to the last row, for which there is room. */
static inline void
strads_rows_push(struct strads_rows *rows, uint32_t col, double value)
{
	rows->col[rows->entries] = col;
	rows->value[rows->entries] = value;
	rows->entries++;
}

/* Closes the last row. */
STRADS_MUST_CHECK int strads_rows_end(struct strads_rows *rows);

/* The same by columns, of which there are `cols` ≥ every index; rows ascending in each. An entry
 * that occurs more than once is the sum in the order of the file; sums of zero are left out. Frees
 * the entries of `rows`, keeps y. Returns STRADS_OK, ERR_MEMORY. */
STRADS_MUST_CHECK int strads_rows_to_csc(struct strads_rows *rows, uint64_t cols,
					 struct strads_csc *csc);

/* Frees all; the structure is then as new. */
void strads_rows_free(struct strads_rows *rows);

#endif
