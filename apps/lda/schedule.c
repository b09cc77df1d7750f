/*
 * Which set is next: a sweep is a sub-round for each block, and estimates of the hyperparameters
 * and evaluations lie between sweeps.
 */
#include "state.h"

/* Evaluations, and estimates of the hyperparameters, that follow the first `sweep` sweeps. */
static uint64_t
evaluations(const struct strads_lda_options *options, uint64_t sweep)
{
	/* The first sweep is evaluated in any case. */
	return sweep / options->evaluate_every + (options->evaluate_every > 1 && sweep > 0);
}

static uint64_t
estimates(const struct strads_lda_options *options, uint64_t sweep)
{
	uint64_t every = options->optimize_interval, before = options->optimize_burn_in;

	return every > 0 && sweep > before ? sweep / every - before / every : 0;
}

/* Sets of a sweep but those. */
static uint64_t
sets_of_sweep(const struct strads_lda *lda)
{
	uint64_t turns = (uint64_t)lda->ranks, period = strads_lda_period(lda);

	return lda->options.mode == STRADS_LDA_REPLICAS
		   ? turns + 2 * ((turns + period - 1) / period)
		   : turns;
}

/* Sets before sweep `sweep`, from 0, without regard to when the run ends. */
static uint64_t
sets_before(const struct strads_lda *lda, uint64_t sweep)
{
	return sweep * sets_of_sweep(lda) + STRADS_LDA_STEPS * estimates(&lda->options, sweep) +
	       evaluations(&lda->options, sweep);
}

/* Set `place` of a sweep that begins with sub-round `first`: as many sub-rounds as there are
 * between exchanges of replicas, an exchange, and so on. */
static void
draft_sampling(const struct strads_lda *lda, uint64_t first, uint64_t place,
	       struct strads_block_draft *draft)
{
	uint64_t turns = (uint64_t)lda->ranks, period = strads_lda_period(lda), from, n;

	draft->kind = STRADS_LDA_SAMPLE;
	draft->arg = first + place;
	if (lda->options.mode == STRADS_LDA_ROTATION)
		return;
	from = place / (period + 2) * period;
	n = turns - from < period ? turns - from : period;
	place %= period + 2;
	draft->arg = first + from + (place < n ? place : n - 1);
	if (place >= n)
		draft->kind = place == n ? STRADS_LDA_ADD : STRADS_LDA_SPREAD;
}

/* The sweep that a set belongs to. */
static uint64_t
sweep_of(const struct strads_lda *lda, uint64_t set)
{
	uint64_t low = 0, high = lda->options.sweeps;

	while (low < high) {
		uint64_t middle = high - (high - low) / 2;

		if (sets_before(lda, middle) <= set)
			low = middle;
		else
			high = middle - 1;
	}
	return low;
}

/* Set `set` without regard to when the run ends: of each sweep the sub-rounds, the steps of an
 * estimate, and the evaluation, whose arg is that of the sub-round that would follow. */
static void
draft_regular(const struct strads_lda *lda, uint64_t set, struct strads_block_draft *draft)
{
	const struct strads_lda_options *options = &lda->options;
	uint64_t turns = (uint64_t)lda->ranks, sweep = sweep_of(lda, set);
	uint64_t place = set - sets_before(lda, sweep), sampling = sets_of_sweep(lda);
	uint64_t steps =
	    STRADS_LDA_STEPS * (estimates(options, sweep + 1) - estimates(options, sweep));

	if (sweep >= options->sweeps) {
		draft->kind = STRADS_LDA_EVALUATE;
		draft->arg = sweep * turns;
	} else if (place < sampling) {
		draft_sampling(lda, sweep * turns, place, draft);
	} else if (place - sampling < steps) {
		draft->kind = STRADS_LDA_ESTIMATE;
		draft->arg = place - sampling;
	} else {
		draft->kind = STRADS_LDA_EVALUATE;
		draft->arg = (sweep + 1) * turns;
	}
}

static void
draft_range(const struct strads_lda *lda, uint32_t index, struct strads_block_draft *draft)
{
	draft->range = true;
	draft->first = lda->block_at[index];
	draft->n = (uint32_t)(lda->block_at[index + 1] - draft->first);
	draft->last = index + 1 == lda->blocks;
	draft->reducer = strads_table_owner(&lda->table, draft->first);
}

/* Whether the run is to end after the sweep that is over. */
static bool
end_is_due(const struct strads_lda *lda)
{
	double limit = lda->options.time_limit_s;
	double seconds = (double)(strads_fabric_clock_ns(lda->fabric) - lda->start_ns) * 1e-9;

	return lda->stopping || (lda->stop && *lda->stop) || (limit > 0 && seconds >= limit);
}

static bool
follows_evaluation(const struct strads_lda *lda, uint64_t set)
{
	struct strads_block_draft before = {0};

	draft_regular(lda, set - 1, &before);
	return before.kind == STRADS_LDA_EVALUATE;
}

bool
strads_lda_is_whole(const struct strads_lda *lda, uint32_t kind)
{
	return kind == STRADS_LDA_EVALUATE || kind == STRADS_LDA_SPREAD ||
	       (kind == STRADS_LDA_SAMPLE && lda->options.mode == STRADS_LDA_REPLICAS);
}

int
strads_lda_schedule(struct strads_lda *lda, uint64_t set, uint32_t index,
		    struct strads_block_draft *draft)
{
	uint64_t turns = (uint64_t)lda->ranks;

	draft_regular(lda, set, draft);
	draft->reducer = -1;
	/* Decided with the first block, once: later ones may be drafted in another state. Right
	 * after an evaluation there is nothing new to evaluate. */
	if (index == 0 && lda->final_set == UINT64_MAX &&
	    (draft->kind == STRADS_LDA_SAMPLE || draft->kind == STRADS_LDA_EVALUATE) &&
	    draft->arg % turns == 0 && draft->arg > 0 && !follows_evaluation(lda, set) &&
	    end_is_due(lda))
		lda->final_set = set;
	if (lda->final_set == set)
		draft->kind = STRADS_LDA_EVALUATE;
	if (!strads_lda_is_whole(lda, draft->kind)) {
		draft_range(lda, index, draft);
		return STRADS_OK;
	}
	draft->last = true;
	if (draft->kind == STRADS_LDA_EVALUATE)
		draft->arg = lda->final_set == set || draft->arg / turns >= lda->options.sweeps;
	return STRADS_OK;
}
