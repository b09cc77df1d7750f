/*
 * The primitive schedule: which set comes when.
 *
 *   statistics of the columns | evaluation | updates over a list … | evaluation | updates …
 *
 * An evaluation is two sets: the first gives every rank the residual of all rows, in the second
 * each looks at its portion of the whole columns. At an end that a clock or a signal asks for it is
 * the second alone, with sums over the rows of each rank. And where there are variables without a
 * penalty, a set that solves for them before every evaluation and after every few updates.
 *
 * Everything is a function of the set's number and of what all ranks know after set t − D, so that
 * any rank can schedule any set. Only the request for an orderly end (a clock, a signal, the number
 * of sets) enters through the draft.
 */
#include "state.h"

#include <math.h>

#include "strads/order.h"

/* An evaluation is due when a pass over the list finds the gap of the problem restricted to the
 * list below this part of the last gap, or of the tolerance … */
#define PART_OF_LAST      0.1
#define PART_OF_TOLERANCE 0.3

/* … or after so many passes, which shows progress and notices divergence. */
#define PASSES 20

/* A member of the working set is notable if all that violate optimality as much would leave this
 * part of the gap at which the list is solved … */
#define PART_OF_ENOUGH 0.3

/* … and after a pass over the list such members are gone through up to so many times. */
#define PART_PASSES 5

/* Variables without a penalty are solved for after so many updates, at least once a pass. */
#define UNPENALIZED_AFTER 16

/* Sets before the first evaluation. */
static uint64_t
opening(const struct strads_lasso *lasso)
{
	return strads_linear_columns_sets(&lasso->columns) + (lasso->unpenalized.count > 0) + 1;
}

/* Updates after which comes a set for the variables without a penalty. */
static uint64_t
unpenalized_after(const struct strads_lasso_plan *plan)
{
	return plan->blocks < UNPENALIZED_AFTER ? plan->blocks : UNPENALIZED_AFTER;
}

/* An evaluation as soon as can be after `set`, with a set for those and one for the residual right
 * before. */
static void
evaluate_soon(struct strads_lasso *lasso, uint64_t set)
{
	lasso->plan.evaluate_at =
	    set + (uint64_t)lasso->options.engine.depth + (lasso->unpenalized.count > 0) + 1;
}

/* ---- Drafts ------------------------------------------------------------------------------- */

/* An evaluation of whole columns: ranges of the portions of all ranks in turn. */
static void
draft_whole(const struct strads_lasso *lasso, bool final, uint32_t index,
	    struct strads_block_draft *draft)
{
	draft->kind = STRADS_LASSO_EVALUATE;
	draft->arg = STRADS_LASSO_WHOLE | (final ? STRADS_LASSO_FINAL : 0);
	draft->range = true;
	if (index == 0)
		draft->reducer = lasso->unpenalized.count > 0 ? 0 : -1;
	else
		strads_linear_portion_draft_columns(&lasso->portion, lasso->train->x.cols,
						    lasso->range_max, index - 1, draft);
}

/* The residual of all rows. */
static void
draft_residual(const struct strads_lasso *lasso, uint32_t index, struct strads_block_draft *draft)
{
	draft->kind = STRADS_LASSO_RESIDUAL;
	strads_linear_portion_draft_rows(&lasso->portion, lasso->row_range, index, draft);
}

void
strads_lasso_schedule_rows(const struct strads_lasso *lasso, bool final, uint32_t index,
			   struct strads_block_draft *draft)
{
	struct strads_linear_range range = {.last = true, .owner = -1};

	draft->kind = STRADS_LASSO_EVALUATE;
	draft->arg =
	    (final ? STRADS_LASSO_FINAL : 0) | (index > 0 && !lasso->cut ? STRADS_LASSO_BETA : 0);
	draft->range = true;
	if (index == 0) {
		draft->reducer = lasso->unpenalized.count > 0 ? 0 : -1;
		return;
	}
	(void)strads_linear_range_find(&lasso->table, lasso->cut, lasso->range_max, index - 1,
				       &range);
	draft->first = range.first;
	draft->n = range.n;
	draft->reducer = range.owner;
	draft->last = range.last;
}

