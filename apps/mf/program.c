/*
 * The program: each primitive, by kind of set.
 */
#include "state.h"

#include <string.h>

static int
schedule(void *state, uint64_t set, uint32_t index, struct strads_block_draft *draft)
{
	return strads_mf_schedule(state, set, index, draft);
}

static size_t
partial_elems(void *state, const struct strads_block *block)
{
	switch (block->kind) {
	case STRADS_MF_COUNT:
		return block->n;
	case STRADS_MF_FACTOR:
		return block->arg & STRADS_MF_SOLVE_ITEMS ? 2 * (size_t)block->n : 0;
	case STRADS_MF_ALS_ITEMS:
	case STRADS_MF_ALS_USERS:
		return strads_mf_als_elems(state, block);
	case STRADS_MF_STRATUM:
		return 0;
	default:
		return STRADS_MF_SUMS;
	}
}

/* Whether sets of the kind are those of the algorithm. */
static bool
kind_fits(const struct strads_mf *mf, uint32_t kind)
{
	switch (kind) {
	case STRADS_MF_FACTOR:
		return !mf->als && !mf->sgd;
	case STRADS_MF_STRATUM:
		return mf->sgd;
	case STRADS_MF_ALS_ITEMS:
	case STRADS_MF_ALS_USERS:
		return mf->als;
	default:
		return kind < STRADS_MF_KINDS;
	}
}

/* A block that names a factor or items there are none of did not come from this program's schedule.
 */
static int
block_check(const struct strads_mf *mf, const struct strads_block *block)
{
	uint64_t end = mf->table.keys;
	bool sound = kind_fits(mf, block->kind) && (!block->keys || block->n == 0) &&
		     block->first <= end && block->n <= end - block->first;

	if (sound && block->kind == STRADS_MF_FACTOR)
		sound = block->arg >> STRADS_MF_SHIFT <
			mf->options.factors + (mf->options.biases ? UINT64_C(2) : 0);
	if (sound && block->n > 0)
		sound =
		    block->reducer == strads_table_owner(&mf->table, block->first) &&
		    block->reducer == strads_table_owner(&mf->table, block->first + block->n - 1);
	if (sound)
		return STRADS_OK;
	return strads_fail(STRADS_ERR_PROTOCOL,
			   "set %llu, block %u: a factor or items that there are none of",
			   (unsigned long long)block->set, block->index);
}

/* Own ratings of each item of the block. They are counted by the first block for all, where the
 * sums over the ranks will stand. */
static void
count_push(struct strads_mf *mf, const struct strads_block *block, double *partial)
{
	const struct strads_rank_one_rows *train = &mf->ratings->train;

	for (uint64_t e = 0; block->index == 0 && e < train->start[train->rows]; e++)
		mf->count[train->col[e]]++;
	for (uint32_t j = 0; j < block->n; j++)
		partial[j] = mf->count[block->first + j];
}

static int
push(void *state, const struct strads_block *block, double *partial)
{
	struct strads_mf *mf = state;
	int status = block_check(mf, block);

	if (status)
		return status;
	switch (block->kind) {
	case STRADS_MF_COUNT:
		count_push(mf, block, partial);
		break;
	case STRADS_MF_FACTOR:
		strads_mf_factor_push(mf, block, partial);
		break;
	case STRADS_MF_ALS_ITEMS:
	case STRADS_MF_ALS_USERS:
		strads_mf_als_push(mf, block, partial);
		break;
	case STRADS_MF_STRATUM:
		return strads_mf_sgd_push(mf, block);
	default:
		return strads_mf_evaluate_push(mf, partial);
	}
	return STRADS_OK;
}

static int
pull(void *state, const struct strads_block *block, const double *sum, void *commit, size_t *bytes)
{
	switch (block->kind) {
	case STRADS_MF_FACTOR:
		*bytes = strads_mf_factor_pull(state, block, sum, commit);
		break;
	case STRADS_MF_ALS_ITEMS:
	case STRADS_MF_ALS_USERS:
		*bytes = strads_mf_als_pull(state, block, sum, commit);
		break;
	default:
		*bytes = partial_elems(state, block) * sizeof *sum;
		memcpy(commit, sum, *bytes);
	}
	return STRADS_OK;
}

