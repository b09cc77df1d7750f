/*
 * Sets of kind UPDATE: one block of coordinate descent on the model.
 *
 * Partial of n variables: x_jᵀρ over own rows [n]; β_j + d_j from its owner, 0 elsewhere [n];
 * whether this rank was asked to stop; Σρ; then, where asked for, x_jᵀw [n], Σw, and the packed
 * weighted Gram matrix of the raw columns.
 */
#include "state.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "strads/csc.h"

/* Descent on a block ends after a pass that gained less than this part of the first. */
#define PASS_TOLERANCE 1e-3

/* How far the block is from optimal on the model, before its update, or after if it is the whole
 * list; and what the update adds to all margins alike. */
struct update_commit {
	double steepest; /* max |g_j| */
	double l1;       /* Σ|β_j + d_j| */
	double slack;    /* Σ λ|β_j + d_j| − (β_j + d_j)·g_j */
	double shift;
	uint64_t stop; /* some rank was asked to stop */
};

static_assert(sizeof(struct update_commit) == 40, "update_commit has holes");

size_t
strads_logistic_update_elems(const struct strads_block *block)
{
	size_t n = block->n, elems = 2 * n + 2;

	return block->arg & STRADS_LOGISTIC_GRAM ? elems + n + 1 + strads_gram_packed(n) : elems;
}

size_t
strads_logistic_update_elems_max(uint32_t variables)
{
	const struct strads_block block = {.n = variables, .arg = STRADS_LOGISTIC_GRAM};

	return strads_logistic_update_elems(&block);
}

size_t
strads_logistic_update_commit_max(uint32_t variables)
{
	return sizeof(struct update_commit) + variables * sizeof(double);
}

static double
sum_of(const double *v, uint32_t n)
{
	double sum = 0;

	for (uint32_t i = 0; i < n; i++)
		sum += v[i];
	return sum;
}

void
strads_logistic_update_push(const struct strads_logistic *logistic,
			    const struct strads_block *block, double *partial)
{
	const struct strads_csc *x = &logistic->train->x;
	uint32_t n = block->n;
	double *beta = partial + n, *stop = beta + n, *residual = stop + 1, *weighted = stop + 2;

	*stop = logistic->stop && *logistic->stop ? 1 : 0;
	if (n == 0)
		return;
	for (uint32_t k = 0; k < n; k++) {
		strads_key key = block->keys[k], own = key - logistic->first_key;

		partial[k] = strads_csc_dot(x, key, logistic->rho);
		if (own < logistic->own_keys)
			beta[k] = logistic->beta[own] + logistic->d[own];
	}
	*residual = sum_of(logistic->rho, x->rows);
	if (!(block->arg & STRADS_LOGISTIC_GRAM))
		return;
	for (uint32_t k = 0; k < n; k++)
		weighted[k] = strads_csc_dot(x, block->keys[k], logistic->weight);
	weighted[n] = sum_of(logistic->weight, x->rows);
	strads_gram_add(x, block->keys, n, logistic->weight, logistic->scratch.gram,
			weighted + n + 1);
}

static void
measure(const struct strads_logistic *logistic, uint32_t n, struct update_commit *commit)
{
	const struct strads_logistic_scratch *s = &logistic->scratch;

	for (uint32_t k = 0; k < n; k++) {
		double g = fabs(s->gradient[k]), beta = s->beta[k];

		commit->steepest = g > commit->steepest ? g : commit->steepest;
		commit->l1 += fabs(beta);
		commit->slack += logistic->lambda * fabs(beta) - beta * s->gradient[k];
	}
}

/* Centres of the block's columns: weighted means where an intercept is eliminated, else those of
 * the standardisation. */
static void
centres_find(const struct strads_logistic *logistic, const struct strads_block *block,
	     const double *sum, double total, double *centre)
{
	const double *mean = logistic->columns.mean;

	for (uint32_t k = 0; k < block->n; k++) {
		if (logistic->options.intercept)
			centre[k] = total > 0 ? sum[k] / total : 0;
		else
			centre[k] = mean ? mean[block->keys[k]] : 0;
	}
}

/* The slot of the block, filled from the sum or kept from an earlier set over the same model. */
static int
block_gram(struct strads_logistic *logistic, const struct strads_block *block,
	   const double *weighted, double **slot)
{
	struct strads_logistic_grams *grams = &logistic->grams;
	uint64_t number = block->arg >> STRADS_LOGISTIC_SHIFT, n = block->n;
	uint64_t at =
	    block->arg & STRADS_LOGISTIC_CACHE ? number / (uint64_t)logistic->ranks : grams->slots;
	double *matrix = grams->slot + at * grams->stride, *centre = matrix + n * n;

	*slot = matrix;
	if (block->arg & STRADS_LOGISTIC_GRAM) {
		double total = weighted[n];

		centres_find(logistic, block, weighted, total, centre);
		centre[n] = total;
		strads_gram_standardize_weighted(n, weighted + n + 1, total, weighted, centre,
						 logistic->scratch.scale, matrix);
		if (at < grams->slots)
			grams->order[at] = block->n;
		return STRADS_OK;
	}
	if (at >= grams->slots || grams->order[at] != block->n)
		return strads_fail(STRADS_ERR_PROTOCOL,
				   "set %llu: no Gram matrix of block %llu is kept here",
				   (unsigned long long)block->set, (unsigned long long)number);
	return STRADS_OK;
}

