#include "pairs.h"

#include "../linear/check.h"
#include "state.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "strads/gap.h"

/* Products with gradients above this part of λ are candidates: the nearly violating are the next to
 * violate. */
#define NEARLY 0.9

/* Most products that are stored at once. */
#define CHOSEN_MAX (UINT64_C(1) << 16)

/* Columns whose products give a first idea of the largest gradient. */
#define SAMPLE 64

/* What was found is fitted to this part of the last gap, or of the tolerance … */
#define PART_OF_LAST      0.1
#define PART_OF_TOLERANCE 0.3

/* … and to a tenth of that after a fit that did not lower the gap; after so many of these, rounding
 * must be what is left. */
#define STALLED 6

/* What the ranks tell each other after a search. */
struct account {
	double seconds; /* rank 0's count */
	double stop;
	double test_sse, test_sst, test_rows;
	double bytes[STRADS_OPS];
};

static int
check(const struct strads_lasso_options *options, const struct strads_dataset *train,
      const struct strads_dataset *test)
{
	int status = strads_linear_check_data(train, test);

	if (status)
		return status;
	if (train->x.cols < 2)
		return strads_fail(STRADS_ERR_INPUT, "the training data have one column: products "
						     "take two columns");
	if (options->standardize != STRADS_STANDARDIZE_NONE &&
	    options->standardize != STRADS_STANDARDIZE_UNIT)
		return strads_fail(STRADS_ERR_INPUT, "products can be plain or scaled to norm 1: "
						     "give --standardize none or unit");
	if (options->path.count > 0 || options->mode != STRADS_LASSO_SCHEDULED)
		return strads_fail(STRADS_ERR_INPUT,
				   "products are fitted for one lambda at a time, by a schedule");
	if (options->l1_ratio != 1 || options->weight)
		return strads_fail(
		    STRADS_ERR_INPUT,
		    "products take the penalty of the Lasso, the same for all: leave "
		    "out --l1-ratio and --penalty-factors");
	if (options->lambda <= 0 || (isnan(options->lambda) && !(options->lambda_ratio > 0)))
		return strads_fail(STRADS_ERR_INPUT,
				   "lambda is 0: products need a penalty, without one all of them "
				   "would be looked at");
	return STRADS_OK;
}

/* ---- Memory -------------------------------------------------------------------------------- */

static int
allocate(struct strads_pairs *pairs)
{
	size_t rows = (size_t)pairs->base.x.rows + 1;
	int status = strads_working_set_new(CHOSEN_MAX, &pairs->chosen);

	if (status)
		return status;
	pairs->r = calloc(rows, sizeof *pairs->r);
	pairs->row = calloc(rows, sizeof *pairs->row);
	pairs->value = calloc(rows, sizeof *pairs->value);
	if (pairs->r && pairs->row && pairs->value)
		return STRADS_OK;
	return strads_fail(STRADS_ERR_MEMORY, "no memory for the residuals of %u rows",
			   pairs->base.x.rows);
}

static uint64_t
memory_bytes(const struct strads_pairs *pairs)
{
	const struct strads_csc *x = &pairs->base.x;
	uint64_t bytes =
	    strads_pairs_search_bytes(x, &pairs->options.engine, strads_job_size(pairs->job)) +
	    strads_working_set_bytes(CHOSEN_MAX) +
	    x->rows * (2 * sizeof *pairs->r + sizeof *pairs->row);

	return pairs->base.borrowed ? bytes : bytes + strads_pairs_base_bytes(x);
}

static void
release(struct strads_pairs *pairs)
{
	strads_pairs_search_close(&pairs->search);
	strads_pairs_base_free(&pairs->base);
	strads_working_set_delete(&pairs->chosen);
	free(pairs->model.key);
	free(pairs->model.value);
	free(pairs->r);
	free(pairs->row);
	free(pairs->value);
}

/* ---- The start ----------------------------------------------------------------------------- */

static int
response_learn(struct strads_pairs *pairs)
{
	struct strads_pairs_response *response = &pairs->response;
	uint32_t rows = pairs->base.x.rows;
	const double *y = pairs->base.y;
	double raw = 0;

	for (uint32_t i = 0; i < rows; i++)
		response->mean += y[i] / rows;
	for (uint32_t i = 0; i < rows; i++) {
		raw += y[i] * y[i];
		response->square += (y[i] - response->mean) * (y[i] - response->mean);
	}
	response->offset = pairs->options.intercept ? response->mean : 0;
	if (response->square > 1e-24 * raw)
		return STRADS_OK;
	return strads_fail(STRADS_ERR_INPUT,
			   "every response is %g: there is nothing to explain; check the data",
			   response->mean);
}

/* λ_max, the largest gradient at β = 0: the products of some columns with large bounds first, which
 * leaves few columns that can have a larger one. */
