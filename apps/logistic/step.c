/*
 * Sets of kind STEP: the objective at the anchor + α·d, α = 1, 1/2, 1/4, …; the first that lowers
 * it by a part of what the slope along d promises becomes the new anchor.
 */
#include "state.h"

#include <math.h>
#include <string.h>

#include "strads/csc.h"

/* A step must lower the objective by this part of what its slope promises (Armijo), */
#define PART 1e-2

/* give or take the rounding of a sum of many losses. */
#define ROUNDING 1e-13

/* Halvings of a step: beyond, d points nowhere. */
#define HALVINGS 40

/* Reach of the weights after the first step that had to be halved; how it grows and shrinks; below
 * the least it is none. */
#define REACH       1.0
#define REACH_MORE  2.0
#define REACH_LESS  0.25
#define REACH_LEAST 0.05

static double
step_size(const struct strads_block *block)
{
	return ldexp(1, -(int)block->arg);
}

/* ‖·‖₁ of one own variable at the three points. */
static void
push_l1(const struct strads_logistic *logistic, uint64_t own, double alpha, double *sum)
{
	double beta = logistic->beta[own], d = logistic->d[own];

	sum[STRADS_LOGISTIC_TRIAL_L1] += fabs(beta + alpha * d);
	sum[STRADS_LOGISTIC_TRIAL_L1_ONE] += fabs(beta + d);
	sum[STRADS_LOGISTIC_TRIAL_L1_NOW] += fabs(beta);
}

void
strads_logistic_step_push(const struct strads_logistic *logistic, const struct strads_block *block,
			  double *partial)
{
	uint32_t rows = logistic->train->x.rows;
	struct strads_logloss_sums at = {0}, now = {0};
	const struct strads_working_set *list = logistic->working_set;
	double alpha = step_size(block);

	strads_logloss_add(rows, logistic->y, logistic->margin, alpha, logistic->move, &at);
	strads_logloss_add(rows, logistic->y, logistic->margin, 0, NULL, &now);
	partial[STRADS_LOGISTIC_TRIAL_LOSS] = at.loss;
	partial[STRADS_LOGISTIC_TRIAL_POSITIVE] = at.positive;
	partial[STRADS_LOGISTIC_TRIAL_NEGATIVE] = at.negative;
	partial[STRADS_LOGISTIC_TRIAL_START] = now.loss;
	for (uint32_t i = 0; i < rows; i++)
		partial[STRADS_LOGISTIC_TRIAL_DOWN] += logistic->r[i] * logistic->move[i];
	for (uint64_t k = 0; list && k < list->count; k++) {
		uint64_t own = list->list[k] - logistic->first_key;

		if (own < logistic->own_keys)
			push_l1(logistic, own, alpha, partial);
	}
	for (uint64_t own = 0; !list && own < logistic->own_keys; own++)
		push_l1(logistic, own, alpha, partial);
}

int
strads_logistic_step_sync(struct strads_logistic *logistic, const struct strads_block *block,
			  const void *commit, size_t bytes)
{
	if (bytes != sizeof logistic->trial)
		return strads_fail(STRADS_ERR_PROTOCOL, "set %llu: a step of %zu bytes",
				   (unsigned long long)block->set, bytes);
	memcpy(logistic->trial, commit, sizeof logistic->trial);
	return STRADS_OK;
}

/* P(α) ≤ P(0) + PART·α·(slope of the loss along d + λ(‖β + d‖₁ − ‖β‖₁)). */
static bool
lowers(const struct strads_logistic *logistic, double alpha)
{
	const double *t = logistic->trial;
	double lambda = logistic->lambda;
	double now = t[STRADS_LOGISTIC_TRIAL_START] + lambda * t[STRADS_LOGISTIC_TRIAL_L1_NOW];
	double then = t[STRADS_LOGISTIC_TRIAL_LOSS] + lambda * t[STRADS_LOGISTIC_TRIAL_L1];
	double slope = -t[STRADS_LOGISTIC_TRIAL_DOWN] +
		       lambda * (t[STRADS_LOGISTIC_TRIAL_L1_ONE] - t[STRADS_LOGISTIC_TRIAL_L1_NOW]);

	return then <= now + PART * alpha * slope + ROUNDING * now;
}

