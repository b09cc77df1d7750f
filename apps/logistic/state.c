#include "state.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../linear/need.h"

/* Numbers in a block of what one rank tells all of rows and coefficients. */
#define PIECE_MAX 16384

/* Members of the working set for each variable of the support: what each model leaves to be found
 * by the next evaluation costs more than columns that turn out to stay 0. */
#define GROWTH 8

/* Variables in a range of columns: many enough that a round costs little, few enough that ranks
 * take turns. */
#define RANGE_MAX 16384

/* Ranges end at owners' boundaries where an owner has at least so many variables. */
#define CUT_FROM 4096

/* Memory for the Gram matrices kept on a rank; it is touched only as far as they fill it. */
#define GRAM_BYTES (UINT64_C(256) << 20)

/* Longest working set. */
#define LIST_MAX (UINT64_C(1) << 20)

static void
take_columns(struct strads_logistic *logistic, struct strads_linear_need *need)
{
	uint64_t cols = logistic->train->x.cols;
	struct strads_linear_columns *columns = &logistic->columns;

	need->what = "the statistics of the columns";
	if (columns->centred)
		columns->mean = strads_linear_take(need, cols, sizeof *columns->mean);
	columns->scale = strads_linear_take(need, cols, sizeof *columns->scale);
	columns->bound = strads_linear_take(need, cols, sizeof *columns->bound);
	columns->norm = strads_linear_take(need, cols, sizeof *columns->norm);
	cols = strads_linear_portion_count(cols, logistic->rank, logistic->ranks);
	logistic->portion_d = strads_linear_take(need, cols, sizeof *logistic->portion_d);
	strads_linear_drift_take(&logistic->drift, cols, need);
}

static void
take_list(struct strads_logistic *logistic, struct strads_linear_need *need)
{
	uint64_t cols = logistic->train->x.cols, rows = logistic->train->rows_total;
	uint64_t most = 4 * rows > LIST_MAX ? 4 * rows : LIST_MAX;
	enum strads_linear_scheduler scheduler = logistic->options.scheduler;

	need->what = "the list of variables";
	if (scheduler == STRADS_LINEAR_FIXED)
		logistic->permutation =
		    strads_linear_take(need, cols, sizeof *logistic->permutation);
	if (need->status || scheduler != STRADS_LINEAR_WORKING_SET)
		return;
	most = most < cols ? most : cols;
	need->bytes += strads_working_set_bytes(most);
	need->status = strads_working_set_new(most, &logistic->working_set);
	if (need->status == STRADS_OK)
		logistic->working_set->growth = GROWTH;
}

/* The priorities of this rank's variables, if it schedules by them. */
static void
take_priorities(struct strads_logistic *logistic, struct strads_linear_need *need)
{
	const struct strads_logistic_options *options = &logistic->options;
	struct strads_priority_options priority = {.variables = logistic->train->x.cols,
						   .scheduler = logistic->rank,
						   .schedulers = options->engine.schedulers,
						   .seed = options->seed,
						   .fresh = options->fresh,
						   .uniform = options->uniform};

	if (need->status || options->scheduler != STRADS_LINEAR_PRIORITY ||
	    logistic->rank >= options->engine.schedulers)
		return;
	need->status = strads_priority_new(&priority, &logistic->priority);
	need->bytes += strads_priority_most_bytes(&priority);
}

static void
take_rows(struct strads_logistic *logistic, struct strads_linear_need *need)
{
	uint64_t rows = logistic->train->x.rows, test = logistic->test ? logistic->test->x.rows : 0;
	double **const train[] = {&logistic->y,  &logistic->margin, &logistic->theta,
				  &logistic->r,  &logistic->weight, &logistic->move,
				  &logistic->rho};
	double **const held_out[] = {&logistic->test_y, &logistic->test_margin,
				     &logistic->test_move};

	need->what = "the margins";
	for (size_t i = 0; i < sizeof train / sizeof *train; i++)
		*train[i] = strads_linear_take(need, rows, sizeof **train[i]);
	for (size_t i = 0; i < sizeof held_out / sizeof *held_out; i++)
		*held_out[i] = strads_linear_take(need, test, sizeof **held_out[i]);
}

