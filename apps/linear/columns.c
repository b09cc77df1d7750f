#include "columns.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "strads/csc.h"

/* A column varies if its variance exceeds this part of its mean square. */
#define VARIES 1e-12

void
strads_linear_columns_draft(const struct strads_linear_columns *columns, uint64_t set,
			    uint32_t index, uint32_t range_max, struct strads_block_draft *draft)
{
	uint64_t cols = columns->x->cols, first = (uint64_t)index * range_max;

	draft->arg = set + 1 < strads_linear_columns_sets(columns) ? STRADS_LINEAR_MEANS
								   : STRADS_LINEAR_SCALES;
	draft->range = true;
	draft->first = first;
	draft->n = cols - first < range_max ? (uint32_t)(cols - first) : range_max;
	draft->last = first + draft->n == cols;
}

size_t
strads_linear_columns_elems(const struct strads_block *block)
{
	return block->arg == STRADS_LINEAR_MEANS ? block->n : 2 * (size_t)block->n;
}

size_t
strads_linear_columns_commit_max(const struct strads_linear_columns *columns, uint32_t variables)
{
	size_t floats = columns->norm ? 2 : 1;

	return variables * (sizeof(double) + floats * sizeof(float));
}

/* Σ(x_ij − μ_j)² and Σ|x_ij| over own rows that are not held out. */
static void
column_moments(const struct strads_linear_columns *columns, strads_key key, double *square,
	       double *absolute)
{
	double mean = columns->mean ? columns->mean[key] : 0;

	strads_csc_moments(columns->x, key, mean, square, absolute);
	*square -= columns->absent * mean * mean;
}

void
strads_linear_columns_push(const struct strads_linear_columns *columns,
			   const struct strads_block *block, double *partial)
{
	const struct strads_csc *x = columns->x;

	for (uint32_t k = 0; k < block->n; k++) {
		strads_key key = block->first + k;

		if (block->arg == STRADS_LINEAR_MEANS)
			partial[k] = strads_csc_sum(x, key);
		else
			column_moments(columns, key, &partial[k], &partial[block->n + k]);
	}
}

/* s_j from Σ(x − μ)² and Σx², summed over all rows. */
static double
column_scale(const struct strads_linear_columns *columns, double centred, double raw)
{
	if (!(centred > VARIES * raw))
		return 0;
	switch (columns->standardize) {
	case STRADS_STANDARDIZE_NONE:
		break;
	case STRADS_STANDARDIZE_UNIT:
		return 1 / sqrt(raw);
	case STRADS_STANDARDIZE_CENTER_UNIT:
		return 1 / sqrt(centred);
	case STRADS_STANDARDIZE_ZSCORE:
		return 1 / sqrt(centred / (double)columns->rows_total);
	}
	return 1;
}

/* As a float, not below, and 0 for 0 alone. */
static float
round_up(double value)
{
	float up = (float)(value * (1 + 1e-6));

	return up > 0 || value == 0 ? up : FLT_MIN;
}

/* The commit of MEANS: μ [n]; of SCALES: s [n], then the bounds [n] and, if asked for, the norms
 * [n] as floats. */
size_t
strads_linear_columns_pull(const struct strads_linear_columns *columns,
			   const struct strads_block *block, const double *sum, void *commit)
{
	double rows = (double)columns->rows_total;
	double *out = commit;
	float *bound = (void *)(out + block->n), *norm = bound + block->n;

	if (block->arg == STRADS_LINEAR_MEANS) {
		for (uint32_t k = 0; k < block->n; k++)
			out[k] = sum[k] / rows;
		return block->n * sizeof *out;
	}
	for (uint32_t k = 0; k < block->n; k++) {
		double mean = columns->mean ? columns->mean[block->first + k] : 0;

		out[k] = column_scale(columns, sum[k], sum[k] + rows * mean * mean);
		/* |x̃_jᵀr| = s_j·|x_jᵀ(r − r̄)| ≤ s_j·Σ|x_ij|·max|r − r̄|. */
		bound[k] = round_up(out[k] * sum[block->n + k]);
		if (columns->norm)
			norm[k] = round_up(out[k] * sqrt(sum[k]));
	}
	return strads_linear_columns_commit_max(columns, block->n);
}

int
strads_linear_columns_sync(struct strads_linear_columns *columns, const struct strads_block *block,
			   const void *commit, size_t bytes)
{
	const double *in = commit;
	const float *bound = (const void *)(in + block->n), *norm = bound + block->n;
	size_t expected = block->arg == STRADS_LINEAR_MEANS
			      ? block->n * sizeof *in
			      : strads_linear_columns_commit_max(columns, block->n);

	if (bytes != expected || block->first + block->n > columns->x->cols)
		return strads_fail(STRADS_ERR_PROTOCOL,
				   "set %llu: column statistics of %zu bytes instead of %zu",
				   (unsigned long long)block->set, bytes, expected);
	if (block->arg == STRADS_LINEAR_MEANS) {
		memcpy(columns->mean + block->first, in, block->n * sizeof *in);
		return STRADS_OK;
	}
	memcpy(columns->scale + block->first, in, block->n * sizeof *in);
	memcpy(columns->bound + block->first, bound, block->n * sizeof *bound);
	if (columns->norm)
		memcpy(columns->norm + block->first, norm, block->n * sizeof *norm);
	return STRADS_OK;
}
