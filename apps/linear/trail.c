#include "trail.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The path ends early where more of the deviance is explained than this part; or, after so many λs,
 * where the last added less than such a part of what is explained. As in glmnet: Friedman, Hastie,
 * Tibshirani, J. Stat. Softw. 33 (2010), section 2.5. */
#define EXPLAINED      0.999
#define ADDED          1e-5
#define NOT_BEFORE     5
#define RATIO_WIDE     0.01 /* λ_min/λ_max with fewer rows than columns */
#define RATIO_NOT_WIDE 1e-4

int
strads_linear_grid_check(const struct strads_linear_grid *grid)
{
	if (grid->lambdas || !(grid->min_ratio <= 0 || grid->min_ratio >= 1))
		return STRADS_OK;
	return strads_fail(STRADS_ERR_INPUT,
			   "the path is to end at %g of lambda_max: give a number above 0, below 1",
			   grid->min_ratio);
}

void
strads_linear_trail_take(const struct strads_linear_grid *grid, uint64_t rows, uint64_t cols,
			 struct strads_linear_need *need, struct strads_linear_trail *trail)
{
	trail->grid = *grid;
	if (isnan(grid->min_ratio))
		trail->grid.min_ratio = rows < cols ? RATIO_WIDE : RATIO_NOT_WIDE;
	if (grid->count == 0)
		return;
	need->what = "a path of lambdas";
	trail->path.point = strads_linear_take(need, grid->count, sizeof *trail->path.point);
	trail->share.count = strads_linear_take(need, grid->count, sizeof *trail->share.count);
}

void
strads_linear_trail_give(struct strads_linear_trail *trail)
{
	strads_linear_path_free(&trail->path);
	free(trail->share.count);
	free(trail->share.entry);
	*trail = (struct strads_linear_trail){0};
}

/* ---- Which λ ------------------------------------------------------------------------------ */

/* λ number k. */
static double
lambda_at(const struct strads_linear_grid *grid, double lambda_max, uint64_t k)
{
	if (grid->lambdas)
		return grid->lambdas[k];
	return k == 0 ? lambda_max
		      : lambda_max * pow(grid->min_ratio, (double)k / (double)(grid->count - 1));
}

int
strads_linear_trail_first(const struct strads_linear_trail *trail, double lambda_max,
			  double *lambda)
{
	if (!(lambda_max > 0))
		return strads_fail(
		    STRADS_ERR_INPUT,
		    "no column has anything to do with the response: there is no path");
	*lambda = lambda_at(&trail->grid, lambda_max, 0);
	return STRADS_OK;
}

double
strads_linear_trail_ahead(const struct strads_linear_trail *trail, double lambda_max, double lambda)
{
	uint64_t next = trail->path.count + 1;

	return next < trail->grid.count ? lambda_at(&trail->grid, lambda_max, next) : lambda;
}

/* Whether smaller λs would hardly fit better. */
static bool
saturated(const struct strads_linear_path *path)
{
	const struct strads_linear_point *last = &path->point[path->count - 1];

	if (last->at.explained > EXPLAINED)
		return true;
	return path->count > NOT_BEFORE &&
	       last->at.explained - last[-1].at.explained < ADDED * last->at.explained;
}

bool
strads_linear_trail_next(const struct strads_linear_trail *trail, double lambda_max, double *lambda)
{
	const struct strads_linear_path *path = &trail->path;

	if (path->count >= trail->grid.count || (!trail->grid.lambdas && saturated(path)))
		return false;
	*lambda = lambda_at(&trail->grid, lambda_max, path->count);
	return true;
}

/* ---- What is kept of it ------------------------------------------------------------------- */

int
strads_linear_trail_add(struct strads_linear_trail *trail, strads_key key, double value)
{
	struct strads_linear_share *share = &trail->share;

	if (share->entries == share->room) {
		uint64_t room = share->room ? 2 * share->room : 1024;
		struct strads_linear_entry *entry = realloc(share->entry, room * sizeof *entry);

		if (!entry)
			return strads_fail(STRADS_ERR_MEMORY,
					   "no memory for a path of %llu coefficients: ask for "
					   "fewer lambdas, or a larger --path-min-ratio",
					   (unsigned long long)room);
		share->entry = entry;
		share->room = room;
	}
	share->entry[share->entries++] = (struct strads_linear_entry){.key = key, .value = value};
	share->count[trail->path.count]++;
	return STRADS_OK;
}

void
strads_linear_trail_keep(struct strads_linear_trail *trail,
			 const struct strads_linear_progress *progress, double intercept)
{
	struct strads_linear_path *path = &trail->path;
	struct strads_linear_point *point = &path->point[path->count];
	double began = path->count > 0 ? point[-1].at.seconds : 0;

	point->at = *progress;
	point->seconds = progress->seconds - began;
	point->model.intercept = intercept;
	path->count++;
}

/* ---- Collecting --------------------------------------------------------------------------- */

/* What rank 0 knows while it collects. */
struct collection {
	struct strads_fabric *fabric;
	const struct strads_region *region; /* every rank's entries */
	const uint64_t *count;              /* [ranks][path->count] */
	uint64_t cols;
	const double *mean; /* or NULL */
	struct strads_linear_path *path;
};

static int
models_new(const struct collection *c)
{
	int ranks = strads_job_size(strads_fabric_job(c->fabric));

	for (uint64_t k = 0; k < c->path->count; k++) {
		struct strads_linear_model *model = &c->path->point[k].model;
		uint64_t most = 1;

		for (int rank = 0; rank < ranks; rank++)
			most += c->count[(uint64_t)rank * c->path->count + k];
		model->cols = c->cols;
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
			if (c->mean)
				model->intercept -= entry->value * c->mean[entry->key];
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
collect(const struct collection *c)
{
	int ranks = strads_job_size(strads_fabric_job(c->fabric));
	int status = models_new(c);

	for (int rank = 0; status == STRADS_OK && rank < ranks; rank++)
		status = rank_collect(c, rank);
	return status;
}

int
strads_linear_trail_gather(struct strads_fabric *fabric, struct strads_linear_trail *trail,
			   uint64_t cols, const double *mean, struct strads_linear_path *path)
{
	struct strads_job *job = strads_fabric_job(fabric);
	const struct strads_linear_share *share = &trail->share;
	size_t bytes = share->entries * sizeof *share->entry;
	struct strads_region *region = NULL;
	void *count = NULL;
	int status = strads_region_new(fabric, STRADS_REMOTE_READ,
				       bytes ? bytes : sizeof *share->entry, &region);

	if (status == STRADS_OK && bytes > 0)
		memcpy(strads_region_base(region), share->entry, bytes);
	status = strads_job_gather(job, status, share->count,
				   trail->path.count * sizeof *share->count, &count);
	if (status == STRADS_OK)
		status = strads_fabric_wire(fabric);
	if (status == STRADS_OK) {
		const struct collection c = {fabric, region, count, cols, mean, &trail->path};

		if (strads_job_rank(job) == 0)
			status = collect(&c);
		/* The regions stay until rank 0 has read them. */
		status = strads_job_agree(job, status);
	}
	free(count);
	strads_region_delete(&region);
	if (status)
		return status;
	*path = trail->path;
	trail->path = (struct strads_linear_path){0};
	return STRADS_OK;
}
