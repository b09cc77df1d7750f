/*
 * Sets of kind WHOLE, after each step: every rank learns the residual and the weights of all rows
 * at the new anchor, and can then look at its whole columns. A block is a range of one rank's rows,
 * which that rank reduces: there is nothing to add up.
 */
#include "state.h"

#include <math.h>
#include <string.h>

static uint64_t
rows_of_all(const struct strads_logistic *logistic)
{
	return logistic->portion.first_row[logistic->ranks];
}

void
strads_logistic_whole_take(struct strads_logistic *logistic, struct strads_linear_need *need)
{
	struct strads_logistic_whole *whole = &logistic->whole;
	uint64_t rows = logistic->train->rows_total;

	need->what = "the residual of all rows";
	whole->r = strads_linear_take(need, rows, sizeof *whole->r);
	whole->weight = strads_linear_take(need, rows, sizeof *whole->weight);
	whole->theta = strads_linear_take(need, rows, sizeof *whole->theta);
}

size_t
strads_logistic_whole_pull(const struct strads_logistic *logistic, const struct strads_block *block,
			   void *commit)
{
	uint64_t first = block->first - logistic->portion.first_row[logistic->rank];
	double *out = commit;

	memcpy(out, logistic->r + first, block->n * sizeof *out);
	memcpy(out + block->n, logistic->weight + first, block->n * sizeof *out);
	return 2 * (size_t)block->n * sizeof *out;
}

int
strads_logistic_whole_sync(struct strads_logistic *logistic, const struct strads_block *block,
			   const void *commit, size_t bytes)
{
	const double *in = commit;

	if (bytes != 2 * (size_t)block->n * sizeof *in)
		return strads_fail(STRADS_ERR_PROTOCOL,
				   "set %llu: the residual of %u rows in %zu bytes",
				   (unsigned long long)block->set, block->n, bytes);
	memcpy(logistic->whole.r + block->first, in, bytes / 2);
	memcpy(logistic->whole.weight + block->first, in + block->n, bytes / 2);
	return STRADS_OK;
}

/* The dual point θ, its sum, and how far it has gone since the last time. */
static void
theta_find(struct strads_logistic *logistic)
{
	struct strads_logistic_whole *whole = &logistic->whole;
	double sum = 0, square = 0;

	for (uint64_t i = 0; i < rows_of_all(logistic); i++) {
		double r = whole->r[i],
		       theta = r * (r > 0 ? logistic->positive : logistic->negative);
		double away = theta - whole->theta[i];

		whole->theta[i] = theta;
		sum += theta;
		square += away * away;
	}
	whole->sum = sum;
	logistic->drift.travelled += sqrt(square);
}

void
strads_logistic_whole_finish(struct strads_logistic *logistic, const struct strads_block *last)
{
	struct strads_logistic_whole *whole = &logistic->whole;
	double rows = (double)rows_of_all(logistic), mean, most = 0;

	theta_find(logistic);
	whole->r_sum = whole->weight_sum = 0;
	mean = logistic->columns.centred ? whole->sum / rows : 0;
	for (uint64_t i = 0; i < rows_of_all(logistic); i++) {
		double away = fabs(whole->theta[i] - mean);

		whole->r_sum += whole->r[i];
		whole->weight_sum += whole->weight[i];
		most = away > most || isnan(away) ? away : most;
	}
	whole->reach = strads_linear_portion_reach(&logistic->portion, most, logistic->lambda);
	strads_logistic_plan_model(logistic, last->set);
}
