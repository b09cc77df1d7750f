/*
 * Sets of kind UPDATE: one block of coordinate descent.
 *
 * Partial of n variables: x_jᵀρ − μ_j·Σρ over own rows [n]; β_j from its owner, 0 elsewhere [n];
 * whether this rank was asked to stop [1]; then, for plain updates, Σ(x_ij − μ_j)² over own rows
 * [n], for corrected ones where asked for, the packed Gram matrix of the raw columns.
 */
#include "state.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "strads/csc.h"
#include "strads/threshold.h"

/* Descent on a block ends after a pass that gained less than this part of the first. */
#define PASS_TOLERANCE 1e-3

/* How far the block is from optimal: before its update, so that a pass tells what the updates of
 * the others have left; or after, if it is the whole list. */
struct update_commit {
	double steepest; /* max |g_j| */
	double l1;       /* Σ|β_j| */
	double slack;    /* Σ λ|β_j| − β_j·g_j */
	uint64_t stop;   /* some rank was asked to stop */
};

static_assert(sizeof(struct update_commit) == 32, "update_commit has holes");

size_t
strads_lasso_update_elems(const struct strads_lasso *lasso, const struct strads_block *block)
{
	size_t elems = 2 * (size_t)block->n + 1;

	if (lasso->options.set_update == STRADS_SET_UPDATE_PLAIN)
		return elems + block->n;
	return block->arg & STRADS_LASSO_GRAM ? elems + strads_gram_packed(block->n) : elems;
}

/* Words of one bit for each variable, for the working set. */
static size_t
mark_words(const struct strads_lasso *lasso, uint32_t variables)
{
	return lasso->working_set ? ((size_t)variables + 63) / 64 : 0;
}

size_t
strads_lasso_update_commit_max(const struct strads_lasso *lasso, uint32_t variables)
{
	return sizeof(struct update_commit) + variables * sizeof(double) +
	       mark_words(lasso, variables) * sizeof(uint64_t);
}

void
strads_lasso_update_push(const struct strads_lasso *lasso, const struct strads_block *block,
			 double *partial)
{
	const struct strads_csc *x = &lasso->train->x;
	const double *mean = lasso->columns.mean;
	uint32_t n = block->n;
	double *beta = partial + n, *stop = beta + n, *rest = stop + 1, absolute;

	for (uint32_t k = 0; k < n; k++) {
		strads_key key = block->keys[k], own = key - lasso->first_key;

		partial[k] = strads_csc_dot(x, key, lasso->residual);
		if (mean)
			partial[k] -= mean[key] * lasso->residual_sum;
		if (own < lasso->own_keys)
			beta[k] = lasso->beta[own];
		if (lasso->options.set_update == STRADS_SET_UPDATE_PLAIN)
			strads_csc_moments(x, key, mean ? mean[key] : 0, &rest[k], &absolute);
	}
	*stop = lasso->stop && *lasso->stop ? 1 : 0;
	if (block->arg & STRADS_LASSO_GRAM)
		strads_gram_add(x, block->keys, n, NULL, lasso->scratch.gram, rest);
}

/* β_j ← S(g_j + q_jβ_j, λ)/q_j for all members from the same residual; q_j = ‖x̃_j‖² + λκ_j. */
static void
pull_plain(const struct strads_lasso *lasso, uint32_t n, const double *square, double *delta)
{
	const struct strads_lasso_scratch *s = &lasso->scratch;

	for (uint32_t k = 0; k < n; k++) {
		double q = square[k] * s->scale[k] * s->scale[k] + s->ridge[k];
		double z = s->gradient[k] + q * s->beta[k];

		delta[k] = q > 0 ? strads_soft_threshold(z, lasso->lambda) / q - s->beta[k] : 0;
	}
}

/* How far a variable is from optimal: g_j ∈ λ·∂|β_j|. */
static double
violation(double gradient, double beta, double lambda)
{
	if (beta == 0)
		return fabs(gradient) - lambda;
	return fabs(gradient - copysign(lambda, beta));
}

/* Of the working set, which members are so far from optimal that they are notable. */
static void
mark(const struct strads_lasso *lasso, uint32_t n, uint64_t *bits)
{
	const struct strads_lasso_scratch *s = &lasso->scratch;

	memset(bits, 0, mark_words(lasso, n) * sizeof *bits);
	for (uint32_t k = 0; lasso->working_set && k < n; k++)
		if (violation(s->gradient[k], s->beta[k], lasso->lambda) > lasso->plan.notable)
			bits[k / 64] |= UINT64_C(1) << k % 64;
}