/* g_j = s_j(x_jᵀρ − centre_j·Σρ): with an intercept, what is left when it is at its best. */
static void
gradients_find(struct strads_logistic *logistic, const struct strads_block *block,
	       const double *sum, const double *centre)
{
	struct strads_logistic_scratch *s = &logistic->scratch;
	double residual = sum[2 * (size_t)block->n + 1];

	for (uint32_t k = 0; k < block->n; k++) {
		s->gradient[k] = (sum[k] - centre[k] * residual) * s->scale[k];
		s->beta[k] = sum[block->n + k];
	}
}

int
strads_logistic_update_pull(struct strads_logistic *logistic, const struct strads_block *block,
			    const double *sum, void *commit, size_t *bytes)
{
	struct update_commit *header = commit;
	double *delta = (double *)(header + 1), *slot, *centre;
	struct strads_logistic_scratch *s = &logistic->scratch;
	uint32_t n = block->n;
	const double *stop = sum + 2 * (size_t)n;
	struct strads_gram_problem problem = {.n = n,
					      .lambda = logistic->lambda,
					      .passes = logistic->options.passes,
					      .tolerance = PASS_TOLERANCE};
	int status;

	*header = (struct update_commit){.stop = *stop > 0};
	*bytes = strads_logistic_update_commit_max(n);
	if (n == 0)
		return STRADS_OK;
	for (uint32_t k = 0; k < n; k++)
		s->scale[k] = logistic->columns.scale[block->keys[k]];
	status = block_gram(logistic, block, stop + 2, &slot);
	if (status)
		return status;
	problem.gram = slot;
	centre = slot + (size_t)n * n;
	gradients_find(logistic, block, sum, centre);
	if (logistic->plan.blocks > 1)
		measure(logistic, n, header);
	memcpy(delta, s->beta, n * sizeof *delta);
	(void)strads_gram_descend(&problem, s->beta, s->gradient);
	if (logistic->options.intercept && centre[n] > 0)
		header->shift = stop[1] / centre[n];
	for (uint32_t k = 0; k < n; k++) {
		delta[k] = s->beta[k] - delta[k];
		header->shift -= delta[k] * s->scale[k] * centre[k];
	}
	if (logistic->plan.blocks <= 1)
		measure(logistic, n, header);
	return STRADS_OK;
}

/* u ← u + c and ρ ← ρ − Wc on all rows. */
static void
shift_all(struct strads_logistic *logistic, double shift)
{
	double *restrict move = logistic->move, *restrict rho = logistic->rho;
	const double *restrict weight = logistic->weight;

	for (uint32_t i = 0; i < logistic->train->x.rows; i++) {
		move[i] += shift;
		rho[i] -= weight[i] * shift;
	}
	for (uint32_t i = 0; logistic->test && i < logistic->test->x.rows; i++)
		logistic->test_move[i] += shift;
	logistic->intercept_move += shift;
}

int
strads_logistic_update_sync(struct strads_logistic *logistic, const struct strads_block *block,
			    const void *commit, size_t bytes)
{
	const struct update_commit *header = commit;
	const double *delta = (const double *)(header + 1);

	if (bytes != strads_logistic_update_commit_max(block->n))
		return strads_fail(STRADS_ERR_PROTOCOL, "set %llu: %zu bytes for %u updates",
				   (unsigned long long)block->set, bytes, block->n);
	for (uint32_t k = 0; k < block->n; k++) {
		strads_key key = block->keys[k], own = key - logistic->first_key;
		double a = delta[k] * logistic->columns.scale[key];
		uint64_t position;

		if (logistic->priority)
			strads_priority_note(logistic->priority, key, delta[k]);
		if (delta[k] == 0)
			continue;
		if (!isfinite(delta[k]))
			logistic->plan.diverged = true;
		strads_csc_axpy_weighted(&logistic->train->x, key, a, logistic->weight,
					 logistic->move, logistic->rho);
		if (logistic->test)
			(void)strads_csc_axpy(&logistic->test->x, key, a, logistic->test_move);
		if (own < logistic->own_keys)
			logistic->d[own] += delta[k];
		if (strads_linear_portion_find(&logistic->portion, key, &position))
			logistic->portion_d[position] += delta[k];
	}
	if (header->shift != 0)
		shift_all(logistic, header->shift);
	logistic->updates += block->n;
	strads_logistic_plan_note(&logistic->plan, header->steepest, header->l1, header->slack);
	logistic->plan.stop = logistic->plan.stop || header->stop;
	return STRADS_OK;
}
