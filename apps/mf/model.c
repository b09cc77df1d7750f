#include "../data/fetch.h"
#include "state.h"

#include <stdlib.h>
#include <string.h>

static size_t
real_bytes(const struct strads_mf_model *model)
{
	return model->wide ? sizeof(double) : sizeof(float);
}

/* Rows of a side at `rank`. */
static uint64_t
shard_rows(const struct strads_mf_model *model, enum strads_mf_side side, int rank)
{
	return model->first[side][rank + 1] - model->first[side][rank];
}

static int
shards_new(struct strads_mf_model *model, const struct strads_ratings *ratings)
{
	const struct strads_table table = {.keys = ratings->items.count, .ranks = model->ranks};
	size_t row_bytes = model->columns * real_bytes(model);
	int rank = strads_job_rank(strads_fabric_job(model->fabric)), status = STRADS_OK;

	for (int side = 0; side < STRADS_MF_SIDES; side++) {
		model->first[side] = calloc((size_t)model->ranks + 1, sizeof *model->first[side]);
		if (!model->first[side])
			return strads_fail(STRADS_ERR_MEMORY,
					   "no memory for the shards of %d ranks", model->ranks);
	}
	for (int r = 0; r <= model->ranks; r++) {
		model->first[STRADS_MF_USERS][r] = ratings->first[r];
		model->first[STRADS_MF_ITEMS][r] = strads_table_first(&table, r);
	}
	for (int side = 0; status == STRADS_OK && side < STRADS_MF_SIDES; side++)
		status = strads_region_new(model->fabric, STRADS_REMOTE_READ,
					   shard_rows(model, side, rank) * row_bytes,
					   &model->region[side]);
	return status;
}

int
strads_mf_model_new(struct strads_fabric *fabric, const struct strads_ratings *ratings,
		    uint32_t columns, bool by_rows, struct strads_mf_model **model)
{
	struct strads_job *job = strads_fabric_job(fabric);
	struct strads_mf_model *made = calloc(1, sizeof *made);
	int status = STRADS_OK;

	if (made) {
		*made = (struct strads_mf_model){.fabric = fabric,
						 .columns = columns,
						 .wide = ratings->train.wide,
						 .by_rows = by_rows,
						 .ranks = strads_job_size(job)};
		status = shards_new(made, ratings);
	} else {
		status = strads_fail(STRADS_ERR_MEMORY, "no memory for a model");
	}
	status = strads_job_agree(job, status);
	if (status == STRADS_OK)
		status = strads_fabric_wire(fabric);
	if (status == STRADS_OK)
		*model = made;
	else
		strads_mf_model_delete(&made);
	return status;
}

void
strads_mf_model_delete(struct strads_mf_model **model)
{
	struct strads_mf_model *gone = *model;

	if (!gone)
		return;
	*model = NULL;
	if (gone->window)
		strads_region_delete(&gone->window);
	for (int side = STRADS_MF_SIDES - 1; side >= 0; side--) {
		if (gone->region[side])
			strads_region_delete(&gone->region[side]);
		free(gone->first[side]);
	}
	free(gone);
}

uint64_t
strads_mf_model_rows(const struct strads_mf_model *model, enum strads_mf_side side)
{
	return model->first[side][model->ranks];
}

uint32_t
strads_mf_model_columns(const struct strads_mf_model *model)
{
	return model->columns;
}

/* Posts the reads of n rows of one rank's shard, as they lie there, into the window. */
static int
shard_post(struct strads_mf_model *model, enum strads_mf_side side, int rank, uint64_t first,
	   uint32_t n, struct strads_counter *counter)
{
	size_t bytes = real_bytes(model), shard = shard_rows(model, side, rank);
	size_t row = model->columns * bytes;
	char *window = strads_region_base(model->window);
	int status = STRADS_OK;

	if (model->by_rows)
		return strads_fetch_post(model->fabric, rank, model->region[side], first * row,
					 window, n * row, counter);
	for (uint32_t k = 0; status == STRADS_OK && k < model->columns; k++)
		status = strads_fetch_post(model->fabric, rank, model->region[side],
					   (k * shard + first) * bytes, window + k * n * bytes,
					   n * bytes, counter);
	return status;
}

/* Reads n rows of one rank's shard. */
static int
shard_read(struct strads_mf_model *model, enum strads_mf_side side, int rank, uint64_t first,
	   uint32_t n, double *rows)
{
	struct strads_counter counter = {0};
	const void *window = strads_region_base(model->window);
	size_t to_row = model->by_rows ? model->columns : 1, to_factor = model->by_rows ? 1 : n;
	int status = shard_post(model, side, rank, first, n, &counter);
	int waited = strads_counter_wait(model->fabric, &counter);

	if (status == STRADS_OK)
		status = waited;
	if (status)
		return status;
	for (uint32_t i = 0; i < n; i++)
		for (uint32_t k = 0; k < model->columns; k++)
			*rows++ = strads_mf_get(model->wide, window, i * to_row + k * to_factor);
	return STRADS_OK;
}

int
strads_mf_model_read(struct strads_mf_model *model, enum strads_mf_side side, uint64_t first,
		     uint32_t n, double *rows)
{
	const uint64_t *bound = model->first[side];
	int status = STRADS_OK;

	if (!model->window)
		status = strads_region_new(model->fabric, STRADS_LOCAL,
					   (size_t)STRADS_MF_ROWS_MAX * model->columns *
					       real_bytes(model),
					   &model->window);
	for (int rank = 0; status == STRADS_OK && n > 0; rank++) {
		uint64_t left = bound[rank + 1] > first ? bound[rank + 1] - first : 0;
		uint32_t here = left < n ? (uint32_t)left : n;

		if (here == 0)
			continue;
		status = shard_read(model, side, rank, first - bound[rank], here, rows);
		first += here;
		n -= here;
		rows += (size_t)here * model->columns;
	}
	return status;
}
