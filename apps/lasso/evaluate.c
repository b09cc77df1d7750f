/*
 * Sets of kind EVALUATE: objective, duality gap, and which variables violate optimality.
 *
 * WHOLE, a block of gradients is a range of one rank's whole columns: that rank has the
 * residual of all rows, nothing is pushed, and what it pulls from is its own. Else the block is a
 * range of columns over the rows of each rank, whose parts are added up.
 */
#include "state.h"

#include <math.h>
#include <string.h>

#include "strads/csc.h"

/* Diverged: an objective this many times that of β = 0, which coordinate descent never exceeds. */
#define DIVERGED 1e3

/* Evaluations, and passes over the list, without a smaller gap after which rounding must be what is
 * left. */
#define STALLED 100

/* Variables with gradients above this part of λ, or of the next λ of a path, are candidates: the
 * nearly violating are the next to violate. */
#define NEARLY 0.9

size_t
strads_lasso_evaluate_elems(const struct strads_lasso *lasso, const struct strads_block *block)
{
	if (block->index == 0)
		return (size_t)STRADS_LASSO_SUMS + (size_t)lasso->ranks + lasso->unpenalized.count;
	if (block->arg & STRADS_LASSO_WHOLE)
		return 0;
	return block->arg & STRADS_LASSO_BETA ? 2 * (size_t)block->n : block->n;
}

size_t
strads_lasso_evaluate_commit_max(uint32_t variables)
{
	size_t range = strads_linear_gradients_max(variables);
	size_t sums = STRADS_LASSO_COMMITTED * sizeof(double);

	return range > sums ? range : sums;
}

/* What the ranks have spent and sent, for the report. */
static void
push_costs(const struct strads_lasso *lasso, double *sum)
{
	struct strads_linear_checked checked;

	strads_linear_costs_read(lasso->fabric, lasso->engine, sum + STRADS_LASSO_COST);
	strads_lasso_check_count(lasso, &checked);
	memcpy(sum + STRADS_LASSO_CHECKS, &checked, sizeof checked);
}

static void
push_sums(const struct strads_lasso *lasso, double *sum)
{
	const struct strads_dataset *train = lasso->train, *test = lasso->test;
	double most = 0;

	for (uint32_t i = 0; i < train->x.rows; i++) {
		double r = lasso->residual[i] + lasso->shift;
		double away = fabs(r - lasso->response.r_mean);

		if (!strads_dataset_has(train, i))
			continue;
		sum[STRADS_LASSO_R_SQUARE] += r * r;
		sum[STRADS_LASSO_R] += r;
		sum[STRADS_LASSO_R_Y] += r * (train->y[i] - lasso->response.offset);
		most = away > most ? away : most;
	}
	for (uint32_t i = 0; test && i < test->x.rows; i++) {
		double r = lasso->test_residual[i] + lasso->shift;

		sum[STRADS_LASSO_TEST_SSE] += r * r;
	}
	sum[STRADS_LASSO_STOPS] = lasso->stop && *lasso->stop ? 1 : 0;
	push_costs(lasso, sum);
	sum[STRADS_LASSO_R_MAX + lasso->rank] = most;
	strads_lasso_unpenalized_gradients(lasso, sum + STRADS_LASSO_R_MAX + lasso->ranks);
}

/* The sparse part of the gradients, x_jᵀρ − μ_j·Σρ, not yet scaled. */
static void
push_gradients(const struct strads_lasso *lasso, const struct strads_block *block, double *partial)
{
	const double *mean = lasso->columns.mean;

	strads_csc_dot_range(&lasso->train->x, block->first, block->n, lasso->residual, partial);
	for (uint32_t k = 0; mean && k < block->n; k++)
		partial[k] -= mean[block->first + k] * lasso->residual_sum;
}

void
strads_lasso_evaluate_push(const struct strads_lasso *lasso, const struct strads_block *block,
			   double *partial)
{
	if (block->index == 0) {
		push_sums(lasso, partial);
		return;
	}
	if (block->arg & STRADS_LASSO_WHOLE)
		return;
	push_gradients(lasso, block, partial);
	if (!(block->arg & STRADS_LASSO_BETA))
		return;
	for (uint32_t k = 0; k < block->n; k++) {
		strads_key own = block->first + k - lasso->first_key;

		if (own < lasso->own_keys)
			partial[block->n + k] = lasso->beta[own];
	}
}

