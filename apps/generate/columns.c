#include "columns.h"

#include "streams.h"

#include <stdlib.h>

#define FRESH_OF_TEN 9

int
strads_columns_open(struct strads_columns *columns, uint64_t rows, uint64_t cols, uint64_t nonzeros,
		    uint64_t seed)
{
	*columns = (struct strads_columns){
	    .rows = rows, .cols = cols, .nonzeros = nonzeros, .seed = seed, .col = UINT64_MAX};
	columns->row = malloc((size_t)(nonzeros + 1) * sizeof(*columns->row));
	columns->units = malloc((size_t)(nonzeros + 1) * sizeof(*columns->units));
	columns->drawn = calloc((size_t)rows / 64 + 1, sizeof(*columns->drawn));
	if (columns->row && columns->units && columns->drawn)
		return STRADS_OK;
	strads_columns_close(columns);
	return strads_fail(STRADS_ERR_MEMORY, "no memory for a column of %llu rows",
			   (unsigned long long)rows);
}

static bool
is_fresh(const struct strads_columns *columns, uint64_t col)
{
	uint64_t random = strads_random(columns->seed, STRADS_STREAM_FRESH, col);

	return col == 0 || strads_random_below(random, 10) < FRESH_OF_TEN;
}

static bool
drawn_take(struct strads_columns *columns, uint64_t row)
{
	uint64_t bit = UINT64_C(1) << (row % 64);
	bool is_new = !(columns->drawn[row / 64] & bit);

	columns->drawn[row / 64] |= bit;
	return is_new;
}

static int
compare_rows(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* Floyd's sample without replacement: for k = n − m … n − 1 take a draw from 0 … k, or k itself if
 * the draw is taken already. */
static void
rows_draw(struct strads_columns *columns, uint64_t col)
{
	uint64_t m = columns->nonzeros, n = columns->rows;

	for (uint64_t k = 0; k < m; k++) {
		uint64_t random = strads_random(columns->seed, STRADS_STREAM_ROWS, col * m + k);
		uint64_t row = strads_random_below(random, n - m + k + 1);

		if (!drawn_take(columns, row)) {
			row = n - m + k;
			(void)drawn_take(columns, row);
		}
		columns->row[k] = (uint32_t)row;
	}
	for (uint64_t k = 0; k < m; k++)
		columns->drawn[columns->row[k] / 64] = 0;
	qsort(columns->row, (size_t)m, sizeof(*columns->row), compare_rows);
}

/* ε_j ~ U(0, 1] in a fresh column, else .9 ε_{j−1} + .1 U(0, 1], to the nearest 10⁻⁶. */
static void
values_draw(struct strads_columns *columns, uint64_t col, bool fresh)
{
	for (uint64_t k = 0; k < columns->nonzeros; k++) {
		uint64_t random =
		    strads_random(columns->seed, STRADS_STREAM_VALUES, col * columns->nonzeros + k);
		uint64_t units = 1 + strads_random_below(random, STRADS_COLUMN_UNITS);

		columns->units[k] =
		    (uint32_t)(fresh ? units : (9 * (uint64_t)columns->units[k] + units + 5) / 10);
	}
}

static void
column_make(struct strads_columns *columns, uint64_t col)
{
	bool fresh = is_fresh(columns, col);

	if (fresh)
		rows_draw(columns, col);
	values_draw(columns, col, fresh);
	columns->col = col;
}

void
strads_columns_go(struct strads_columns *columns, uint64_t col)
{
	uint64_t first = col;

	while (!is_fresh(columns, first))
		first--;
	if (columns->col != UINT64_MAX && columns->col < col && columns->col >= first)
		first = columns->col + 1;
	for (uint64_t j = first; j <= col; j++)
		column_make(columns, j);
}

void
strads_columns_close(struct strads_columns *columns)
{
	free(columns->row);
	free(columns->units);
	free(columns->drawn);
	*columns = (struct strads_columns){0};
}