static void
take_scratch(struct strads_logistic *logistic, struct strads_linear_need *need)
{
	struct strads_logistic_scratch *scratch = &logistic->scratch;
	uint64_t n = logistic->set_size;

	need->what = "one set";
	logistic->d = strads_linear_take(need, logistic->own_keys, sizeof *logistic->d);
	scratch->gradient = strads_linear_take(need, n, sizeof *scratch->gradient);
	scratch->beta = strads_linear_take(need, n, sizeof *scratch->beta);
	scratch->scale = strads_linear_take(need, n, sizeof *scratch->scale);
	scratch->range = strads_linear_take(need, logistic->range_max, sizeof *scratch->range);
	scratch->candidates.max = logistic->range_max;
	scratch->candidates.entry =
	    strads_linear_take(need, logistic->range_max, sizeof *scratch->candidates.entry);
}

static void
take_grams(struct strads_logistic *logistic, struct strads_linear_need *need)
{
	struct strads_logistic_grams *grams = &logistic->grams;
	uint64_t n = logistic->set_size, cols = logistic->train->x.cols;
	uint64_t most = (cols / n + (cols % n != 0)) / (uint64_t)logistic->ranks + 1;

	if (logistic->working_set)
		return;
	need->what = "Gram matrices (smaller sets need less)";
	grams->stride = n * n + n + 1;
	grams->slots = GRAM_BYTES / (grams->stride * sizeof *grams->slot);
	grams->slots = grams->slots < most ? grams->slots : most;
	grams->slot =
	    strads_linear_take(need, grams->slots + 1, grams->stride * sizeof *grams->slot);
	grams->order = strads_linear_take(need, grams->slots, sizeof *grams->order);
	if (need->status)
		return;
	logistic->scratch.gram = strads_gram_scratch_new(n);
	if (!logistic->scratch.gram)
		need->status = strads_fail(STRADS_ERR_MEMORY, "no memory for %s", need->what);
}

int
strads_logistic_state_take(struct strads_logistic *logistic)
{
	struct strads_linear_need need = {0};

	take_columns(logistic, &need);
	take_list(logistic, &need);
	take_priorities(logistic, &need);
	take_rows(logistic, &need);
	strads_logistic_whole_take(logistic, &need);
	strads_logistic_turn_take(logistic, &need);
	take_scratch(logistic, &need);
	strads_linear_trail_take(&logistic->options.path, logistic->train->rows_total,
				 logistic->train->x.cols, &need, &logistic->trail);
	take_grams(logistic, &need);
	logistic->memory_bytes += need.bytes;
	return need.status;
}

void
strads_logistic_state_give(struct strads_logistic *logistic)
{
	free(logistic->columns.mean);
	free(logistic->columns.scale);
	free(logistic->columns.bound);
	free(logistic->columns.norm);
	strads_linear_trail_give(&logistic->trail);
	strads_linear_portion_close(&logistic->portion);
	strads_linear_drift_give(&logistic->drift);
	free(logistic->portion_d);
	free(logistic->whole.r);
	free(logistic->whole.weight);
	free(logistic->whole.theta);
	strads_logistic_turn_give(logistic);
	free(logistic->permutation);
	strads_working_set_delete(&logistic->working_set);
	strads_priority_delete(&logistic->priority);
	free(logistic->y);
	free(logistic->margin);
	free(logistic->theta);
	free(logistic->r);
	free(logistic->weight);
	free(logistic->move);
	free(logistic->rho);
	free(logistic->test_y);
	free(logistic->test_margin);
	free(logistic->test_move);
	free(logistic->d);
	free(logistic->scratch.gradient);
	free(logistic->scratch.beta);
	free(logistic->scratch.scale);
	free(logistic->scratch.range);
	free(logistic->scratch.candidates.entry);
	strads_gram_scratch_delete(&logistic->scratch.gram);
	free(logistic->grams.slot);
	free(logistic->grams.order);
}