static size_t
pull_sums(const struct strads_lasso *lasso, const double *sum, double *out)
{
	double most = 0;

	memcpy(out, sum, STRADS_LASSO_SUMS * sizeof *out);
	for (int rank = 0; rank < lasso->ranks; rank++) {
		double away = sum[STRADS_LASSO_R_MAX + rank];

		most = away > most ? away : most;
	}
	out[STRADS_LASSO_R_MAX] = most;
	strads_lasso_unpenalized_part(lasso, sum + STRADS_LASSO_R_MAX + lasso->ranks,
				      &out[STRADS_LASSO_UNPENALIZED_SQUARE],
				      &out[STRADS_LASSO_UNPENALIZED_Y]);
	return STRADS_LASSO_COMMITTED * sizeof *out;
}

/* Adds a variable: x̃_jᵀr and β_j. */
static inline void
range_add(const struct strads_lasso *lasso, struct strads_linear_gradients *draft, strads_key key,
	  double correlation, double beta)
{
	double g = fabs(correlation), ridge = 0;

	if (beta != 0 && lasso->options.l1_ratio < 1) {
		double kappa = strads_lasso_kappa(lasso, key);

		g = fabs(correlation - lasso->lambda * kappa * beta);
		ridge = kappa * beta * beta;
	}
	strads_linear_gradients_add(draft, key, g, beta, ridge);
}

static void
pull_rows(const struct strads_lasso *lasso, const struct strads_block *block, const double *sum,
	  struct strads_linear_gradients *draft)
{
	for (uint32_t k = 0; k < block->n; k++) {
		strads_key key = block->first + k;
		double beta = block->arg & STRADS_LASSO_BETA ? sum[block->n + k]
							     : lasso->beta[key - lasso->first_key];

		range_add(lasso, draft, key, sum[k] * lasso->columns.scale[key], beta);
	}
}

/* Beyond the reach only variables with a coefficient are looked at: the others satisfy |g_j| ≤ λ,
 * which is all that the dual point needs of them. */
static void
pull_whole(const struct strads_lasso *lasso, const struct strads_block *block,
	   struct strads_linear_gradients *draft)
{
	const struct strads_linear_portion *portion = &lasso->portion;
	const struct strads_lasso_whole *whole = &lasso->whole;
	uint64_t first = block->first, end = first + block->n, reach = whole->reach;
	double *dot = lasso->scratch.range;

	reach = reach < first ? first : reach < end ? reach : end;
	strads_packed_dot(&portion->x, first, reach - first, whole->residual, dot);
	for (uint64_t k = first; k < end; k++) {
		double beta = portion->beta[k], *correlation = &dot[k - first];

		if (k >= reach && beta == 0)
			continue;
		if (k >= reach)
			strads_packed_dot(&portion->x, k, 1, whole->residual, correlation);
		if (portion->shift)
			*correlation -= portion->shift[k] * whole->sum;
		range_add(lasso, draft, strads_linear_portion_key(portion, k), *correlation, beta);
	}
}

size_t
strads_lasso_evaluate_pull(struct strads_lasso *lasso, const struct strads_block *block,
			   const double *sum, void *commit)
{
	double ahead = strads_linear_trail_ahead(&lasso->trail, lasso->lambda_max, lasso->lambda);
	double least = isnan(lasso->lambda) ? 0 : NEARLY * ahead;
	struct strads_linear_gradients draft;

	if (block->index == 0)
		return pull_sums(lasso, sum, commit);
	draft = strads_linear_gradients_begin(commit, lasso->working_set,
					      &lasso->scratch.candidates, least);
	if (block->arg & STRADS_LASSO_WHOLE)
		pull_whole(lasso, block, &draft);
	else
		pull_rows(lasso, block, sum, &draft);
	return strads_linear_gradients_end(&draft);
}

