/*
 * The program: each primitive, by kind of set.
 */
#include "state.h"

#include <string.h>

static int
schedule(void *state, uint64_t set, uint32_t index, struct strads_block_draft *draft)
{
	return strads_lda_schedule(state, set, index, draft);
}

static size_t
partial_elems(void *state, const struct strads_block *block)
{
	switch (block->kind) {
	case STRADS_LDA_SAMPLE:
	case STRADS_LDA_ADD:
		return strads_lda_sample_elems(state, block);
	case STRADS_LDA_SPREAD:
		return 0;
	case STRADS_LDA_ESTIMATE:
		return strads_lda_estimate_elems(block);
	default:
		return STRADS_LDA_SUMS;
	}
}

/* A block of topics there are none of did not come from this program's schedule. */
static int
block_check(const struct strads_lda *lda, const struct strads_block *block)
{
	uint64_t end = lda->table.keys;

	if (block->kind < STRADS_LDA_KINDS && (!block->keys || block->n == 0) &&
	    block->first <= end && block->n <= end - block->first &&
	    strads_lda_is_whole(lda, block->kind) == (block->n == 0))
		return STRADS_OK;
	return strads_fail(STRADS_ERR_PROTOCOL, "set %llu, block %u: topics that there are none of",
			   (unsigned long long)block->set, block->index);
}

static int
push(void *state, const struct strads_block *block, double *partial)
{
	int status = block_check(state, block);

	if (status)
		return status;
	switch (block->kind) {
	case STRADS_LDA_SAMPLE:
	case STRADS_LDA_ADD:
		return strads_lda_sample_push(state, block, partial);
	case STRADS_LDA_SPREAD:
		return strads_lda_replica_spread(state, block->arg);
	case STRADS_LDA_ESTIMATE:
		return strads_lda_estimate_push(state, block, partial);
	default:
		return strads_lda_evaluate_push(state, partial);
	}
}

static int
pull(void *state, const struct strads_block *block, const double *sum, void *commit, size_t *bytes)
{
	if (block->kind == STRADS_LDA_ESTIMATE) {
		*bytes = strads_lda_estimate_pull(state, block, sum, commit);
		return STRADS_OK;
	}
	*bytes = partial_elems(state, block) * sizeof *sum;
	memcpy(commit, sum, *bytes);
	return STRADS_OK;
}

static int
sync(void *state, const struct strads_block *block, const void *commit, size_t bytes)
{
	switch (block->kind) {
	case STRADS_LDA_SAMPLE:
	case STRADS_LDA_ADD:
		return strads_lda_sample_sync(state, block, commit, bytes);
	case STRADS_LDA_SPREAD:
		return STRADS_OK;
	case STRADS_LDA_ESTIMATE:
		return strads_lda_estimate_sync(state, block, commit, bytes);
	default:
		return strads_lda_evaluate_sync(state, commit, bytes);
	}
}

static int
finish(void *state, const struct strads_block *last)
{
	switch (last->kind) {
	case STRADS_LDA_SAMPLE:
	case STRADS_LDA_ADD:
	case STRADS_LDA_SPREAD:
		return strads_lda_sample_finish(state, last);
	case STRADS_LDA_ESTIMATE:
		strads_lda_estimate_finish(state);
		return STRADS_OK;
	default:
		return strads_lda_evaluate_finish(state, last);
	}
}

/* The first block's push of a set samples for all of them; what is synced is for the next set. */
static bool
early(void *state, uint32_t kind)
{
	(void)state;
	(void)kind;
	return true;
}

/* Typical costs on one core, in nanoseconds. */
#define NS_TOKEN 80.0
#define NS_TOPIC 2.0

static double
push_cost_ns(void *state, const struct strads_block *block)
{
	const struct strads_lda *lda = state;

	return NS_TOPIC * block->n + (block->index == 0 && block->kind == STRADS_LDA_SAMPLE
					  ? NS_TOKEN * (double)lda->tokens / lda->ranks
					  : 0);
}

static double
pull_cost_ns(void *state, const struct strads_block *block)
{
	(void)state;
	return NS_TOPIC * block->n;
}

void
strads_lda_program(struct strads_lda *lda, struct strads_program *program)
{
	size_t most = 1, elems;

	for (uint64_t b = 0; b < lda->blocks; b++)
		most = lda->block_at[b + 1] - lda->block_at[b] > most
			   ? lda->block_at[b + 1] - lda->block_at[b]
			   : most;
	elems = most + strads_lda_tallies(&lda->model->layout);
	elems = elems > STRADS_LDA_SUMS ? elems : STRADS_LDA_SUMS;
	*program = (struct strads_program){
	    .name = "lda",
	    .state = lda,
	    .block_max = (uint32_t)most,
	    .set_blocks_max = 1,
	    .partial_max = elems,
	    .commit_max = elems * sizeof(double),
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