/* An own variable, and one of the portion, move by αd. */
static void
own_move(struct strads_logistic *logistic, uint64_t own, double alpha)
{
	logistic->beta[own] += alpha * logistic->d[own];
	logistic->d[own] = 0;
}

static void
portion_move(struct strads_logistic *logistic, uint64_t position, double alpha)
{
	logistic->portion.beta[position] += alpha * logistic->portion_d[position];
	logistic->portion_d[position] = 0;
}

/* β moves by αd, and d is 0. */
static void
beta_move(struct strads_logistic *logistic, double alpha)
{
	const struct strads_working_set *list = logistic->working_set;

	for (uint64_t k = 0; list && k < list->count; k++) {
		uint64_t own = list->list[k] - logistic->first_key, position;

		if (own < logistic->own_keys)
			own_move(logistic, own, alpha);
		if (strads_linear_portion_find(&logistic->portion, list->list[k], &position))
			portion_move(logistic, position, alpha);
	}
	for (uint64_t own = 0; !list && own < logistic->own_keys; own++)
		own_move(logistic, own, alpha);
	for (uint64_t position = 0; !list && position < logistic->portion.count; position++)
		portion_move(logistic, position, alpha);
}

/* The anchor moves by αd. */
static void
anchor_move(struct strads_logistic *logistic, double alpha)
{
	const struct strads_logloss_sums sums = {
	    .positive = logistic->trial[STRADS_LOGISTIC_TRIAL_POSITIVE],
	    .negative = logistic->trial[STRADS_LOGISTIC_TRIAL_NEGATIVE],
	};

	for (uint32_t i = 0; i < logistic->train->x.rows; i++)
		logistic->margin[i] += alpha * logistic->move[i];
	for (uint32_t i = 0; logistic->test && i < logistic->test->x.rows; i++)
		logistic->test_margin[i] += alpha * logistic->test_move[i];
	logistic->intercept += alpha * logistic->intercept_move;
	beta_move(logistic, alpha);
	strads_logistic_state_anchor(logistic, &sums);
}

/* A step that had to be halved went where the curvature is larger than at the anchor: the next
 * models take the largest within reach; less again after full steps, down to Newton's model itself.
 */
static void
reach_adapt(struct strads_logistic *logistic, uint64_t halvings)
{
	double reach = logistic->reach;

	if (halvings == 0)
		logistic->reach = reach > REACH_LEAST ? REACH_LESS * reach : 0;
	else
		logistic->reach = REACH_MORE * reach > REACH ? REACH_MORE * reach : REACH;
}

int
strads_logistic_step_finish(struct strads_logistic *logistic, const struct strads_block *block)
{
	bool stuck = block->arg >= HALVINGS;

	if (!isfinite(logistic->trial[STRADS_LOGISTIC_TRIAL_DOWN]))
		return strads_logistic_diverge(logistic, block->set);
	if (!stuck && !lowers(logistic, step_size(block))) {
		logistic->plan.halvings = block->arg + 1;
		strads_logistic_plan_next(logistic, block->set, STRADS_LOGISTIC_STEP);
		return STRADS_OK;
	}
	reach_adapt(logistic, block->arg);
	if (stuck) {
		beta_move(logistic, 0);
		strads_logistic_state_rest(logistic);
		logistic->plan.stuck = true;
		strads_logistic_plan_next(logistic, block->set, STRADS_LOGISTIC_EVALUATE);
		return STRADS_OK;
	}
	anchor_move(logistic, step_size(block));
	strads_logistic_plan_next(logistic, block->set, STRADS_LOGISTIC_WHOLE);
	return STRADS_OK;
}
