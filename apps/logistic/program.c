/*
 * The program: each primitive, by kind of set.
 */
#include "state.h"

#include <string.h>

static int
schedule(void *state, uint64_t set, uint32_t index, struct strads_block_draft *draft)
{
	return strads_logistic_schedule(state, set, index, draft);
}

static size_t
partial_elems(void *state, const struct strads_block *block)
{
	(void)state;
	switch (block->kind) {
	case STRADS_LOGISTIC_COLUMNS:
		return strads_linear_columns_elems(block);
	case STRADS_LOGISTIC_EVALUATE:
		return strads_logistic_evaluate_elems(block);
	case STRADS_LOGISTIC_UPDATE:
		return strads_logistic_update_elems(block);
	case STRADS_LOGISTIC_STEP:
		return STRADS_LOGISTIC_TRIALS;
	default:
		return 0;
	}
}

/* What a block is a part of has so many elements. */
static uint64_t
end_of(const struct strads_logistic *logistic, const struct strads_block *block)
{
	switch (block->kind) {
	case STRADS_LOGISTIC_WHOLE:
		return logistic->portion.first_row[block->reducer + 1];
	case STRADS_LOGISTIC_TURN:
		return strads_logistic_turn_length(logistic, block->arg);
	default:
		return logistic->train->x.cols;
	}
}

/* A block that names variables there are none of did not come from this program's schedule. */
static int
block_check(const struct strads_logistic *logistic, const struct strads_block *block)
{
	uint64_t end = end_of(logistic, block);
	bool sound = block->kind < STRADS_LOGISTIC_KINDS;

	if (block->kind != STRADS_LOGISTIC_UPDATE)
		sound = sound && (!block->keys || block->n == 0) && block->first <= end &&
			block->n <= end - block->first;
	else
		sound = block->n <= logistic->set_size && (block->keys || block->n == 0);
	for (uint32_t k = 0; sound && block->keys && k < block->n; k++)
		sound = block->keys[k] < end;
	if (sound)
		return STRADS_OK;
	return strads_fail(STRADS_ERR_PROTOCOL,
			   "set %llu, block %u: variables outside the problem's %llu",
			   (unsigned long long)block->set, block->index, (unsigned long long)end);
}

static int
push(void *state, const struct strads_block *block, double *partial)
{
	const struct strads_logistic *logistic = state;
	int status = block_check(logistic, block);

	if (status)
		return status;
	switch (block->kind) {
	case STRADS_LOGISTIC_COLUMNS:
		strads_linear_columns_push(&logistic->columns, block, partial);
		break;
	case STRADS_LOGISTIC_EVALUATE:
		strads_logistic_evaluate_push(logistic, block, partial);
		break;
	case STRADS_LOGISTIC_UPDATE:
		strads_logistic_update_push(logistic, block, partial);
		break;
	case STRADS_LOGISTIC_STEP:
		strads_logistic_step_push(logistic, block, partial);
		break;
	default: /* WHOLE, TURN: all is known to the reducer */
		break;
	}
	return STRADS_OK;
}

static int
pull(void *state, const struct strads_block *block, const double *sum, void *commit, size_t *bytes)
{
	struct strads_logistic *logistic = state;

	switch (block->kind) {
	case STRADS_LOGISTIC_COLUMNS:
		*bytes = strads_linear_columns_pull(&logistic->columns, block, sum, commit);
		return STRADS_OK;
	case STRADS_LOGISTIC_EVALUATE:
		*bytes = strads_logistic_evaluate_pull(logistic, block, sum, commit);
		return STRADS_OK;
	case STRADS_LOGISTIC_WHOLE:
		*bytes = strads_logistic_whole_pull(logistic, block, commit);
		return STRADS_OK;
	case STRADS_LOGISTIC_TURN:
		*bytes = strads_logistic_turn_pull(logistic, block, commit);
		return STRADS_OK;
	case STRADS_LOGISTIC_STEP:
		*bytes = STRADS_LOGISTIC_TRIALS * sizeof *sum;
		memcpy(commit, sum, *bytes);
		return STRADS_OK;
	default:
		return strads_logistic_update_pull(logistic, block, sum, commit, bytes);
	}
}

static int
sync(void *state, const struct strads_block *block, const void *commit, size_t bytes)
{
	struct strads_logistic *logistic = state;

	switch (block->kind) {
	case STRADS_LOGISTIC_COLUMNS:
		return strads_linear_columns_sync(&logistic->columns, block, commit, bytes);
	case STRADS_LOGISTIC_EVALUATE:
		return strads_logistic_evaluate_sync(logistic, block, commit, bytes);
	case STRADS_LOGISTIC_WHOLE:
		return strads_logistic_whole_sync(logistic, block, commit, bytes);
	case STRADS_LOGISTIC_TURN:
		return strads_logistic_turn_sync(logistic, block, commit, bytes);
	case STRADS_LOGISTIC_STEP:
		return strads_logistic_step_sync(logistic, block, commit, bytes);
	default:
		return strads_logistic_update_sync(logistic, block, commit, bytes);
	}
}

/* All that does not depend on λ is known: here the clock of the fit starts. */
static void
columns_finish(struct strads_logistic *logistic, const struct strads_block *last)
{
	if (last->arg != STRADS_LINEAR_SCALES)
		return;
	strads_linear_portion_arrange(&logistic->portion, &logistic->columns);
	strads_linear_drift_start(&logistic->drift, &logistic->portion, &logistic->columns);
	logistic->start_ns = strads_fabric_clock_ns(logistic->fabric);
}

