#include "path.h"

#include <stdlib.h>
#include <string.h>

int
strads_linear_share_grow(struct strads_linear_share *share, uint64_t more)
{
	uint64_t room = share->room ? share->room : 1024;
	struct strads_linear_entry *entry;

	while (room < share->entries + more)
		room *= 2;
	if (room == share->room)
		return STRADS_OK;
	entry = realloc(share->entry, room * sizeof *entry);
	if (!entry)
		return strads_fail(STRADS_ERR_MEMORY,
				   "no memory for a path of %llu coefficients: ask for fewer "
				   "lambdas, or a larger --path-min-ratio",
				   (unsigned long long)room);
	share->entry = entry;
	share->room = room;
	return STRADS_OK;
}

void
strads_linear_share_free(struct strads_linear_share *share)
{
	free(share->count);
	free(share->entry);
	*share = (struct strads_linear_share){0};
}

/* What rank 0 knows while it collects. */
struct collection {
	struct strads_fabric *fabric;
	const struct strads_region *region; /* every rank's entries */
	const uint64_t *count;              /* [ranks][path->count] */
	const struct strads_linear_columns *columns;
	struct strads_linear_path *path;
};

static int
models_new(const struct collection *c, double offset)
{
	int ranks = strads_job_size(strads_fabric_job(c->fabric));

	for (uint64_t k = 0; k < c->path->count; k++) {
		struct strads_linear_model *model = &c->path->point[k].model;
		uint64_t most = 1;

		for (int rank = 0; rank < ranks; rank++)
			most += c->count[(uint64_t)rank * c->path->count + k];
		model->cols = c->columns->x->cols;
		model->intercept = offset;
		model->index = malloc(most * sizeof *model->index);
		model->value = malloc(most * sizeof *model->value);
		if (!model->index || !model->value)
			return strads_fail(STRADS_ERR_MEMORY,
					   "no memory for a model of %llu coefficients",
					   (unsigned long long)most - 1);
	}
	return STRADS_OK;
}

static int
entries_read(const struct collection *c, int rank, uint64_t bytes, void *into)
{
	struct strads_counter counter = {0};
	int status;

	while ((status = strads_get(c->fabric, rank, c->region, 0, into, bytes, &counter)) ==
	       STRADS_AGAIN) {
		status = strads_fabric_progress(c->fabric);
		if (status)
			return status;
	}
	return status ? status : strads_counter_wait(c->fabric, &counter);
}

/* Adds one rank's entries to the models. */
static void
models_add(const struct collection *c, int rank, const struct strads_linear_entry *entry)
{
	const uint64_t *count = c->count + (uint64_t)rank * c->path->count;

	for (uint64_t k = 0; k < c->path->count; k++) {
		struct strads_linear_model *model = &c->path->point[k].model;

		for (uint64_t e = 0; e < count[k]; e++, entry++) {
			model->index[model->count] = entry->key;
			model->value[model->count++] = entry->value;
			if (c->columns->mean)
				model->intercept -= entry->value * c->columns->mean[entry->key];
		}
	}
}

static int
rank_collect(const struct collection *c, int rank)
{
	struct strads_region *buffer = NULL;
	uint64_t entries = 0, bytes;
	int status;

	for (uint64_t k = 0; k < c->path->count; k++)
		entries += c->count[(uint64_t)rank * c->path->count + k];
	if (entries == 0)
		return STRADS_OK;
	bytes = entries * sizeof(struct strads_linear_entry);
	status = strads_region_new(c->fabric, STRADS_LOCAL, bytes, &buffer);
	if (status == STRADS_OK)
		status = entries_read(c, rank, bytes, strads_region_base(buffer));
	if (status == STRADS_OK)
		models_add(c, rank, strads_region_base(buffer));
	strads_region_delete(&buffer);
	return status;
}

static int
collect(const struct collection *c, double offset)
{
	int ranks = strads_job_size(strads_fabric_job(c->fabric));
	int status = models_new(c, offset);

	for (int rank = 0; status == STRADS_OK && rank < ranks; rank++)
		status = rank_collect(c, rank);
	return status;
}

int
strads_linear_path_gather(struct strads_fabric *fabric, const struct strads_linear_share *share,
			  const struct strads_linear_columns *columns, double offset,
			  struct strads_linear_path *path)
{
	struct strads_job *job = strads_fabric_job(fabric);
	size_t bytes = share->entries * sizeof *share->entry;
	struct strads_region *region = NULL;
	void *count = NULL;
	int status = strads_region_new(fabric, STRADS_REMOTE_READ,
				       bytes ? bytes : sizeof *share->entry, &region);

	if (status == STRADS_OK && bytes > 0)
		memcpy(strads_region_base(region), share->entry, bytes);
	status = strads_job_gather(job, status, share->count, path->count * sizeof *share->count,
				   &count);
	if (status == STRADS_OK)
		status = strads_fabric_wire(fabric);
	if (status == STRADS_OK) {
		const struct collection c = {fabric, region, count, columns, path};

		if (strads_job_rank(job) == 0)
			status = collect(&c, offset);
		/* The regions stay until rank 0 has read them. */
		status = strads_job_agree(job, status);
	}
	free(count);
	strads_region_delete(&region);
	return status;
}

void
strads_linear_path_free(struct strads_linear_path *path)
{
	for (uint64_t k = 0; k < path->count; k++)
		strads_linear_model_free(&path->point[k].model);
	free(path->point);
	*path = (struct strads_linear_path){0};
}
