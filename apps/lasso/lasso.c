#include "lasso.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "state.h"

/* Variables in a range of columns: many enough that a round costs little, few enough that ranks
 * take turns. */
#define RANGE_MAX 16384

/* Ranges end at owners' boundaries where an owner has at least so many variables. */
#define CUT_FROM 4096

/* Memory for the Gram matrices kept on a rank; it is touched only as far as they fill it. */
#define GRAM_BYTES (UINT64_C(256) << 20)

/* Longest list of variables, support and violators, in the working set. */
#define LIST_MAX (UINT64_C(1) << 20)

static int
check_options(const struct strads_lasso_options *options)
{
	bool by_ratio = isnan(options->lambda);

	if (!by_ratio && !(options->lambda >= 0 && isfinite(options->lambda)))
		return strads_fail(STRADS_ERR_INPUT, "lambda is %g: give a number of at least 0",
				   options->lambda);
	if (by_ratio && !(options->lambda_ratio > 0 && isfinite(options->lambda_ratio)))
		return strads_fail(STRADS_ERR_INPUT,
				   "the ratio of lambda to its maximum is %g: give a number above "
				   "0, typically 0.1",
				   options->lambda_ratio);
	if (!(options->tol >= 0))
		return strads_fail(STRADS_ERR_INPUT,
				   "the tolerance is %g: give a number of at least 0",
				   options->tol);
	if (!(options->time_limit_s >= 0))
		return strads_fail(STRADS_ERR_INPUT,
				   "the time limit is %g s: give a number above 0, or 0 for none",
				   options->time_limit_s);
	if (options->set_size < 1 || options->passes < 1)
		return strads_fail(STRADS_ERR_INPUT,
				   "a set of %u variables and %u passes: give at least 1 of each",
				   options->set_size, options->passes);
	return STRADS_OK;
}

static int
check_data(const struct strads_dataset *train, const struct strads_dataset *test)
{
	if (train->x.cols == 0 || train->rows_total == 0)
		return strads_fail(STRADS_ERR_INPUT,
				   "the training data have %llu rows and %llu columns: nothing to "
				   "fit",
				   (unsigned long long)train->rows_total,
				   (unsigned long long)train->x.cols);
	if (train->x.cols > UINT32_MAX)
		return strads_fail(STRADS_ERR_INPUT, "%llu columns: at most %lu are supported",
				   (unsigned long long)train->x.cols, (unsigned long)UINT32_MAX);
	if (test && test->x.cols != train->x.cols)
		return strads_fail(STRADS_ERR_INPUT,
				   "the test data have %llu columns, the training data %llu: read "
				   "both with the same number",
				   (unsigned long long)test->x.cols,
				   (unsigned long long)train->x.cols);
	return STRADS_OK;
}

/* ---- The response -------------------------------------------------------------------------- */

/* What the ranks tell each other of their responses. */
struct response_part {
	double sum;
	double least;
	double most;
	double square;   /* Σ(y − ȳ)², second round */
	double test_sst; /* Σ(y_test − ȳ)², second round */
};

/* Gathers the parts of all ranks; adds them up in *whole, in the order of ranks. */
static int
response_round(struct strads_lasso *lasso, const struct response_part *mine,
	       struct response_part *whole)
{
	struct response_part *all = calloc((size_t)lasso->ranks, sizeof *all);
	struct strads_job *job = strads_fabric_job(lasso->fabric);
	int status =
	    all ? STRADS_OK
		: strads_fail(STRADS_ERR_MEMORY, "no memory for %d ranks' responses", lasso->ranks);

	status = strads_job_agree(job, status);
	if (status == STRADS_OK)
		status = strads_job_allgather(job, mine, sizeof *mine, all);
	if (status == STRADS_OK) {
		*whole = (struct response_part){.least = INFINITY, .most = -INFINITY};
		for (int rank = 0; rank < lasso->ranks; rank++) {
			whole->sum += all[rank].sum;
			whole->least = fmin(whole->least, all[rank].least);
			whole->most = fmax(whole->most, all[rank].most);
			whole->square += all[rank].square;
			whole->test_sst += all[rank].test_sst;
		}
	}
	free(all);
	return status;
}