static int
finish(void *state, const struct strads_block *last)
{
	struct strads_logistic *logistic = state;

	switch (last->kind) {
	case STRADS_LOGISTIC_COLUMNS:
		columns_finish(logistic, last);
		return STRADS_OK;
	case STRADS_LOGISTIC_WHOLE:
		strads_logistic_whole_finish(logistic, last);
		return STRADS_OK;
	case STRADS_LOGISTIC_EVALUATE:
		return strads_logistic_evaluate_finish(logistic, last);
	case STRADS_LOGISTIC_TURN:
		strads_logistic_turn_finish(logistic, last);
		return logistic->plan.diverged ? strads_logistic_diverge(logistic, last->set)
					       : STRADS_OK;
	case STRADS_LOGISTIC_STEP:
		return strads_logistic_step_finish(logistic, last);
	case STRADS_LOGISTIC_UPDATE:
		if (logistic->plan.diverged)
			return strads_logistic_diverge(logistic, last->set);
		strads_logistic_plan_advance(logistic, last);
		return STRADS_OK;
	default:
		return STRADS_OK;
	}
}

/* Statistics and gradients only read the state that updates change; the blocks of the others are
 * parts of a vector that one rank tells. */
static bool
early(void *state, uint32_t kind)
{
	(void)state;
	return kind == STRADS_LOGISTIC_COLUMNS || kind == STRADS_LOGISTIC_EVALUATE ||
	       kind == STRADS_LOGISTIC_WHOLE || kind == STRADS_LOGISTIC_TURN;
}

/* Typical costs on one core, in nanoseconds. */
#define NS_ENTRY  1.0 /* one nonzero of a column */
#define NS_COLUMN 4.0
#define NS_ROW    20.0 /* an exponential and a logarithm */
#define NS_PAIR   0.3  /* one element of a small dense matrix, read or updated once */

/* Of one block of updates: each column twice, and its products with the others. */
static double
update_cost_ns(const struct strads_csc *x, const struct strads_block *block)
{
	double entries = 0, pairs = 0;

	for (uint32_t k = 0; k < block->n; k++)
		entries += (double)strads_csc_entries(x, block->keys[k]);
	if (block->arg & STRADS_LOGISTIC_GRAM && x->rows > 0)
		pairs = 0.5 * entries * entries / x->rows;
	return NS_ENTRY * (2 * entries + pairs) + NS_COLUMN * block->n;
}

static double
push_cost_ns(void *state, const struct strads_block *block)
{
	const struct strads_logistic *logistic = state;
	const struct strads_csc *x = &logistic->train->x;
	strads_key first = block->first, last = block->first + block->n - 1;
	bool wide = block->kind == STRADS_LOGISTIC_EVALUATE && block->index > 0 &&
		    block->arg & STRADS_LOGISTIC_WIDE;

	if (block->kind == STRADS_LOGISTIC_UPDATE)
		return update_cost_ns(x, block);
	if (block->kind == STRADS_LOGISTIC_WHOLE || block->kind == STRADS_LOGISTIC_TURN || wide)
		return 0;
	if (block->kind == STRADS_LOGISTIC_STEP || block->n == 0)
		return NS_ROW * (x->rows + (logistic->test ? logistic->test->x.rows : 0));
	return NS_ENTRY * (double)(x->start[last + 1] - x->start[first]) + NS_COLUMN * block->n;
}

static double
pull_cost_ns(void *state, const struct strads_block *block)
{
	const struct strads_logistic *logistic = state;
	const uint64_t *start = logistic->portion.x.start;
	double n = block->n;

	if (block->kind == STRADS_LOGISTIC_UPDATE)
		return NS_PAIR * n * n * logistic->options.passes;
	if (block->kind == STRADS_LOGISTIC_TURN && block->first == 0)
		return strads_logistic_turn_cost_ns(logistic);
	if (block->kind == STRADS_LOGISTIC_EVALUATE && block->index > 0 &&
	    block->arg & STRADS_LOGISTIC_WIDE)
		return NS_ENTRY * (double)(start[block->first + block->n] - start[block->first]) +
		       NS_COLUMN * n;
	return NS_COLUMN * n;
}

static size_t
larger(size_t a, size_t b)
{
	return a > b ? a : b;
}

void
strads_logistic_program(struct strads_logistic *logistic, struct strads_program *program)
{
	uint32_t set_size = logistic->set_size, range = logistic->range_max;
	size_t piece = ((size_t)logistic->piece_max + 1) / 2 * 2;
	size_t sums = larger(STRADS_LOGISTIC_SUMS, STRADS_LOGISTIC_TRIALS);
	size_t commit = larger(larger(strads_logistic_evaluate_commit_max(range),
				      strads_logistic_update_commit_max(set_size)),
			       piece * sizeof(double));

	*program = (struct strads_program){
	    .name = "logistic",
	    .state = logistic,
	    .block_max = (uint32_t)larger(larger(set_size, range), piece),
	    .set_blocks_max = 1,
	    .partial_max =
		larger(larger(strads_logistic_update_elems_max(set_size), sums), 2 * (size_t)range),
	    .commit_max =
		larger(commit, strads_linear_columns_commit_max(&logistic->columns, range)),
	    .schedule = schedule,
	    .partial_elems = partial_elems,
	    .push = push,
	    .pull = pull,
	    .sync = sync,
	    .finish = finish,
	    .early = early,
	    .push_cost_ns = push_cost_ns,
	    .pull_cost_ns = pull_cost_ns,
	};
}
