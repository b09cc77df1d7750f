/*
 * Which set is next: a sweep goes through all of W and H, and ends with an evaluation.
 */
#include "state.h"

/* Sets of a sweep, evaluations among them. */
static uint64_t
sweep_sets(const struct strads_mf *mf)
{
	const struct strads_mf_options *options = &mf->options;
	uint64_t items = options->factors + options->biases, all = items + options->biases;

	switch (options->algorithm) {
	case STRADS_MF_CCD:
		return 2 * items + 2;
	case STRADS_MF_ALS:
		return 4;
	case STRADS_MF_SGD:
		return (uint64_t)mf->ranks + 1;
	default:
		return all * options->inner + 1;
	}
}

static uint64_t
factor_arg(uint64_t k, bool items, bool users)
{
	return k << STRADS_MF_SHIFT | (items ? STRADS_MF_SOLVE_ITEMS : 0) |
	       (users ? STRADS_MF_SOLVE_USERS : 0);
}

/* Set `at` of a sweep: biases c and h_k for k = 1 … K, an evaluation, biases b and w_k for k = 1 …
 * K, an evaluation. */
static void
draft_ccd(const struct strads_mf *mf, uint64_t at, struct strads_block_draft *draft)
{
	uint64_t half = mf->columns + 1, k = at % half;
	bool items = at < half;

	if (k == mf->columns) {
		draft->kind = STRADS_MF_EVALUATE;
		draft->arg = items ? 0 : STRADS_MF_SWEPT;
		return;
	}
	draft->kind = STRADS_MF_FACTOR;
	if (mf->options.biases && k == 0)
		k = items ? strads_mf_item_bias(mf) : strads_mf_user_bias(mf);
	else
		k -= mf->options.biases;
	draft->arg = factor_arg(k, items, !items);
}

/* c, then b, then h_k and w_k for k = 1 … K; an evaluation. */
static void
draft_ccdpp(const struct strads_mf *mf, uint64_t at, struct strads_block_draft *draft)
{
	const struct strads_mf_options *options = &mf->options;
	uint64_t biases = options->biases ? 2 : 0, k = at / options->inner;

	if (k == options->factors + biases) {
		draft->kind = STRADS_MF_EVALUATE;
		draft->arg = STRADS_MF_SWEPT;
		return;
	}
	draft->kind = STRADS_MF_FACTOR;
	if (k >= biases)
		draft->arg = factor_arg(k - biases, true, true);
	else if (k == 0)
		draft->arg = factor_arg(strads_mf_item_bias(mf), true, false);
	else
		draft->arg = factor_arg(strads_mf_user_bias(mf), false, true);
}

/* H, an evaluation, W, an evaluation. */
static void
draft_als(uint64_t at, struct strads_block_draft *draft)
{
	static const uint32_t kinds[] = {STRADS_MF_ALS_ITEMS, STRADS_MF_EVALUATE,
					 STRADS_MF_ALS_USERS, STRADS_MF_EVALUATE};

	draft->kind = kinds[at];
	draft->arg = at == 3 ? STRADS_MF_SWEPT : 0;
}

/* Every stratum, an evaluation. */
static void
draft_sgd(uint64_t ranks, uint64_t at, struct strads_block_draft *draft)
{
	draft->kind = at < ranks ? STRADS_MF_STRATUM : STRADS_MF_EVALUATE;
	draft->arg = at < ranks ? at : STRADS_MF_SWEPT;
}

/* Set `at` of a sweep. */
static void
draft_sweep(const struct strads_mf *mf, uint64_t at, struct strads_block_draft *draft)
{
	switch (mf->options.algorithm) {
	case STRADS_MF_CCD:
		draft_ccd(mf, at, draft);
		break;
	case STRADS_MF_ALS:
		draft_als(at, draft);
		break;
	case STRADS_MF_SGD:
		draft_sgd((uint64_t)mf->ranks, at, draft);
		break;
	default:
		draft_ccdpp(mf, at, draft);
	}
}

static void
draft_range(const struct strads_mf *mf, uint32_t index, struct strads_block_draft *draft)
{
	draft->range = true;
	draft->first = mf->block_at[index];
	draft->n = (uint32_t)(mf->block_at[index + 1] - draft->first);
	draft->last = index + 1 == mf->blocks;
	draft->reducer = strads_table_owner(&mf->table, draft->first);
}

/* Whether the run is to end with an evaluation now. */
static bool
end_is_due(const struct strads_mf *mf)
{
	double limit = mf->options.time_limit_s;
	double seconds = (double)(strads_fabric_clock_ns(mf->fabric) - mf->start_ns) * 1e-9;

	return mf->course.stop || (mf->stop && *mf->stop) || (limit > 0 && seconds >= limit);
}

int
strads_mf_schedule(struct strads_mf *mf, uint64_t set, uint32_t index,
		   struct strads_block_draft *draft)
{
	draft->reducer = -1;
	if (set == 0) {
		draft->kind = STRADS_MF_COUNT;
		draft_range(mf, index, draft);
		return STRADS_OK;
	}
	/* Decided with the first block, once: later ones may be drafted in another state. By sgd an
	 * evaluation reads what other ranks fill in when the first set is finished. */
	if (index == 0 && mf->final_set == UINT64_MAX && (set > 1 || !mf->sgd) && end_is_due(mf))
		mf->final_set = set;
	if (mf->final_set == set) {
		draft->kind = STRADS_MF_EVALUATE;
		draft->arg = STRADS_MF_FINAL;
	} else {
		draft_sweep(mf, (set - 1) % sweep_sets(mf), draft);
	}
	if (draft->kind == STRADS_MF_FACTOR)
		draft_range(mf, index, draft);
	else if (draft->kind == STRADS_MF_EVALUATE || draft->kind == STRADS_MF_STRATUM)
		draft->last = true;
	else
		strads_mf_als_draft(mf, index, draft);
	return STRADS_OK;
}
