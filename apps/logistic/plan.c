/*
 * The primitive schedule: which set comes when.
 *
 *   statistics of the columns | all rows | evaluation | updates … | steps | all rows | evaluation …
 *
 * The working set is swept by the ranks in turn, and several models may follow on each other before
 * the next evaluation.
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

/* An evaluation is due when a model's first sweep found the list, restricted to itself, nearer to
 * optimal than this part of the last gap, or than PART_OF_TOLERANCE; or after so many models. */
#define PART_OF_GAP 0.5
#define MODELS      3

/* Sweeps over one model to begin with, as the next is a better guide than what is left of this;
 * twice as many whenever an evaluation of a list that does not grow any more finds the gap not
 * below PART_OF_GAP of the last, as then it is the sweeps that are slow. */
#define SWEEPS 5

/* ---- Drafts ------------------------------------------------------------------------------- */

/* An evaluation of whole columns, which all rows are known for. */
static void
draft_wide(const struct strads_logistic *logistic, bool final, uint32_t index,
	   struct strads_block_draft *draft)
{
	draft->kind = STRADS_LOGISTIC_EVALUATE;
	draft->arg = STRADS_LOGISTIC_WIDE | (final ? STRADS_LOGISTIC_FINAL : 0);
	draft->range = true;
	if (index > 0)
		strads_linear_portion_draft_columns(&logistic->portion, logistic->train->x.cols,
						    logistic->range_max, index - 1, draft);
}

/* One over the rows of each rank, which needs no set before it. */
static void
draft_narrow(const struct strads_logistic *logistic, uint32_t index,
	     struct strads_block_draft *draft)
{
	struct strads_linear_range range = {.last = true, .owner = -1};
	bool beta = index > 0 && !logistic->cut;

	draft->kind = STRADS_LOGISTIC_EVALUATE;
	draft->arg = STRADS_LOGISTIC_FINAL | (beta ? STRADS_LOGISTIC_BETA : 0);
	draft->range = true;
	if (index == 0)
		return;
	(void)strads_linear_range_find(&logistic->table, logistic->cut, logistic->range_max,
				       index - 1, &range);
	draft->first = range.first;
	draft->n = range.n;
	draft->reducer = range.owner;
	draft->last = range.last;
}

/* Draw d has the members of draw d − blocks. */
static bool
members_recur(const struct strads_logistic *logistic)
{
	uint64_t n = logistic->list_count;

	if (logistic->options.scheduler == STRADS_LINEAR_CYCLIC)
		return n <= logistic->set_size || n % logistic->set_size == 0;
	return logistic->options.scheduler == STRADS_LINEAR_FIXED;
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
	draft->n =
	    strads_order_draw((enum strads_order)scheduler, logistic->options.seed,
			      logistic->list_count, logistic->permutation, logistic->set_size,
			      scheduler == STRADS_LINEAR_RANDOM ? set : draw, draft->keys);
	return STRADS_OK;
}

/* Whether the run is to end with an evaluation now. Not while something is under way that may end
 * it; but the number of sets is known to all. */
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

static void
draft_pending(const struct strads_logistic *logistic, bool final, uint32_t index,
	      struct strads_block_draft *draft)
{
	switch (logistic->plan.pending) {
	case STRADS_LOGISTIC_EVALUATE:
		draft_wide(logistic, final, index, draft);
		break;
	case STRADS_LOGISTIC_WHOLE:
		draft->kind = STRADS_LOGISTIC_WHOLE;
		strads_linear_portion_draft_rows(&logistic->portion, (logistic->piece_max + 1) / 2,
						 index, draft);
		break;
	case STRADS_LOGISTIC_TURN:
		strads_logistic_turn_draft(logistic, index, draft);
		break;
	default:
		draft->kind = STRADS_LOGISTIC_STEP;
		draft->arg = logistic->plan.halvings;
		draft->last = true;
		break;
	}
}

int
strads_logistic_schedule(struct strads_logistic *logistic, uint64_t set, uint32_t index,
			 struct strads_block_draft *draft)
{
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
	if (logistic->plan.pending_at == set &&
	    (logistic->plan.pending == STRADS_LOGISTIC_EVALUATE || logistic->final_set != set))
		draft_pending(logistic, logistic->final_set == set, index, draft);
	else if (logistic->final_set == set)
		draft_narrow(logistic, index, draft);
	else
		return draft_update(logistic, set, draft);
	return STRADS_OK;
}

