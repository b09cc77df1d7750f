/*
 * Columns that are 0 in every optimum are discarded for good: before the first model those that no
 * |θ| ≤ 1 can give a gradient of λ, and by sets of kind SAFE those that the gap leaves no chance.
 *
 * All dual optima lie within `radius` of the feasible point sθ (strads/logloss.h), so that
 * s|x̃_jᵀθ| + ‖x̃_j‖·radius < λ proves β_j = 0. The reducer of a range knows its gradients from the
 * evaluation just past; its commit is a bit for each column of the range, set if it may go.
 */
#include "state.h"

#include <math.h>
#include <string.h>

/* Again when the gap is below this part of what it was the last time. */
#define AGAIN 0.1

/* For the rounding of gradients and norms. */
#define MARGIN 1e-6

/* The column is out of every screen to come, and no update moves it. */
static void
discard(struct strads_logistic *logistic, strads_key key)
{
	logistic->columns.bound[key] = 0;
	logistic->columns.scale[key] = 0;
}

size_t
strads_logistic_safe_commit_max(uint32_t variables)
{
	return ((size_t)variables + 7) / 8;
}

bool
strads_logistic_safe_is_due(const struct strads_logistic *logistic, uint64_t set)
{
	const struct strads_logistic_plan *plan = &logistic->plan;
	double radius = strads_logloss_radius(plan->gap);
	uint64_t max_sets = logistic->options.max_sets;

	/* The last evaluation must not be scheduled before the screen is made anew. */
	if (max_sets > 0 && max_sets <= set + 2 * (uint64_t)logistic->options.engine.depth + 1)
		return false;
	return plan->gap < AGAIN * plan->safe_gap && logistic->screen.count > 0 &&
	       (double)logistic->columns.norm_least * radius < logistic->lambda;
}

size_t
strads_logistic_safe_pull(const struct strads_logistic *logistic, const struct strads_block *block,
			  void *commit)
{
	size_t bytes = strads_logistic_safe_commit_max(block->n);
	double radius = strads_logloss_radius(logistic->plan.gap);
	double most = logistic->lambda * (1 - MARGIN);
	unsigned char *bits = commit;

	memset(bits, 0, bytes);
	for (uint32_t k = 0; k < block->n; k++) {
		strads_key key = strads_linear_screen_key(&logistic->screen, block->first + k);
		double reach = logistic->plan.scale * (double)logistic->magnitude[key] +
			       (double)logistic->columns.norm[key] * radius;

		if (reach < most)
			bits[k / 8] |= (unsigned char)(1u << k % 8);
	}
	return bytes;
}

int
strads_logistic_safe_sync(struct strads_logistic *logistic, const struct strads_block *block,
			  const void *commit, size_t bytes)
{
	const unsigned char *bits = commit;

	if (bytes != strads_logistic_safe_commit_max(block->n))
		return strads_fail(STRADS_ERR_PROTOCOL, "set %llu: %zu bytes for %u columns",
				   (unsigned long long)block->set, bytes, block->n);
	for (uint32_t k = 0; k < block->n; k++)
		if (bits[k / 8] >> k % 8 & 1)
			discard(logistic,
				strads_linear_screen_key(&logistic->screen, block->first + k));
	return STRADS_OK;
}

int
strads_logistic_safe_finish(struct strads_logistic *logistic, const struct strads_block *block)
{
	logistic->plan.safe_gap = logistic->plan.gap;
	strads_logistic_screen_renew(logistic);
	strads_logistic_plan_begin(logistic, block->set);
	return STRADS_OK;
}

/* Where max |θ − θ̄| may reach: |θ| < 1, and θ̄ = 0 with an intercept and does not matter without
 * centres. */
static double
reach_of(const struct strads_logistic *logistic)
{
	double share = logistic->labels.share;

	if (logistic->options.intercept || !logistic->columns.centred)
		return 1;
	return 1 + (share > 0.5 ? share : 1 - share);
}

void
strads_logistic_screen_first(struct strads_logistic *logistic)
{
	double reach = reach_of(logistic);

	for (strads_key key = 0; key < logistic->train->x.cols; key++)
		if ((double)logistic->columns.bound[key] * reach <= logistic->lambda)
			discard(logistic, key);
}

void
strads_logistic_screen_renew(struct strads_logistic *logistic)
{
	strads_linear_screen_build(&logistic->screen, &logistic->table, logistic->columns.bound, 0,
				   1);
}