int
strads_lasso_evaluate_sync(struct strads_lasso *lasso, const struct strads_block *block,
			   const void *commit, size_t bytes)
{
	struct strads_lasso_evaluation *evaluation = &lasso->evaluation;

	if (block->index > 0)
		return strads_linear_gradients_sync(block, commit, bytes, lasso->train->x.cols,
						    &evaluation->tally, lasso->working_set);
	if (bytes != sizeof evaluation->sum)
		return strads_fail(STRADS_ERR_PROTOCOL, "set %llu: sums of %zu bytes",
				   (unsigned long long)block->set, bytes);
	memcpy(evaluation->sum, commit, sizeof evaluation->sum);
	evaluation->tally =
	    (struct strads_linear_tally){.nonzeros = strads_lasso_unpenalized_nonzeros(lasso)};
	if (lasso->working_set)
		strads_working_set_clear(lasso->working_set);
	return STRADS_OK;
}

/* ---- After the last block ----------------------------------------------------------------- */

/* λ_max and λ, from the gradients at β = 0. */
static int
first_evaluation(struct strads_lasso *lasso)
{
	lasso->lambda_max = lasso->evaluation.tally.gradient_max;
	if (lasso->options.path.count > 0)
		return strads_linear_trail_first(&lasso->trail, lasso->lambda_max, &lasso->lambda);
	if (isnan(lasso->lambda))
		lasso->lambda = lasso->options.lambda_ratio * lasso->lambda_max;
	return STRADS_OK;
}

/* The dual point must be orthogonal to the columns without a penalty: r without its part in their
 * span, v, of which |x̃_jᵀv| ≤ bound_j·‖v‖. */
static void
gradient_project(struct strads_lasso *lasso, bool whole)
{
	struct strads_lasso_evaluation *evaluation = &lasso->evaluation;
	double square = evaluation->sum[STRADS_LASSO_UNPENALIZED_SQUARE];

	if (!(square > 0))
		return;
	if (whole && evaluation->tally.gradient_max < lasso->lambda)
		evaluation->tally.gradient_max = lasso->lambda;
	evaluation->tally.gradient_max += (double)lasso->unpenalized.bound_max * sqrt(square);
}

/* The absolute gap. */
static double
evaluation_gap(const struct strads_lasso *lasso, double *objective)
{
	const double *sum = lasso->evaluation.sum;
	struct strads_gap_sums sums = {
	    .lambda = lasso->lambda,
	    .r_square = sum[STRADS_LASSO_R_SQUARE],
	    .r_y = sum[STRADS_LASSO_R_Y] - sum[STRADS_LASSO_UNPENALIZED_Y],
	    .l1 = lasso->evaluation.tally.l1,
	    .ridge = lasso->evaluation.tally.ridge,
	    .gradient_max = lasso->evaluation.tally.gradient_max,
	};

	double off = sum[STRADS_LASSO_UNPENALIZED_SQUARE];

	*objective = strads_gap_objective(&sums);
	/* The dual point must sum to 0; y does, r but for rounding. */
	if (lasso->options.intercept)
		off += sum[STRADS_LASSO_R] * sum[STRADS_LASSO_R] / (double)lasso->train->rows_total;
	sums.r_square -= off;
	/* With part v off r, the primal objective still has ½‖v‖². */
	return strads_gap(&sums) + 0.5 * off;
}

/* The gap as it is reported and compared with the tolerance: relative to ½‖y − ȳ‖². With λ = 0 no
 * dual point is feasible short of the optimum, and ‖X̃ᵀr‖∞ relative to its start stands in. */
static double
relative_gap(const struct strads_lasso *lasso, double gap)
{
	double steepest = lasso->evaluation.tally.gradient_max;

	if (lasso->lambda > 0)
		return gap / (0.5 * lasso->response.square);
	return steepest > 0 ? steepest / lasso->lambda_max : 0;
}