static void
measure(const struct strads_lasso *lasso, uint32_t n, struct update_commit *commit)
{
	const struct strads_lasso_scratch *s = &lasso->scratch;

	for (uint32_t k = 0; k < n; k++) {
		double g = fabs(s->gradient[k]);

		commit->steepest = g > commit->steepest ? g : commit->steepest;
		commit->l1 += fabs(s->beta[k]);
		commit->slack += lasso->lambda * fabs(s->beta[k]) - s->beta[k] * s->gradient[k];
	}
}

/* Whether no other variables are updated beside those of one block, ever. */
static bool
is_alone(const struct strads_lasso *lasso)
{
	return lasso->plan.blocks <= 1 && !(lasso->working_set && lasso->working_set->narrow) &&
	       (lasso->options.scheduler != STRADS_LINEAR_ROTATION || lasso->ranks == 1);
}

/* P blocks that are updated from the same residual: with ‖Σ X_pΔ_p‖² ≤ P·Σ‖X_pΔ_p‖² the sum of what
 * each does against P times its Gram matrix lowers the objective (Ma, Smith, Jaggi et al.: "Adding
 * vs. averaging in distributed primal-dual optimization", ICML 2015, σ' = P). */
static void
gram_spread(const struct strads_lasso *lasso, uint32_t n, double *gram)
{
	if (lasso->options.scheduler != STRADS_LINEAR_ROTATION)
		return;
	for (size_t k = 0; k < (size_t)n * n; k++)
		gram[k] *= lasso->ranks;
}

/* The standardised Gram matrix of the block: from the sum, or kept from an earlier set. */
static int
block_gram(struct strads_lasso *lasso, const struct strads_block *block, const double *packed,
	   double **gram)
{
	struct strads_lasso_grams *grams = &lasso->grams;
	uint64_t number = block->arg >> STRADS_LASSO_SHIFT;
	uint64_t slot =
	    block->arg & STRADS_LASSO_CACHE ? number / (uint64_t)lasso->ranks : grams->slots;
	double *matrix = grams->matrix + slot * grams->stride;

	*gram = matrix;
	if (block->arg & STRADS_LASSO_GRAM) {
		strads_gram_standardize(block->n, packed, (double)lasso->train->rows_total,
					lasso->columns.mean ? lasso->scratch.mean : NULL,
					lasso->scratch.scale, matrix);
		if (slot < grams->slots)
			grams->order[slot] = block->n;
		return STRADS_OK;
	}
	if (slot >= grams->slots || grams->order[slot] != block->n)
		return strads_fail(STRADS_ERR_PROTOCOL,
				   "set %llu: no Gram matrix of block %llu is kept here",
				   (unsigned long long)block->set, (unsigned long long)number);
	return STRADS_OK;
}

/* The Gram matrix of the columns with a row below has λκ_j more on its diagonal. A kept matrix does
 * not have it, as it serves for more than one λ. */
static void
ridge_add(struct strads_lasso_scratch *s, uint32_t n, double *gram)
{
	for (uint32_t k = 0; k < n; k++) {
		double *q = &gram[(size_t)k * n + k];

		s->diagonal[k] = *q;
		*q += s->ridge[k];
	}
}

static void
ridge_remove(const struct strads_lasso_scratch *s, uint32_t n, double *gram)
{
	for (uint32_t k = 0; k < n; k++)
		gram[(size_t)k * n + k] = s->diagonal[k];
}

static int
pull_gram(struct strads_lasso *lasso, const struct strads_block *block, const double *packed,
	  double *delta)
{
	struct strads_lasso_scratch *s = &lasso->scratch;
	double *gram;
	struct strads_gram_problem problem = {
	    .n = block->n,
	    .lambda = lasso->lambda,
	    .passes = lasso->options.passes,
	    .tolerance = PASS_TOLERANCE,
	};
	int status = block_gram(lasso, block, packed, &gram);

	if (status)
		return status;
	gram_spread(lasso, block->n, gram);
	memcpy(delta, s->beta, block->n * sizeof *delta);
	ridge_add(s, block->n, gram);
	problem.gram = gram;
	(void)strads_gram_descend(&problem, s->beta, s->gradient);
	ridge_remove(s, block->n, gram);
	for (uint32_t k = 0; k < block->n; k++)
		delta[k] = s->beta[k] - delta[k];
	return STRADS_OK;
}