static int
lambda_find(struct strads_pairs *pairs)
{
	struct strads_pairs_search *search = &pairs->search;
	double most;
	int status;

	search->least = INFINITY;
	status = strads_pairs_search_run(search, pairs->r, 0, SAMPLE);
	if (status)
		return status;
	most = search->gradient_max;
	status = strads_pairs_search_run(search, pairs->r, most, UINT64_MAX);
	if (status)
		return status;
	pairs->sets += 2;
	most = fmax(most, search->gradient_max);
	pairs->inner.lambda_max = most;
	pairs->lambda = isnan(pairs->options.lambda) ? pairs->options.lambda_ratio * most
						     : pairs->options.lambda;
	return STRADS_OK;
}

static int
start(struct strads_pairs *pairs)
{
	int status = strads_pairs_base_new(pairs->fabric, pairs->train, &pairs->base);

	if (status)
		return status;
	status = strads_job_agree(pairs->job, allocate(pairs));
	if (status)
		return status;
	strads_products_open(&pairs->products, &pairs->base.x,
			     pairs->options.standardize == STRADS_STANDARDIZE_UNIT);
	status = response_learn(pairs);
	if (status)
		return status;
	return strads_pairs_search_open(&pairs->search, pairs->fabric, &pairs->products,
					&pairs->options.engine);
}

/* ---- An evaluation ------------------------------------------------------------------------- */

/* Searches all products; what violates optimality is chosen from later. */
static int
search_all(struct strads_pairs *pairs)
{
	struct strads_pairs_search *search = &pairs->search;

	strads_working_set_clear(pairs->chosen);
	for (uint64_t k = 0; k < pairs->model.count; k++)
		strads_working_set_support(pairs->chosen, pairs->model.key[k],
					   (float)pairs->lambda);
	search->violators = pairs->chosen;
	search->known = pairs->model.key;
	search->n_known = pairs->model.count;
	search->least = NEARLY * pairs->lambda;
	pairs->sets++;
	return strads_pairs_search_run(search, pairs->r, search->least, UINT64_MAX);
}

/* The relative gap. Products that were discarded have gradients below λ, which is all the dual
 * point asks of them. */
static double
measure(const struct strads_pairs *pairs, double *objective)
{
	struct strads_gap_sums sums = {.lambda = pairs->lambda,
				       .l1 = pairs->model.l1,
				       .gradient_max = pairs->search.gradient_max};

	for (uint32_t i = 0; i < pairs->base.x.rows; i++) {
		double r = pairs->r[i];

		sums.r_square += r * r;
		sums.r_y += r * (pairs->base.y[i] - pairs->response.offset);
	}
	*objective = strads_gap_objective(&sums);
	return strads_gap(&sums) / (0.5 * pairs->response.square);
}

static struct account
own_account(const struct strads_pairs *pairs)
{
	struct strads_fabric_stats fabric;
	struct account account = {
	    .seconds = (double)(strads_fabric_clock_ns(pairs->fabric) - pairs->start_ns) * 1e-9,
	    .stop = pairs->stop && *pairs->stop,
	    .test_sse = pairs->test_sse,
	};

	strads_fabric_stats(pairs->fabric, &fabric);
	for (int op = 0; op < STRADS_OPS; op++)
		account.bytes[op] = (double)fabric.bytes[op];
	for (uint32_t i = 0; pairs->test && i < pairs->test->x.rows; i++) {
		double away = pairs->test->y[i] - pairs->response.mean;

		account.test_sst += away * away;
		account.test_rows++;
	}
	return account;
}

/* The accounts of all ranks: sums, but of the seconds rank 0's. */
static int
accounts_gather(const struct strads_pairs *pairs, struct account *sum)
{
	struct account mine = own_account(pairs);
	const struct account *one;
	void *all = NULL;
	int status = strads_job_gather(pairs->job, STRADS_OK, &mine, sizeof mine, &all);

	if (status)
		return status;
	one = all;
	*sum = *one++;
	for (int rank = 1; rank < strads_job_size(pairs->job); rank++, one++) {
		sum->stop += one->stop;
		sum->test_sse += one->test_sse;
		sum->test_sst += one->test_sst;
		sum->test_rows += one->test_rows;
		for (int op = 0; op < STRADS_OPS; op++)
			sum->bytes[op] += one->bytes[op];
	}
	free(all);
	return STRADS_OK;
}

static void
progress_fill(const struct strads_pairs *pairs, const struct account *account, double lambda_max,
	      struct strads_linear_progress *progress)
{
	const struct strads_pairs_scan *scan = &pairs->search.scan;
	uint32_t rows = pairs->base.x.rows;
	double square = 0;

