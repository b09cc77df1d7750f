/*
 * Sets of kind FACTOR. Partial of n items: Σ_i r_ij w_ik and Σ_i w_ik² over own users, [n][2]; of a
 * set that only tells h_k, none. Commit: h_kj before and after, reals [n][2].
 */
#include "state.h"

#include <string.h>

/* Adds the sums of some rows to the total, and empties them. */
static void
sums_flush(struct strads_mf *mf)
{
	size_t n = 2 * (size_t)mf->table.keys;
	const double *doubles = mf->sums;
	const float *floats = mf->sums;

	if (mf->wide)
		for (size_t i = 0; i < n; i++)
			mf->total[i] += doubles[i];
	else
		for (size_t i = 0; i < n; i++)
			mf->total[i] += (double)floats[i];
	memset(mf->sums, 0, n * mf->real_bytes);
}

/* The pass over all rows, a part at a time, so that no more ratings are summed in the precision of
 * the reals than that bears. */
static void
pass_run(struct strads_mf *mf, const struct strads_rank_one_pass *pass)
{
	const struct strads_rank_one_rows *train = &mf->ratings->train;
	uint32_t first = 0;

	while (first < train->rows) {
		uint64_t enough = train->start[first] + mf->flush_entries;
		uint32_t end = first + 1;

		while (end < train->rows && train->start[end + 1] <= enough)
			end++;
		strads_rank_one(train, pass, first, end);
		if (pass->next)
			sums_flush(mf);
		first = end;
	}
}

void
strads_mf_complete(struct strads_mf *mf, const void *next)
{
	const struct strads_mf_pending *pending = &mf->pending;
	const struct strads_rank_one_rows *train = &mf->ratings->train, *test = &mf->ratings->test;
	void *w = strads_mf_w(mf, pending->factor);
	const struct strads_rank_one_pass pass = {
	    .change = pending->due ? mf->change : NULL,
	    .w = w,
	    .solve = pending->solve,
	    .lambda = mf->options.lambda,
	    .weighted = mf->options.weighted,
	    .next = next,
	    .sums = mf->sums,
	};
	bool follow = pending->due && test->start && w;

	if (next)
		memset(mf->total, 0, 2 * (size_t)mf->table.keys * sizeof *mf->total);
	if (follow)
		memcpy(mf->before, w, train->rows * mf->real_bytes);
	if (pending->due || next)
		pass_run(mf, &pass);
	if (follow)
		strads_rank_one_follow(test, mf->change, mf->before, w);
	mf->pending.due = false;
}

void
strads_mf_factor_push(struct strads_mf *mf, const struct strads_block *block, double *partial)
{
	bool solve = block->arg & STRADS_MF_SOLVE_ITEMS;
	uint32_t k = (uint32_t)(block->arg >> STRADS_MF_SHIFT);

	if (block->index == 0)
		strads_mf_complete(mf, solve ? strads_mf_w(mf, k) : NULL);
	if (solve)
		memcpy(partial, mf->total + 2 * block->first,
		       2 * (size_t)block->n * sizeof *partial);
}

size_t
strads_mf_factor_pull(const struct strads_mf *mf, const struct strads_block *block,
		      const double *sum, void *commit)
{
	uint32_t k = (uint32_t)(block->arg >> STRADS_MF_SHIFT);
	const void *h = k == strads_mf_user_bias(mf) ? NULL : strads_mf_h(mf, k);
	uint64_t own = block->first - mf->first_item;

	for (uint32_t j = 0; j < block->n; j++) {
		double before = h ? strads_mf_get(mf->wide, h, own + j) : 1, after = before;

		if (block->arg & STRADS_MF_SOLVE_ITEMS) {
			double up = sum[2 * j], down = sum[2 * j + 1];
			double ridge = strads_mf_ridge(mf, mf->count[block->first + j]);

			after = ridge + down > 0 ? (up + before * down) / (ridge + down) : 0;
		}
		strads_mf_set(mf->wide, commit, 2 * (size_t)j, before);
		strads_mf_set(mf->wide, commit, 2 * (size_t)j + 1, after);
	}
	return 2 * (size_t)block->n * mf->real_bytes;
}

int
strads_mf_factor_sync(struct strads_mf *mf, const struct strads_block *block, const void *commit,
		      size_t bytes)
{
	uint32_t k = (uint32_t)(block->arg >> STRADS_MF_SHIFT);
	uint64_t own = block->first - mf->first_item;

	if (bytes != 2 * (size_t)block->n * mf->real_bytes)
		return strads_fail(STRADS_ERR_PROTOCOL, "set %llu: %zu bytes for %u items",
				   (unsigned long long)block->set, bytes, block->n);
	memcpy((char *)mf->change + 2 * (size_t)block->first * mf->real_bytes, commit, bytes);
	if (block->reducer != mf->rank || !(block->arg & STRADS_MF_SOLVE_ITEMS))
		return STRADS_OK;
	for (uint32_t j = 0; j < block->n; j++)
		strads_mf_set(mf->wide, strads_mf_h(mf, k), own + j,
			      strads_mf_get(mf->wide, commit, 2 * (size_t)j + 1));
	return STRADS_OK;
}

void
strads_mf_factor_finish(struct strads_mf *mf, const struct strads_block *last)
{
	mf->pending = (struct strads_mf_pending){
	    .due = true,
	    .solve = last->arg & STRADS_MF_SOLVE_USERS,
	    .factor = (uint32_t)(last->arg >> STRADS_MF_SHIFT),
	};
	if (last->arg & STRADS_MF_SOLVE_ITEMS)
		mf->course.updates += mf->table.keys;
	if (last->arg & STRADS_MF_SOLVE_USERS)
		mf->course.updates += mf->ratings->users.count;
}