static void
progress_fill(struct strads_lasso *lasso, uint64_t set, double objective, double gap)
{
	const double *sum = lasso->evaluation.sum;
	struct strads_linear_progress *progress = &lasso->progress;
	double test_rows = (double)lasso->response.test_rows;

	progress->seconds =
	    (double)(strads_fabric_clock_ns(lasso->fabric) - lasso->start_ns) * 1e-9;
	progress->sets = set + 1;
	progress->updates = lasso->updates;
	progress->point = lasso->trail.path.count;
	progress->done = false;
	progress->lambda = lasso->lambda;
	progress->lambda_max = lasso->lambda_max;
	progress->objective = objective;
	progress->explained = 1 - sum[STRADS_LASSO_R_SQUARE] / lasso->response.null;
	progress->gap = gap;
	progress->nonzeros = lasso->evaluation.tally.nonzeros;
	progress->memory_bytes = lasso->memory_bytes;
	progress->train_mse = sum[STRADS_LASSO_R_SQUARE] / (double)lasso->train->rows_total;
	progress->test_mse = lasso->test ? sum[STRADS_LASSO_TEST_SSE] / test_rows : NAN;
	progress->test_mean_mse = lasso->test ? lasso->response.test_sst / test_rows : NAN;
	strads_linear_costs_tell(sum + STRADS_LASSO_COST, progress);
	memcpy(&progress->checked, sum + STRADS_LASSO_CHECKS, sizeof progress->checked);
}

static void
report(struct strads_lasso *lasso, bool final)
{
	if (lasso->report)
		lasso->report(lasso->report_arg, &lasso->progress, final);
}

int
strads_lasso_diverge(struct strads_lasso *lasso, uint64_t set)
{
	progress_fill(lasso, set, INFINITY, INFINITY);
	lasso->outcome = STRADS_LINEAR_DIVERGED;
	report(lasso, true);
	return STRADS_STOP;
}

/* Whether somebody has asked for an end, or this set was the last there may be. */
static bool
end_is_asked(const struct strads_lasso *lasso, bool final)
{
	return final || lasso->plan.stop || lasso->evaluation.sum[STRADS_LASSO_STOPS] > 0;
}

/* Whether this evaluation is the last of this λ, and with which outcome. */
static bool
decide(struct strads_lasso *lasso, bool final)
{
	struct strads_lasso_plan *plan = &lasso->plan;
	double gap = lasso->progress.gap;

	plan->stalled = gap < plan->best_gap ? 0 : plan->stalled + 1;
	plan->stalled_sets = gap < plan->best_gap ? 0 : plan->stalled_sets + plan->since;
	plan->best_gap = gap < plan->best_gap ? gap : plan->best_gap;
	if (gap <= lasso->options.tol) {
		lasso->outcome = STRADS_LINEAR_CONVERGED;
		return true;
	}
	lasso->outcome = STRADS_LINEAR_LIMIT;
	return end_is_asked(lasso, final) ||
	       (plan->stalled >= STALLED && plan->stalled_sets / STALLED >= plan->blocks);
}

int
strads_lasso_evaluate_finish(struct strads_lasso *lasso, const struct strads_block *block)
{
	bool final = (block->arg & STRADS_LASSO_FINAL) != 0, done, more = false;
	int status = isnan(lasso->lambda_max) ? first_evaluation(lasso) : STRADS_OK;
	double objective, gap;

	if (status)
		return status;
	gradient_project(lasso, (block->arg & STRADS_LASSO_WHOLE) != 0);
	gap = evaluation_gap(lasso, &objective);
	if (!isfinite(objective) || !isfinite(gap) ||
	    objective > DIVERGED * 0.5 * lasso->response.null)
		return strads_lasso_diverge(lasso, block->set);
	progress_fill(lasso, block->set, objective, relative_gap(lasso, gap));
	done = decide(lasso, final);
	if (done)
		more = strads_lasso_path_goes_on(lasso, block->set, end_is_asked(lasso, final),
						 &status);
	if (status)
		return status;
	report(lasso, done && !more);
	if (done && !more)
		return STRADS_STOP;
	if (more)
		strads_lasso_plan_restart(&lasso->plan, evaluation_gap(lasso, &objective));
	else
		lasso->plan.gap = gap;
	strads_lasso_residual_settle(lasso);
	return strads_lasso_plan_list(lasso, block->set);
}
