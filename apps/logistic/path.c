/*
 * A path of λs, one after the other in one run: each starts from the anchor of the one before and
 * from the gradients that certified it, of which its first list is made.
 */
#include "state.h"

static int
coefficients_add(struct strads_logistic *logistic)
{
	int status = STRADS_OK;

	for (uint64_t own = 0; status == STRADS_OK && own < logistic->own_keys; own++) {
		strads_key key = logistic->first_key + own;

		if (logistic->beta[own] != 0)
			status = strads_linear_trail_add(&logistic->trail, key,
							 logistic->beta[own] *
							     logistic->columns.scale[key]);
	}
	return status;
}

bool
strads_logistic_path_goes_on(struct strads_logistic *logistic, uint64_t set, bool asked,
			     int *status)
{
	const struct strads_logistic_options *options = &logistic->options;

	logistic->progress.done = true;
	if (options->path.count == 0)
		return false;
	*status = coefficients_add(logistic);
	if (*status)
		return false;
	strads_linear_trail_keep(&logistic->trail, &logistic->progress, logistic->intercept);
	if (logistic->outcome != STRADS_LINEAR_CONVERGED ||
	    !strads_linear_trail_next(&logistic->trail, logistic->lambda_max, &logistic->lambda))
		return false;
	if (!asked &&
	    !strads_linear_trail_end_in_flight(set, options->max_sets, options->engine.depth))
		return true;
	logistic->outcome = STRADS_LINEAR_LIMIT;
	return false;
}