	for (uint32_t i = 0; i < rows; i++)
		square += pairs->r[i] * pairs->r[i];
	*progress = (struct strads_linear_progress){
	    .seconds = account->seconds,
	    .sets = pairs->sets,
	    .updates = pairs->updates,
	    .lambda = pairs->lambda,
	    .lambda_max = lambda_max,
	    .nonzeros = pairs->model.count,
	    .train_mse = square / rows,
	    .test_mse = pairs->test ? account->test_sse / account->test_rows : NAN,
	    .test_mean_mse = pairs->test ? account->test_sst / account->test_rows : NAN,
	    .checked = pairs->checked,
	    .searched = {.variables = (double)strads_products_count(pairs->base.x.cols),
			 .columns = scan->count,
			 .products = (double)scan->products_max,
			 .seconds = pairs->search.seconds},
	    .memory_bytes = memory_bytes(pairs),
	};
	progress->gap = measure(pairs, &progress->objective);
	for (int op = 0; op < STRADS_OPS; op++)
		progress->bytes_sent[op] = (uint64_t)account->bytes[op];
	memcpy(progress->stage_seconds, pairs->stage_seconds, sizeof pairs->stage_seconds);
	memcpy(progress->stage_stall_seconds, pairs->stage_stall_seconds,
	       sizeof pairs->stage_stall_seconds);
}

/* ---- The fit ------------------------------------------------------------------------------- */

/* Whether a limit ends the run, or that nothing is left to be fitted. */
static bool
limited(const struct strads_pairs *pairs, const struct account *account, int stalled)
{
	const struct strads_lasso_options *options = &pairs->options;
	const struct strads_working_set *chosen = pairs->chosen;

	return chosen->support.count + chosen->violators.count == 0 || account->stop > 0 ||
	       (options->time_limit_s > 0 && account->seconds >= options->time_limit_s) ||
	       (options->max_sets > 0 && pairs->sets >= options->max_sets) || stalled >= STALLED;
}

/* Searches and fits in turn. */
static int
alternate(struct strads_pairs *pairs, strads_linear_report *report, void *arg,
	  enum strads_linear_outcome *outcome)
{
	double lambda_max = pairs->inner.lambda_max, best = INFINITY, finer = 1;

	for (int stalled = 0;;) {
		struct strads_linear_progress progress;
		struct account account;
		bool final;
		int status = search_all(pairs);

		if (!status)
			status = accounts_gather(pairs, &account);
		if (status)
			return status;
		progress_fill(pairs, &account, lambda_max, &progress);
		stalled = progress.gap < best ? 0 : stalled + 1;
		finer = progress.gap < best ? finer : finer * 0.1;
		best = fmin(best, progress.gap);
		final = progress.gap <= pairs->options.tol || limited(pairs, &account, stalled);
		*outcome = progress.gap <= pairs->options.tol ? STRADS_LINEAR_CONVERGED
							      : STRADS_LINEAR_LIMIT;
		if (report)
			report(arg, &progress, final);
		if (final)
			return STRADS_OK;
		pairs->inner_tol = finer * fmax(PART_OF_LAST * progress.gap,
						PART_OF_TOLERANCE * pairs->options.tol);
		strads_working_set_choose(pairs->chosen, pairs->options.seed ^ pairs->sets);
		status = strads_pairs_found_fit(pairs, outcome);
		if (status)
			return status;
		if (*outcome == STRADS_LINEAR_DIVERGED) {
			pairs->inner.lambda_max = lambda_max;
			if (report)
				report(arg, &pairs->inner, true);
			return STRADS_OK;
		}
	}
}

/* Rank 0's model, for the caller. */
static void
model_give(struct strads_pairs *pairs, struct strads_linear_model *model)
{
	*model = (struct strads_linear_model){0};
	if (strads_job_rank(pairs->job) > 0)
		return;
	*model = (struct strads_linear_model){
	    .count = pairs->model.count,
	    .cols = strads_products_count(pairs->base.x.cols),
	    .base = pairs->base.x.cols,
	    .index = pairs->model.key,
	    .value = pairs->model.value,
	    .intercept = pairs->model.intercept,
	};
	pairs->model.key = NULL;
	pairs->model.value = NULL;
}

static int
fit(struct strads_pairs *pairs, strads_linear_report *report, void *arg,
    enum strads_linear_outcome *outcome, struct strads_linear_model *model)
{
	enum strads_linear_outcome found = STRADS_LINEAR_LIMIT;
	int status = start(pairs);

	if (status)
		return status;
	pairs->model.intercept = pairs->response.offset;
	status = strads_job_agree(pairs->job, strads_pairs_residual(pairs));
	if (!status)
		status = lambda_find(pairs);
	if (!status)
		status = alternate(pairs, report, arg, &found);
	if (status)
		return status;
	if (found != STRADS_LINEAR_DIVERGED)
		model_give(pairs, model);
	*outcome = found;
	return STRADS_OK;
}

int
strads_pairs_fit(struct strads_fabric *fabric, const struct strads_dataset *train,
		 const struct strads_dataset *test, const struct strads_lasso_options *options,
		 const volatile int *stop, strads_linear_report *report, void *arg,
		 enum strads_linear_outcome *outcome, struct strads_linear_model *model)
{
	struct strads_pairs pairs = {
	    .options = *options,
	    .fabric = fabric,
	    .job = strads_fabric_job(fabric),
	    .train = train,
	    .test = test,
	    .stop = stop,
	    .start_ns = strads_fabric_clock_ns(fabric),
	};
	int status = strads_job_agree(pairs.job, check(options, train, test));

	if (status)
		return status;
	status = fit(&pairs, report, arg, outcome, model);
	release(&pairs);
	return status;
}
