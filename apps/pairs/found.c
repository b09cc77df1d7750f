/*
 * The products that a search found, as the stored columns of an ordinary Lasso.
 */
#include "state.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int
compare_keys(const void *left, const void *right)
{
	strads_key a = *(const strads_key *)left, b = *(const strads_key *)right;

	return a < b ? -1 : a > b;
}

static uint64_t
smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* This rank's rows of the n products. The responses are the training set's. To be freed by
 * found_free, in any case. */
static int
materialise(const struct strads_pairs *pairs, const strads_key *key, uint64_t n,
	    struct strads_dataset *found)
{
	const struct strads_csc *base = &pairs->train->x;
	struct strads_csc *x = &found->x;
	uint64_t most = 0;

	for (uint64_t k = 0; k < n; k++)
		most += smaller(strads_csc_entries(base, key[k] / base->cols),
				strads_csc_entries(base, key[k] % base->cols));
	*found = (struct strads_dataset){.x = {.rows = base->rows, .cols = n},
					 .y = pairs->train->y,
					 .first_row = pairs->train->first_row,
					 .rows_total = pairs->train->rows_total};
	x->start = calloc(n + 1, sizeof *x->start);
	x->row = calloc(most + 1, sizeof *x->row);
	x->value = calloc(most + 1, sizeof *x->value);
	if (!x->start || !x->row || !x->value)
		return strads_fail(STRADS_ERR_MEMORY, "no memory for %llu products of columns",
				   (unsigned long long)n);
	for (uint64_t k = 0; k < n; k++)
		x->start[k + 1] =
		    x->start[k] + strads_products_column(base, key[k], x->row + x->start[k],
							 x->value + x->start[k]);
	return STRADS_OK;
}

static void
found_free(struct strads_dataset *found)
{
	found->y = NULL;
	strads_dataset_free(found);
}

static void
remember(void *arg, const struct strads_linear_progress *progress, bool final)
{
	struct strads_pairs *pairs = arg;

	(void) final;
	pairs->inner = *progress;
}

/* What is left of the limits. */
static struct strads_lasso_options
inner_options(const struct strads_pairs *pairs)
{
	struct strads_lasso_options options = pairs->options;
	double spent = (double)(strads_fabric_clock_ns(pairs->fabric) - pairs->start_ns) * 1e-9;

	options.lambda = pairs->lambda;
	options.lambda_ratio = NAN;
	options.tol = pairs->inner_tol;
	options.audit = NULL;
	if (options.time_limit_s > 0)
		options.time_limit_s = fmax(options.time_limit_s - spent, 1e-9);
	if (options.max_sets > 0)
		options.max_sets =
		    options.max_sets > pairs->sets ? options.max_sets - pairs->sets : 1;
	return options;
}

static void
add_up(struct strads_pairs *pairs)
{
	const double *part = (const double *)&pairs->inner.checked;
	double *sum = (double *)&pairs->checked;

	pairs->sets += pairs->inner.sets;
	pairs->updates += pairs->inner.updates;
	for (int stage = 0; stage < STRADS_STAGES; stage++) {
		pairs->stage_seconds[stage] += pairs->inner.stage_seconds[stage];
		pairs->stage_stall_seconds[stage] += pairs->inner.stage_stall_seconds[stage];
	}
	for (size_t k = 0; k < sizeof pairs->checked / sizeof *sum; k++)
		sum[k] += part[k];
}

/* Gives every rank the model that rank 0 has, its indices turned into names of products. */
static int
spread(struct strads_pairs *pairs, const strads_key *key, const struct strads_linear_model *fitted)
{
	struct strads_pairs_model *model = &pairs->model;
	double mine[2] = {(double)fitted->count, fitted->intercept};
	void *head = NULL, *keys = NULL, *values = NULL;
	strads_key *own = NULL;
	double *own_value = NULL;
	uint64_t count;
	int status = strads_job_gather(pairs->job, STRADS_OK, mine, sizeof mine, &head);

	if (status)
		return status;
	count = (uint64_t)((const double *)head)[0];
	own = calloc(count + 1, sizeof *own);
	own_value = calloc(count + 1, sizeof *own_value);
	for (uint64_t k = 0; own && own_value && k < fitted->count; k++) {
		own[k] = key[fitted->index[k]];
		own_value[k] = fitted->value[k];
	}
	if (!own || !own_value)
		status = strads_fail(STRADS_ERR_MEMORY, "no memory for a model of %llu products",
				     (unsigned long long)count);
	status = strads_job_gather(pairs->job, status, own, count * sizeof *own, &keys);
	if (!status)
		status = strads_job_gather(pairs->job, STRADS_OK, own_value,
					   count * sizeof *own_value, &values);
	if (!status) {
		free(model->key);
		free(model->value);
		model->count = count;
		model->key = keys;
		model->value = values;
		model->intercept = ((const double *)head)[1];
		keys = NULL;
	}
	free(own);
	free(own_value);
	free(keys);
	free(head);
	return status;
}

