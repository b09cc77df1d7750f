/*
 * Sets of kind EVALUATE: objective and duality gap at the anchor, and which variables violate
 * optimality.
 */
#include "state.h"

#include <math.h>
#include <string.h>

#include "strads/csc.h"

/* Evaluations without a smaller gap after which rounding must be what is left. */
#define STALLED 20

/* Variables with gradients above this part of λ are candidates: the nearly violating are the next
 * to violate. */
#define NEARLY 0.9

size_t
strads_logistic_evaluate_elems(const struct strads_logistic *logistic,
			       const struct strads_block *block)
{
	(void)logistic;
	if (block->index == 0)
		return STRADS_LOGISTIC_SUMS;
	return block->arg & STRADS_LOGISTIC_BETA ? 2 * (size_t)block->n : block->n;
}

size_t
strads_logistic_evaluate_commit_max(uint32_t variables)
{
	size_t range = strads_linear_gradients_max(variables);
	size_t sums = STRADS_LOGISTIC_SUMS * sizeof(double);

	return range > sums ? range : sums;
}

static void
push_sums(const struct strads_logistic *logistic, double *sum)
{
	struct strads_logloss_sums train = {0}, test = {0};

	strads_logloss_add(logistic->train->x.rows, logistic->y, logistic->margin, 0, NULL, &train);
	if (logistic->test)
		strads_logloss_add(logistic->test->x.rows, logistic->test_y, logistic->test_margin,
				   0, NULL, &test);
	sum[STRADS_LOGISTIC_LOSS] = train.loss;
	sum[STRADS_LOGISTIC_RIGHT] = train.right;
	sum[STRADS_LOGISTIC_ENTROPY] = logistic->dual.entropy;
	sum[STRADS_LOGISTIC_SLOPE] = logistic->dual.slope;
	sum[STRADS_LOGISTIC_CURVATURE] = logistic->dual.curvature;
	sum[STRADS_LOGISTIC_TEST_LOSS] = test.loss;
	sum[STRADS_LOGISTIC_TEST_RIGHT] = test.right;
	sum[STRADS_LOGISTIC_STOPS] = logistic->stop && *logistic->stop ? 1 : 0;
	strads_linear_costs_read(logistic->fabric, logistic->engine, sum + STRADS_LOGISTIC_COST);
}

/* x_jᵀθ − μ_j·Σθ, not yet scaled. */
static void
push_gradients(const struct strads_logistic *logistic, const struct strads_block *block,
	       double *partial)
{
	const struct strads_csc *x = &logistic->train->x;
	const struct strads_linear_screen *screen = &logistic->screen;
	const double *mean = logistic->columns.mean;

	if (screen->all)
		strads_csc_dot_range(x, block->first, block->n, logistic->theta, partial);
	else
		strads_csc_dot_list(x, screen->key + block->first, block->n, logistic->theta,
				    partial);
	if (!mean)
		return;
	for (uint32_t k = 0; k < block->n; k++)
		partial[k] -=
		    mean[strads_linear_screen_key(screen, block->first + k)] * logistic->dual.sum;
}

void
strads_logistic_evaluate_push(const struct strads_logistic *logistic,
			      const struct strads_block *block, double *partial)
{
	if (block->index == 0) {
		push_sums(logistic, partial);
		return;
	}
	push_gradients(logistic, block, partial);
	if (!(block->arg & STRADS_LOGISTIC_BETA))
		return;
	for (uint32_t k = 0; k < block->n; k++) {
		strads_key own = strads_linear_screen_key(&logistic->screen, block->first + k) -
				 logistic->first_key;

		if (own < logistic->own_keys)
			partial[block->n + k] = logistic->beta[own];
	}
}

