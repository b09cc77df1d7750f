/*
 * A path of λs, one after the other in one run: each starts from the coefficients of the one before
 * and from the gradients that certified it. These are what its first list is made of; the columns
 * that the new λ can leave out by the bound on the last residual are left out from the start.
 */
#include "state.h"

#include <math.h>
#include <stdlib.h>

/* The path ends early where more of the deviance is explained than this part; or, after so many λs,
 * where the last added less than such a part of what is explained. As in glmnet: Friedman, Hastie,
 * Tibshirani, J. Stat. Softw. 33 (2010), section 2.5. */
#define EXPLAINED      0.999
#define ADDED          1e-5
#define NOT_BEFORE     5
#define RATIO_WIDE     0.01 /* λ_min/λ_max with fewer rows than columns */
#define RATIO_NOT_WIDE 1e-4

int
strads_lasso_path_take(struct strads_lasso *lasso)
{
	uint64_t count = lasso->options.path;

	if (count == 0)
		return STRADS_OK;
	lasso->path.point = calloc(count, sizeof *lasso->path.point);
	lasso->share.count = calloc(count, sizeof *lasso->share.count);
	lasso->memory_bytes += count * (sizeof *lasso->path.point + sizeof *lasso->share.count);
	if (!lasso->path.point || !lasso->share.count)
		return strads_fail(STRADS_ERR_MEMORY, "no memory for a path of %llu lambdas",
				   (unsigned long long)count);
	return STRADS_OK;
}

/* λ number k. */
static double
path_lambda(const struct strads_lasso *lasso, uint64_t k)
{
	const struct strads_lasso_options *options = &lasso->options;
	double least = options->path_min_ratio;

	if (options->lambdas)
		return options->lambdas[k];
	if (isnan(least))
		least =
		    lasso->train->rows_total < lasso->train->x.cols ? RATIO_WIDE : RATIO_NOT_WIDE;
	return k == 0 ? lasso->lambda_max
		      : lasso->lambda_max * pow(least, (double)k / (double)(options->path - 1));
}

int
strads_lasso_path_first(struct strads_lasso *lasso)
{
	lasso->lambda = path_lambda(lasso, 0);
	if (lasso->lambda_max > 0)
		return STRADS_OK;
	return strads_fail(STRADS_ERR_INPUT,
			   "no column has anything to do with the response: there is no path");
}

/* This rank's part of the model. */
static int
share_add(struct strads_lasso *lasso)
{
	struct strads_linear_share *share = &lasso->share;
	uint64_t before = share->entries, nonzeros = 0;
	int status;

	for (uint64_t own = 0; own < lasso->own_keys; own++)
		nonzeros += lasso->beta[own] != 0;
	status = strads_linear_share_grow(share, nonzeros + lasso->unpenalized.count);
	if (status)
		return status;
	for (uint64_t own = 0, at = 0; own < lasso->own_keys; own++) {
		strads_key key = lasso->first_key + own;
		double value = lasso->beta[own] * lasso->columns.scale[key];

		if (lasso->unpenalized.count > 0 && value == 0)
			value = strads_lasso_unpenalized_value(lasso, key, &at);
		if (value != 0)
			share->entry[share->entries++] =
			    (struct strads_linear_entry){.key = key, .value = value};
	}
	share->count[lasso->path.count] = share->entries - before;
	return STRADS_OK;
}

int
strads_lasso_path_keep(struct strads_lasso *lasso)
{
	struct strads_linear_path *path = &lasso->path;
	struct strads_linear_point *point = &path->point[path->count];
	double began = path->count > 0 ? point[-1].at.seconds : 0;
	int status = share_add(lasso);

	if (status)
		return status;
	point->at = lasso->progress;
	point->seconds = lasso->progress.seconds - began;
	path->count++;
	return STRADS_OK;
}

/* Whether smaller λs would hardly fit better. */
static bool
saturated(const struct strads_linear_path *path)
{
	const struct strads_linear_point *last = &path->point[path->count - 1];

	if (last->at.explained > EXPLAINED)
		return true;
	return path->count > NOT_BEFORE &&
	       last->at.explained - last[-1].at.explained < ADDED * last->at.explained;
}

bool
strads_lasso_path_next(struct strads_lasso *lasso)
{
	struct strads_linear_path *path = &lasso->path;

	if (path->count >= lasso->options.path || (!lasso->options.lambdas && saturated(path)))
		return false;
	lasso->lambda = path_lambda(lasso, path->count);
	return true;
}
