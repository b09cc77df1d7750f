#include "fold.h"

#include "strads/random.h"

#include <stdlib.h>

/* Apart from other uses of the same seed. */
#define SEED UINT64_C(0x666f6c6473)

/* The order of one group: Fisher–Yates over 0 … folds − 1. */
static void
group_shuffle(uint64_t seed, uint64_t group, uint32_t folds, uint32_t *order)
{
	for (uint32_t k = 0; k < folds; k++)
		order[k] = k;
	for (uint32_t k = folds; k > 1; k--) {
		uint64_t bits = strads_random(strads_random_mix(seed) ^ SEED, group, k);
		uint32_t other = (uint32_t)strads_random_scale(bits, k), held = order[k - 1];

		order[k - 1] = order[other];
		order[other] = held;
	}
}

int
strads_fold_assign(const struct strads_dataset *dataset, uint64_t seed, uint32_t folds,
		   uint32_t *fold)
{
	uint64_t shuffled = UINT64_MAX;
	uint32_t *order;

	if (folds == 0)
		return strads_fail(STRADS_ERR_ARGUMENT, "no folds: give at least 1");
	order = malloc(folds * sizeof *order);
	if (!order)
		return strads_fail(STRADS_ERR_MEMORY, "no memory for %u folds", folds);
	for (uint32_t i = 0; i < dataset->x.rows; i++) {
		uint64_t row = dataset->first_row + i;

		if (row / folds != shuffled) {
			shuffled = row / folds;
			group_shuffle(seed, shuffled, folds, order);
		}
		fold[i] = order[row % folds];
	}
	free(order);
	return STRADS_OK;
}

/* Rows and entries of the fold among own rows. */
static uint32_t
fold_count(const struct strads_dataset *dataset, const uint32_t *fold, uint32_t number,
	   uint64_t *entries)
{
	const struct strads_csc *x = &dataset->x;
	uint32_t rows = 0;

	*entries = 0;
	for (uint32_t i = 0; i < x->rows; i++)
		rows += fold[i] == number;
	for (uint64_t k = 0; k < x->start[x->cols]; k++)
		*entries += fold[x->row[k]] == number;
	return rows;
}

static int
held_new(const struct strads_dataset *dataset, uint32_t rows, uint64_t entries,
	 struct strads_dataset *held)
{
	*held = (struct strads_dataset){.x = {.rows = rows, .cols = dataset->x.cols}};
	held->x.start = calloc(held->x.cols + 1, sizeof *held->x.start);
	held->x.row = malloc((entries + 1) * sizeof *held->x.row);
	held->x.value = malloc((entries + 1) * sizeof *held->x.value);
	held->y = malloc(((size_t)rows + 1) * sizeof *held->y);
	if (held->x.start && held->x.row && held->x.value && held->y)
		return STRADS_OK;
	strads_dataset_free(held);
	return strads_fail(STRADS_ERR_MEMORY,
			   "no memory for the %u rows of a fold: use more folds, or more ranks on "
			   "more hosts",
			   rows);
}

/* Moves the values of the rows marked in `absent` to `held`; place [x.rows]: their numbers there.
 */
static void
values_move(struct strads_dataset *dataset, const bool *absent, const uint32_t *place,
	    struct strads_csc *held)
{
	struct strads_csc *x = &dataset->x;
	uint64_t at = 0;

	for (uint64_t j = 0; j < x->cols; j++) {
		for (uint64_t k = x->start[j]; k < x->start[j + 1]; k++) {
			if (!absent[x->row[k]])
				continue;
			held->row[at] = place[x->row[k]];
			held->value[at++] = x->value[k];
			x->value[k] = 0;
		}
		held->start[j + 1] = at;
	}
}

/* Sums of the folds' rows over the ranks. */
static int
rows_sum(struct strads_job *job, int status, uint64_t mine, uint64_t *total)
{
	void *all = NULL;

	status = strads_job_gather(job, status, &mine, sizeof mine, &all);
	*total = 0;
	for (int r = 0; status == STRADS_OK && r < strads_job_size(job); r++)
		*total += ((const uint64_t *)all)[r];
	free(all);
	return status;
}

int
strads_fold_hold(struct strads_job *job, struct strads_dataset *dataset, const uint32_t *fold,
		 uint32_t number, struct strads_dataset *held)
{
	uint32_t *place = malloc(((size_t)dataset->x.rows + 1) * sizeof *place), at = 0;
	bool *absent = calloc((size_t)dataset->x.rows + 1, sizeof *absent);
	struct strads_dataset new = {0};
	uint64_t entries, total;
	uint32_t rows = fold_count(dataset, fold, number, &entries);
	int status = held_new(dataset, rows, entries, &new);

	if (!place || !absent)
		status = strads_fail(STRADS_ERR_MEMORY, "no memory for the rows of a fold");
	status = rows_sum(job, status, rows, &total);
	if (status || !place || !absent)
		goto free_all;
	for (uint32_t i = 0; i < dataset->x.rows; i++) {
		if (fold[i] != number)
			continue;
		absent[i] = true;
		new.y[at] = dataset->y[i];
		place[i] = at++;
	}
	values_move(dataset, absent, place, &new.x);
	free(place);
	dataset->absent = absent;
	dataset->absent_rows = rows;
	dataset->absent_total = total;
	dataset->rows_total -= total;
	new.rows_total = total;
	*held = new;
	return STRADS_OK;

free_all:
	free(place);
	free(absent);
	strads_dataset_free(&new);
	return status;
}

void
strads_fold_release(struct strads_dataset *dataset, struct strads_dataset *held)
{
	struct strads_csc *x = &dataset->x;
	uint64_t at = 0;

	for (uint64_t k = 0; k < x->start[x->cols]; k++)
		if (dataset->absent[x->row[k]])
			x->value[k] = held->x.value[at++];
	free(dataset->absent);
	dataset->absent = NULL;
	dataset->absent_rows = 0;
	dataset->absent_total = 0;
	dataset->rows_total += held->rows_total;
	strads_dataset_free(held);
}
