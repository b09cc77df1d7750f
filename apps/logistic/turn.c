/*
 * Sets of kind TURN: a rank descends on the model over its whole columns of the list, one column
 * after the other, and hands the model's residual on to the next. What is committed is one vector
 * in blocks: numbers about the turn, the moves of the rank's part of the list, the residual of all
 * rows. A sweep over the list is a turn of each rank, so that no column is updated against a
 * residual that has not seen the ones before, whatever the number of ranks: in texts a few hundred
 * columns with an entry in every tenth row and more are most of the entries, and all correlated.
 */
#include "state.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Typical costs on one core, in nanoseconds. */
#define NS_ENTRY  1.5 /* one nonzero of a column, read or updated */
#define NS_COLUMN 20.0

/* Sweeping ends when the list is found nearer to optimal than this part of what the first found. */
#define PART 0.1

void
strads_logistic_turn_take(struct strads_logistic *logistic, struct strads_linear_need *need)
{
	struct strads_logistic_turns *turns = &logistic->turns;
	uint64_t ranks = (uint64_t)logistic->ranks, most = 0, share, all;

	need->what = "the list of variables";
	if (logistic->working_set)
		most = logistic->working_set->max;
	share =
	    strads_linear_portion_count(logistic->train->x.cols, logistic->rank, logistic->ranks);
	share = share < most ? share : most;
	all = most > 0 ? STRADS_LOGISTIC_HEADS + most + logistic->train->rows_total : 0;
	turns->key = strads_linear_take(need, most, sizeof *turns->key);
	turns->d = strads_linear_take(need, most, sizeof *turns->d);
	turns->first = strads_linear_take(need, ranks + 2, sizeof *turns->first);
	turns->member = strads_linear_take(need, share, sizeof *turns->member);
	turns->place = strads_linear_take(need, share, sizeof *turns->place);
	turns->heard = strads_linear_take(need, all, sizeof *turns->heard);
	turns->said = strads_linear_take(need, all, sizeof *turns->said);
}

void
strads_logistic_turn_give(struct strads_logistic *logistic)
{
	struct strads_logistic_turns *turns = &logistic->turns;

	free(turns->key);
	free(turns->d);
	free(turns->first);
	free(turns->member);
	free(turns->place);
	free(turns->heard);
	free(turns->said);
}

/* ---- The list ----------------------------------------------------------------------------- */

void
strads_logistic_turn_list(struct strads_logistic *logistic)
{
	const struct strads_working_set *list = logistic->working_set;
	struct strads_logistic_turns *turns = &logistic->turns;
	uint64_t ranks = (uint64_t)logistic->ranks;

	/* A counting sort by rank; first[r + 1] runs from where rank r begins to where it ends. */
	memset(turns->first, 0, (ranks + 2) * sizeof *turns->first);
	for (uint64_t k = 0; k < list->count; k++)
		turns->first[list->list[k] % ranks + 2]++;
	for (uint64_t rank = 1; rank <= ranks; rank++)
		turns->first[rank + 1] += turns->first[rank];
	for (uint64_t k = 0; k < list->count; k++)
		turns->key[turns->first[list->list[k] % ranks + 1]++] = list->list[k];
}

/* Variables in a rank's part of the list. */
static uint64_t
share_of(const struct strads_logistic *logistic, int rank)
{
	return logistic->turns.first[rank + 1] - logistic->turns.first[rank];
}

/* Whose turn it is. */
static int
rank_of(const struct strads_logistic *logistic, uint64_t turn)
{
	return (int)(turn % (uint64_t)logistic->ranks);
}

/* Length of the vector of a turn. */
uint64_t
strads_logistic_turn_length(const struct strads_logistic *logistic, uint64_t turn)
{
	return STRADS_LOGISTIC_HEADS + share_of(logistic, rank_of(logistic, turn)) +
	       logistic->train->rows_total;
}

void
strads_logistic_turn_draft(const struct strads_logistic *logistic, uint32_t index,
			   struct strads_block_draft *draft)
{
	uint64_t turn = logistic->plan.turn, length = strads_logistic_turn_length(logistic, turn);
	uint64_t most = logistic->piece_max, left;

	draft->kind = STRADS_LOGISTIC_TURN;
	draft->arg = turn;
	draft->range = true;
	draft->reducer = rank_of(logistic, turn);
	draft->first = index * most;
	left = length - draft->first;
	draft->n = left < most ? (uint32_t)left : (uint32_t)most;
	draft->last = left <= most;
}

double
strads_logistic_turn_cost_ns(const struct strads_logistic *logistic)
{
	const struct strads_logistic_turns *turns = &logistic->turns;
	const strads_key *key = turns->key + turns->first[logistic->rank];
	uint64_t n = share_of(logistic, logistic->rank), entries = 0;
	uint32_t sweeps = logistic->ranks == 1 ? logistic->plan.sweeps : 1;

	for (uint64_t k = 0; k < n; k++) {
		uint64_t at = logistic->portion.position[key[k] / (uint64_t)logistic->ranks];

		entries += logistic->portion.x.start[at + 1] - logistic->portion.x.start[at];
	}
	return NS_ENTRY * 2 * (double)(sweeps * entries) + NS_COLUMN * (double)n;
}