void
strads_logistic_state_size(struct strads_logistic *logistic)
{
	const struct strads_logistic_options *options = &logistic->options;
	enum strads_standardize standardize = options->standardize;
	struct strads_job *job = strads_fabric_job(logistic->fabric);
	uint64_t cols = logistic->train->x.cols, most;
	int rank = strads_job_rank(job);

	most = STRADS_LOGISTIC_HEADS + cols + logistic->train->rows_total;
	logistic->rank = rank;
	logistic->ranks = strads_job_size(job);
	logistic->table = (struct strads_table){.keys = cols, .ranks = logistic->ranks};
	logistic->first_key = strads_table_first(&logistic->table, rank);
	logistic->own_keys = strads_table_first(&logistic->table, rank + 1) - logistic->first_key;
	logistic->set_size = options->set_size < cols ? options->set_size : (uint32_t)cols;
	/* One block of them all, solved with its Gram matrix: nothing to choose, and no turns of
	 * ranks that undo each other's moves where the columns depend on each other. */
	if (logistic->set_size == cols && options->scheduler == STRADS_LINEAR_WORKING_SET)
		logistic->options.scheduler = STRADS_LINEAR_CYCLIC;
	logistic->range_max = RANGE_MAX < cols ? RANGE_MAX : (uint32_t)cols;
	logistic->piece_max = PIECE_MAX < most ? PIECE_MAX : (uint32_t)most;
	logistic->cut = cols / (uint64_t)logistic->ranks >= CUT_FROM;
	logistic->columns.x = &logistic->train->x;
	logistic->columns.rows_total = logistic->train->rows_total;
	logistic->columns.standardize = standardize;
	logistic->columns.centred = options->intercept ||
				    standardize == STRADS_STANDARDIZE_CENTER_UNIT ||
				    standardize == STRADS_STANDARDIZE_ZSCORE;
	logistic->lambda = options->lambda;
	logistic->lambda_max = NAN;
	logistic->outcome = STRADS_LINEAR_LIMIT;
}

void
strads_logistic_state_start(struct strads_logistic *logistic)
{
	/* The residuals of the best constant sum to 0. */
	const struct strads_logloss_sums balanced = {.positive = 1, .negative = 1};
	double share = logistic->labels.share;

	logistic->intercept = logistic->options.intercept ? log(share) - log1p(-share) : 0;
	for (uint32_t i = 0; i < logistic->train->x.rows; i++)
		logistic->margin[i] = logistic->intercept;
	for (uint32_t i = 0; logistic->test && i < logistic->test->x.rows; i++)
		logistic->test_margin[i] = logistic->intercept;
	strads_logistic_state_anchor(logistic, &balanced);
	strads_logistic_plan_open(logistic);
}

void
strads_logistic_state_anchor(struct strads_logistic *logistic,
			     const struct strads_logloss_sums *sums)
{
	uint32_t rows = logistic->train->x.rows;

	strads_logloss_derive(rows, logistic->y, logistic->margin, logistic->reach, logistic->r,
			      logistic->weight);
	logistic->positive = logistic->negative = 1;
	if (logistic->options.intercept)
		strads_logloss_balance(sums, &logistic->positive, &logistic->negative);
	logistic->dual = (struct strads_logloss_dual){0};
	strads_logloss_dual_add(rows, logistic->r, logistic->positive, logistic->negative,
				logistic->theta, &logistic->dual);
	strads_logistic_state_rest(logistic);
}

void
strads_logistic_state_rest(struct strads_logistic *logistic)
{
	size_t bytes = logistic->train->x.rows * sizeof(double);

	memcpy(logistic->rho, logistic->r, bytes);
	memset(logistic->move, 0, bytes);
	if (logistic->test)
		memset(logistic->test_move, 0, logistic->test->x.rows * sizeof(double));
	logistic->intercept_move = 0;
}