/* ȳ and the sums of squares about it, over all ranks. Collective. */
static int
response_learn(struct strads_lasso *lasso)
{
	const struct strads_dataset *train = lasso->train, *test = lasso->test;
	struct strads_lasso_response *response = &lasso->response;
	struct response_part mine = {.least = INFINITY, .most = -INFINITY}, whole;
	int status;

	for (uint32_t i = 0; i < train->x.rows; i++) {
		mine.sum += train->y[i];
		mine.least = fmin(mine.least, train->y[i]);
		mine.most = fmax(mine.most, train->y[i]);
	}
	status = response_round(lasso, &mine, &whole);
	if (status)
		return status;
	if (!(whole.most > whole.least))
		return strads_fail(STRADS_ERR_INPUT,
				   "every response is %g: there is nothing to explain",
				   whole.least);
	response->mean = whole.sum / (double)train->rows_total;
	for (uint32_t i = 0; i < train->x.rows; i++)
		mine.square += (train->y[i] - response->mean) * (train->y[i] - response->mean);
	for (uint32_t i = 0; test && i < test->x.rows; i++)
		mine.test_sst += (test->y[i] - response->mean) * (test->y[i] - response->mean);
	status = response_round(lasso, &mine, &whole);
	if (status)
		return status;
	response->square = whole.square;
	response->test_sst = whole.test_sst;
	response->test_rows = test ? test->rows_total : 0;
	response->offset = lasso->options.intercept ? response->mean : 0;
	if (lasso->columns.centred && !lasso->options.intercept)
		response->r_mean = response->mean;
	return STRADS_OK;
}

/* ---- The state ----------------------------------------------------------------------------- */

/* calloc that counts the bytes, records the first failure in *status and then does nothing. */
static void *
take(struct strads_lasso *lasso, int *status, uint64_t count, size_t bytes)
{
	void *memory;

	if (*status)
		return NULL;
	memory = calloc(count ? count : 1, bytes);
	lasso->memory_bytes += count * bytes;
	if (!memory)
		*status = strads_fail(STRADS_ERR_MEMORY, "no memory for %llu numbers of %zu bytes",
				      (unsigned long long)count, bytes);
	return memory;
}

static void
take_columns(struct strads_lasso *lasso, int *status)
{
	uint64_t cols = lasso->train->x.cols;
	struct strads_lasso_columns *columns = &lasso->columns;

	if (columns->centred)
		columns->mean = take(lasso, status, cols, sizeof *columns->mean);
	columns->scale = take(lasso, status, cols, sizeof *columns->scale);
	columns->bound = take(lasso, status, cols, sizeof *columns->bound);
	lasso->screen.key = take(lasso, status, cols, sizeof *lasso->screen.key);
	lasso->screen.first =
	    take(lasso, status, (uint64_t)lasso->ranks + 1, sizeof *lasso->screen.first);
}

static void
take_list(struct strads_lasso *lasso, int *status)
{
	uint64_t cols = lasso->train->x.cols, rows = lasso->train->rows_total;

	if (!lasso->options.working_set) {
		lasso->list_count = cols;
		lasso->permutation = take(lasso, status, cols, sizeof *lasso->permutation);
		return;
	}
	lasso->list_max = 4 * rows > LIST_MAX ? 4 * rows : LIST_MAX;
	lasso->list_max = lasso->list_max < cols ? lasso->list_max : cols;
	lasso->list = take(lasso, status, lasso->list_max, sizeof *lasso->list);
	lasso->permutation = take(lasso, status, lasso->list_max, sizeof *lasso->permutation);
	lasso->support.max = lasso->violators.max = lasso->list_max;
	lasso->support.entry = take(lasso, status, lasso->list_max, sizeof *lasso->support.entry);
	lasso->violators.entry =
	    take(lasso, status, lasso->list_max, sizeof *lasso->violators.entry);
}

static void
take_blocks(struct strads_lasso *lasso, int *status)
{
	struct strads_lasso_scratch *scratch = &lasso->scratch;
	struct strads_lasso_grams *grams = &lasso->grams;
	uint64_t n = lasso->set_size, cols = lasso->train->x.cols;
	uint64_t blocks = cols / n + (cols % n != 0), ranks = (uint64_t)lasso->ranks;

	scratch->gradient = take(lasso, status, n, sizeof *scratch->gradient);
	scratch->beta = take(lasso, status, n, sizeof *scratch->beta);
	scratch->mean = take(lasso, status, n, sizeof *scratch->mean);
	scratch->scale = take(lasso, status, n, sizeof *scratch->scale);
	scratch->candidates.max = lasso->range_max;
	scratch->candidates.entry =
	    take(lasso, status, lasso->range_max, sizeof *scratch->candidates.entry);
	if (lasso->options.set_update == STRADS_SET_UPDATE_PLAIN)
		return;
	grams->stride = n * n;
	grams->slots = GRAM_BYTES / (grams->stride * sizeof *grams->matrix);
	if (grams->slots > blocks / ranks + 1)
		grams->slots = blocks / ranks + 1;
	grams->matrix =
	    take(lasso, status, grams->slots + 1, grams->stride * sizeof *grams->matrix);
	grams->order = take(lasso, status, grams->slots, sizeof *grams->order);
	if (*status == STRADS_OK && !(scratch->gram = strads_gram_scratch_new(n)))
		*status = strads_fail(STRADS_ERR_MEMORY, "no memory for sets of %llu variables",
				      (unsigned long long)n);
}