size_t
strads_logistic_evaluate_pull(struct strads_logistic *logistic, const struct strads_block *block,
			      const double *sum, void *commit)
{
	double least = isnan(logistic->lambda) ? 0 : NEARLY * logistic->lambda;
	struct strads_linear_gradients gradients;

	if (block->index == 0) {
		memcpy(commit, sum, STRADS_LOGISTIC_SUMS * sizeof *sum);
		return STRADS_LOGISTIC_SUMS * sizeof *sum;
	}
	gradients = strads_linear_gradients_begin(commit, logistic->working_set,
						  &logistic->scratch.candidates, least);
	for (uint32_t k = 0; k < block->n; k++) {
		strads_key key = strads_linear_screen_key(&logistic->screen, block->first + k);
		double g = fabs(sum[k] * logistic->columns.scale[key]);
		double beta = block->arg & STRADS_LOGISTIC_BETA
				  ? sum[block->n + k]
				  : logistic->beta[key - logistic->first_key];

		logistic->magnitude[key] = beta == 0 ? (float)g : INFINITY;
		strads_linear_gradients_add(&gradients, key, g, beta, 0);
	}
	return strads_linear_gradients_end(&gradients);
}

int
strads_logistic_evaluate_sync(struct strads_logistic *logistic, const struct strads_block *block,
			      const void *commit, size_t bytes)
{
	struct strads_logistic_evaluation *evaluation = &logistic->evaluation;

	if (block->index > 0)
		return strads_linear_gradients_sync(block, commit, bytes, logistic->train->x.cols,
						    &evaluation->tally, logistic->working_set);
	if (bytes != sizeof evaluation->sum)
		return strads_fail(STRADS_ERR_PROTOCOL, "set %llu: sums of %zu bytes",
				   (unsigned long long)block->set, bytes);
	memcpy(evaluation->sum, commit, sizeof evaluation->sum);
	evaluation->tally = (struct strads_linear_tally){0};
	if (logistic->working_set)
		strads_working_set_clear(logistic->working_set);
	return STRADS_OK;
}

/* ---- After the last block ----------------------------------------------------------------- */

/* The absolute gap. */
static double
evaluation_gap(struct strads_logistic *logistic, double *objective)
{
	const double *sum = logistic->evaluation.sum;
	struct strads_logloss_gap_sums sums = {
	    .lambda = logistic->lambda,
	    .loss = sum[STRADS_LOGISTIC_LOSS],
	    .l1 = logistic->evaluation.tally.l1,
	    .gradient_max = logistic->evaluation.tally.gradient_max,
	    .dual = {.entropy = sum[STRADS_LOGISTIC_ENTROPY],
		     .slope = sum[STRADS_LOGISTIC_SLOPE],
		     .curvature = sum[STRADS_LOGISTIC_CURVATURE]},
	};

	*objective = strads_logloss_objective(&sums);
	logistic->plan.scale =
	    sums.gradient_max > sums.lambda ? sums.lambda / sums.gradient_max : 1;
	return strads_logloss_gap(&sums);
}

/* The gap as it is reported and compared with the tolerance: relative to the loss of the best
 * constant. With λ = 0 no dual point is feasible short of the optimum, and ‖X̃ᵀθ‖∞ relative to its
 * start stands in. */
static double
relative_gap(const struct strads_logistic *logistic, double gap)
{
	double steepest = logistic->evaluation.tally.gradient_max;

	if (logistic->lambda > 0)
		return gap / logistic->labels.null;
	return steepest > 0 ? steepest / logistic->lambda_max : 0;
}

