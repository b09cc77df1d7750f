/*
 * How well the margins order the held-out rows.
 */
#include "state.h"

#include <math.h>
#include <stdlib.h>

/* Margins gathered from a rank at a time. */
#define CHUNK UINT64_C(1 << 18)

struct scored {
	double margin;
	double y; /* ±1; 0: no row, but padding */
};

static int
by_margin(const void *a, const void *b)
{
	const struct scored *left = a, *right = b;

	return (left->margin > right->margin) - (left->margin < right->margin);
}

/* P(m₊ > m₋) + ½P(m₊ = m₋) over pairs of a positive and a negative row. Sorts. */
static double
auc_of(struct scored *rows, uint64_t n)
{
	double above = 0, positive = 0, negative = 0;

	qsort(rows, n, sizeof *rows, by_margin);
	for (uint64_t i = 0, end; i < n; i = end) {
		double plus = 0, minus = 0;

		for (end = i; end < n && rows[end].margin == rows[i].margin; end++) {
			plus += rows[end].y > 0;
			minus += rows[end].y < 0;
		}
		above += plus * (negative + 0.5 * minus);
		positive += plus;
		negative += minus;
	}
	return positive > 0 && negative > 0 ? above / (positive * negative) : NAN;
}

/* Copies the rows among `n` that are none of the padding; returns how many. */
static uint64_t
keep(const struct scored *from, uint64_t n, struct scored *to)
{
	uint64_t kept = 0;

	for (uint64_t i = 0; i < n; i++)
		if (from[i].y != 0)
			to[kept++] = from[i];
	return kept;
}

/* Gathers the rows of all ranks in `all`, a piece at a time; `all` is NULL but on rank 0. */
static int
auc_gather(const struct strads_logistic *logistic, uint64_t longest, struct scored *piece,
	   struct scored *all, uint64_t *count)
{
	struct strads_job *job = strads_fabric_job(logistic->fabric);
	uint64_t rows = logistic->test->x.rows;

	*count = 0;
	for (uint64_t at = 0; at < longest; at += CHUNK) {
		uint64_t n = longest - at < CHUNK ? longest - at : CHUNK;
		void *pieces;
		int status;

		for (uint64_t i = 0; i < n; i++)
			piece[i] = at + i < rows ? (struct scored){logistic->test_margin[at + i],
								   logistic->test_y[at + i]}
						 : (struct scored){0};
		status = strads_job_gather(job, STRADS_OK, piece, n * sizeof *piece, &pieces);
		if (status)
			return status;
		if (all)
			*count += keep(pieces, n * (uint64_t)logistic->ranks, all + *count);
		free(pieces);
	}
	return STRADS_OK;
}

int
strads_logistic_auc(const struct strads_logistic *logistic, double *auc)
{
	struct strads_job *job = strads_fabric_job(logistic->fabric);
	uint64_t total = logistic->labels.test_rows, count, longest = 0, mine;
	struct scored *piece, *all = NULL;
	const uint64_t *rows;
	void *gathered;
	int status;

	*auc = NAN;
	if (!logistic->test)
		return STRADS_OK;
	mine = logistic->test->x.rows;
	status = strads_job_gather(job, STRADS_OK, &mine, sizeof mine, &gathered);
	if (status)
		return status;
	rows = gathered;
	for (int rank = 0; rank < logistic->ranks; rank++)
		longest = rows[rank] > longest ? rows[rank] : longest;
	free(gathered);
	piece = calloc(longest < CHUNK ? longest + 1 : CHUNK, sizeof *piece);
	if (logistic->rank == 0)
		all = calloc(total + 1, sizeof *all);
	status = piece && (all || logistic->rank > 0)
		     ? STRADS_OK
		     : strads_fail(STRADS_ERR_MEMORY, "no memory for %llu held-out margins",
				   (unsigned long long)total);
	status = strads_job_agree(job, status);
	if (status == STRADS_OK)
		status = auc_gather(logistic, longest, piece, all, &count);
	if (status == STRADS_OK && all)
		*auc = auc_of(all, count);
	free(all);
	free(piece);
	return status;
}
