/*
 * The labels: checked, brought to ±1, and counted over all ranks.
 */
#include "state.h"

#include <math.h>
#include <stdlib.h>

/* What the ranks tell each other of the labels of one data set. */
struct part {
	uint64_t positive;
	uint64_t zeros;
	uint64_t minus_ones;
	uint64_t bad_row; /* the first row with another label, from 1; UINT64_MAX: none */
	double bad;
};

static struct part
labels_read(const struct strads_dataset *dataset, double *y)
{
	struct part part = {.bad_row = UINT64_MAX};

	for (uint32_t i = 0; i < dataset->x.rows; i++) {
		double label = dataset->y[i];

		y[i] = label == 1 ? 1 : -1;
		part.positive += label == 1;
		part.zeros += label == 0;
		part.minus_ones += label == -1;
		if (label != 1 && label != 0 && label != -1 && part.bad_row == UINT64_MAX) {
			part.bad_row = dataset->first_row + i + 1;
			part.bad = label;
		}
	}
	return part;
}

/* Of all ranks; the same on every rank. */
static int
labels_add(struct strads_logistic *logistic, const struct part *mine, const char *what,
	   struct part *whole)
{
	const struct part *part;
	void *all;
	int status = strads_job_gather(strads_fabric_job(logistic->fabric), STRADS_OK, mine,
				       sizeof *mine, &all);

	if (status)
		return status;
	part = all;
	*whole = (struct part){.bad_row = UINT64_MAX};
	for (int rank = 0; rank < logistic->ranks; rank++, part++) {
		whole->positive += part->positive;
		whole->zeros += part->zeros;
		whole->minus_ones += part->minus_ones;
		if (part->bad_row < whole->bad_row) {
			whole->bad_row = part->bad_row;
			whole->bad = part->bad;
		}
	}
	free(all);
	if (whole->bad_row != UINT64_MAX)
		return strads_fail(STRADS_ERR_INPUT,
				   "row %llu of the %s data has the label %g: give -1 and 1, or 0 "
				   "and 1",
				   (unsigned long long)whole->bad_row, what, whole->bad);
	if (whole->zeros && whole->minus_ones)
		return strads_fail(STRADS_ERR_INPUT,
				   "the %s data have labels -1 and 0: give -1 and 1, or 0 and 1",
				   what);
	return STRADS_OK;
}

/* n·H(k/n) in nats: the loss of the best constant where k of n labels are +1. */
static double
entropy(double n, double k)
{
	return n * log(n) - k * log(k) - (n - k) * log(n - k);
}

int
strads_logistic_labels_learn(struct strads_logistic *logistic)
{
	struct strads_logistic_labels *labels = &logistic->labels;
	double rows = (double)logistic->train->rows_total, positive;
	struct part mine = labels_read(logistic->train, logistic->y), whole;
	int status = labels_add(logistic, &mine, "training", &whole);

	if (status)
		return status;
	positive = (double)whole.positive;
	if (!(positive > 0 && positive < rows))
		return strads_fail(STRADS_ERR_INPUT,
				   "every label is %d: with one class only there is nothing to "
				   "tell apart",
				   positive > 0  ? 1
				   : whole.zeros ? 0
						 : -1);
	labels->share = positive / rows;
	labels->null = entropy(rows, positive);
	labels->start = logistic->options.intercept ? labels->null : rows * log(2);
	if (!logistic->test)
		return STRADS_OK;
	mine = labels_read(logistic->test, logistic->test_y);
	status = labels_add(logistic, &mine, "test", &whole);
	if (status)
		return status;
	labels->test_rows = logistic->test->rows_total;
	positive = (double)whole.positive;
	labels->test_constant = -positive * log(labels->share) -
				((double)labels->test_rows - positive) * log1p(-labels->share);
	return STRADS_OK;
}
