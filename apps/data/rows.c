#include "rows.h"

#include "grow.h"

#include <string.h>

int
strads_rows_room(struct strads_rows *rows, uint64_t more)
{
	size_t need = rows->rows + (size_t)more;
	int status;

	if (more > UINT32_MAX - rows->rows)
		return strads_fail(STRADS_ERR_INPUT,
				   "more than 2^32 - 1 rows on one rank: use more ranks");
	status = strads_grow((void **)&rows->y, &rows->y_room, need, sizeof(double));
	if (status == STRADS_OK)
		status =
		    strads_grow((void **)&rows->offset, &rows->offset_room, need, sizeof(uint64_t));
	if (status == STRADS_OK)
		status = strads_grow((void **)&rows->first, &rows->first_room, need + 1,
				     sizeof(uint64_t));
	return status;
}

int
strads_rows_begin(struct strads_rows *rows, double y, uint64_t offset)
{
	int status = strads_rows_room(rows, 1);

	if (status != STRADS_OK)
		return status;
	rows->y[rows->rows] = y;
	rows->offset[rows->rows] = offset;
	rows->first[rows->rows] = rows->entries;
	rows->rows++;
	return STRADS_OK;
}

int
strads_rows_reserve(struct strads_rows *rows, size_t more)
{
	int status = strads_grow((void **)&rows->col, &rows->col_room, rows->entries + more,
				 sizeof(uint32_t));

	if (status == STRADS_OK)
		status = strads_grow((void **)&rows->value, &rows->value_room, rows->entries + more,
				     sizeof(double));
	return status;
}

int
strads_rows_end(struct strads_rows *rows)
{
	int status =
	    strads_grow((void **)&rows->first, &rows->first_room, rows->rows + 1, sizeof(uint64_t));

	if (status == STRADS_OK)
		rows->first[rows->rows] = rows->entries;
	return status;
}

static int
csc_new(struct strads_csc *csc, uint32_t rows, uint64_t cols, size_t entries)
{
	*csc = (struct strads_csc){.rows = rows, .cols = cols};
	csc->start = calloc((size_t)cols + 1, sizeof(*csc->start));
	csc->row = calloc(entries + 1, sizeof(*csc->row));
	csc->value = calloc(entries + 1, sizeof(*csc->value));
	if (csc->start && csc->row && csc->value)
		return STRADS_OK;
	free(csc->start);
	free(csc->row);
	free(csc->value);
	strads_fail(STRADS_ERR_MEMORY,
		    "no memory for %llu columns with %zu entries: use more ranks on more hosts",
		    (unsigned long long)cols, entries);
	return STRADS_ERR_MEMORY;
}

/* Scatters the entries, row after row, so that each column's rows ascend. start[j] is first where
 * the next entry of column j goes, and in the end where column j + 1 starts: it is shifted back. */
static void
csc_scatter(const struct strads_rows *rows, struct strads_csc *csc)
{
	uint64_t *next = csc->start, sum = 0;

	for (size_t e = 0; e < rows->entries; e++)
		next[rows->col[e]]++;
	for (uint64_t j = 0; j < csc->cols; j++) {
		uint64_t count = next[j];

		next[j] = sum;
		sum += count;
	}
	for (size_t i = 0; i < rows->rows; i++)
		for (uint64_t e = rows->first[i]; e < rows->first[i + 1]; e++) {
			uint64_t to = next[rows->col[e]]++;

			csc->row[to] = (uint32_t)i;
			csc->value[to] = rows->value[e];
		}
	memmove(csc->start + 1, csc->start, (size_t)csc->cols * sizeof(*csc->start));
	csc->start[0] = 0;
}

/* Sums neighbours of the same row and leaves out zeros, in place. */
static void
csc_assemble(struct strads_csc *csc)
{
	uint64_t from = 0, to = 0;

	for (uint64_t j = 0; j < csc->cols; j++) {
		uint64_t end = csc->start[j + 1];

		while (from < end) {
			uint32_t row = csc->row[from];
			double sum = csc->value[from++];

			while (from < end && csc->row[from] == row)
				sum += csc->value[from++];
			csc->row[to] = row;
			csc->value[to] = sum;
			to += sum != 0.0;
		}
		csc->start[j + 1] = to;
	}
}

int
strads_rows_to_csc(struct strads_rows *rows, uint64_t cols, struct strads_csc *csc)
{
	struct strads_csc new;
	int status = csc_new(&new, (uint32_t)rows->rows, cols, rows->entries);

	if (status != STRADS_OK)
		return status;
	csc_scatter(rows, &new);
	free(rows->col);
	free(rows->value);
	rows->col = NULL;
	rows->value = NULL;
	rows->entries = rows->col_room = rows->value_room = 0;
	csc_assemble(&new);
	*csc = new;
	return STRADS_OK;
}

void
strads_rows_free(struct strads_rows *rows)
{
	free(rows->y);
	free(rows->offset);
	free(rows->first);
	free(rows->col);
	free(rows->value);
	*rows = (struct strads_rows){0};
}
