#include "state.h"

#include <math.h>
#include <stdlib.h>

#include "strads/random.h"

/* What is summed in the precision of the reals before it goes to the total: at least so many
 * ratings, and so many for each item that flushing costs little. */
#define FLUSH_ENTRIES  65536
#define FLUSH_PER_ITEM 64

static uint64_t
blocks_of(uint64_t items)
{
	return items / STRADS_MF_BLOCK_ITEMS + (items % STRADS_MF_BLOCK_ITEMS != 0);
}

/* Cuts the items into blocks, which end where owners change. */
static void
blocks_cut(struct strads_mf *mf)
{
	uint64_t block = 0;

	for (int r = 0; r < mf->ranks; r++) {
		strads_key end = strads_table_first(&mf->table, r + 1);

		for (strads_key at = strads_table_first(&mf->table, r); at < end;
		     at += STRADS_MF_BLOCK_ITEMS)
			mf->block_at[block++] = at;
	}
	mf->block_at[block] = mf->table.keys;
}

static void
descent_take(struct strads_mf *mf, struct strads_linear_need *need)
{
	uint64_t items = mf->table.keys, rows = mf->ratings->train.rows;
	uint64_t flush = FLUSH_PER_ITEM * items;

	flush = flush < FLUSH_ENTRIES ? FLUSH_ENTRIES : flush;
	mf->flush_entries = flush < UINT32_MAX ? (uint32_t)flush : UINT32_MAX;
	mf->change = strads_linear_take(need, 2 * items, mf->real_bytes);
	mf->sums = strads_linear_take(need, 2 * items, mf->real_bytes);
	mf->total = strads_linear_take(need, 2 * items, sizeof *mf->total);
	mf->before = strads_linear_take(need, rows, mf->real_bytes);
	if (mf->options.biases)
		mf->ones = strads_linear_take(need, rows, mf->real_bytes);
	for (uint64_t i = 0; mf->ones && i < rows; i++)
		strads_mf_set(mf->wide, mf->ones, i, 1);
}

int
strads_mf_state_plan(struct strads_mf *mf)
{
	mf->table = (struct strads_table){.keys = mf->ratings->items.count, .ranks = mf->ranks};
	mf->first_item = strads_table_first(&mf->table, mf->rank);
	mf->own_items = strads_table_first(&mf->table, mf->rank + 1) - mf->first_item;
	for (int r = 0; r < mf->ranks; r++)
		mf->blocks += blocks_of(strads_table_first(&mf->table, r + 1) -
					strads_table_first(&mf->table, r));
	switch (mf->options.algorithm) {
	case STRADS_MF_ALS:
		return strads_mf_als_plan(mf);
	case STRADS_MF_SGD:
		return strads_mf_sgd_plan(mf);
	default:
		return STRADS_OK;
	}
}

void
strads_mf_state_take(struct strads_mf *mf, struct strads_linear_need *need)
{
	mf->block_at = strads_linear_take(need, mf->blocks + 1, sizeof *mf->block_at);
	mf->count = strads_linear_take(need, mf->table.keys, sizeof *mf->count);
	if (mf->als)
		strads_mf_als_take(mf, need);
	else if (mf->sgd)
		strads_mf_sgd_take(mf, need);
	else
		descent_take(mf, need);
	if (mf->block_at && need->status == STRADS_OK)
		blocks_cut(mf);
}

void
strads_mf_state_give(struct strads_mf *mf)
{
	strads_mf_als_give(mf);
	strads_mf_sgd_give(mf);
	free(mf->block_at);
	free(mf->count);
	free(mf->change);
	free(mf->sums);
	free(mf->total);
	free(mf->before);
	free(mf->ones);
}

static void
shift(const struct strads_rank_one_rows *part, double by)
{
	uint64_t n = part->start ? part->start[part->rows] : 0;

	for (uint64_t e = 0; e < n; e++)
		strads_mf_set(part->wide, part->residual, e,
			      strads_mf_get(part->wide, part->residual, e) + by);
}

/* w_ik uniform in 0 … 1/√K: a stream of random numbers for each user, a number for each factor. */
void
strads_mf_state_start(struct strads_mf *mf)
{
	const struct strads_ratings *ratings = mf->ratings;
	double scale = 0x1p-53 / sqrt(mf->options.factors);

	for (uint32_t k = 0; k < mf->options.factors; k++)
		for (uint32_t i = 0; i < ratings->train.rows; i++) {
			uint64_t random =
			    strads_random(mf->options.seed, ratings->first_user + i, k);

			strads_mf_set(mf->wide, mf->w, strads_mf_at(mf, ratings->train.rows, i, k),
				      (double)(random >> 11) * scale);
		}
	if (mf->options.biases) {
		shift(&ratings->train, -ratings->mean);
		shift(&ratings->test, -ratings->mean);
	}
	if (mf->als)
		strads_mf_als_start(mf);
}

/* Σ (v − mean)² of n values with that sum and sum of squares. */
static double
squares_about(double mean, double n, double sum, double squares)
{
	double about = squares - 2 * mean * sum + n * mean * mean;

	return about > 0 ? about : 0;
}

void
strads_mf_state_drop_unseen(struct strads_mf *mf)
{
	const struct strads_ratings *ratings = mf->ratings;
	const struct strads_rank_one_rows *train = &ratings->train, *test = &ratings->test;
	uint64_t *start = (uint64_t *)test->start, from = 0, to = 0;
	uint32_t *col = (uint32_t *)test->col;
	double mean = mf->options.biases ? 0 : ratings->mean; /* what is left of it */

	if (mf->rank == 0) {
		mf->unseen = ratings->unknown;
		mf->unseen_squares = squares_about(ratings->mean, (double)ratings->unknown,
						   ratings->unknown_sum, ratings->unknown_squares);
	}
	for (uint32_t i = 0; i < test->rows; i++) {
		bool known = train->start[i + 1] > train->start[i];

		for (uint64_t end = start[i + 1]; from < end; from++) {
			double value = strads_mf_get(mf->wide, test->residual, from);

			if (known && mf->count[col[from]] > 0) {
				col[to] = col[from];
				strads_mf_set(mf->wide, test->residual, to++, value);
				continue;
			}
			mf->unseen++;
			mf->unseen_squares += (value - mean) * (value - mean);
		}
		start[i + 1] = to;
	}
}