static void
progress_fill(struct strads_logistic *logistic, uint64_t set, double objective, double gap)
{
	const double *sum = logistic->evaluation.sum;
	struct strads_linear_progress *progress = &logistic->progress;
	double rows = (double)logistic->train->rows_total;
	double test_rows = logistic->test ? (double)logistic->labels.test_rows : NAN;

	progress->seconds =
	    (double)(strads_fabric_clock_ns(logistic->fabric) - logistic->start_ns) * 1e-9;
	progress->sets = set + 1;
	progress->updates = logistic->updates;
	progress->lambda = logistic->lambda;
	progress->lambda_max = logistic->lambda_max;
	progress->objective = objective;
	progress->gap = gap;
	progress->nonzeros = logistic->evaluation.tally.nonzeros;
	progress->memory_bytes = logistic->memory_bytes;
	progress->train_log_loss = sum[STRADS_LOGISTIC_LOSS] / rows;
	progress->train_accuracy = sum[STRADS_LOGISTIC_RIGHT] / rows;
	progress->test_log_loss = sum[STRADS_LOGISTIC_TEST_LOSS] / test_rows;
	progress->test_constant_log_loss = logistic->labels.test_constant / test_rows;
	progress->test_accuracy = sum[STRADS_LOGISTIC_TEST_RIGHT] / test_rows;
	strads_linear_costs_tell(sum + STRADS_LOGISTIC_COST, progress);
}

static void
report(struct strads_logistic *logistic, bool final)
{
	if (logistic->report)
		logistic->report(logistic->report_arg, &logistic->progress, final);
}

int
strads_logistic_diverge(struct strads_logistic *logistic, uint64_t set)
{
	progress_fill(logistic, set, INFINITY, INFINITY);
	logistic->outcome = STRADS_LINEAR_DIVERGED;
	report(logistic, true);
	return STRADS_STOP;
}

/* Whether this evaluation is the last, and with which outcome. */
static bool
decide(struct strads_logistic *logistic, bool final)
{
	struct strads_logistic_plan *plan = &logistic->plan;
	double gap = logistic->progress.gap;

	plan->stalled = gap < plan->best_gap ? 0 : plan->stalled + 1;
	plan->best_gap = gap < plan->best_gap ? gap : plan->best_gap;
	if (gap <= logistic->options.tol) {
		logistic->outcome = STRADS_LINEAR_CONVERGED;
		return true;
	}
	logistic->outcome = STRADS_LINEAR_LIMIT;
	return final || plan->stop || plan->stuck ||
	       logistic->evaluation.sum[STRADS_LOGISTIC_STOPS] > 0 || plan->stalled >= STALLED;
}

/* Whether another evaluation, the last by the number of sets, may have been scheduled already: with
 * ranges of the present screen. */
static bool
last_is_in_flight(const struct strads_logistic *logistic, uint64_t set)
{
	uint64_t max_sets = logistic->options.max_sets;

	return set + 1 < max_sets && max_sets <= set + (uint64_t)logistic->options.engine.depth;
}

/* λ_max and λ, from the gradients at β = 0, and what follows from them. */
static void
first_evaluation(struct strads_logistic *logistic)
{
	logistic->lambda_max = logistic->evaluation.tally.gradient_max;
	if (isnan(logistic->lambda))
		logistic->lambda = logistic->options.lambda_ratio * logistic->lambda_max;
}

int
strads_logistic_evaluate_finish(struct strads_logistic *logistic, const struct strads_block *block)
{
	bool final = (block->arg & STRADS_LOGISTIC_FINAL) != 0, first = isnan(logistic->lambda_max);
	double objective, gap;

	if (first)
		first_evaluation(logistic);
	gap = evaluation_gap(logistic, &objective);
	if (!isfinite(objective) || !isfinite(gap))
		return strads_logistic_diverge(logistic, block->set);
	progress_fill(logistic, block->set, objective, relative_gap(logistic, gap));
	final = decide(logistic, final);
	report(logistic, final);
	if (final)
		return STRADS_STOP;
	logistic->plan.gap = gap;
	strads_logistic_plan_list(logistic, block->set);
	if (first && logistic->lambda > 0 && !last_is_in_flight(logistic, block->set)) {
		strads_logistic_screen_first(logistic);
		strads_logistic_screen_renew(logistic);
	}
	if (strads_logistic_safe_is_due(logistic, block->set))
		strads_logistic_plan_next(logistic, block->set, STRADS_LOGISTIC_SAFE);
	else
		strads_logistic_plan_begin(logistic, block->set);
	return STRADS_OK;
}
