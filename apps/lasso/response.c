/*
 * The response: its mean and the sums of squares about it, over all ranks.
 */
#include "state.h"

#include <math.h>
#include <stdlib.h>

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
	const struct response_part *part;
	void *all;
	int status = strads_job_gather(strads_fabric_job(lasso->fabric), STRADS_OK, mine,
				       sizeof *mine, &all);

	if (status != STRADS_OK)
		return status;
	part = all;
	*whole = (struct response_part){.least = INFINITY, .most = -INFINITY};
	for (int rank = 0; rank < lasso->ranks; rank++, part++) {
		whole->sum += part->sum;
		whole->least = fmin(whole->least, part->least);
		whole->most = fmax(whole->most, part->most);
		whole->square += part->square;
		whole->test_sst += part->test_sst;
	}
	free(all);
	return STRADS_OK;
}

int
strads_lasso_response_learn(struct strads_lasso *lasso)
{
	const struct strads_dataset *train = lasso->train, *test = lasso->test;
	struct strads_lasso_response *response = &lasso->response;
	struct response_part mine = {.least = INFINITY, .most = -INFINITY}, whole;
	int status;

	for (uint32_t i = 0; i < train->x.rows; i++) {
		if (!strads_dataset_has(train, i))
			continue;
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
		if (strads_dataset_has(train, i))
			mine.square +=
			    (train->y[i] - response->mean) * (train->y[i] - response->mean);
	for (uint32_t i = 0; test && i < test->x.rows; i++)
		mine.test_sst += (test->y[i] - response->mean) * (test->y[i] - response->mean);
	status = response_round(lasso, &mine, &whole);
	if (status)
		return status;
	response->square = whole.square;
	response->test_sst = whole.test_sst;
	response->test_rows = test ? test->rows_total : 0;
	response->offset = lasso->options.intercept ? response->mean : 0;
	response->null = response->square;
	if (!lasso->options.intercept)
		response->null += (double)train->rows_total * response->mean * response->mean;
	if (lasso->columns.centred && !lasso->options.intercept)
		response->r_mean = response->mean;
	return STRADS_OK;
}
