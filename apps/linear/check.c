#include "check.h"

#include <math.h>

int
strads_linear_check_lambda(double lambda, double ratio)
{
	if (isnan(lambda)) {
		if (ratio > 0 && isfinite(ratio))
			return STRADS_OK;
		return strads_fail(STRADS_ERR_INPUT,
				   "the ratio of lambda to its maximum is %g: give a number above "
				   "0, typically 0.1",
				   ratio);
	}
	if (lambda >= 0 && isfinite(lambda))
		return STRADS_OK;
	return strads_fail(STRADS_ERR_INPUT, "lambda is %g: give a number of at least 0", lambda);
}

int
strads_linear_check_stop(double tol, double time_limit_s)
{
	if (!(tol >= 0))
		return strads_fail(STRADS_ERR_INPUT,
				   "the tolerance is %g: give a number of at least 0", tol);
	if (!(time_limit_s >= 0))
		return strads_fail(STRADS_ERR_INPUT,
				   "the time limit is %g s: give a number above 0, or 0 for none",
				   time_limit_s);
	return STRADS_OK;
}

int
strads_linear_check_sets(uint32_t set_size, uint32_t passes)
{
	if (set_size < 1 || passes < 1)
		return strads_fail(STRADS_ERR_INPUT,
				   "a set of %u variables and %u passes: give at least 1 of each",
				   set_size, passes);
	return STRADS_OK;
}

int
strads_linear_check_data(const struct strads_dataset *train, const struct strads_dataset *test)
{
	if (train->x.cols == 0 || train->rows_total == 0)
		return strads_fail(STRADS_ERR_INPUT,
				   "the training data have %llu rows and %llu columns: nothing to "
				   "fit",
				   (unsigned long long)train->rows_total,
				   (unsigned long long)train->x.cols);
	if (train->x.cols > UINT32_MAX)
		return strads_fail(STRADS_ERR_INPUT, "%llu columns: at most %lu are supported",
				   (unsigned long long)train->x.cols, (unsigned long)UINT32_MAX);
	if (test && test->x.cols != train->x.cols)
		return strads_fail(STRADS_ERR_INPUT,
				   "the test data have %llu columns, the training data %llu: read "
				   "both with the same number",
				   (unsigned long long)test->x.cols,
				   (unsigned long long)train->x.cols);
	return STRADS_OK;
}
