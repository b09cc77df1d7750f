/*
 * What is in flight is not drawn: under staleness a set does not see the sets just before it, and a
 * variable of theirs would change twice from one and the same state. The priorities see to that by
 * themselves; the other schedules are functions of the set's number, and so are the sets in flight.
 */
#include "state.h"

#include "strads/order.h"

static uint64_t
staleness(const struct strads_lasso *lasso)
{
	return (uint64_t)lasso->options.engine.staleness;
}

bool
strads_lasso_unseen_turn(const struct strads_lasso *lasso, uint64_t *draw)
{
	uint64_t turns = staleness(lasso) + 1;

	if (lasso->options.scheduler >= STRADS_LINEAR_PRIORITY ||
	    lasso->list_count / lasso->set_size >= turns)
		return true;
	if (*draw % turns != 0)
		return false;
	*draw /= turns;
	return true;
}

/* The positions of the sets before set `set` that it does not see. */
static uint32_t
draw_unseen(struct strads_lasso *lasso, uint64_t set)
{
	uint64_t first = set > staleness(lasso) ? set - staleness(lasso) : 0;
	uint32_t n = 0;

	for (uint64_t t = first; t < set; t++)
		n += strads_order_draw(STRADS_ORDER_RANDOM, lasso->options.seed, lasso->list_count,
				       NULL, lasso->set_size, t, lasso->unseen.position + n);
	return n;
}

void
strads_lasso_unseen_leave(struct strads_lasso *lasso, uint64_t set,
			  struct strads_block_draft *draft)
{
	struct strads_lasso_unseen *unseen = &lasso->unseen;
	uint32_t n = draw_unseen(lasso, set), kept = 0;

	for (uint32_t k = 0; k < n; k++)
		unseen->marked[unseen->position[k]] = true;
	for (uint32_t k = 0; k < draft->n; k++)
		if (!unseen->marked[draft->keys[k]])
			draft->keys[kept++] = draft->keys[k];
	draft->n = kept;
	for (uint32_t k = 0; k < n; k++)
		unseen->marked[unseen->position[k]] = false;
}