int
strads_lasso_update_pull(struct strads_lasso *lasso, const struct strads_block *block,
			 const double *sum, void *commit, size_t *bytes)
{
	struct update_commit *header = commit;
	double *delta = (double *)(header + 1);
	void *bits = delta + block->n;
	struct strads_lasso_scratch *s = &lasso->scratch;
	const double *beta = sum + block->n, *stop = beta + block->n, *rest = stop + 1;
	int status = STRADS_OK;

	for (uint32_t k = 0; k < block->n; k++) {
		strads_key key = block->keys[k];

		s->scale[k] = lasso->columns.scale[key];
		s->mean[k] = lasso->columns.mean ? lasso->columns.mean[key] : 0;
		s->beta[k] = beta[k];
		s->ridge[k] = lasso->lambda * strads_lasso_kappa(lasso, key);
		s->gradient[k] = sum[k] * s->scale[k] - s->ridge[k] * beta[k];
	}
	*header = (struct update_commit){.stop = *stop > 0};
	*bytes = strads_lasso_update_commit_max(lasso, block->n);
	if (block->n == 0)
		return STRADS_OK;
	if (!is_alone(lasso))
		measure(lasso, block->n, header);
	mark(lasso, block->n, bits);
	if (lasso->options.set_update == STRADS_SET_UPDATE_PLAIN)
		pull_plain(lasso, block->n, rest, delta);
	else
		status = pull_gram(lasso, block, rest, delta);
	if (is_alone(lasso))
		measure(lasso, block->n, header);
	return status;
}

void
strads_lasso_residual_move(struct strads_lasso *lasso, strads_key key, double a)
{
	lasso->residual_sum -= a * strads_csc_axpy(&lasso->train->x, key, -a, lasso->residual);
	if (lasso->test)
		(void)strads_csc_axpy(&lasso->test->x, key, -a, lasso->test_residual);
	if (lasso->columns.mean)
		lasso->shift += a * lasso->columns.mean[key];
}

int
strads_lasso_update_sync(struct strads_lasso *lasso, const struct strads_block *block,
			 const void *commit, size_t bytes)
{
	const struct update_commit *header = commit;
	const double *delta = (const double *)(header + 1);
	const void *bits = delta + block->n;

	if (bytes != strads_lasso_update_commit_max(lasso, block->n))
		return strads_fail(STRADS_ERR_PROTOCOL, "set %llu: %zu bytes for %u updates",
				   (unsigned long long)block->set, bytes, block->n);
	for (uint32_t k = 0; k < block->n; k++) {
		strads_key key = block->keys[k], own = key - lasso->first_key;
		uint64_t position;

		if (lasso->priority)
			strads_priority_note(lasso->priority, key, delta[k]);
		if (delta[k] == 0)
			continue;
		if (!isfinite(delta[k]))
			lasso->plan.diverged = true;
		strads_lasso_residual_move(lasso, key, delta[k] * lasso->columns.scale[key]);
		if (own < lasso->own_keys)
			lasso->beta[own] += delta[k];
		if (strads_linear_portion_find(&lasso->portion, key, &position))
			lasso->portion.beta[position] += delta[k];
	}
	if (lasso->check)
		strads_lasso_check_synced(lasso, block);
	if (lasso->options.audit && lasso->check)
		lasso->options.audit(lasso->options.audit_arg, block->set, block->keys, block->n,
				     strads_lasso_check_worst(block));
	if (lasso->signalling)
		strads_signalling_note(lasso->signalling, block->keys, delta, block->n);
	lasso->updates += block->n;
	lasso->plan.updated += block->n;
	strads_lasso_plan_mark(lasso, block, bits);
	strads_lasso_plan_note(&lasso->plan, header->steepest, header->l1, header->slack);
	lasso->plan.stop = lasso->plan.stop || header->stop;
	return STRADS_OK;
}

void
strads_lasso_residual_settle(struct strads_lasso *lasso)
{
	double sum = 0;

	for (uint32_t i = 0; i < lasso->train->x.rows; i++) {
		/* That of a row held out stays 0. */
		if (!strads_dataset_has(lasso->train, i))
			continue;
		lasso->residual[i] += lasso->shift;
		sum += lasso->residual[i];
	}
	for (uint32_t i = 0; lasso->test && i < lasso->test->x.rows; i++)
		lasso->test_residual[i] += lasso->shift;
	lasso->residual_sum = sum;
	lasso->shift = 0;
}
