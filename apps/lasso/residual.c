/*
 * Sets of kind RESIDUAL, right before an evaluation: every rank learns the residual of all rows,
 * and can then look at its whole columns. A block is a range of one rank's rows, which
 * that rank reduces: there is nothing to add up.
 */
#include "state.h"

#include <math.h>
#include <string.h>

size_t
strads_lasso_residual_pull(const struct strads_lasso *lasso, const struct strads_block *block,
			   void *commit)
{
	uint64_t first = block->first - lasso->portion.first_row[lasso->rank];
	double *out = commit;

	for (uint32_t i = 0; i < block->n; i++)
		out[i] = strads_dataset_has(lasso->train, (uint32_t)(first + i))
			     ? lasso->residual[first + i] + lasso->shift
			     : 0;
	return block->n * sizeof *out;
}

int
strads_lasso_residual_sync(struct strads_lasso *lasso, const struct strads_block *block,
			   const void *commit, size_t bytes)
{
	if (bytes != block->n * sizeof *lasso->whole.residual)
		return strads_fail(STRADS_ERR_PROTOCOL,
				   "set %llu: the residual of %u rows in %zu bytes",
				   (unsigned long long)block->set, block->n, bytes);
	memcpy(lasso->whole.residual + block->first, commit, bytes);
	return STRADS_OK;
}

void
strads_lasso_residual_finish(struct strads_lasso *lasso)
{
	struct strads_lasso_whole *whole = &lasso->whole;
	double sum = 0, most = 0;

	for (uint64_t i = 0; i < lasso->portion.first_row[lasso->ranks]; i++) {
		double away = fabs(whole->residual[i] - lasso->response.r_mean);

		sum += whole->residual[i];
		most = away > most || isnan(away) ? away : most;
	}
	whole->sum = sum;
	whole->reach = strads_linear_portion_reach(&lasso->portion, most, lasso->lambda);
}