static int
count_sync(struct strads_mf *mf, const struct strads_block *block, const void *commit, size_t bytes)
{
	const double *count = commit;

	if (bytes != block->n * sizeof *count)
		return strads_fail(STRADS_ERR_PROTOCOL, "%zu bytes for the counts of %u items",
				   bytes, block->n);
	for (uint32_t j = 0; j < block->n; j++)
		mf->count[block->first + j] = (uint32_t)count[j];
	return STRADS_OK;
}

static int
sync(void *state, const struct strads_block *block, const void *commit, size_t bytes)
{
	switch (block->kind) {
	case STRADS_MF_COUNT:
		return count_sync(state, block, commit, bytes);
	case STRADS_MF_FACTOR:
		return strads_mf_factor_sync(state, block, commit, bytes);
	case STRADS_MF_ALS_ITEMS:
	case STRADS_MF_ALS_USERS:
		return strads_mf_als_sync(state, block, commit, bytes);
	case STRADS_MF_STRATUM:
		return STRADS_OK;
	default:
		return strads_mf_evaluate_sync(state, commit, bytes);
	}
}

static int
finish(void *state, const struct strads_block *last)
{
	struct strads_mf *mf = state;

	switch (last->kind) {
	case STRADS_MF_COUNT:
		strads_mf_state_drop_unseen(mf);
		return mf->sgd ? strads_mf_sgd_start(mf) : STRADS_OK;
	case STRADS_MF_FACTOR:
		strads_mf_factor_finish(mf, last);
		return STRADS_OK;
	case STRADS_MF_ALS_ITEMS:
		mf->course.updates += mf->table.keys * mf->columns;
		return STRADS_OK;
	case STRADS_MF_ALS_USERS:
		mf->course.updates += mf->ratings->users.count * mf->columns;
		return STRADS_OK;
	case STRADS_MF_STRATUM:
		strads_mf_sgd_finish(mf);
		return STRADS_OK;
	default:
		return strads_mf_evaluate_finish(mf, last);
	}
}

/* What is synced is for the next set: of FACTOR, the first block's push goes through the rows for
 * all of them, of ALS, users are solved for by items and items by users. */
static bool
early(void *state, uint32_t kind)
{
	(void)state;
	(void)kind;
	return true;
}

/* Typical costs on one core, in nanoseconds. */
#define NS_ENTRY 1.7 /* one rating in a pass */
#define NS_STEP  0.6 /* one rating and factor in a stratum */
#define NS_ITEM  2.0

static double
push_cost_ns(void *state, const struct strads_block *block)
{
	const struct strads_mf *mf = state;
	const struct strads_rank_one_rows *train = &mf->ratings->train;

	if (mf->als)
		return strads_mf_als_push_cost_ns(mf, block);
	if (block->kind == STRADS_MF_STRATUM)
		return NS_STEP * mf->options.factors * (double)train->start[train->rows] /
		       mf->ranks;
	return NS_ITEM * block->n +
	       (block->index == 0 ? NS_ENTRY * (double)train->start[train->rows] : 0);
}

static double
pull_cost_ns(void *state, const struct strads_block *block)
{
	const struct strads_mf *mf = state;

	return mf->als ? strads_mf_als_pull_cost_ns(mf, block) : NS_ITEM * block->n;
}

void
strads_mf_program(struct strads_mf *mf, struct strads_program *program)
{
	uint64_t most = strads_table_first(&mf->table, 1);

	most = most < STRADS_MF_BLOCK_ITEMS ? most : STRADS_MF_BLOCK_ITEMS;
	most = most > 1 ? most : 1;
	*program = (struct strads_program){
	    .name = "mf",
	    .state = mf,
	    .block_max = (uint32_t)most,
	    .set_blocks_max = 1,
	    .partial_max = 2 * most > STRADS_MF_SUMS ? 2 * most : STRADS_MF_SUMS,
	    .commit_max = (2 * most > STRADS_MF_SUMS ? 2 * most : STRADS_MF_SUMS) * sizeof(double),
	    .schedule = schedule,
	    .partial_elems = partial_elems,
	    .push = push,
	    .pull = pull,
	    .sync = sync,
	    .finish = finish,
	    .early = early,
	    .push_cost_ns = push_cost_ns,
	    .pull_cost_ns = pull_cost_ns,
	};
	if (mf->als)
		strads_mf_als_sizes(mf, program);
}