/* ---- A turn ------------------------------------------------------------------------------- */

/* Where the residual of all rows lies in the vector of a turn. */
static double *
residual_in(const struct strads_logistic *logistic, double *vector, uint64_t turn)
{
	return vector + STRADS_LOGISTIC_HEADS + share_of(logistic, rank_of(logistic, turn));
}

/* The model as the turn before left it: of the first turn, at the anchor, with an intercept that is
 * moved to where the residual sums to 0. */
static struct strads_descent
descent_begin(const struct strads_logistic *logistic, uint64_t turn)
{
	const struct strads_logistic_whole *whole = &logistic->whole;
	const struct strads_logistic_turns *turns = &logistic->turns;
	struct strads_descent descent = {
	    .x = &logistic->portion.x,
	    .weight = whole->weight,
	    .weight_sum = whole->weight_sum,
	    .lambda = logistic->lambda,
	    .residual = residual_in(logistic, turns->said, turn),
	};
	const double *from = whole->r;

	if (turn == 0) {
		descent.sum = whole->r_sum;
		if (logistic->options.intercept && whole->weight_sum > 0)
			descent.shift = -whole->r_sum / whole->weight_sum;
	} else {
		descent.sum = turns->heard[STRADS_LOGISTIC_HEAD_SUM];
		descent.shift = turns->heard[STRADS_LOGISTIC_HEAD_SHIFT];
		from = residual_in(logistic, turns->heard, turn - 1);
	}
	memcpy(descent.residual, from, logistic->train->rows_total * sizeof *from);
	return descent;
}

/* All ranks at once: their parts of the list, at the anchor. */
void
strads_logistic_turn_begin(struct strads_logistic *logistic)
{
	const struct strads_descent model = {.x = &logistic->portion.x,
					     .weight = logistic->whole.weight,
					     .weight_sum = logistic->whole.weight_sum};
	struct strads_logistic_turns *turns = &logistic->turns;
	const struct strads_linear_portion *portion = &logistic->portion;
	const strads_key *key = turns->key + turns->first[logistic->rank];
	uint64_t n = share_of(logistic, logistic->rank);

	for (uint64_t k = 0; k < n; k++) {
		uint64_t at = portion->position[key[k] / (uint64_t)logistic->ranks];

		turns->place[k] = (uint32_t)k;
		turns->member[k] = (struct strads_descent_member){
		    .at = at,
		    .beta = portion->beta[at],
		    .centre = portion->shift ? portion->shift[at] : 0,
		};
	}
	strads_descent_prepare(&model, logistic->options.intercept, n, turns->member);
	turns->active = n;
	logistic->plan.turn = 0;
}

/* From now on only the members that are not 0 are swept. */
static void
members_narrow(struct strads_logistic_turns *turns)
{
	uint64_t kept = 0;

	for (uint64_t k = 0; k < turns->active; k++) {
		struct strads_descent_member member = turns->member[k];
		uint32_t place = turns->place[k];

		if (member.beta == 0)
			continue;
		turns->member[k] = turns->member[kept];
		turns->place[k] = turns->place[kept];
		turns->member[kept] = member;
		turns->place[kept++] = place;
	}
	turns->active = kept;
}

/* How far from optimal a sweep found the list. Near the model's optimum, with G = ‖X̃ᵀρ‖∞, the gap
 * is about Σ(λ|β_j| − β_jg_j) + (G/λ − 1)₊·λ‖β‖₁. */
static double
distance_of(const struct strads_descent_tally *tally, double lambda)
{
	double excess = tally->steepest > lambda ? tally->steepest - lambda : 0;

	return tally->slack + excess * tally->l1;
}

/* One sweep over this rank's part; if it is all of the list, as many as there are to be. */
static void
members_sweep(struct strads_logistic *logistic, struct strads_descent *descent, bool first,
	      double *head)
{
	struct strads_logistic_turns *turns = &logistic->turns;
	uint64_t swept = turns->active;
	struct strads_descent_tally tally = strads_descent_sweep(descent, swept, turns->member);
	double lambda = logistic->lambda, enough = PART * distance_of(&tally, lambda);

	head[STRADS_LOGISTIC_HEAD_STEEPEST] = tally.steepest;
	head[STRADS_LOGISTIC_HEAD_L1] = tally.l1;
	head[STRADS_LOGISTIC_HEAD_SLACK] = tally.slack;
	if (first)
		members_narrow(turns);
	for (uint32_t sweep = 1; logistic->ranks == 1 && sweep < logistic->plan.sweeps; sweep++) {
		tally = strads_descent_sweep(descent, turns->active, turns->member);
		swept += turns->active;
		if (distance_of(&tally, lambda) <= enough)
			break;
	}
	head[STRADS_LOGISTIC_HEAD_UPDATES] = (double)swept;
}

