/*
 * A path of λs, one after the other in one run: each starts from the coefficients of the one before
 * and from the gradients that certified it. These are what its first list is made of; the columns
 * that the new λ can leave out by the bound on the last residual are left out from the start.
 */
#include "state.h"

static int
coefficients_add(struct strads_lasso *lasso)
{
	int status = STRADS_OK;

	for (uint64_t own = 0, at = 0; status == STRADS_OK && own < lasso->own_keys; own++) {
		strads_key key = lasso->first_key + own;
		double value = lasso->beta[own] * lasso->columns.scale[key];

		if (lasso->unpenalized.count > 0 && value == 0)
			value = strads_lasso_unpenalized_value(lasso, key, &at);
		if (value != 0)
			status = strads_linear_trail_add(&lasso->trail, key, value);
	}
	return status;
}

bool
strads_lasso_path_goes_on(struct strads_lasso *lasso, uint64_t set, bool asked, int *status)
{
	const struct strads_lasso_options *options = &lasso->options;

	lasso->progress.done = true;
	if (options->path.count == 0)
		return false;
	*status = coefficients_add(lasso);
	if (*status)
		return false;
	strads_linear_trail_keep(&lasso->trail, &lasso->progress, lasso->response.offset);
	if (lasso->outcome != STRADS_LINEAR_CONVERGED ||
	    !strads_linear_trail_next(&lasso->trail, lasso->lambda_max, &lasso->lambda))
		return false;
	if (!asked &&
	    !strads_linear_trail_end_in_flight(set, options->max_sets, options->engine.depth))
		return true;
	lasso->outcome = STRADS_LINEAR_LIMIT;
	return false;
}
