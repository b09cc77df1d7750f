#include "state.h"

#include <math.h>
#include <stdlib.h>

#include "../linear/need.h"

/* Variables in a range of columns: many enough that a round costs little, few enough that ranks
 * take turns. */
#define RANGE_MAX 16384

/* Rows in a range of the residual. */
#define ROWS_MAX 8192

/* Ranges end at owners' boundaries where an owner has at least so many variables. */
#define CUT_FROM 4096

/* Memory for the Gram matrices kept on a rank; it is touched only as far as they fill it. */
#define GRAM_BYTES (UINT64_C(256) << 20)

/* Longest list of variables, support and violators, in the working set. */
#define LIST_MAX (UINT64_C(1) << 20)

static void
take_columns(struct strads_lasso *lasso, struct strads_linear_need *need)
{
	uint64_t cols = lasso->train->x.cols;
	struct strads_linear_columns *columns = &lasso->columns;

	need->what = "the statistics of the columns";
	if (columns->centred)
		columns->mean = strads_linear_take(need, cols, sizeof *columns->mean);
	columns->scale = strads_linear_take(need, cols, sizeof *columns->scale);
	columns->bound = strads_linear_take(need, cols, sizeof *columns->bound);
}

static void
take_list(struct strads_lasso *lasso, struct strads_linear_need *need)
{
	uint64_t cols = lasso->train->x.cols, rows = lasso->train->rows_total;
	uint64_t most = 4 * rows > LIST_MAX ? 4 * rows : LIST_MAX;
	enum strads_linear_scheduler scheduler = lasso->options.scheduler;
	bool violators = scheduler == STRADS_LINEAR_WORKING_SET ||
			 lasso->options.among == STRADS_LASSO_VIOLATORS;

	need->what = "the list of variables";
	lasso->list_count = cols;
	if (!violators && (scheduler == STRADS_LINEAR_FIXED || scheduler == STRADS_LINEAR_ROTATION))
		lasso->permutation = strads_linear_take(need, cols, sizeof *lasso->permutation);
	if (need->status || !violators)
		return;
	most = most < cols ? most : cols;
	lasso->list_count = 0;
	need->bytes += strads_working_set_bytes(most);
	need->status = strads_working_set_new(most, &lasso->working_set);
}

/* Of random sets under staleness: members of those in flight. */
static void
take_unseen(struct strads_lasso *lasso, struct strads_linear_need *need)
{
	struct strads_lasso_unseen *unseen = &lasso->unseen;
	uint64_t staleness = (uint64_t)lasso->options.engine.staleness;

	if (staleness == 0 || lasso->options.scheduler != STRADS_LINEAR_RANDOM ||
	    lasso->options.mode == STRADS_LASSO_SERVER)
		return;
	need->what = "the sets in flight";
	unseen->position =
	    strads_linear_take(need, staleness * lasso->set_size, sizeof *unseen->position);
	unseen->marked = strads_linear_take(need, lasso->train->x.cols, sizeof *unseen->marked);
}

/* Rows of all ranks, those held out among them. */
static uint64_t
rows_of_all(const struct strads_lasso *lasso)
{
	return lasso->train->rows_total + lasso->train->absent_total;
}

static void
take_scratch(struct strads_lasso *lasso, struct strads_linear_need *need)
{
	struct strads_lasso_scratch *scratch = &lasso->scratch;
	uint64_t n = lasso->set_size;

	need->what = "the residuals and one set";
	lasso->residual = strads_linear_take(need, lasso->train->x.rows, sizeof *lasso->residual);
	if (lasso->test)
		lasso->test_residual =
		    strads_linear_take(need, lasso->test->x.rows, sizeof *lasso->test_residual);
	scratch->gradient = strads_linear_take(need, n, sizeof *scratch->gradient);
	scratch->beta = strads_linear_take(need, n, sizeof *scratch->beta);
	scratch->mean = strads_linear_take(need, n, sizeof *scratch->mean);
	scratch->scale = strads_linear_take(need, n, sizeof *scratch->scale);
	scratch->ridge = strads_linear_take(need, n, sizeof *scratch->ridge);
	scratch->diagonal = strads_linear_take(need, n, sizeof *scratch->diagonal);
	scratch->range = strads_linear_take(need, lasso->range_max, sizeof *scratch->range);
	lasso->whole.residual =
	    strads_linear_take(need, rows_of_all(lasso), sizeof *lasso->whole.residual);
	scratch->candidates.max = lasso->range_max;
	scratch->candidates.entry =
	    strads_linear_take(need, lasso->range_max, sizeof *scratch->candidates.entry);
}

static void
take_grams(struct strads_lasso *lasso, struct strads_linear_need *need)
{
	struct strads_lasso_grams *grams = &lasso->grams;
	uint64_t n = lasso->set_size, cols = lasso->train->x.cols;
	uint64_t most = (cols / n + (cols % n != 0)) / (uint64_t)lasso->ranks + 1;

	need->what = "Gram matrices (smaller sets need less)";
	grams->stride = n * n;
	grams->slots = GRAM_BYTES / (grams->stride * sizeof *grams->matrix);
	grams->slots = grams->slots < most ? grams->slots : most;
	grams->matrix =
	    strads_linear_take(need, grams->slots + 1, grams->stride * sizeof *grams->matrix);
	grams->order = strads_linear_take(need, grams->slots, sizeof *grams->order);
	if (need->status)
		return;
	lasso->scratch.gram = strads_gram_scratch_new(n);
	if (!lasso->scratch.gram)
		need->status = strads_fail(STRADS_ERR_MEMORY, "no memory for %s", need->what);
}

