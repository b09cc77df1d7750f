/*
 * The program: each primitive, by kind of set.
 */
#include "state.h"

static int
begin(void *state, uint64_t set)
{
	return strads_lasso_check_begin(state, set);
}

static int
schedule_checked(void *state, uint64_t set, uint32_t index, struct strads_block_draft *draft)
{
	return strads_lasso_check_schedule(state, set, index, draft);
}

static int
schedule(void *state, uint64_t set, uint32_t index, struct strads_block_draft *draft)
{
	return strads_lasso_schedule(state, set, index, draft);
}

static size_t
partial_elems(void *state, const struct strads_block *block)
{
	switch (block->kind) {
	case STRADS_LASSO_COLUMNS:
		return strads_linear_columns_elems(block);
	case STRADS_LASSO_EVALUATE:
		return strads_lasso_evaluate_elems(state, block);
	case STRADS_LASSO_UNPENALIZED:
		return strads_lasso_unpenalized_elems(state, block);
	case STRADS_LASSO_RESIDUAL:
		return 0;
	default:
		return strads_lasso_update_elems(state, block);
	}
}

/* A block that names variables there are none of did not come from this program's schedule. */
static int
block_check(const struct strads_lasso *lasso, const struct strads_block *block)
{
	uint64_t end = block->kind == STRADS_LASSO_RESIDUAL ? lasso->portion.first_row[lasso->ranks]
							    : lasso->train->x.cols;
	bool sound = block->kind <= STRADS_LASSO_RESIDUAL;

	if (block->kind != STRADS_LASSO_UPDATE)
		sound =
		    sound && !block->keys && block->first <= end && block->n <= end - block->first;
	else
		sound = block->n <= lasso->set_size && (block->keys || block->n == 0);
	for (uint32_t k = 0; sound && block->keys && k < block->n; k++)
		sound = block->keys[k] < end;
	if (sound)
		return STRADS_OK;
	return strads_fail(STRADS_ERR_PROTOCOL,
			   "set %llu, block %u: variables outside the problem's %llu",
			   (unsigned long long)block->set, block->index, (unsigned long long)end);
}

static int
seen(void *state, const struct strads_block *block)
{
	int status = block->kind == STRADS_LASSO_UPDATE ? block_check(state, block) : STRADS_OK;

	if (status == STRADS_OK)
		strads_lasso_check_seen(state, block);
	return status;
}

static int
push(void *state, const struct strads_block *block, double *partial)
{
	const struct strads_lasso *lasso = state;
	int status = block_check(state, block);

	if (status)
		return status;
	if (block->kind == STRADS_LASSO_COLUMNS)
		strads_linear_columns_push(&lasso->columns, block, partial);
	else if (block->kind == STRADS_LASSO_EVALUATE)
		strads_lasso_evaluate_push(state, block, partial);
	else if (block->kind == STRADS_LASSO_UNPENALIZED)
		strads_lasso_unpenalized_push(state, block, partial);
	else if (block->kind == STRADS_LASSO_UPDATE)
		strads_lasso_update_push(state, block, partial);
	return STRADS_OK;
}

static int
pull(void *state, const struct strads_block *block, const double *sum, void *commit, size_t *bytes)
{
	const struct strads_lasso *lasso = state;

	switch (block->kind) {
	case STRADS_LASSO_COLUMNS:
		*bytes = strads_linear_columns_pull(&lasso->columns, block, sum, commit);
		return STRADS_OK;
	case STRADS_LASSO_EVALUATE:
		*bytes = strads_lasso_evaluate_pull(state, block, sum, commit);
		return STRADS_OK;
	case STRADS_LASSO_UNPENALIZED:
		*bytes = strads_lasso_unpenalized_pull(state, block, sum, commit);
		return STRADS_OK;
	case STRADS_LASSO_RESIDUAL:
		*bytes = strads_lasso_residual_pull(state, block, commit);
		return STRADS_OK;
	default:
		return strads_lasso_update_pull(state, block, sum, commit, bytes);
	}
}

static int
sync(void *state, const struct strads_block *block, const void *commit, size_t bytes)
{
	struct strads_lasso *lasso = state;

	switch (block->kind) {
	case STRADS_LASSO_COLUMNS:
		return strads_lasso_penalty_sync(lasso, block, commit, bytes);
	case STRADS_LASSO_EVALUATE:
		return strads_lasso_evaluate_sync(state, block, commit, bytes);
	case STRADS_LASSO_UNPENALIZED:
		return strads_lasso_unpenalized_sync(state, block, commit, bytes);
	case STRADS_LASSO_RESIDUAL:
		return strads_lasso_residual_sync(state, block, commit, bytes);
	default:
		return strads_lasso_update_sync(state, block, commit, bytes);
	}
}

