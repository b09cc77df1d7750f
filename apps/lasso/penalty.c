/*
 * Weights and the part of the penalty that is the Lasso's, as scales of the columns.
 */
#include "state.h"

/* 1/(αw_j); 0 for a variable without a penalty. */
static double
penalty_scale(const struct strads_lasso *lasso, strads_key key)
{
	double w = lasso->options.weight ? lasso->options.weight[key] : 1;

	return w > 0 ? 1 / (lasso->options.l1_ratio * w) : 0;
}

int
strads_lasso_penalty_sync(struct strads_lasso *lasso, const struct strads_block *block,
			  const void *commit, size_t bytes)
{
	struct strads_linear_columns *columns = &lasso->columns;
	int status = strads_linear_columns_sync(columns, block, commit, bytes);

	if (status || block->arg == STRADS_LINEAR_MEANS)
		return status;
	for (strads_key key = block->first; key < block->first + block->n; key++) {
		double scale = penalty_scale(lasso, key);

		if (scale != 1) {
			columns->scale[key] *= scale;
			columns->bound[key] = (float)(columns->bound[key] * scale * (1 + 1e-6));
		}
		if (columns->bound[key] > lasso->unpenalized.bound_max)
			lasso->unpenalized.bound_max = columns->bound[key];
	}
	return STRADS_OK;
}