/* The priorities of this rank's variables, if it schedules by them. */
static void
take_priorities(struct strads_lasso *lasso, struct strads_linear_need *need)
{
	const struct strads_lasso_options *options = &lasso->options;
	struct strads_priority_options priority = {.variables = lasso->train->x.cols,
						   .offered =
						       options->among == STRADS_LASSO_VIOLATORS,
						   .scheduler = lasso->rank,
						   .schedulers = options->engine.schedulers,
						   .seed = options->seed,
						   .fresh = options->fresh,
						   .uniform = options->uniform};

	if (need->status ||
	    (options->scheduler != STRADS_LINEAR_PRIORITY &&
	     options->scheduler != STRADS_LINEAR_CHECKED) ||
	    lasso->rank >= options->engine.schedulers)
		return;
	need->status = strads_priority_new(&priority, &lasso->priority);
	need->bytes += strads_priority_most_bytes(&priority);
}

int
strads_lasso_state_take(struct strads_lasso *lasso)
{
	struct strads_linear_need need = {0};

	take_columns(lasso, &need);
	take_list(lasso, &need);
	take_unseen(lasso, &need);
	take_priorities(lasso, &need);
	take_scratch(lasso, &need);
	strads_linear_trail_take(&lasso->options.path, lasso->train->rows_total,
				 lasso->train->x.cols, &need, &lasso->trail);
	if (lasso->options.set_update == STRADS_SET_UPDATE_GRAM)
		take_grams(lasso, &need);
	lasso->memory_bytes += need.bytes;
	return need.status ? need.status : strads_lasso_unpenalized_take(lasso);
}

void
strads_lasso_state_give(struct strads_lasso *lasso)
{
	free(lasso->columns.mean);
	free(lasso->columns.scale);
	free(lasso->columns.bound);
	strads_lasso_unpenalized_give(lasso);
	strads_linear_trail_give(&lasso->trail);
	strads_linear_portion_close(&lasso->portion);
	free(lasso->whole.residual);
	free(lasso->scratch.range);
	free(lasso->permutation);
	free(lasso->unseen.position);
	free(lasso->unseen.marked);
	strads_working_set_delete(&lasso->working_set);
	strads_priority_delete(&lasso->priority);
	free(lasso->scratch.gradient);
	free(lasso->scratch.beta);
	free(lasso->scratch.mean);
	free(lasso->scratch.scale);
	free(lasso->scratch.ridge);
	free(lasso->scratch.diagonal);
	free(lasso->scratch.candidates.entry);
	strads_gram_scratch_delete(&lasso->scratch.gram);
	free(lasso->grams.matrix);
	free(lasso->grams.order);
	free(lasso->residual);
	free(lasso->test_residual);
}

void
strads_lasso_state_size(struct strads_lasso *lasso)
{
	uint64_t cols = lasso->train->x.cols;
	enum strads_standardize standardize = lasso->options.standardize;
	struct strads_job *job = strads_fabric_job(lasso->fabric);

	lasso->rank = strads_job_rank(job);
	lasso->ranks = strads_job_size(job);
	lasso->table = (struct strads_table){.keys = cols, .ranks = lasso->ranks};
	lasso->first_key = strads_table_first(&lasso->table, lasso->rank);
	lasso->own_keys = strads_table_first(&lasso->table, lasso->rank + 1) - lasso->first_key;
	lasso->set_size = lasso->options.set_size < cols ? lasso->options.set_size : (uint32_t)cols;
	lasso->range_max = RANGE_MAX < cols ? RANGE_MAX : (uint32_t)cols;
	lasso->row_range = ROWS_MAX < rows_of_all(lasso) ? ROWS_MAX : (uint32_t)rows_of_all(lasso);
	lasso->cut = cols / (uint64_t)lasso->ranks >= CUT_FROM;
	lasso->columns.x = &lasso->train->x;
	lasso->columns.rows_total = lasso->train->rows_total;
	lasso->columns.absent = lasso->train->absent_rows;
	lasso->columns.standardize = standardize;
	lasso->columns.centred = lasso->options.intercept ||
				 standardize == STRADS_STANDARDIZE_CENTER_UNIT ||
				 standardize == STRADS_STANDARDIZE_ZSCORE;
	lasso->lambda = lasso->options.lambda;
	lasso->lambda_max = NAN;
	lasso->outcome = STRADS_LINEAR_LIMIT;
}

void
strads_lasso_state_start(struct strads_lasso *lasso)
{
	double offset = lasso->response.offset;

	for (uint32_t i = 0; i < lasso->train->x.rows; i++)
		if (strads_dataset_has(lasso->train, i))
			lasso->residual[i] = lasso->train->y[i] - offset;
	for (uint32_t i = 0; lasso->test && i < lasso->test->x.rows; i++)
		lasso->test_residual[i] = lasso->test->y[i] - offset;
	strads_lasso_residual_settle(lasso);
	strads_lasso_plan_open(lasso);
}