/* All that does not depend on λ is known: here the clock of the fit starts. */
static void
columns_finish(struct strads_lasso *lasso, const struct strads_block *last)
{
	if (last->arg != STRADS_LINEAR_SCALES)
		return;
	strads_linear_portion_arrange(&lasso->portion, &lasso->columns);
	lasso->start_ns = strads_fabric_clock_ns(lasso->fabric);
}

static int
finish(void *state, const struct strads_block *last)
{
	struct strads_lasso *lasso = state;

	if (last->kind == STRADS_LASSO_EVALUATE)
		return strads_lasso_evaluate_finish(lasso, last);
	if (last->kind == STRADS_LASSO_COLUMNS)
		columns_finish(lasso, last);
	else if (last->kind == STRADS_LASSO_RESIDUAL)
		strads_lasso_residual_finish(lasso);
	else {
		if (lasso->plan.diverged)
			return strads_lasso_diverge(lasso, last->set);
		strads_lasso_plan_advance(lasso, last);
	}
	return STRADS_OK;
}

/* Statistics and gradients only read the state that updates change. */
static bool
early(void *state, uint32_t kind)
{
	(void)state;
	return kind != STRADS_LASSO_UPDATE;
}

/* Typical costs on one core, in nanoseconds. */
#define NS_ENTRY  1.0 /* one nonzero of a column */
#define NS_COLUMN 4.0
#define NS_PAIR   0.3 /* one element of a small dense matrix, read or updated once */

static double
push_cost_ns(void *state, const struct strads_block *block)
{
	const struct strads_lasso *lasso = state;
	const struct strads_csc *x = &lasso->train->x;
	double entries = 0;

	if (block->kind == STRADS_LASSO_UPDATE) {
		for (uint32_t k = 0; k < block->n; k++)
			entries += (double)strads_csc_entries(x, block->keys[k]);
		if (block->arg & STRADS_LASSO_GRAM && x->rows > 0)
			entries += 0.5 * entries * entries / x->rows;
	} else if (block->kind == STRADS_LASSO_UNPENALIZED) {
		for (uint32_t u = 0; u < lasso->unpenalized.count; u++)
			entries += (double)strads_csc_entries(x, lasso->unpenalized.key[u]);
	} else if (block->kind == STRADS_LASSO_RESIDUAL || block->arg & STRADS_LASSO_WHOLE) {
		entries = 0;
	} else if (block->kind == STRADS_LASSO_COLUMNS || block->index > 0) {
		strads_key first = block->first, last = block->first + block->n - 1;

		entries = (double)(x->start[last + 1] - x->start[first]);
	} else {
		entries = (double)x->rows + (lasso->test ? (double)lasso->test->x.rows : 0);
	}
	return NS_ENTRY * entries + NS_COLUMN * block->n;
}

static double
pull_cost_ns(void *state, const struct strads_block *block)
{
	const struct strads_lasso *lasso = state;
	double n = block->n;

	if (block->kind == STRADS_LASSO_UPDATE &&
	    lasso->options.set_update == STRADS_SET_UPDATE_GRAM)
		return NS_PAIR * n * n * lasso->options.passes;
	return NS_COLUMN * n;
}

static size_t
larger(size_t a, size_t b)
{
	return a > b ? a : b;
}

void
strads_lasso_program(struct strads_lasso *lasso, struct strads_program *program)
{
	size_t set_size = lasso->set_size, range = lasso->range_max;
	bool gram = lasso->options.set_update == STRADS_SET_UPDATE_GRAM;
	size_t update = 2 * set_size + 1 + (gram ? strads_gram_packed(set_size) : set_size);
	size_t sums = (size_t)STRADS_LASSO_SUMS + (size_t)lasso->ranks + lasso->unpenalized.count;

	*program = (struct strads_program){
	    .name = "lasso",
	    .state = lasso,
	    .block_max = (uint32_t)larger(larger(set_size, range), lasso->row_range),
	    .set_blocks_max =
		lasso->options.scheduler == STRADS_LINEAR_ROTATION ? (uint32_t)lasso->ranks : 1,
	    .partial_max = larger(larger(update, sums),
				  larger(2 * range, strads_lasso_unpenalized_elems_max(lasso))),
	    .commit_max =
		larger(larger(strads_lasso_evaluate_commit_max(lasso->range_max),
			      strads_lasso_update_commit_max(lasso, lasso->set_size)),
		       larger(larger(strads_lasso_unpenalized_commit_max(lasso),
				     lasso->row_range * sizeof(double)),
			      strads_linear_columns_commit_max(&lasso->columns, lasso->range_max))),
	    .begin = lasso->check ? begin : NULL,
	    .seen = lasso->check ? seen : NULL,
	    .schedule = lasso->check ? schedule_checked : schedule,
	    .partial_elems = partial_elems,
	    .push = push,
	    .pull = pull,
	    .sync = sync,
	    .finish = finish,
	    .early = early,
	    .push_cost_ns = push_cost_ns,
	    .pull_cost_ns = pull_cost_ns,
	};
}