/* One set for all variables without a penalty; the first makes what it takes to solve for them. */
static void
draft_unpenalized(bool first, struct strads_block_draft *draft)
{
	draft->kind = STRADS_LASSO_UNPENALIZED;
	draft->arg = first ? STRADS_LASSO_GRAM : 0;
	draft->range = true;
	draft->reducer = 0;
	draft->last = true;
}

/* Sets over the present list before set `set`. */
static uint64_t
sets_before(const struct strads_lasso *lasso, uint64_t set)
{
	const struct strads_lasso_plan *plan = &lasso->plan;
	uint64_t in_flight = plan->evaluate_at < set;
	uint64_t sets = 2 + (lasso->unpenalized.count > 0); /* of an evaluation */

	return set - plan->list_start - (plan->evaluations + in_flight) * sets;
}

/* Whether set `set` is for the variables without a penalty; else *draw is its number among the
 * updates over the present list. */
static bool
unpenalized_is_due(const struct strads_lasso *lasso, uint64_t set, uint64_t *draw)
{
	uint64_t before = sets_before(lasso, set), after = unpenalized_after(&lasso->plan);

	*draw = before;
	if (lasso->unpenalized.count == 0)
		return false;
	*draw = before - before / (after + 1);
	return set + 2 == lasso->plan.evaluate_at || before % (after + 1) == after;
}

/* Whether sets are the blocks of the working set, one after the other. */
static bool
by_blocks(const struct strads_lasso *lasso)
{
	return lasso->working_set && (lasso->options.scheduler == STRADS_LINEAR_WORKING_SET ||
				      lasso->options.scheduler == STRADS_LINEAR_FIXED);
}

/* Draw d has the members of draw d − blocks. */
static bool
members_recur(const struct strads_lasso *lasso)
{
	uint64_t n = lasso->list_count;

	if (lasso->options.scheduler == STRADS_LINEAR_CYCLIC)
		return n <= lasso->set_size || n % lasso->set_size == 0;
	return lasso->options.scheduler == STRADS_LINEAR_FIXED || by_blocks(lasso);
}

static uint64_t
update_arg(const struct strads_lasso *lasso, uint64_t draw)
{
	uint64_t number = lasso->plan.first_block + draw % lasso->plan.blocks;
	uint64_t ranks = (uint64_t)lasso->ranks, arg = 0;
	bool kept = members_recur(lasso) && number / ranks < lasso->grams.slots;

	if (lasso->options.set_update == STRADS_SET_UPDATE_PLAIN)
		return arg;
	if (kept)
		arg = number << STRADS_LASSO_SHIFT | STRADS_LASSO_CACHE;
	if (!kept || (draw < lasso->plan.blocks && !lasso->plan.known))
		arg |= STRADS_LASSO_GRAM;
	return arg;
}

/* Positions in the working set become its variables. */
static void
name_members(const struct strads_lasso *lasso, struct strads_block_draft *draft)
{
	for (uint32_t k = 0; lasso->working_set && k < draft->n; k++)
		draft->keys[k] = lasso->working_set->list[draft->keys[k]];
}

/* The blocks of all ranks are the variables in a random order, as which a working set stands; a set
 * has a slice of each. */
static struct strads_rotation
rotation_of(const struct strads_lasso *lasso)
{
	uint32_t share = lasso->set_size / (uint32_t)lasso->ranks;

	return (struct strads_rotation){.positions = lasso->list_count,
					.workers = lasso->ranks,
					.slice_max = share > 0 ? share : 1};
}

/* Block `index` of a set: what rank `index` updates in sub-round `draw`. */
static void
draft_rotation(const struct strads_lasso *lasso, uint64_t draw, uint32_t index,
	       struct strads_block_draft *draft)
{
	struct strads_rotation rotation = rotation_of(lasso);
	uint64_t first;

	draft->n = strads_rotation_slice(&rotation, draw, (int)index, &first);
	for (uint32_t k = 0; k < draft->n; k++)
		draft->keys[k] = lasso->permutation ? lasso->permutation[first + k] : first + k;
	name_members(lasso, draft);
	draft->reducer = (int)index;
	draft->last = index + 1 == (uint32_t)lasso->ranks;
}