static void
train_residual(struct strads_pairs *pairs)
{
	struct strads_pairs_model *model = &pairs->model;
	const struct strads_csc *base = &pairs->base.x;
	double sum = 0;

	model->l1 = 0;
	for (uint32_t i = 0; i < base->rows; i++)
		pairs->r[i] = pairs->base.y[i] - model->intercept;
	for (uint64_t k = 0; k < model->count; k++) {
		uint64_t n = strads_products_column(base, model->key[k], pairs->row, pairs->value);

		for (uint64_t e = 0; e < n; e++)
			pairs->r[pairs->row[e]] -= model->value[k] * pairs->value[e];
		model->l1 += fabs(model->value[k]) /
			     strads_products_scale(&pairs->products, n, pairs->value);
	}
	/* The dual point must sum to 0; the residual does but for rounding. */
	for (uint32_t i = 0; pairs->options.intercept && i < base->rows; i++)
		sum += pairs->r[i];
	for (uint32_t i = 0; pairs->options.intercept && i < base->rows; i++)
		pairs->r[i] -= sum / base->rows;
}

/* Σ of squared errors over this rank's test rows. */
static int
test_errors(struct strads_pairs *pairs)
{
	const struct strads_dataset *test = pairs->test;
	const struct strads_pairs_model *model = &pairs->model;
	uint32_t *row;
	double *r, *value;

	pairs->test_sse = 0;
	if (!test)
		return STRADS_OK;
	r = calloc((size_t)test->x.rows + 1, sizeof *r);
	row = calloc((size_t)test->x.rows + 1, sizeof *row);
	value = calloc((size_t)test->x.rows + 1, sizeof *value);
	for (uint32_t i = 0; r && i < test->x.rows; i++)
		r[i] = test->y[i] - model->intercept;
	for (uint64_t k = 0; r && row && value && k < model->count; k++) {
		uint64_t n = strads_products_column(&test->x, model->key[k], row, value);

		for (uint64_t e = 0; e < n; e++)
			r[row[e]] -= model->value[k] * value[e];
	}
	for (uint32_t i = 0; r && i < test->x.rows; i++)
		pairs->test_sse += r[i] * r[i];
	free(row);
	free(value);
	free(r);
	if (r && row && value)
		return STRADS_OK;
	return strads_fail(STRADS_ERR_MEMORY, "no memory for the test errors");
}

int
strads_pairs_residual(struct strads_pairs *pairs)
{
	train_residual(pairs);
	return test_errors(pairs);
}

int
strads_pairs_found_fit(struct strads_pairs *pairs, enum strads_linear_outcome *outcome)
{
	struct strads_lasso_options options = inner_options(pairs);
	struct strads_working_set *chosen = pairs->chosen;
	struct strads_linear_model fitted = {0};
	struct strads_dataset found;
	int status;

	qsort(chosen->list, chosen->count, sizeof *chosen->list, compare_keys);
	status =
	    strads_job_agree(pairs->job, materialise(pairs, chosen->list, chosen->count, &found));
	if (!status &&
	    (options.scheduler == STRADS_LINEAR_CHECKED ||
	     options.scheduler == STRADS_LINEAR_SIGNALLING) &&
	    strads_job_size(pairs->job) > 1)
		status = strads_dataset_publish(pairs->fabric, &found);
	if (!status)
		status = strads_lasso_fit(pairs->fabric, &found, NULL, &options, pairs->stop,
					  remember, pairs, outcome, &fitted);
	if (!status) {
		add_up(pairs);
		status = spread(pairs, chosen->list, &fitted);
	}
	strads_linear_model_free(&fitted);
	found_free(&found);
	return status ? status : strads_job_agree(pairs->job, strads_pairs_residual(pairs));
}
