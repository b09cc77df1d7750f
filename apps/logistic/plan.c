/*
 * The primitive schedule: which set comes when.
 *
 *   statistics of the columns | evaluation | updates … | steps | evaluation | updates …
 *
 * Everything is a function of the set's number and of what all ranks know after set t − D, so that
 * any rank can schedule any set. Sets that are scheduled while an evaluation or a step is under way
 * are empty: they would follow from a model that may be gone when they are carried out. Only the
 * request for an orderly end (a clock, a signal, the number of sets) enters through the draft.
 */
#include "state.h"

#include <math.h>

#include "strads/order.h"

/* A step is due when a pass over the list finds the gap of the model restricted to the list below
 * this part of the last gap, or of the tolerance … */
#define PART_OF_LAST      0.1
#define PART_OF_TOLERANCE 0.3

/* … or after so many passes, as the next model may be a better guide. */
#define PASSES 20

/* ---- Drafts ------------------------------------------------------------------------------- */

static void
draft_range(const struct strads_logistic *logistic, uint32_t kind, bool final, uint32_t index,
	    struct strads_block_draft *draft)
{
	struct strads_linear_range range = {.last = true, .owner = -1};
	bool beta = kind == STRADS_LOGISTIC_EVALUATE && index > 0 && !logistic->cut;

	draft->kind = kind;
	draft->arg = (final ? STRADS_LOGISTIC_FINAL : 0) | (beta ? STRADS_LOGISTIC_BETA : 0);
	draft->range = true;
	if (index == 0) {
		draft->last = logistic->screen.count == 0;
		return;
	}
	(void)strads_linear_screen_range(&logistic->screen, &logistic->table, logistic->cut,
					 logistic->range_max, index - 1, &range);
	draft->first = range.first;
	draft->n = range.n;
	/* The same for both kinds: SAFE needs what EVALUATE found. */
	draft->reducer = logistic->cut ? range.owner : (int)(index % (uint32_t)logistic->ranks);
	draft->last = range.last;
}

/* Draw d has the members of draw d − blocks. */
static bool
members_recur(const struct strads_logistic *logistic)
{
	uint64_t n = logistic->list_count;

	if (logistic->options.scheduler == STRADS_LINEAR_CYCLIC)
		return n <= logistic->set_size || n % logistic->set_size == 0;
	return logistic->options.scheduler == STRADS_LINEAR_FIXED || logistic->working_set;
}

static uint64_t
update_arg(const struct strads_logistic *logistic, uint64_t draw)
{
	uint64_t number = draw % logistic->plan.blocks, ranks = (uint64_t)logistic->ranks, arg = 0;
	bool kept = members_recur(logistic) && number / ranks < logistic->grams.slots;

	if (kept)
		arg = number << STRADS_LOGISTIC_SHIFT | STRADS_LOGISTIC_CACHE;
	if (!kept || draw < logistic->plan.blocks)
		arg |= STRADS_LOGISTIC_GRAM;
	return arg;
}

static int
draft_update(struct strads_logistic *logistic, uint64_t set, struct strads_block_draft *draft)
{
	enum strads_linear_scheduler scheduler = logistic->options.scheduler;
	uint64_t draw;

	draft->kind = STRADS_LOGISTIC_UPDATE;
	draft->last = true;
	if (logistic->plan.list_start == STRADS_LOGISTIC_NEVER || logistic->list_count == 0 ||
	    logistic->plan.pending_at < set)
		return STRADS_OK;
	draw = set - logistic->plan.list_start;
	draft->arg = update_arg(logistic, draw);
	draft->reducer = (int)(draw % logistic->plan.blocks % (uint64_t)logistic->ranks);
	if (scheduler == STRADS_LINEAR_PRIORITY)
		return strads_priority_draw(logistic->priority, set, logistic->set_size,
					    draft->keys, &draft->n);
	if (logistic->working_set)
		draft->n = strads_working_set_draw(logistic->working_set, logistic->set_size, draw,
						   draft->keys);
	else
		draft->n = strads_order_draw(
		    (enum strads_order)scheduler, logistic->options.seed, logistic->list_count,
		    logistic->permutation, logistic->set_size,
		    scheduler == STRADS_LINEAR_RANDOM ? set : draw, draft->keys);
	return STRADS_OK;
}

/* Whether the run is to end with an evaluation now. Not while something is under way whose finish
 * may change the screen; but the number of sets is known to all and minded there. */
static bool
end_is_due(const struct strads_logistic *logistic, uint64_t set)
{
	const struct strads_logistic_options *options = &logistic->options;
	double seconds =
	    (double)(strads_fabric_clock_ns(logistic->fabric) - logistic->start_ns) * 1e-9;

	if (options->max_sets > 0 && set + 1 >= options->max_sets)
		return true;
	if (logistic->plan.pending_at < set)
		return false;
	return logistic->plan.stop || (logistic->stop && *logistic->stop) ||
	       (options->time_limit_s > 0 && seconds >= options->time_limit_s);
}

int
strads_logistic_schedule(struct strads_logistic *logistic, uint64_t set, uint32_t index,
			 struct strads_block_draft *draft)
{
	const struct strads_logistic_plan *plan = &logistic->plan;
	uint32_t kind = STRADS_LOGISTIC_UPDATE;

