#include "cross.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "../data/fold.h"

/* What a validation works with. */
struct validation {
	struct strads_fabric *fabric;
	struct strads_dataset *train;
	struct strads_lasso_options options;
	const volatile int *stop;
	strads_lasso_cross_report *report;
	void *arg;
	int fold; /* being fitted */
	uint64_t rows;
	uint64_t start_ns;
	double time_limit_s; /* of all together */
	uint32_t *number;    /* [own rows] their folds */
	uint64_t *sizes;     /* [folds] rows */
	double *lambdas;     /* [count] of the present fold */
	struct strads_lasso_cross *cross;
};

static void
pass_on(void *arg, const struct strads_linear_progress *progress, bool final)
{
	const struct validation *v = arg;

	if (v->report)
		v->report(v->arg, v->fold, progress, final);
}

/* ---- Folds -------------------------------------------------------------------------------- */

static int
cross_new(const struct strads_linear_path *path, uint32_t folds, struct strads_lasso_cross *cross)
{
	uint64_t n = path->count;

	*cross = (struct strads_lasso_cross){.folds = folds, .count = n};
	cross->lambda = calloc(n, sizeof *cross->lambda);
	cross->mse = calloc(n * folds, sizeof *cross->mse);
	cross->mean = calloc(n, sizeof *cross->mean);
	cross->error = calloc(n, sizeof *cross->error);
	if (!cross->lambda || !cross->mse || !cross->mean || !cross->error)
		return strads_fail(STRADS_ERR_MEMORY, "no memory for the errors of %u folds",
				   folds);
	for (uint64_t k = 0; k < n; k++)
		cross->lambda[k] = path->point[k].at.lambda;
	return STRADS_OK;
}

/* Memory for the folds, and which rows they have. */
static int
folds_open(struct validation *v, const struct strads_linear_path *path, uint32_t folds)
{
	int status = cross_new(path, folds, v->cross);

	v->number = malloc(((size_t)v->train->x.rows + 1) * sizeof *v->number);
	v->sizes = calloc(folds, sizeof *v->sizes);
	v->lambdas = calloc(path->count, sizeof *v->lambdas);
	if (status == STRADS_OK && (!v->number || !v->sizes || !v->lambdas))
		status = strads_fail(STRADS_ERR_MEMORY, "no memory for %u folds", folds);
	if (status == STRADS_OK)
		status = strads_fold_assign(v->train, v->options.seed, folds, v->number);
	return strads_job_agree(strads_fabric_job(v->fabric), status);
}

/* Says of which fold a failure is that lies in its rows. */
static int
fold_fail(const struct validation *v, int status)
{
	char sentence[1024];

	if (status != STRADS_ERR_INPUT)
		return status;
	snprintf(sentence, sizeof sentence, "%s", strads_error());
	return strads_fail(status, "without fold %d of %u: %s", v->fold + 1, v->cross->folds,
			   sentence);
}

/* What is left of the time, at least a little: 0 would be no limit. */
static void
time_limit(struct validation *v)
{
	double spent = (double)(strads_fabric_clock_ns(v->fabric) - v->start_ns) * 1e-9;

	if (v->time_limit_s > 0)
		v->options.time_limit_s = fmax(v->time_limit_s - spent, 1e-9);
}

/* The path without fold v->fold, and its errors on that. */
static int
fold_fit(struct validation *v, enum strads_linear_outcome *outcome)
{
	struct strads_lasso_cross *cross = v->cross;
	struct strads_linear_path path = {0};
	struct strads_dataset held;
	int status = strads_fold_hold(strads_fabric_job(v->fabric), v->train, v->number,
				      (uint32_t)v->fold, &held);

	if (status)
		return status;
	time_limit(v);
	for (uint64_t k = 0; k < cross->count; k++)
		v->lambdas[k] = cross->lambda[k] * ((double)v->train->rows_total / (double)v->rows);
	status = strads_lasso_fit_path(v->fabric, v->train, &held, &v->options, v->stop, pass_on, v,
				       outcome, &path);
	for (uint64_t k = 0; status == STRADS_OK && k < path.count; k++)
		cross->mse[(uint64_t)v->fold * cross->count + k] = path.point[k].at.test_mse;
	v->sizes[v->fold] = held.rows_total;
	strads_linear_path_free(&path);
	strads_fold_release(v->train, &held);
	return status ? fold_fail(v, status) : STRADS_OK;
}

