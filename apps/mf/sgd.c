#include "sgd.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../data/fetch.h"

#define CACHE_LINE 64

/* ---- State -------------------------------------------------------------------------------- */

/* Σ (a − mean)² of own ratings, before biases take the mean off. */
static double
squares_about_mean(const struct strads_mf *mf)
{
	const struct strads_rank_one_rows *train = &mf->ratings->train;
	double sum = 0;

	for (uint64_t e = 0; e < train->start[train->rows]; e++) {
		double left = strads_mf_get(mf->wide, train->residual, e) - mf->ratings->mean;

		sum += left * left;
	}
	return sum;
}

/* The standard deviation of the ratings; where they are all alike, their size. */
static int
scale_find(struct strads_mf_sgd *sgd)
{
	const struct strads_mf *mf = sgd->mf;
	struct strads_job *job = strads_fabric_job(mf->fabric);
	double mine = squares_about_mean(mf), sum = 0, mean = fabs(mf->ratings->mean);
	void *all = NULL;
	int status = strads_job_gather(job, STRADS_OK, &mine, sizeof mine, &all);

	if (status)
		return status;
	for (int r = 0; r < mf->ranks; r++)
		sum += ((const double *)all)[r];
	free(all);
	sgd->scale = sqrt(sum / (double)mf->ratings->train_total);
	if (sgd->scale <= 1e-6 * mean)
		sgd->scale = mean;
	if (!(sgd->scale > 0))
		sgd->scale = 1;
	return STRADS_OK;
}

static void
part_take(const struct strads_mf_sgd *sgd, const struct strads_rank_one_rows *rows,
	  struct strads_linear_need *need, struct strads_mf_sgd_part *part)
{
	uint64_t tiles =
	    (uint64_t)sgd->mf->ranks * (uint64_t)sgd->user_tiles * (uint64_t)sgd->item_tiles;
	uint64_t n = rows->start ? rows->start[rows->rows] : 0;

	part->start = strads_linear_take(need, tiles + 1, sizeof *part->start);
	part->at = strads_linear_take(need, n, sizeof *part->at);
	part->value = strads_linear_take(need, n, sgd->mf->real_bytes);
}

/* Copies of blocks that a rank has: it reads the next one while others read the last. */
static int
copies(const struct strads_mf *mf)
{
	return mf->ranks > 1 ? 2 : 1;
}

/* Rows on cache lines. */
static void
rows_take(struct strads_mf_sgd *sgd, struct strads_linear_need *need)
{
	struct strads_mf *mf = sgd->mf;
	uint64_t users = mf->ratings->train.rows, items = strads_mf_sgd_block_rows(mf, 0);

	strads_linear_count(need, users + (uint64_t)copies(mf) * items, sgd->row_bytes);
	if (need->status || need->dry)
		return;
	sgd->w = aligned_alloc(CACHE_LINE, (users + 1) * sgd->row_bytes);
	if (!sgd->w)
		need->status = strads_fail(STRADS_ERR_MEMORY, "no memory for %llu users",
					   (unsigned long long)users);
	for (int i = 0; need->status == STRADS_OK && i < copies(mf); i++)
		need->status = strads_region_new(mf->fabric, STRADS_REMOTE_READ,
						 items * sgd->row_bytes, &sgd->copy[i]);
}

int
strads_mf_sgd_plan(struct strads_mf *mf)
{
	struct strads_mf_sgd *sgd = calloc(1, sizeof *sgd);

	if (!sgd)
		return strads_fail(STRADS_ERR_MEMORY, "no memory to plan a factorization");
	mf->sgd = sgd;
	sgd->mf = mf;
	sgd->shape = (struct strads_sgd_shape){.wide = mf->wide,
					       .biased = mf->options.biases,
					       .factors = mf->options.factors,
					       .stride = strads_sgd_stride(mf->options.factors)};
	sgd->row_bytes = sgd->shape.stride * mf->real_bytes;
	sgd->user_tiles = strads_mf_sgd_tiles(mf->ratings->train.rows, sgd->row_bytes);
	sgd->item_tiles = strads_mf_sgd_tiles(strads_mf_sgd_block_rows(mf, 0), sgd->row_bytes);
	return STRADS_OK;
}

void
strads_mf_sgd_take(struct strads_mf *mf, struct strads_linear_need *need)
{
	part_take(mf->sgd, &mf->ratings->train, need, &mf->sgd->train);
	part_take(mf->sgd, &mf->ratings->test, need, &mf->sgd->test);
	rows_take(mf->sgd, need);
}