	draft->reducer = -1;
	if (set < strads_linear_columns_sets(&logistic->columns)) {
		draft->kind = STRADS_LOGISTIC_COLUMNS;
		strads_linear_columns_draft(&logistic->columns, set, index, logistic->range_max,
					    draft);
		return STRADS_OK;
	}
	/* Decided with the first block, once: later blocks may be drafted in another state, after
	 * the first of the next set. */
	if (index == 0 && logistic->final_set == STRADS_LOGISTIC_NEVER && end_is_due(logistic, set))
		logistic->final_set = set;
	if (logistic->final_set == set)
		kind = STRADS_LOGISTIC_EVALUATE;
	else if (plan->pending_at == set)
		kind = plan->pending;
	if (kind == STRADS_LOGISTIC_UPDATE)
		return draft_update(logistic, set, draft);
	if (kind == STRADS_LOGISTIC_STEP) {
		draft->kind = kind;
		draft->arg = plan->halvings;
		draft->last = true;
		return STRADS_OK;
	}
	draft_range(logistic, kind, logistic->final_set == set, index, draft);
	return STRADS_OK;
}

/* ---- What comes next ---------------------------------------------------------------------- */

void
strads_logistic_plan_open(struct strads_logistic *logistic)
{
	logistic->plan = (struct strads_logistic_plan){
	    .pending_at = strads_linear_columns_sets(&logistic->columns),
	    .pending = STRADS_LOGISTIC_EVALUATE,
	    .list_start = STRADS_LOGISTIC_NEVER,
	    .best_gap = INFINITY,
	    .safe_gap = INFINITY,
	};
	logistic->final_set = STRADS_LOGISTIC_NEVER;
	logistic->list_count = logistic->train->x.cols;
	if (logistic->permutation)
		strads_order_shuffle(logistic->options.seed, (uint32_t)logistic->list_count,
				     logistic->permutation);
}

void
strads_logistic_plan_next(struct strads_logistic *logistic, uint64_t set, uint32_t pending)
{
	logistic->plan.pending_at = set + (uint64_t)logistic->options.engine.depth;
	logistic->plan.pending = pending;
}

static void
pass_begin(struct strads_logistic_plan *plan)
{
	plan->updated = 0;
	plan->steepest = 0;
	plan->l1 = 0;
	plan->slack = 0;
}

void
strads_logistic_plan_list(struct strads_logistic *logistic, uint64_t set)
{
	struct strads_logistic_plan *plan = &logistic->plan;
	uint64_t n = logistic->set_size;

	if (logistic->working_set) {
		strads_working_set_choose(logistic->working_set, logistic->options.seed ^ set);
		logistic->list_count = logistic->working_set->count;
	}
	plan->list_start = STRADS_LOGISTIC_NEVER;
	plan->blocks = logistic->list_count / n + (logistic->list_count % n != 0);
	plan->passes = 0;
	pass_begin(plan);
}

void
strads_logistic_plan_begin(struct strads_logistic *logistic, uint64_t set)
{
	if (logistic->list_count == 0) {
		strads_logistic_plan_next(logistic, set, STRADS_LOGISTIC_EVALUATE);
		return;
	}
	logistic->plan.pending_at = STRADS_LOGISTIC_NEVER;
	logistic->plan.list_start = set + (uint64_t)logistic->options.engine.depth;
}

void
strads_logistic_plan_note(struct strads_logistic_plan *plan, double steepest, double l1,
			  double slack)
{
	plan->steepest = steepest > plan->steepest ? steepest : plan->steepest;
	plan->l1 += l1;
	plan->slack += slack;
}

/* Whether the pass found the model restricted to the list solved well enough. Near its optimum,
 * with G = ‖X̃ᵀρ‖∞, the gap is about Σ(λ|β_j| − β_jg_j) + (G/λ − 1)₊·λ‖β‖₁. */
static bool
model_is_solved(const struct strads_logistic *logistic)
{
	const struct strads_logistic_plan *plan = &logistic->plan;
	double enough = PART_OF_LAST * plan->gap;
	double tolerance = PART_OF_TOLERANCE * logistic->options.tol * logistic->labels.null;
	double gap = plan->slack;

	if (plan->steepest > logistic->lambda)
		gap += (plan->steepest - logistic->lambda) * plan->l1;
	return gap <= enough || gap <= tolerance;
}

void
strads_logistic_plan_advance(struct strads_logistic *logistic, const struct strads_block *last)
{
	struct strads_logistic_plan *plan = &logistic->plan;

	if (plan->list_start == STRADS_LOGISTIC_NEVER || last->set < plan->list_start ||
	    plan->pending_at != STRADS_LOGISTIC_NEVER)
		return;
	plan->updated += last->n;
	if (plan->updated < logistic->list_count)
		return;
	plan->passes++;
	if (model_is_solved(logistic) || plan->passes >= PASSES) {
		plan->halvings = 0;
		strads_logistic_plan_next(logistic, last->set, STRADS_LOGISTIC_STEP);
	}
	pass_begin(plan);
}