static int
draft_update(struct strads_lasso *lasso, uint64_t set, uint32_t index,
	     struct strads_block_draft *draft)
{
	enum strads_linear_scheduler scheduler = lasso->options.scheduler;
	uint64_t draw;

	draft->kind = STRADS_LASSO_UPDATE;
	draft->last = true;
	/* Before the first list is known there is nothing to update. */
	if (lasso->plan.list_start == STRADS_LASSO_NEVER)
		return STRADS_OK;
	if (unpenalized_is_due(lasso, set, &draw)) {
		draft_unpenalized(false, draft);
		return STRADS_OK;
	}
	if (lasso->list_count == 0)
		return STRADS_OK;
	if (!strads_lasso_unseen_turn(lasso, &draw))
		return STRADS_OK;
	draft->arg = update_arg(lasso, draw);
	draft->reducer =
	    (int)((lasso->plan.first_block + draw % lasso->plan.blocks) % (uint64_t)lasso->ranks);
	if (scheduler == STRADS_LINEAR_ROTATION) {
		draft_rotation(lasso, draw, index, draft);
		return STRADS_OK;
	}
	if (scheduler == STRADS_LINEAR_SIGNALLING) {
		draft->n = strads_signalling_draw(lasso->signalling, lasso->set_size, draft->keys);
		return STRADS_OK;
	}
	if (scheduler == STRADS_LINEAR_PRIORITY)
		return strads_priority_draw(lasso->priority, set, lasso->set_size, draft->keys,
					    &draft->n);
	if (scheduler == STRADS_LINEAR_CHECKED)
		return strads_lasso_check_draw(lasso, set, draft->keys, &draft->n);
	if (by_blocks(lasso)) {
		draft->n =
		    strads_working_set_draw(lasso->working_set, lasso->set_size, draw, draft->keys);
		return STRADS_OK;
	}
	draft->n = strads_order_draw((enum strads_order)scheduler, lasso->options.seed,
				     lasso->list_count, lasso->permutation, lasso->set_size,
				     scheduler == STRADS_LINEAR_RANDOM ? set : draw, draft->keys);
	if (lasso->unseen.marked)
		strads_lasso_unseen_leave(lasso, set, draft);
	name_members(lasso, draft);
	return STRADS_OK;
}

bool
strads_lasso_time_is_over(const struct strads_lasso *lasso)
{
	double seconds = (double)(strads_fabric_clock_ns(lasso->fabric) - lasso->start_ns) * 1e-9;

	return lasso->options.time_limit_s > 0 && seconds >= lasso->options.time_limit_s;
}

/* Whether the run is to end with an evaluation now. Not while one is in flight, whose finish may
 * end it; but the number of sets is known to all and minded there. */
static bool
end_is_due(const struct strads_lasso *lasso, uint64_t set)
{
	const struct strads_lasso_options *options = &lasso->options;

	if (options->max_sets > 0 && set + 1 >= options->max_sets)
		return true;
	if (lasso->plan.evaluate_at < set)
		return false;
	return lasso->plan.stop || (lasso->stop && *lasso->stop) ||
	       strads_lasso_time_is_over(lasso);
}

int
strads_lasso_schedule(struct strads_lasso *lasso, uint64_t set, uint32_t index,
		      struct strads_block_draft *draft)
{
	draft->reducer = -1;
	if (set < strads_linear_columns_sets(&lasso->columns)) {
		draft->kind = STRADS_LASSO_COLUMNS;
		strads_linear_columns_draft(&lasso->columns, set, index, lasso->range_max, draft);
		return STRADS_OK;
	}
	if (set + 1 < opening(lasso)) {
		draft_unpenalized(true, draft);
		return STRADS_OK;
	}
	/* Decided with the first block, once: later blocks may be drafted in another state, after
	 * the first of the next set. Updates have no later blocks, but with rotation, whose blocks
	 * are all drafted in one state. */
	if (index == 0 && lasso->final_set == STRADS_LASSO_NEVER && end_is_due(lasso, set))
		lasso->final_set = set;
	if (lasso->plan.evaluate_at == set)
		draft_whole(lasso, lasso->final_set == set, index, draft);
	else if (lasso->final_set == set)
		strads_lasso_schedule_rows(lasso, true, index, draft);
	else if (set + 1 == lasso->plan.evaluate_at)
		draft_residual(lasso, index, draft);
	else
		return draft_update(lasso, set, index, draft);
	return STRADS_OK;
}

