/*
 * Sets chosen by priority and checked for dependency: candidates are drawn when a set is begun, and
 * those that do not interfere are scheduled once their columns are here and all sets before are
 * known.
 */
#include "state.h"

#include <stdlib.h>
#include <string.h>

#include "strads/columns.h"
#include "strads/dependency.h"

/* One scheduler comes first for so many times the rounds that are in flight. */
#define TERM 8

/* A set that is begun: its first block, or candidates for it. */
struct begun {
	struct strads_block_draft draft;
	strads_key *keys; /* [candidates_max] */
};

struct strads_lasso_check {
	struct strads_columns *columns;
	struct strads_dependency *dependency; /* on ranks that schedule, as all that follows */
	uint32_t candidates_max;
	uint64_t seen;       /* sets whose first block has arrived */
	uint64_t slots;      /* ⌈D / S⌉ */
	struct begun *begun; /* [slots] */
	strads_key *keys;    /* [slots][candidates_max] */
};

static bool
schedules(const struct strads_lasso *lasso)
{
	return lasso->rank < lasso->options.engine.schedulers;
}

static struct begun *
begun_at(const struct strads_lasso *lasso, uint64_t set)
{
	const struct strads_lasso_check *check = lasso->check;

	return &check->begun[set / (uint64_t)lasso->options.engine.schedulers % check->slots];
}

static int
columns_open(struct strads_lasso *lasso)
{
	struct strads_columns_options options;

	strads_columns_defaults(&options);
	/* Ranks that do not schedule only have columns to be read. */
	if (schedules(lasso))
		options.cache_bytes = lasso->options.column_cache_bytes;
	else
		options.cache_bytes = options.columns_max = 4096;
	lasso->memory_bytes += strads_columns_memory(&options, lasso->ranks);
	return strads_columns_new(lasso->fabric, lasso->train->region, &lasso->train->x, &options,
				  &lasso->check->columns);
}

static int
dependency_open(struct strads_lasso *lasso)
{
	struct strads_lasso_check *check = lasso->check;
	const struct strads_lasso_options *options = &lasso->options;
	struct strads_dependency_options dependency = {.rho = options->rho,
						       .candidates_max = check->candidates_max,
						       .set_max = lasso->set_size,
						       .depth = (uint32_t)options->engine.depth,
						       .rows = lasso->train->rows_total +
							       lasso->train->absent_total,
						       .absent = lasso->train->absent_total,
						       .mean = lasso->columns.mean};
	uint64_t schedulers = (uint64_t)options->engine.schedulers;

	check->slots = ((uint64_t)options->engine.depth + schedulers - 1) / schedulers;
	check->begun = calloc(check->slots, sizeof *check->begun);
	check->keys = calloc(check->slots * check->candidates_max, sizeof *check->keys);
	if (!check->begun || !check->keys)
		return strads_fail(STRADS_ERR_MEMORY, "no memory for %llu sets of %u candidates",
				   (unsigned long long)check->slots, check->candidates_max);
	for (uint64_t i = 0; i < check->slots; i++)
		check->begun[i].keys = check->keys + i * check->candidates_max;
	lasso->memory_bytes += check->slots * check->candidates_max * sizeof *check->keys +
			       strads_dependency_memory(&dependency);
	return strads_dependency_new(lasso->fabric, check->columns, &dependency,
				     &check->dependency);
}

int
strads_lasso_check_open(struct strads_lasso *lasso)
{
	uint64_t candidates = (uint64_t)lasso->options.oversample * lasso->set_size;
	int status;

	if (lasso->options.scheduler != STRADS_LINEAR_CHECKED)
		return STRADS_OK;
	lasso->check = calloc(1, sizeof *lasso->check);
	status = strads_job_agree(
	    strads_fabric_job(lasso->fabric),
	    lasso->check ? STRADS_OK
			 : strads_fail(STRADS_ERR_MEMORY, "no memory for the dependency check"));
	if (status || !lasso->check)
		return status;
	if (candidates > lasso->train->x.cols)
		candidates = lasso->train->x.cols;
	lasso->check->candidates_max = (uint32_t)candidates;
	status = columns_open(lasso);
	if (status)
		return status;
	return strads_job_agree(strads_fabric_job(lasso->fabric),
				schedules(lasso) ? dependency_open(lasso) : STRADS_OK);
}

void
strads_lasso_check_close(struct strads_lasso *lasso)
{
	struct strads_lasso_check *check = lasso->check;

	if (!check)
		return;
	strads_dependency_delete(&check->dependency);
	strads_columns_delete(&check->columns);
	free(check->begun);
	free(check->keys);
	free(check);
	lasso->check = NULL;
}

