/*
 * Sets of kind EVALUATE: objective and duality gap at the anchor, and which variables violate
 * optimality.
 *
 * WIDE, a block of gradients is a range of one rank's whole columns: that rank has θ of all rows,
 * nothing is pushed, and what it pulls from is its own. Else the block is a range of columns over
 * the rows of each rank, whose parts are added up.
 */
#include "state.h"

#include <math.h>
#include <string.h>

#include "strads/csc.h"

/* Evaluations without a smaller gap after which rounding must be what is left. */
#define STALLED 100

/* Variables with gradients above this part of λ, or of the next λ of a path, are candidates: the
 * nearly violating are the next to violate. */
#define NEARLY 0.9

size_t
strads_logistic_evaluate_elems(const struct strads_block *block)
{
	if (block->index == 0)
		return STRADS_LOGISTIC_SUMS;
	if (block->arg & STRADS_LOGISTIC_WIDE)
		return 0;
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
	const double *mean = logistic->columns.mean;

	strads_csc_dot_range(x, block->first, block->n, logistic->theta, partial);
	for (uint32_t k = 0; mean && k < block->n; k++)
		partial[k] -= mean[block->first + k] * logistic->dual.sum;
}

void
strads_logistic_evaluate_push(const struct strads_logistic *logistic,
			      const struct strads_block *block, double *partial)
{
	if (block->index == 0) {
		push_sums(logistic, partial);
		return;
	}
	if (block->arg & STRADS_LOGISTIC_WIDE)
		return;
	push_gradients(logistic, block, partial);
	if (!(block->arg & STRADS_LOGISTIC_BETA))
		return;
	for (uint32_t k = 0; k < block->n; k++) {
		strads_key own = block->first + k - logistic->first_key;

		if (own < logistic->own_keys)
			partial[block->n + k] = logistic->beta[own];
	}
}

static void
pull_rows(const struct strads_logistic *logistic, const struct strads_block *block,
	  const double *sum, struct strads_linear_gradients *gradients)
{
	for (uint32_t k = 0; k < block->n; k++) {
		strads_key key = block->first + k;
		double beta = block->arg & STRADS_LOGISTIC_BETA
				  ? sum[block->n + k]
				  : logistic->beta[key - logistic->first_key];

		strads_linear_gradients_add(gradients, key,
					    fabs(sum[k] * logistic->columns.scale[key]), beta, 0);
	}
}

/* The gradients of the n columns from a position on. */
static void
pull_run(struct strads_logistic *logistic, uint64_t first, uint64_t n,
	 struct strads_linear_gradients *gradients)
{
	const struct strads_linear_portion *portion = &logistic->portion;
	double *dot = logistic->scratch.range;

	strads_packed_dot(&portion->x, first, n, logistic->whole.theta, dot);
	for (uint64_t k = 0; k < n; k++) {
		uint64_t at = first + k;
		double g =
		    portion->shift ? dot[k] - portion->shift[at] * logistic->whole.sum : dot[k];

		strads_linear_drift_note(&logistic->drift, at, fabs(g));
		strads_linear_gradients_add(gradients, strads_linear_portion_key(portion, at),
					    fabs(g), portion->beta[at], 0);
	}
}

/* Columns without a coefficient whose gradient is surely below what makes them candidates need no
 * look: they satisfy |x̃_jᵀθ| ≤ λ, which is all that the dual point needs of them. */
static void
pull_wide(struct strads_logistic *logistic, const struct strads_block *block, double least,
	  struct strads_linear_gradients *gradients)
{
	const struct strads_linear_portion *portion = &logistic->portion;
	uint64_t end = block->first + block->n, from = block->first;

	for (uint64_t k = from; k < end; k++) {
		bool skipped = portion->beta[k] == 0 &&
			       (k >= logistic->whole.reach ||
				strads_linear_drift_below(&logistic->drift, k, least));

		if (!skipped)
			continue;
		pull_run(logistic, from, k - from, gradients);
		from = k + 1;
	}
	pull_run(logistic, from, end - from, gradients);
}

size_t
strads_logistic_evaluate_pull(struct strads_logistic *logistic, const struct strads_block *block,
			      const double *sum, void *commit)
{
	double ahead =
	    strads_linear_trail_ahead(&logistic->trail, logistic->lambda_max, logistic->lambda);
	double least = isnan(logistic->lambda) ? 0 : NEARLY * ahead;
	struct strads_linear_gradients gradients;

	if (block->index == 0) {
		memcpy(commit, sum, STRADS_LOGISTIC_SUMS * sizeof *sum);
		return STRADS_LOGISTIC_SUMS * sizeof *sum;
	}
	gradients = strads_linear_gradients_begin(commit, logistic->working_set,
						  &logistic->scratch.candidates, least);
	if (block->arg & STRADS_LOGISTIC_WIDE)
		pull_wide(logistic, block, least, &gradients);
	else
		pull_rows(logistic, block, sum, &gradients);
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
evaluation_gap(const struct strads_logistic *logistic, double *objective)
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
	progress->point = logistic->trail.path.count;
	progress->done = false;
	progress->lambda = logistic->lambda;
	progress->lambda_max = logistic->lambda_max;
	progress->objective = objective;
	progress->explained = 1 - sum[STRADS_LOGISTIC_LOSS] / logistic->labels.start;
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

/* Whether somebody has asked for an end, or this set was the last there may be. */
static bool
end_is_asked(const struct strads_logistic *logistic, bool final)
{
	return final || logistic->plan.stop || logistic->evaluation.sum[STRADS_LOGISTIC_STOPS] > 0;
}

/* Whether this evaluation is the last of this λ, and with which outcome. */
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
	return end_is_asked(logistic, final) || plan->stuck || plan->stalled >= STALLED;
}

/* λ_max and λ, from the gradients at β = 0, and what follows from them. */
static int
first_evaluation(struct strads_logistic *logistic)
{
	logistic->lambda_max = logistic->evaluation.tally.gradient_max;
	if (logistic->options.path.count > 0)
		return strads_linear_trail_first(&logistic->trail, logistic->lambda_max,
						 &logistic->lambda);
	if (isnan(logistic->lambda))
		logistic->lambda = logistic->options.lambda_ratio * logistic->lambda_max;
	return STRADS_OK;
}

/* λ is another. What the last look at the columns left out was left out for a larger one. */
static double
restart(struct strads_logistic *logistic)
{
	double objective;

	logistic->whole.reach = logistic->portion.count;
	strads_logistic_plan_restart(&logistic->plan);
	return evaluation_gap(logistic, &objective);
}

int
strads_logistic_evaluate_finish(struct strads_logistic *logistic, const struct strads_block *block)
{
	bool final = (block->arg & STRADS_LOGISTIC_FINAL) != 0, done, more = false;
	int status = isnan(logistic->lambda_max) ? first_evaluation(logistic) : STRADS_OK;
	double objective, gap;

	if (status)
		return status;
	gap = evaluation_gap(logistic, &objective);
	if (!isfinite(objective) || !isfinite(gap))
		return strads_logistic_diverge(logistic, block->set);
	progress_fill(logistic, block->set, objective, relative_gap(logistic, gap));
	done = decide(logistic, final);
	if (done)
		more = strads_logistic_path_goes_on(logistic, block->set,
						    end_is_asked(logistic, final), &status);
	if (status)
		return status;
	report(logistic, done && !more);
	if (done && !more)
		return STRADS_STOP;
	if (more)
		gap = restart(logistic);
	strads_logistic_plan_list(logistic, block->set, gap);
	strads_logistic_plan_begin(logistic, block->set);
	return STRADS_OK;
}