/* ---- Lists -------------------------------------------------------------------------------- */

void
strads_lasso_plan_open(struct strads_lasso *lasso)
{
	lasso->plan = (struct strads_lasso_plan){
	    .evaluate_at = opening(lasso),
	    .list_start = STRADS_LASSO_NEVER,
	    .best_gap = INFINITY,
	};
	lasso->final_set = STRADS_LASSO_NEVER;
	if (lasso->permutation)
		strads_order_shuffle(lasso->options.seed, (uint32_t)lasso->list_count,
				     lasso->permutation);
}

void
strads_lasso_plan_restart(struct strads_lasso_plan *plan, double gap)
{
	plan->gap = gap;
	plan->best_gap = INFINITY;
	plan->stalled = 0;
	plan->stalled_sets = 0;
}

/* The gap of the problem restricted to the list at which it is solved well enough. */
static double
enough(const struct strads_lasso *lasso)
{
	return fmax(PART_OF_LAST * lasso->plan.gap,
		    PART_OF_TOLERANCE * lasso->options.tol * 0.5 * lasso->response.square);
}

/* After set `set`: what is drawn is another list, or another part of it. Sets in flight are still
 * of the one before. */
static void
list_begin(struct strads_lasso *lasso, uint64_t set)
{
	struct strads_lasso_plan *plan = &lasso->plan;

	if (lasso->working_set)
		lasso->list_count = strads_working_set_size(lasso->working_set);
	plan->list_start = set + (uint64_t)lasso->options.engine.depth;
	plan->evaluations = 0;
	plan->updated = 0;
	plan->blocks =
	    lasso->list_count / lasso->set_size + (lasso->list_count % lasso->set_size != 0);
	if (lasso->options.scheduler == STRADS_LINEAR_ROTATION) {
		struct strads_rotation rotation = rotation_of(lasso);

		plan->blocks = strads_rotation_slices(&rotation);
	}
}

/* The working set anew. */
static int
choose_list(struct strads_lasso *lasso, uint64_t set)
{
	const struct strads_working_set *chosen = lasso->working_set;

	strads_working_set_choose(lasso->working_set, lasso->options.seed ^ set);
	if (!lasso->priority)
		return STRADS_OK;
	return strads_priority_offer(lasso->priority, chosen->list, chosen->count);
}

int
strads_lasso_plan_list(struct strads_lasso *lasso, uint64_t set)
{
	struct strads_lasso_plan *plan = &lasso->plan;
	int status = STRADS_OK;

	plan->evaluate_at = STRADS_LASSO_NEVER;
	plan->passes = 0;
	plan->since = 0;
	plan->evaluations++;
	if (lasso->working_set)
		status = choose_list(lasso, set);
	if (lasso->working_set || plan->list_start == STRADS_LASSO_NEVER) {
		plan->first_block = 0;
		plan->known = false;
		plan->notable = PART_OF_ENOUGH * enough(lasso) / lasso->evaluation.tally.l1;
		list_begin(lasso, set);
	}
	if (lasso->list_count == 0)
		evaluate_soon(lasso, set);
	return status;
}

static void
pass_begin(struct strads_lasso *lasso)
{
	struct strads_lasso_plan *plan = &lasso->plan;

	plan->updated = 0;
	plan->steepest = 0;
	plan->l1 = 0;
	plan->slack = 0;
	plan->marked = 0;
	if (lasso->working_set && !lasso->working_set->narrow)
		strads_working_set_widen(lasso->working_set);
}