/* Of schedulers that take turns, the one that comes first takes what it likes and may leave nothing
 * that does not interfere with it, again and again. So now and then all but one pass, each one's
 * time in its turn, until nothing of theirs is in flight: then that one comes first. */
static bool
passes(const struct strads_lasso *lasso, uint64_t set)
{
	uint64_t schedulers = (uint64_t)lasso->options.engine.schedulers;
	uint64_t round = set / schedulers, drain = lasso->check->slots, term = TERM * drain;

	return lasso->options.engine.depth > 1 && round % term < drain &&
	       round / term % schedulers != set % schedulers;
}

int
strads_lasso_check_draw(struct strads_lasso *lasso, uint64_t set, strads_key *keys, uint32_t *drawn)
{
	if (passes(lasso, set)) {
		*drawn = 0;
		return STRADS_OK;
	}
	return strads_priority_draw(lasso->priority, set, lasso->check->candidates_max, keys,
				    drawn);
}

int
strads_lasso_check_begin(struct strads_lasso *lasso, uint64_t set)
{
	struct begun *begun = begun_at(lasso, set);

	begun->draft = (struct strads_block_draft){.keys = begun->keys};
	return strads_lasso_schedule(lasso, set, 0, &begun->draft);
}

void
strads_lasso_check_seen(struct strads_lasso *lasso, const struct strads_block *block)
{
	if (block->index == 0)
		lasso->check->seen = block->set + 1;
	if (block->kind == STRADS_LASSO_UPDATE)
		strads_dependency_seen(lasso->check->dependency, block->set, block->keys, block->n);
}

void
strads_lasso_check_synced(struct strads_lasso *lasso, const struct strads_block *block)
{
	uint64_t schedulers = (uint64_t)lasso->options.engine.schedulers;
	const struct begun *begun;
	uint32_t next = 0;

	if (block->set % schedulers != (uint64_t)lasso->rank)
		return;
	begun = begun_at(lasso, block->set);
	for (uint32_t i = 0; i < begun->draft.n; i++) {
		if (next < block->n && block->keys[next] == begun->keys[i])
			next++;
		else
			strads_priority_release(lasso->priority, begun->keys[i]);
	}
}

static int
choose(struct strads_lasso *lasso, uint64_t set, const struct begun *begun,
       struct strads_block_draft *draft)
{
	struct strads_lasso_check *check = lasso->check;
	float worst;
	double correlation;
	uint32_t bits;
	int status;

	if (check->seen < set)
		return STRADS_AGAIN;
	status = strads_dependency_choose(check->dependency, set, begun->keys, begun->draft.n,
					  draft->keys, &draft->n, &correlation);
	if (status)
		return status;
	worst = (float)correlation;
	memcpy(&bits, &worst, sizeof bits);
	draft->arg |= (uint64_t)bits << STRADS_LASSO_WORST;
	return STRADS_OK;
}

int
strads_lasso_check_schedule(struct strads_lasso *lasso, uint64_t set, uint32_t index,
			    struct strads_block_draft *draft)
{
	const struct begun *begun = begun_at(lasso, set);
	strads_key *keys = draft->keys;

	if (index > 0)
		return strads_lasso_schedule(lasso, set, index, draft);
	*draft = begun->draft;
	draft->keys = keys;
	if (draft->kind != STRADS_LASSO_UPDATE || draft->n == 0)
		return STRADS_OK;
	return choose(lasso, set, begun, draft);
}

double
strads_lasso_check_worst(const struct strads_block *block)
{
	uint32_t bits = (uint32_t)(block->arg >> STRADS_LASSO_WORST);
	float worst;

	memcpy(&worst, &bits, sizeof worst);
	return (double)worst;
}

void
strads_lasso_check_count(const struct strads_lasso *lasso, struct strads_linear_checked *checked)
{
	const struct strads_lasso_check *check = lasso->check;
	struct strads_dependency_stats dependency;
	struct strads_columns_stats columns;

	*checked = (struct strads_linear_checked){0};
	if (!check || !check->dependency)
		return;
	strads_dependency_stats(check->dependency, &dependency);
	strads_columns_stats(check->columns, &columns);
	*checked = (struct strads_linear_checked){.candidates = (double)dependency.candidates,
						  .chosen = (double)dependency.chosen,
						  .products = (double)dependency.products,
						  .seconds = (double)dependency.busy_ns * 1e-9,
						  .held = (double)columns.held,
						  .hits = (double)columns.hits,
						  .messages = (double)columns.messages,
						  .bytes = (double)columns.bytes};
}