/* ---- What comes next ---------------------------------------------------------------------- */

void
strads_logistic_plan_open(struct strads_logistic *logistic)
{
	logistic->plan = (struct strads_logistic_plan){
	    .pending_at = strads_linear_columns_sets(&logistic->columns),
	    .pending = STRADS_LOGISTIC_WHOLE,
	    .sweeps = SWEEPS,
	    .gap = INFINITY,
	    .list_start = STRADS_LOGISTIC_NEVER,
	    .best_gap = INFINITY,
	};
	logistic->final_set = STRADS_LOGISTIC_NEVER;
	logistic->list_count = logistic->train->x.cols;
	if (logistic->permutation)
		strads_order_shuffle(logistic->options.seed, (uint32_t)logistic->list_count,
				     logistic->permutation);
}

void
strads_logistic_plan_restart(struct strads_logistic_plan *plan)
{
	plan->gap = INFINITY;
	plan->best_gap = INFINITY;
	plan->stalled = 0;
	plan->stuck = false;
	plan->sweeps = SWEEPS;
}

void
strads_logistic_plan_next(struct strads_logistic *logistic, uint64_t set, uint32_t pending)
{
	logistic->plan.pending_at = set + (uint64_t)logistic->options.engine.depth;
	logistic->plan.pending = pending;
}

void
strads_logistic_plan_pass(struct strads_logistic_plan *plan)
{
	plan->updated = 0;
	plan->steepest = 0;
	plan->l1 = 0;
	plan->slack = 0;
}

void
strads_logistic_plan_list(struct strads_logistic *logistic, uint64_t set, double gap)
{
	struct strads_logistic_plan *plan = &logistic->plan;
	uint64_t n = logistic->set_size, before = logistic->list_count;
	bool slow = gap > PART_OF_GAP * plan->gap;

	plan->gap = gap;
	if (logistic->working_set) {
		strads_working_set_choose(logistic->working_set, logistic->options.seed ^ set);
		logistic->list_count = logistic->working_set->count;
		strads_logistic_turn_list(logistic);
		if (slow && logistic->list_count <= before)
			plan->sweeps = 2 * plan->sweeps < logistic->options.passes
					   ? 2 * plan->sweeps
					   : logistic->options.passes;
	}
	plan->list_start = STRADS_LOGISTIC_NEVER;
	plan->blocks = logistic->list_count / n + (logistic->list_count % n != 0);
	plan->passes = 0;
	plan->models = 0;
	strads_logistic_plan_pass(plan);
}

void
strads_logistic_plan_begin(struct strads_logistic *logistic, uint64_t set)
{
	if (logistic->list_count == 0) {
		strads_logistic_plan_next(logistic, set, STRADS_LOGISTIC_EVALUATE);
		return;
	}
	if (logistic->working_set) {
		strads_logistic_turn_begin(logistic);
		logistic->plan.models++;
		strads_logistic_plan_next(logistic, set, STRADS_LOGISTIC_TURN);
		return;
	}
	logistic->plan.pending_at = STRADS_LOGISTIC_NEVER;
	logistic->plan.list_start = set + (uint64_t)logistic->options.engine.depth;
}

/* Whether the distance from optimal, an absolute gap, is so small that the tolerance may be
 * reached.
 */
static bool
is_enough(const struct strads_logistic *logistic, double distance)
{
	return distance <= PART_OF_TOLERANCE * logistic->options.tol * logistic->labels.null;
}

void
strads_logistic_plan_model(struct strads_logistic *logistic, uint64_t set)
{
	const struct strads_logistic_plan *plan = &logistic->plan;

	if (plan->models > 0 && plan->models < MODELS && plan->distance > PART_OF_GAP * plan->gap &&
	    !is_enough(logistic, plan->distance))
		strads_logistic_plan_begin(logistic, set);
	else
		strads_logistic_plan_next(logistic, set, STRADS_LOGISTIC_EVALUATE);
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
	double gap = plan->slack;

	if (plan->steepest > logistic->lambda)
		gap += (plan->steepest - logistic->lambda) * plan->l1;
	return gap <= PART_OF_LAST * plan->gap || is_enough(logistic, gap);
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
	strads_logistic_plan_pass(plan);
}