int
strads_mf_sgd_wire(struct strads_mf *mf)
{
	int status = strads_fabric_wire(mf->fabric);

	return status == STRADS_OK ? scale_find(mf->sgd) : status;
}

void
strads_mf_sgd_give(struct strads_mf *mf)
{
	struct strads_mf_sgd *sgd = mf->sgd;

	if (!sgd)
		return;
	for (int i = 1; i >= 0; i--)
		if (sgd->copy[i])
			strads_region_delete(&sgd->copy[i]);
	free(sgd->w);
	free(sgd->train.start);
	free(sgd->train.at);
	free(sgd->train.value);
	free(sgd->test.start);
	free(sgd->test.at);
	free(sgd->test.value);
	free(sgd);
	mf->sgd = NULL;
}

/* ---- Rows --------------------------------------------------------------------------------- */

/* The row of own user i. */
static void *
user_row(const struct strads_mf_sgd *sgd, uint64_t i)
{
	struct strads_mf_sgd_spot spot =
	    strads_mf_sgd_spot(sgd->mf->ratings->train.rows, sgd->user_tiles, i);

	return (char *)sgd->w + (spot.rows + spot.row) * sgd->row_bytes;
}

/* The row of item j in its block, a copy of which is at `block`. */
static void *
item_row(const struct strads_mf_sgd *sgd, void *block, uint64_t j)
{
	uint64_t ranks = (uint64_t)sgd->mf->ranks;
	uint64_t rows = strads_mf_sgd_block_rows(sgd->mf, (int)(j % ranks));
	struct strads_mf_sgd_spot spot = strads_mf_sgd_spot(rows, sgd->item_tiles, j / ranks);

	return (char *)block + (spot.rows + spot.row) * sgd->row_bytes;
}

/* A new row: the factors in row i of a shard of the model, zeros without ratings or shard, a bias
 * of 0, and λ as each of its ratings is to carry it. */
static void
row_start(const struct strads_mf_sgd *sgd, const void *shard, uint64_t i, uint64_t ratings,
	  void *row)
{
	const struct strads_mf *mf = sgd->mf;
	double unit = 1 / sqrt(sgd->scale);
	double ridge = ratings > 0 ? strads_mf_ridge(mf, ratings) / (double)ratings : 0;

	memset(row, 0, sgd->row_bytes);
	for (uint32_t k = 0; shard && ratings > 0 && k < mf->options.factors; k++)
		strads_mf_set(mf->wide, row, strads_sgd_place(k),
			      unit * strads_mf_get(mf->wide, shard, i * mf->columns + k));
	strads_mf_set(mf->wide, row, STRADS_SGD_SUMS, 1);
	strads_mf_set(mf->wide, row, STRADS_SGD_SUMS + 1, 1);
	strads_mf_set(mf->wide, row, STRADS_SGD_LAMBDA, ridge / sgd->scale);
	strads_mf_set(mf->wide, row, STRADS_SGD_BIAS + 1, 1);
	strads_mf_set(mf->wide, row, STRADS_SGD_BIAS + 2, ridge);
}

/* The factors of a row, and its bias, into row i of a shard of the model. */
static void
row_end(const struct strads_mf_sgd *sgd, const void *row, void *shard, uint64_t i)
{
	const struct strads_mf *mf = sgd->mf;
	uint64_t at = i * mf->columns, bias = at + mf->options.factors;
	double unit = sqrt(sgd->scale);

	for (uint32_t k = 0; k < mf->options.factors; k++)
		strads_mf_set(mf->wide, shard, at + k,
			      unit * strads_mf_get(mf->wide, row, strads_sgd_place(k)));
	if (mf->options.biases)
		strads_mf_set(mf->wide, shard, bias,
			      sgd->scale * strads_mf_get(mf->wide, row, STRADS_SGD_BIAS));
}

/* λ‖row‖², with that of its bias, in the scale of the ratings. */
static double
row_penalty(const struct strads_mf_sgd *sgd, const void *row, uint64_t ratings)
{
	const struct strads_mf *mf = sgd->mf;
	double bias = strads_mf_get(mf->wide, row, STRADS_SGD_BIAS), squares = 0;

	for (uint32_t k = 0; k < mf->options.factors; k++) {
		double x = strads_mf_get(mf->wide, row, strads_sgd_place(k));

		squares += x * x;
	}
	return strads_mf_ridge(mf, ratings) * sgd->scale * (squares + sgd->scale * bias * bias);
}