/* ---- What they say ------------------------------------------------------------------------ */

/* With n_f rows and error m_f of fold f: mean m = Σn_f·m_f/n, and its standard error, that of K
 * draws, √(Σn_f(m_f − m)²/n / (K − 1)). As in glmnet. */
static void
summarize(const struct validation *v)
{
	struct strads_lasso_cross *cross = v->cross;
	double rows = (double)v->rows;

	for (uint64_t k = 0; k < cross->count; k++) {
		double mean = 0, square = 0;

		for (uint32_t f = 0; f < cross->folds; f++)
			mean += (double)v->sizes[f] / rows * cross->mse[f * cross->count + k];
		for (uint32_t f = 0; f < cross->folds; f++) {
			double away = cross->mse[f * cross->count + k] - mean;

			square += (double)v->sizes[f] / rows * away * away;
		}
		cross->mean[k] = mean;
		cross->error[k] = sqrt(square / (cross->folds - 1));
		if (mean < cross->mean[cross->best])
			cross->best = k;
	}
	while (cross->mean[cross->one_se] > cross->mean[cross->best] + cross->error[cross->best])
		cross->one_se++;
}

static int
validate(struct validation *v, const struct strads_linear_path *path, uint32_t folds,
	 enum strads_linear_outcome *outcome)
{
	int status = folds_open(v, path, folds);

	v->options.path.count = path->count;
	v->options.path.lambdas = v->lambdas;
	for (v->fold = 0; status == STRADS_OK && v->fold < (int)folds; v->fold++) {
		status = fold_fit(v, outcome);
		if (status == STRADS_OK && *outcome != STRADS_LINEAR_CONVERGED)
			goto leave;
	}
	if (status == STRADS_OK) {
		summarize(v);
		return STRADS_OK;
	}
leave:
	strads_lasso_cross_free(v->cross);
	return status;
}

int
strads_lasso_cross_validate(struct strads_fabric *fabric, struct strads_dataset *train,
			    const struct strads_dataset *test,
			    const struct strads_lasso_options *options, uint32_t folds,
			    const volatile int *stop, strads_lasso_cross_report *report, void *arg,
			    enum strads_linear_outcome *outcome, struct strads_linear_path *path,
			    struct strads_lasso_cross *cross)
{
	struct validation v = {.fabric = fabric,
			       .train = train,
			       .options = *options,
			       .stop = stop,
			       .report = report,
			       .arg = arg,
			       .fold = -1,
			       .rows = train->rows_total,
			       .start_ns = strads_fabric_clock_ns(fabric),
			       .time_limit_s = options->time_limit_s,
			       .cross = cross};
	int status;

	*cross = (struct strads_lasso_cross){0};
	if (folds < 2 || folds > train->rows_total)
		return strads_fail(STRADS_ERR_INPUT,
				   "%u folds of %llu rows: give at least 2 and at most as many as "
				   "there are rows",
				   folds, (unsigned long long)train->rows_total);
	status = strads_lasso_fit_path(fabric, train, test, &v.options, stop, pass_on, &v, outcome,
				       path);
	if (status || *outcome != STRADS_LINEAR_CONVERGED)
		return status;
	status = validate(&v, path, folds, outcome);
	free(v.number);
	free(v.sizes);
	free(v.lambdas);
	if (status)
		strads_linear_path_free(path);
	return status;
}

void
strads_lasso_cross_free(struct strads_lasso_cross *cross)
{
	free(cross->lambda);
	free(cross->mse);
	free(cross->mean);
	free(cross->error);
	*cross = (struct strads_lasso_cross){0};
}
