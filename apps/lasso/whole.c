/*
 * Whole columns: of a rank's own share of the variables, over the rows of all ranks, read once from
 * the ranks that have the rows.
 */
#include "state.h"

#include <stdlib.h>
#include <string.h>

#include "strads/columns.h"

/* Columns asked for at once. */
#define AHEAD 64

/* Columns on their way into the matrix, which takes them in order. */
struct reading {
	struct strads_fabric *fabric;
	struct strads_columns *columns;
	struct strads_csc *x;
	uint64_t room; /* entries */
	strads_key next, end;
	struct strads_column held[AHEAD]; /* by key mod AHEAD */
	bool here[AHEAD];
};

static int
make_room(struct reading *reading, uint64_t entries)
{
	struct strads_csc *x = reading->x;
	uint64_t room = 2 * reading->room > entries ? 2 * reading->room : entries;
	uint32_t *row;
	double *value;

	if (entries <= reading->room)
		return STRADS_OK;
	row = realloc(x->row, room * sizeof *row);
	if (!row)
		goto fail;
	x->row = row;
	value = realloc(x->value, room * sizeof *value);
	if (!value)
		goto fail;
	x->value = value;
	reading->room = room;
	return STRADS_OK;

fail:
	return strads_fail(STRADS_ERR_MEMORY, "no memory for %llu entries of whole columns",
			   (unsigned long long)room);
}

/* Appends the next columns, as far as they are here. */
static int
append(struct reading *reading)
{
	struct strads_csc *x = reading->x;

	for (; reading->next < reading->end && reading->here[reading->next % AHEAD];
	     reading->next++) {
		const struct strads_column *column = &reading->held[reading->next % AHEAD];
		uint64_t start = x->start[reading->next];
		int status = make_room(reading, start + column->entries);

		if (status)
			return status;
		if (column->entries > 0) { /* without any so far there is no room for them */
			memcpy(x->row + start, column->row, column->entries * sizeof *x->row);
			memcpy(x->value + start, column->value, column->entries * sizeof *x->value);
		}
		x->start[reading->next + 1] = start + column->entries;
		strads_columns_release(reading->columns, reading->next);
		reading->here[reading->next % AHEAD] = false;
	}
	return STRADS_OK;
}

/* Asks for the columns ahead: what finds no room now will when those before have been released. */
static int
hold(struct reading *reading, bool *moved)
{
	strads_key end =
	    reading->end - reading->next < AHEAD ? reading->end : reading->next + AHEAD;

	for (strads_key key = reading->next; key < end; key++) {
		int status;

		if (reading->here[key % AHEAD])
			continue;
		status =
		    strads_columns_hold(reading->columns, key, &reading->held[key % AHEAD], moved);
		if (status < 0)
			return status;
		if (status == STRADS_COLUMNS_FULL)
			break;
		reading->here[key % AHEAD] = status == STRADS_OK;
	}
	return STRADS_OK;
}

static int
read_columns(struct reading *reading)
{
	while (reading->next < reading->end) {
		strads_key before = reading->next;
		bool moved = false;
		int status = strads_fabric_progress(reading->fabric);

		if (!status)
			status = hold(reading, &moved);
		if (!status)
			status = append(reading);
		if (status)
			return status;
		if (moved || reading->next > before)
			strads_fabric_awake(reading->fabric);
		else
			strads_fabric_wait(reading->fabric, UINT64_MAX);
	}
	return STRADS_OK;
}

static int
allocate(const struct strads_lasso *lasso, struct strads_dataset *whole)
{
	*whole = (struct strads_dataset){.rows_total = lasso->train->rows_total,
					 .entries_total = lasso->train->entries_total};
	whole->x.cols = lasso->train->x.cols;
	whole->x.rows = (uint32_t)lasso->train->rows_total;
	whole->x.start = calloc(whole->x.cols + 1, sizeof *whole->x.start);
	if (!whole->x.start)
		return strads_fail(STRADS_ERR_MEMORY, "no memory for %llu columns",
				   (unsigned long long)whole->x.cols);
	return STRADS_OK;
}

int
strads_lasso_whole_read(struct strads_lasso *lasso, struct strads_dataset *whole)
{
	struct strads_job *job = strads_fabric_job(lasso->fabric);
	struct strads_columns_options options;
	struct reading reading = {.fabric = lasso->fabric,
				  .x = &whole->x,
				  .next = lasso->first_key,
				  .end = lasso->first_key + lasso->own_keys};
	int status = strads_job_agree(job, allocate(lasso, whole));

	if (status)
		return status;
	strads_columns_defaults(&options);
	status = strads_columns_new(lasso->fabric, lasso->train->region, &lasso->train->x, &options,
				    &reading.columns);
	if (status)
		return status;
	status = strads_job_agree(job, read_columns(&reading));
	strads_columns_delete(&reading.columns);
	/* Columns of others are empty. */
	for (uint64_t key = reading.end; !status && key < whole->x.cols; key++)
		whole->x.start[key + 1] = whole->x.start[key];
	if (!status)
		lasso->memory_bytes += whole->x.start[whole->x.cols] * 2 *
					   (sizeof *whole->x.row + sizeof *whole->x.value) +
				       (whole->x.cols + 1) * sizeof *whole->x.start;
	return status;
}

void
strads_lasso_whole_free(struct strads_dataset *whole)
{
	free(whole->x.start);
	free(whole->x.row);
	free(whole->x.value);
	*whole = (struct strads_dataset){0};
}