static uint64_t
user_ratings(const struct strads_mf *mf, uint64_t i)
{
	return mf->ratings->train.start[i + 1] - mf->ratings->train.start[i];
}

int
strads_mf_sgd_start(struct strads_mf *mf)
{
	struct strads_mf_sgd *sgd = mf->sgd;
	const struct strads_ratings *ratings = mf->ratings;
	void *block = strads_region_base(sgd->copy[0]);
	uint64_t start_ns = strads_fabric_clock_ns(mf->fabric);
	int status = strads_mf_sgd_lay_out(sgd, &ratings->train, &sgd->train);

	if (status == STRADS_OK && ratings->test.start)
		status = strads_mf_sgd_lay_out(sgd, &ratings->test, &sgd->test);
	if (status)
		return status;
	for (uint64_t i = 0; i < ratings->train.rows; i++)
		row_start(sgd, mf->w, i, user_ratings(mf, i), user_row(sgd, i));
	for (uint64_t j = (uint64_t)mf->rank; j < ratings->items.count; j += (uint64_t)mf->ranks)
		row_start(sgd, NULL, 0, mf->count[j], item_row(sgd, block, j));
	mf->progress.layout_seconds =
	    (double)(strads_fabric_clock_ns(mf->fabric) - start_ns) * 1e-9;
	return STRADS_OK;
}

double
strads_mf_sgd_penalty(const struct strads_mf *mf)
{
	const struct strads_mf_sgd *sgd = mf->sgd;
	uint64_t ranks = (uint64_t)mf->ranks;
	void *block = strads_region_base(sgd->copy[sgd->held]);
	double sum = 0;

	for (uint64_t i = 0; i < mf->ratings->train.rows; i++)
		sum += row_penalty(sgd, user_row(sgd, i), user_ratings(mf, i));
	for (uint64_t j = (uint64_t)strads_mf_sgd_held(sgd); j < mf->ratings->items.count;
	     j += ranks)
		sum += row_penalty(sgd, item_row(sgd, block, j), mf->count[j]);
	return sum;
}

/* ---- The model ---------------------------------------------------------------------------- */

/* Reads own items' rows of a block from the rank that has it, to where they would lie in the copy
 * that this rank does not need: of each tile they follow each other. */
static int
block_read(const struct strads_mf_sgd *sgd, int block)
{
	const struct strads_mf *mf = sgd->mf;
	uint64_t ranks = (uint64_t)mf->ranks, tiles = (uint64_t)sgd->item_tiles;
	uint64_t end = mf->first_item + mf->own_items;
	uint64_t first =
	    mf->first_item + ((uint64_t)block + ranks - mf->first_item % ranks) % ranks;
	char *room = strads_region_base(sgd->copy[1 - sgd->held]);
	struct strads_counter counter = {0};
	int status = STRADS_OK, waited;

	for (uint64_t t = 0; status == STRADS_OK && t < tiles && first < end; t++) {
		uint64_t n = (end - first + ranks * tiles - 1) / (ranks * tiles);
		size_t offset = (size_t)((char *)item_row(sgd, room, first) - room);

		status = strads_fetch_post(mf->fabric, strads_mf_sgd_holder(sgd, block),
					   sgd->copy[sgd->held], offset, room + offset,
					   n * sgd->row_bytes, &counter);
		first += ranks;
	}
	waited = strads_counter_wait(mf->fabric, &counter);
	return status ? status : waited;
}

static int
items_end(const struct strads_mf_sgd *sgd)
{
	const struct strads_mf *mf = sgd->mf;
	int status = STRADS_OK;

	for (int block = 0; status == STRADS_OK && block < mf->ranks; block++) {
		bool here = strads_mf_sgd_held(sgd) == block;
		void *rows = strads_region_base(sgd->copy[here ? sgd->held : 1 - sgd->held]);

		if (!here)
			status = block_read(sgd, block);
		for (uint64_t i = 0; status == STRADS_OK && i < mf->own_items; i++)
			if ((mf->first_item + i) % (uint64_t)mf->ranks == (uint64_t)block)
				row_end(sgd, item_row(sgd, rows, mf->first_item + i), mf->h, i);
	}
	return status;
}

int
strads_mf_sgd_end(struct strads_mf *mf)
{
	const struct strads_mf_sgd *sgd = mf->sgd;

	for (uint64_t i = 0; i < mf->ratings->train.rows; i++)
		row_end(sgd, user_row(sgd, i), mf->w, i);
	return strads_job_agree(strads_fabric_job(mf->fabric), items_end(sgd));
}