/* Everything but the region. */
static int
state_take(struct strads_lasso *lasso)
{
	int status = STRADS_OK;

	take_columns(lasso, &status);
	take_list(lasso, &status);
	take_blocks(lasso, &status);
	lasso->residual = take(lasso, &status, lasso->train->x.rows, sizeof *lasso->residual);
	if (lasso->test)
		lasso->test_residual =
		    take(lasso, &status, lasso->test->x.rows, sizeof *lasso->test_residual);
	return status;
}

static void
state_give(struct strads_lasso *lasso)
{
	free(lasso->columns.mean);
	free(lasso->columns.scale);
	free(lasso->columns.bound);
	free(lasso->screen.key);
	free(lasso->screen.first);
	free(lasso->list);
	free(lasso->permutation);
	free(lasso->support.entry);
	free(lasso->violators.entry);
	free(lasso->scratch.gradient);
	free(lasso->scratch.beta);
	free(lasso->scratch.mean);
	free(lasso->scratch.scale);
	free(lasso->scratch.candidates.entry);
	strads_gram_scratch_delete(&lasso->scratch.gram);
	free(lasso->grams.matrix);
	free(lasso->grams.order);
	free(lasso->residual);
	free(lasso->test_residual);
}

/* Sizes and settings, from the arguments alone. */
static void
state_size(struct strads_lasso *lasso)
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
	lasso->cut = cols / (uint64_t)lasso->ranks >= CUT_FROM;
	lasso->columns.centred = lasso->options.intercept ||
				 standardize == STRADS_STANDARDIZE_CENTER_UNIT ||
				 standardize == STRADS_STANDARDIZE_ZSCORE;
	lasso->lambda = lasso->options.lambda;
	lasso->lambda_max = NAN;
	lasso->outcome = STRADS_LASSO_LIMIT;
}

/* β = 0: residuals are the responses. */
static void
state_start(struct strads_lasso *lasso)
{
	double offset = lasso->response.offset;

	for (uint32_t i = 0; i < lasso->train->x.rows; i++)
		lasso->residual[i] = lasso->train->y[i] - offset;
	for (uint32_t i = 0; lasso->test && i < lasso->test->x.rows; i++)
		lasso->test_residual[i] = lasso->test->y[i] - offset;
	strads_lasso_residual_settle(lasso);
	strads_lasso_screen_open(&lasso->screen, &lasso->table);
	strads_lasso_plan_open(lasso);
}

/* ---- The fit ------------------------------------------------------------------------------- */

/* Runs the program on an engine of its own. */
static int
run(struct strads_lasso *lasso)
{
	struct strads_program program;
	int status;

	strads_lasso_program(lasso, &program);
	lasso->memory_bytes += lasso->own_keys * sizeof *lasso->beta +
			       strads_engine_memory(&program, &lasso->options.engine, lasso->ranks);
	status = strads_engine_new(lasso->fabric, &program, &lasso->options.engine, &lasso->engine);
	if (status)
		return status;
	status = strads_engine_run(lasso->engine);
	strads_engine_delete(&lasso->engine);
	return status;
}

static int
fit(struct strads_lasso *lasso, struct strads_lasso_model *model)
{
	struct strads_job *job = strads_fabric_job(lasso->fabric);
	struct strads_lasso_model made = {0};
	int status = strads_job_agree(job, state_take(lasso));

	if (status)
		goto give_state;
	status = response_learn(lasso);
	if (status)
		goto give_state;
	state_start(lasso);
	status = strads_job_agree(job, strads_region_new(lasso->fabric, STRADS_REMOTE_READ,
							 lasso->own_keys * sizeof *lasso->beta,
							 &lasso->beta_region));
	if (status == STRADS_OK)
		status = strads_fabric_wire(lasso->fabric);
	if (status)
		goto delete_region;
	lasso->beta = strads_region_base(lasso->beta_region);
	status = run(lasso);
	if (status == STRADS_OK && lasso->outcome != STRADS_LASSO_DIVERGED)
		status = strads_lasso_gather(lasso, &made);
	if (status == STRADS_OK)
		*model = made;

delete_region:
	strads_region_delete(&lasso->beta_region);
give_state:
	state_give(lasso);
	return status;
}

int
strads_lasso_fit(struct strads_fabric *fabric, const struct strads_dataset *train,
		 const struct strads_dataset *test, const struct strads_lasso_options *options,
		 const volatile int *stop, strads_lasso_report *report, void *arg,
		 enum strads_lasso_outcome *outcome, struct strads_lasso_model *model)
{
	struct strads_lasso lasso = {
	    .options = *options,
	    .fabric = fabric,
	    .train = train,
	    .test = test,
	    .stop = stop,
	    .report = report,
	    .report_arg = arg,
	    .start_ns = strads_fabric_clock_ns(fabric),
	};
	int status = check_options(options);

	if (status == STRADS_OK)
		status = strads_job_agree(strads_fabric_job(fabric), check_data(train, test));
	if (status)
		return status;
	state_size(&lasso);
	status = fit(&lasso, model);
	if (status == STRADS_OK)
		*outcome = lasso.outcome;
	return status;
}
