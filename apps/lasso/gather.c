/*
 * The model, collected on rank 0.
 */
#include "state.h"

#include <stdlib.h>

/* Read at a time. */
#define CHUNK_BYTES (1 << 20)

/* Makes room for more coefficients. */
static bool
model_grow(struct strads_lasso_model *model, uint64_t *room)
{
	uint64_t more = *room ? 2 * *room : 1024;
	uint64_t *index = realloc(model->index, more * sizeof *index);
	double *value;

	if (!index)
		return false;
	model->index = index;
	value = realloc(model->value, more * sizeof *value);
	if (!value)
		return false;
	model->value = value;
	*room = more;
	return true;
}

/* Adds the nonzeros among n coefficients from key `first` on, back on the original scale:
 * β_j·s_j, and −β_j·s_j·μ_j to the intercept. */
static int
model_add(const struct strads_lasso *lasso, strads_key first, const double *beta, uint64_t n,
	  struct strads_lasso_model *model, uint64_t *room)
{
	for (uint64_t k = 0; k < n; k++) {
		double value = beta[k] * lasso->columns.scale[first + k];

		if (beta[k] == 0)
			continue;
		if (model->count == *room && !model_grow(model, room))
			return strads_fail(STRADS_ERR_MEMORY,
					   "no memory for a model of more than %llu coefficients",
					   (unsigned long long)*room);
		model->index[model->count] = first + k;
		model->value[model->count++] = value;
		if (lasso->columns.mean)
			model->intercept -= value * lasso->columns.mean[first + k];
	}
	return STRADS_OK;
}

/* Reads n coefficients of `rank`'s shard, from its `offset` on, into `chunk`. */
static int
shard_read(struct strads_lasso *lasso, int rank, uint64_t offset, uint64_t n, double *chunk)
{
	struct strads_counter counter = {0};
	int status;

	while ((status = strads_get(lasso->fabric, rank, lasso->beta_region, offset * sizeof *chunk,
				    chunk, n * sizeof *chunk, &counter)) == STRADS_AGAIN) {
		status = strads_fabric_progress(lasso->fabric);
		if (status)
			return status;
	}
	return status ? status : strads_counter_wait(lasso->fabric, &counter);
}

static int
gather_shards(struct strads_lasso *lasso, struct strads_region *buffer,
	      struct strads_lasso_model *model)
{
	double *chunk = strads_region_base(buffer);
	uint64_t room = 0, most = CHUNK_BYTES / sizeof *chunk;

	for (int rank = 0; rank < lasso->ranks; rank++) {
		strads_key first = strads_table_first(&lasso->table, rank);
		strads_key end = strads_table_first(&lasso->table, rank + 1);

		for (strads_key at = first; at < end; at += most) {
			uint64_t n = end - at < most ? end - at : most;
			int status = shard_read(lasso, rank, at - first, n, chunk);

			if (status == STRADS_OK)
				status = model_add(lasso, at, chunk, n, model, &room);
			if (status)
				return status;
		}
	}
	return STRADS_OK;
}

int
strads_lasso_gather(struct strads_lasso *lasso, struct strads_lasso_model *model)
{
	struct strads_lasso_model made = {
	    .cols = lasso->train->x.cols,
	    .intercept = lasso->response.offset,
	};
	struct strads_region *buffer = NULL;
	int status = STRADS_OK;

	if (lasso->rank == 0) {
		status = strads_region_new(lasso->fabric, STRADS_LOCAL, CHUNK_BYTES, &buffer);
		if (status == STRADS_OK)
			status = gather_shards(lasso, buffer, &made);
		strads_region_delete(&buffer);
	} else {
		made = (struct strads_lasso_model){0};
	}
	/* The shards stay until rank 0 has read them. */
	status = strads_job_agree(strads_fabric_job(lasso->fabric), status);
	if (status)
		strads_lasso_model_free(&made);
	else
		*model = made;
	return status;
}

void
strads_lasso_model_free(struct strads_lasso_model *model)
{
	free(model->index);
	free(model->value);
	*model = (struct strads_lasso_model){0};
}
