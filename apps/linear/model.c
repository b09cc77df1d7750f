#include "model.h"

#include <stdlib.h>

/* Read at a time. */
#define CHUNK_BYTES (1 << 20)

/* Where the coefficients lie, and what they stand for. */
struct shards {
	struct strads_fabric *fabric;
	const struct strads_region *region;
	const struct strads_table *table;
	const struct strads_linear_columns *columns;
};

/* Makes room for more coefficients. */
static bool
model_grow(struct strads_linear_model *model, uint64_t *room)
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
model_add(const struct strads_linear_columns *columns, strads_key first, const double *beta,
	  uint64_t n, struct strads_linear_model *model, uint64_t *room)
{
	for (uint64_t k = 0; k < n; k++) {
		double value = beta[k] * columns->scale[first + k];

		if (beta[k] == 0)
			continue;
		if (model->count == *room && !model_grow(model, room))
			return strads_fail(STRADS_ERR_MEMORY,
					   "no memory for a model of more than %llu coefficients",
					   (unsigned long long)*room);
		model->index[model->count] = first + k;
		model->value[model->count++] = value;
		if (columns->mean)
			model->intercept -= value * columns->mean[first + k];
	}
	return STRADS_OK;
}

/* Reads n coefficients of `rank`'s shard, from its `offset` on, into `chunk`. */
static int
shard_read(const struct shards *shards, int rank, uint64_t offset, uint64_t n, double *chunk)
{
	struct strads_counter counter = {0};
	int status;

	while ((status = strads_get(shards->fabric, rank, shards->region, offset * sizeof *chunk,
				    chunk, n * sizeof *chunk, &counter)) == STRADS_AGAIN) {
		status = strads_fabric_progress(shards->fabric);
		if (status)
			return status;
	}
	return status ? status : strads_counter_wait(shards->fabric, &counter);
}

static int
gather_shards(const struct shards *shards, struct strads_region *buffer,
	      struct strads_linear_model *model)
{
	double *chunk = strads_region_base(buffer);
	uint64_t room = 0, most = CHUNK_BYTES / sizeof *chunk;

	for (int rank = 0; rank < shards->table->ranks; rank++) {
		strads_key first = strads_table_first(shards->table, rank);
		strads_key end = strads_table_first(shards->table, rank + 1);

		for (strads_key at = first; at < end; at += most) {
			uint64_t n = end - at < most ? end - at : most;
			int status = shard_read(shards, rank, at - first, n, chunk);

			if (status == STRADS_OK)
				status = model_add(shards->columns, at, chunk, n, model, &room);
			if (status)
				return status;
		}
	}
	return STRADS_OK;
}

int
strads_linear_model_gather(struct strads_fabric *fabric, const struct strads_region *shard,
			   const struct strads_table *table,
			   const struct strads_linear_columns *columns, double offset,
			   struct strads_linear_model *model)
{
	struct strads_job *job = strads_fabric_job(fabric);
	struct strads_linear_model made = {0};
	int status = STRADS_OK;

	if (strads_job_rank(job) == 0) {
		const struct shards shards = {fabric, shard, table, columns};
		struct strads_region *buffer = NULL;

		made.cols = table->keys;
		made.intercept = offset;
		status = strads_region_new(fabric, STRADS_LOCAL, CHUNK_BYTES, &buffer);
		if (status == STRADS_OK)
			status = gather_shards(&shards, buffer, &made);
		strads_region_delete(&buffer);
	}
	/* The shards stay until rank 0 has read them. */
	status = strads_job_agree(job, status);
	if (status)
		strads_linear_model_free(&made);
	else
		*model = made;
	return status;
}

void
strads_linear_model_free(struct strads_linear_model *model)
{
	free(model->index);
	free(model->value);
	*model = (struct strads_linear_model){0};
}