static void
descend(struct strads_logistic *logistic, uint64_t turn)
{
	struct strads_logistic_turns *turns = &logistic->turns;
	double *head = turns->said, *d = head + STRADS_LOGISTIC_HEADS;
	struct strads_descent descent = descent_begin(logistic, turn);

	members_sweep(logistic, &descent, turn < (uint64_t)logistic->ranks, head);
	head[STRADS_LOGISTIC_HEAD_SUM] = descent.sum;
	head[STRADS_LOGISTIC_HEAD_SHIFT] = descent.shift;
	head[STRADS_LOGISTIC_HEAD_STOP] = logistic->stop && *logistic->stop ? 1 : 0;
	for (uint64_t k = 0; k < share_of(logistic, logistic->rank); k++)
		d[turns->place[k]] =
		    turns->member[k].beta - logistic->portion.beta[turns->member[k].at];
}

size_t
strads_logistic_turn_pull(struct strads_logistic *logistic, const struct strads_block *block,
			  void *commit)
{
	if (block->first == 0)
		descend(logistic, block->arg);
	memcpy(commit, logistic->turns.said + block->first, block->n * sizeof(double));
	return block->n * sizeof(double);
}

int
strads_logistic_turn_sync(struct strads_logistic *logistic, const struct strads_block *block,
			  const void *commit, size_t bytes)
{
	if (bytes != block->n * sizeof(double))
		return strads_fail(STRADS_ERR_PROTOCOL, "set %llu: %zu bytes for %u numbers",
				   (unsigned long long)block->set, bytes, block->n);
	memcpy(logistic->turns.heard + block->first, commit, bytes);
	return STRADS_OK;
}

/* ---- After a turn ------------------------------------------------------------------------- */

/* u = X̃d and the intercept's move, on own rows; and d where steps look for it. */
static void
move_make(struct strads_logistic *logistic)
{
	const struct strads_logistic_turns *turns = &logistic->turns;
	double shift = -turns->heard[STRADS_LOGISTIC_HEAD_SHIFT];

	for (uint64_t k = 0; k < turns->first[logistic->ranks]; k++) {
		double d = turns->d[k], a = d * logistic->columns.scale[turns->key[k]];
		uint64_t own = turns->key[k] - logistic->first_key, position;

		if (d == 0)
			continue;
		if (!isfinite(d))
			logistic->plan.diverged = true;
		(void)strads_csc_axpy(&logistic->train->x, turns->key[k], a, logistic->move);
		if (logistic->test)
			(void)strads_csc_axpy(&logistic->test->x, turns->key[k], a,
					      logistic->test_move);
		if (own < logistic->own_keys)
			logistic->d[own] = d;
		if (strads_linear_portion_find(&logistic->portion, turns->key[k], &position))
			logistic->portion_d[position] = d;
	}
	for (uint32_t i = 0; i < logistic->train->x.rows; i++)
		logistic->move[i] += shift;
	for (uint32_t i = 0; logistic->test && i < logistic->test->x.rows; i++)
		logistic->test_move[i] += shift;
	logistic->intercept_move = shift;
}

/* Whether the model has been swept enough, after a turn of the last rank. */
static bool
is_swept(struct strads_logistic_plan *plan, double lambda, uint64_t sweep, bool alone)
{
	const struct strads_descent_tally tally = {plan->steepest, plan->l1, plan->slack};
	double distance = distance_of(&tally, lambda);

	if (sweep == 0)
		plan->distance = distance;
	return alone || sweep + 1 >= plan->sweeps ||
	       (sweep > 0 && distance <= PART * plan->distance);
}

void
strads_logistic_turn_finish(struct strads_logistic *logistic, const struct strads_block *last)
{
	struct strads_logistic_plan *plan = &logistic->plan;
	const struct strads_logistic_turns *turns = &logistic->turns;
	const double *head = turns->heard;
	uint64_t ranks = (uint64_t)logistic->ranks, turn = last->arg;
	int rank = rank_of(logistic, turn);
	bool over = false;

	memcpy(turns->d + turns->first[rank], head + STRADS_LOGISTIC_HEADS,
	       share_of(logistic, rank) * sizeof *head);
	logistic->updates += (uint64_t)head[STRADS_LOGISTIC_HEAD_UPDATES];
	plan->stop = plan->stop || head[STRADS_LOGISTIC_HEAD_STOP] > 0;
	strads_logistic_plan_note(plan, head[STRADS_LOGISTIC_HEAD_STEEPEST],
				  head[STRADS_LOGISTIC_HEAD_L1], head[STRADS_LOGISTIC_HEAD_SLACK]);
	if (rank + 1 == logistic->ranks) {
		over = is_swept(plan, logistic->lambda, turn / ranks, ranks == 1);
		strads_logistic_plan_pass(plan);
	}
	if (over) {
		move_make(logistic);
		plan->halvings = 0;
		strads_logistic_plan_next(logistic, last->set, STRADS_LOGISTIC_STEP);
	} else {
		plan->turn = turn + 1;
		strads_logistic_plan_next(logistic, last->set, STRADS_LOGISTIC_TURN);
	}
}
