/*
 * Variables without a penalty, and sets of kind UNPENALIZED, which solve for all of them at once.
 *
 * With X_U their columns, scaled to norm 1, G = X_UᵀX_U and e = X_Uᵀr, the set moves them by G⁺e,
 * after which X_Uᵀr = 0: only then r, scaled, is a point of the dual. Where other sets came after,
 * v = X_U·G⁺e is the part of r that has to be taken off: ‖v‖² = eᵀG⁺e and vᵀy = (G⁺e)ᵀ(X_Uᵀy).
 *
 * Partial of UNPENALIZED: x_uᵀρ − μ_uΣρ over own rows [count]; then, where asked for, which is at β
 * = 0, the packed Gram matrix of the raw columns.
 */
#include "state.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "strads/cholesky.h"
#include "strads/csc.h"

/* Their Gram matrix is one partial. */
#define UNPENALIZED_MAX 1024

/* A column that the others explain but for this part of its square depends on them. */
#define DEPENDS 1e-10

/* A column varies if its variance exceeds this part of its mean square. */
#define VARIES 1e-12

struct unpenalized_commit {
	double gain;    /* ‖v‖²: twice what the objective loses */
	double delta[]; /* [count] on the original scale */
};

static_assert(sizeof(struct unpenalized_commit) == 8, "unpenalized_commit has holes");

/* ---- Memory ------------------------------------------------------------------------------- */

static uint64_t
unpenalized_count(const struct strads_lasso *lasso)
{
	const double *weight = lasso->options.weight;
	uint64_t count = 0;

	for (uint64_t j = 0; weight && j < lasso->train->x.cols; j++)
		count += weight[j] == 0;
	return count;
}

/* What only rank 0 needs. */
static bool
take_solver(struct strads_lasso_unpenalized *group)
{
	size_t n = group->count;

	group->scale = calloc(n, sizeof *group->scale);
	group->factor = calloc(n * n, sizeof *group->factor);
	group->pivot = calloc(n, sizeof *group->pivot);
	group->y_dot = calloc(n, sizeof *group->y_dot);
	group->scratch = calloc(2 * n, sizeof *group->scratch);
	return group->scale && group->factor && group->pivot && group->y_dot && group->scratch;
}

int
strads_lasso_unpenalized_take(struct strads_lasso *lasso)
{
	struct strads_lasso_unpenalized *group = &lasso->unpenalized;
	uint64_t count = unpenalized_count(lasso), at = 0;

	if (count == 0)
		return STRADS_OK;
	if (count == lasso->train->x.cols)
		return strads_fail(STRADS_ERR_INPUT,
				   "no variable has a penalty: give at least one a weight above 0");
	if (count > UNPENALIZED_MAX)
		return strads_fail(STRADS_ERR_INPUT,
				   "%llu variables have no penalty: at most %d are supported; give "
				   "the others a small weight",
				   (unsigned long long)count, UNPENALIZED_MAX);
	group->count = (uint32_t)count;
	group->key = calloc(count, sizeof *group->key);
	group->beta = calloc(count, sizeof *group->beta);
	group->gram = strads_gram_scratch_new(count);
	lasso->memory_bytes += count * (6 + count) * sizeof(double);
	if (!group->key || !group->beta || !group->gram ||
	    (lasso->rank == 0 && !take_solver(group)))
		return strads_fail(STRADS_ERR_MEMORY,
				   "no memory for %llu variables without a penalty",
				   (unsigned long long)count);
	for (uint64_t j = 0; j < lasso->train->x.cols; j++)
		if (lasso->options.weight[j] == 0)
			group->key[at++] = j;
	return STRADS_OK;
}

void
strads_lasso_unpenalized_give(struct strads_lasso *lasso)
{
	free(lasso->unpenalized.key);
	free(lasso->unpenalized.beta);
	strads_gram_scratch_delete(&lasso->unpenalized.gram);
	free(lasso->unpenalized.scale);
	free(lasso->unpenalized.factor);
	free(lasso->unpenalized.pivot);
	free(lasso->unpenalized.y_dot);
	free(lasso->unpenalized.scratch);
}

/* ---- The primitives ----------------------------------------------------------------------- */

size_t
strads_lasso_unpenalized_elems(const struct strads_lasso *lasso, const struct strads_block *block)
{
	size_t n = lasso->unpenalized.count;

	return block->arg & STRADS_LASSO_GRAM ? n + strads_gram_packed(n) : n;
}

size_t
strads_lasso_unpenalized_elems_max(const struct strads_lasso *lasso)
{
	return lasso->unpenalized.count + strads_gram_packed(lasso->unpenalized.count);
}

size_t
strads_lasso_unpenalized_commit_max(const struct strads_lasso *lasso)
{
	return sizeof(struct unpenalized_commit) + lasso->unpenalized.count * sizeof(double);
}

void
strads_lasso_unpenalized_gradients(const struct strads_lasso *lasso, double *gradient)
{
	const struct strads_lasso_unpenalized *group = &lasso->unpenalized;
	const double *mean = lasso->columns.mean;

	for (uint32_t u = 0; u < group->count; u++) {
		gradient[u] = strads_csc_dot(&lasso->train->x, group->key[u], lasso->residual);
		if (mean)
			gradient[u] -= mean[group->key[u]] * lasso->residual_sum;
	}
}