void
strads_lasso_plan_mark(struct strads_lasso *lasso, const struct strads_block *block,
		       const uint64_t *bits)
{
	struct strads_working_set *working_set = lasso->working_set;

	/* Sets over the list before this one were in flight when it was made. */
	if (!by_blocks(lasso) || block->set < lasso->plan.list_start)
		return;
	for (uint32_t k = 0; k < block->n; k++) {
		if (!(bits[k / 64] >> k % 64 & 1))
			continue;
		lasso->plan.marked++;
		if (!working_set->narrow)
			strads_working_set_mark(working_set, block->keys[k]);
	}
}

void
strads_lasso_plan_note(struct strads_lasso_plan *plan, double steepest, double l1, double slack)
{
	plan->steepest = steepest > plan->steepest ? steepest : plan->steepest;
	plan->l1 += l1;
	plan->slack += slack;
}

/* Whether the pass found the problem restricted to the list solved well enough. Near its optimum,
 * with G = ‖X̃ᵀr‖∞, the gap is about Σ(λ|β_j| − β_jg_j) + (G/λ − 1)₊·λ‖β‖₁. */
static bool
list_is_solved(const struct strads_lasso *lasso)
{
	const struct strads_lasso_plan *plan = &lasso->plan;
	double gap = plan->slack;

	if (plan->steepest > lasso->lambda)
		gap += (plan->steepest - lasso->lambda) * plan->l1;
	return gap <= enough(lasso);
}

/* Whether it is time to evaluate, after a set that ends a pass over the list or not. */
static bool
evaluation_is_due(const struct strads_lasso *lasso, bool pass_ends)
{
	const struct strads_lasso_plan *plan = &lasso->plan;

	if (plan->evaluate_at != STRADS_LASSO_NEVER)
		return false;
	if (lasso->options.evaluate_sets > 0)
		return plan->since >= lasso->options.evaluate_sets;
	return pass_ends && (list_is_solved(lasso) || plan->passes >= PASSES);
}

/* After a pass over the whole working set: goes on with the part of it that is notable, if that is
 * small. Only under BSP, as its first members may be in flight. */
static void
narrow(struct strads_lasso *lasso, uint64_t set)
{
	struct strads_lasso_plan *plan = &lasso->plan;

	if (!by_blocks(lasso) || lasso->options.engine.staleness > 0 || plan->marked == 0 ||
	    2 * plan->marked > lasso->list_count || plan->blocks <= 1)
		return;
	strads_working_set_narrow(lasso->working_set);
	plan->first_block = plan->blocks;
	plan->known = false;
	plan->part_passes = 0;
	list_begin(lasso, set);
}

/* After a pass over the part: back to the whole if none of it is notable any more, or it has been
 * gone through often enough. */
static void
widen(struct strads_lasso *lasso, uint64_t set)
{
	struct strads_lasso_plan *plan = &lasso->plan;

	plan->part_passes++;
	if (plan->marked > 0 && plan->part_passes < PART_PASSES)
		return;
	strads_working_set_widen(lasso->working_set);
	plan->first_block = 0;
	plan->known = true;
	list_begin(lasso, set);
}

/* A pass has ended that no evaluation is to follow. */
static void
pass_end(struct strads_lasso *lasso, uint64_t set)
{
	if (lasso->working_set && lasso->working_set->narrow)
		widen(lasso, set);
	else
		narrow(lasso, set);
	pass_begin(lasso);
}

void
strads_lasso_plan_advance(struct strads_lasso *lasso, const struct strads_block *last)
{
	struct strads_lasso_plan *plan = &lasso->plan;
	bool pass_ends, whole;

	/* Sets over the list before this one were in flight when it was made. */
	if (plan->list_start == STRADS_LASSO_NEVER || last->set < plan->list_start) {
		pass_begin(lasso);
		return;
	}
	plan->since++;
	pass_ends = plan->updated >= lasso->list_count;
	whole = !(lasso->working_set && lasso->working_set->narrow);
	plan->passes += pass_ends && whole;
	if (evaluation_is_due(lasso, pass_ends && whole))
		evaluate_soon(lasso, last->set);
	if (pass_ends && plan->evaluate_at == STRADS_LASSO_NEVER)
		pass_end(lasso, last->set);
	else if (pass_ends)
		pass_begin(lasso);
}