void
strads_lasso_unpenalized_push(const struct strads_lasso *lasso, const struct strads_block *block,
			      double *partial)
{
	strads_lasso_unpenalized_gradients(lasso, partial);
	if (block->arg & STRADS_LASSO_GRAM)
		strads_gram_add(&lasso->train->x, lasso->unpenalized.key, lasso->unpenalized.count,
				NULL, lasso->unpenalized.gram, partial + lasso->unpenalized.count);
}

/* The Gram matrix of the scaled columns, factored, and X_Uᵀy. */
static void
solver_make(struct strads_lasso *lasso, const double *gradient, const double *packed)
{
	struct strads_lasso_unpenalized *group = &lasso->unpenalized;
	double rows = (double)lasso->train->rows_total, *mean = group->scratch;

	for (uint32_t u = 0; u < group->count; u++) {
		double raw = packed[strads_gram_packed(u) + u], centred;

		mean[u] = lasso->columns.mean ? lasso->columns.mean[group->key[u]] : 0;
		centred = raw - rows * mean[u] * mean[u];
		group->scale[u] = centred > VARIES * raw ? 1 / sqrt(centred) : 0;
		group->y_dot[u] = group->scale[u] * gradient[u];
	}
	strads_gram_standardize(group->count, packed, rows, mean, group->scale, group->factor);
	group->rank = strads_cholesky_factor(group->count, DEPENDS, group->factor, group->pivot);
}

/* e and G⁺e into the scratch; returns eᵀG⁺e. */
static double
solve(const struct strads_lasso_unpenalized *group, const double *gradient)
{
	double *e = group->scratch, *move = e + group->count, square = 0;

	for (uint32_t u = 0; u < group->count; u++)
		e[u] = group->scale[u] * gradient[u];
	strads_cholesky_solve(group->count, group->rank, group->factor, group->pivot, e, move);
	for (uint32_t u = 0; u < group->count; u++)
		square += e[u] * move[u];
	return square > 0 ? square : 0;
}

size_t
strads_lasso_unpenalized_pull(struct strads_lasso *lasso, const struct strads_block *block,
			      const double *sum, void *commit)
{
	struct strads_lasso_unpenalized *group = &lasso->unpenalized;
	struct unpenalized_commit *out = commit;

	if (block->arg & STRADS_LASSO_GRAM)
		solver_make(lasso, sum, sum + group->count);
	out->gain = solve(group, sum);
	for (uint32_t u = 0; u < group->count; u++)
		out->delta[u] = group->scale[u] * group->scratch[group->count + u];
	return strads_lasso_unpenalized_commit_max(lasso);
}

int
strads_lasso_unpenalized_sync(struct strads_lasso *lasso, const struct strads_block *block,
			      const void *commit, size_t bytes)
{
	const struct unpenalized_commit *in = commit;
	struct strads_lasso_unpenalized *group = &lasso->unpenalized;

	if (bytes != strads_lasso_unpenalized_commit_max(lasso))
		return strads_fail(STRADS_ERR_PROTOCOL,
				   "set %llu: %zu bytes for %u variables without a penalty",
				   (unsigned long long)block->set, bytes, group->count);
	for (uint32_t u = 0; u < group->count; u++) {
		if (in->delta[u] == 0)
			continue;
		if (!isfinite(in->delta[u]))
			lasso->plan.diverged = true;
		strads_lasso_residual_move(lasso, group->key[u], in->delta[u]);
		group->beta[u] += in->delta[u];
	}
	lasso->updates += group->count;
	strads_lasso_plan_note(&lasso->plan, 0, 0, in->gain);
	return STRADS_OK;
}

/* ---- For evaluations and the model -------------------------------------------------------- */

void
strads_lasso_unpenalized_part(const struct strads_lasso *lasso, const double *gradient,
			      double *square, double *y)
{
	const struct strads_lasso_unpenalized *group = &lasso->unpenalized;

	*square = *y = 0;
	if (group->count == 0)
		return;
	*square = solve(group, gradient);
	for (uint32_t u = 0; u < group->count; u++)
		*y += group->scratch[group->count + u] * group->y_dot[u];
}

uint64_t
strads_lasso_unpenalized_nonzeros(const struct strads_lasso *lasso)
{
	uint64_t count = 0;

	for (uint32_t u = 0; u < lasso->unpenalized.count; u++)
		count += lasso->unpenalized.beta[u] != 0;
	return count;
}

void
strads_lasso_unpenalized_settle(struct strads_lasso *lasso)
{
	const struct strads_lasso_unpenalized *group = &lasso->unpenalized;

	for (uint32_t u = 0; u < group->count; u++) {
		strads_key own = group->key[u] - lasso->first_key;

		lasso->columns.scale[group->key[u]] = 1;
		if (own < lasso->own_keys)
			lasso->beta[own] = group->beta[u];
	}
}

double
strads_lasso_unpenalized_value(const struct strads_lasso *lasso, strads_key key, uint64_t *at)
{
	const struct strads_lasso_unpenalized *group = &lasso->unpenalized;

	while (*at < group->count && group->key[*at] < key)
		++*at;
	return *at < group->count && group->key[*at] == key ? group->beta[*at] : 0;
}
