#include "scan.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Multiply-adds in a block: some milliseconds. */
#define BLOCK_COST (UINT64_C(1) << 22)

static size_t
column_bytes(void)
{
	const struct strads_pairs_scan *scan = NULL;

	return sizeof *scan->column + sizeof *scan->start + sizeof *scan->cut +
	       sizeof *scan->bound + sizeof *scan->sum + sizeof *scan->square + sizeof *scan->mark +
	       sizeof *scan->touched;
}

size_t
strads_pairs_scan_bytes(const struct strads_csc *base)
{
	const struct strads_pairs_scan *scan = NULL;

	return base->cols * column_bytes() + base->rows * sizeof *scan->first +
	       base->start[base->cols] *
		   (sizeof *scan->position + sizeof *scan->value + sizeof *scan->behind);
}

int
strads_pairs_scan_new(struct strads_pairs_scan *scan, const struct strads_products *products)
{
	const struct strads_csc *x = products->base;
	size_t cols = x->cols + 1, entries = x->start[x->cols] + 1;

	*scan = (struct strads_pairs_scan){.products = products};
	scan->column = calloc(cols, sizeof *scan->column);
	scan->first = calloc((size_t)x->rows + 1, sizeof *scan->first);
	scan->position = calloc(entries, sizeof *scan->position);
	scan->value = calloc(entries, sizeof *scan->value);
	scan->behind = calloc(entries, sizeof *scan->behind);
	scan->start = calloc(cols, sizeof *scan->start);
	scan->cut = calloc(cols, sizeof *scan->cut);
	scan->bound = calloc(cols, sizeof *scan->bound);
	scan->sum = calloc(cols, sizeof *scan->sum);
	scan->square = calloc(cols, sizeof *scan->square);
	scan->mark = calloc(cols, sizeof *scan->mark);
	scan->touched = calloc(cols, sizeof *scan->touched);
	if (scan->column && scan->first && scan->position && scan->value && scan->behind &&
	    scan->start && scan->cut && scan->bound && scan->sum && scan->square && scan->mark &&
	    scan->touched)
		return STRADS_OK;
	return strads_fail(STRADS_ERR_MEMORY,
			   "no memory to search the products of %llu columns: %zu bytes",
			   (unsigned long long)x->cols, strads_pairs_scan_bytes(x));
}

void
strads_pairs_scan_free(struct strads_pairs_scan *scan)
{
	free(scan->column);
	free(scan->first);
	free(scan->position);
	free(scan->value);
	free(scan->behind);
	free(scan->start);
	free(scan->cut);
	free(scan->bound);
	free(scan->sum);
	free(scan->square);
	free(scan->mark);
	free(scan->touched);
	*scan = (struct strads_pairs_scan){0};
}

/* ---- What is kept -------------------------------------------------------------------------- */

static int
descending(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;

	return a < b ? 1 : a > b ? -1 : 0;
}

/* The bound that `most` columns exceed; those that equal it are as good as below. */
static double
least_of(struct strads_pairs_scan *scan, double least, uint64_t most)
{
	uint64_t cols = scan->products->base->cols;

	if (most >= cols)
		return least;
	memcpy(scan->sum, scan->bound, cols * sizeof *scan->sum);
	qsort(scan->sum, cols, sizeof *scan->sum, descending);
	return fmax(least, scan->sum[most]);
}

static void
choose(struct strads_pairs_scan *scan, double least)
{
	const struct strads_csc *x = scan->products->base;

	scan->count = 0;
	memset(scan->first, 0, ((size_t)x->rows + 1) * sizeof *scan->first);
	for (uint64_t j = 0; j < x->cols; j++) {
		if (!(scan->bound[j] > least))
			continue;
		scan->start[scan->count + 1] = scan->start[scan->count] + strads_csc_entries(x, j);
		scan->column[scan->count++] = (uint32_t)j;
		for (uint64_t e = x->start[j]; e < x->start[j + 1]; e++)
			scan->first[x->row[e] + 1]++;
	}
	for (uint32_t i = 0; i < x->rows; i++)
		scan->first[i + 1] += scan->first[i];
}

/* Turns the columns kept into rows. first[i] moves to the end of row i, that is to where row i + 1
 * begins, and is moved back. */
static void
transpose(struct strads_pairs_scan *scan)
{
	const struct strads_csc *x = scan->products->base;

	for (uint32_t k = 0; k < scan->count; k++) {
		uint64_t from = x->start[scan->column[k]];

		for (uint64_t e = scan->start[k]; e < scan->start[k + 1]; e++) {
			uint64_t source = from + (e - scan->start[k]);
			uint64_t at = scan->first[x->row[source]]++;

			scan->position[at] = k;
			scan->value[at] = x->value[source];
			scan->behind[e] = at + 1;
		}
	}
	memmove(scan->first + 1, scan->first, x->rows * sizeof *scan->first);
	scan->first[0] = 0;
}

/* Multiply-adds of the products of column k with those behind it. */
static uint64_t
column_cost(const struct strads_pairs_scan *scan, uint32_t k)
{
	const struct strads_csc *x = scan->products->base;
	const uint32_t *row = x->row + x->start[scan->column[k]];
	uint64_t cost = 0;

	for (uint64_t e = scan->start[k]; e < scan->start[k + 1]; e++)
		cost += scan->first[row[e - scan->start[k]] + 1] - scan->behind[e];
	return cost;
}

static void
cut(struct strads_pairs_scan *scan)
{
	uint64_t cost = 0;

	scan->blocks = 0;
	scan->products_max = 0;
	for (uint32_t k = 0; k < scan->count; k++) {
		uint64_t more = column_cost(scan, k);

		if (k == 0 || cost + more > BLOCK_COST) {
			scan->cut[scan->blocks++] = k;
			cost = 0;
		}
		cost += more;
		scan->products_max += more;
	}
	scan->cut[scan->blocks] = scan->count;
}

void
strads_pairs_scan_keep(struct strads_pairs_scan *scan, const double *r, double least, uint64_t most)
{
	scan->r = r;
	strads_products_bounds(scan->products, r, scan->bound);
	choose(scan, least_of(scan, least, most));
	transpose(scan);
	cut(scan);
}

/* ---- The search ---------------------------------------------------------------------------- */

uint64_t
strads_pairs_scan_cost(const struct strads_pairs_scan *scan, uint32_t block)
{
	uint64_t cost = 0;

	for (uint32_t k = scan->cut[block]; k < scan->cut[block + 1]; k++)
		cost += column_cost(scan, k);
	return cost;
}

/* sum[b] = (x_k∘x_b)ᵀr, and square[b] its norm squared where that is wanted, for all b behind k
 * that share a row with it. Returns how many these are. */
static uint32_t
accumulate(struct strads_pairs_scan *scan, uint32_t k)
{
	const struct strads_csc *x = scan->products->base;
	uint64_t from = x->start[scan->column[k]];
	bool unit = scan->products->unit;
	uint32_t n = 0;

	for (uint64_t e = scan->start[k]; e < scan->start[k + 1]; e++) {
		uint64_t source = from + (e - scan->start[k]);
		uint32_t row = x->row[source];
		double own = x->value[source], w = own * scan->r[row], own2 = own * own;

		for (uint64_t at = scan->behind[e]; at < scan->first[row + 1]; at++) {
			uint32_t b = scan->position[at];
			double value = scan->value[at];

			if (!scan->mark[b]) {
				scan->mark[b] = true;
				scan->sum[b] = scan->square[b] = 0;
				scan->touched[n++] = b;
			}
			scan->sum[b] += w * value;
			if (unit)
				scan->square[b] += own2 * (value * value);
		}
	}
	return n;
}

static int
compare_keys(const void *left, const void *right)
{
	strads_key a = *(const strads_key *)left, b = *(const strads_key *)right;

	return a < b ? -1 : a > b;
}

double
strads_pairs_scan_block(struct strads_pairs_scan *scan, uint32_t block, double least,
			const strads_key *known, uint64_t n_known, struct strads_candidates *found)
{
	uint64_t cols = scan->products->base->cols;
	double most = 0;

	for (uint32_t k = scan->cut[block]; k < scan->cut[block + 1]; k++) {
		uint32_t n = accumulate(scan, k);

		for (uint32_t t = 0; t < n; t++) {
			uint32_t b = scan->touched[t];
			double g = fabs(scan->sum[b]);
			strads_key key;

			if (scan->products->unit)
				g = scan->square[b] > 0 ? g / sqrt(scan->square[b]) : 0;
			scan->mark[b] = false;
			most = g > most ? g : most;
			if (!(g > least))
				continue;
			key = strads_products_key(cols, scan->column[k], scan->column[b]);
			if (n_known == 0 ||
			    !bsearch(&key, known, n_known, sizeof key, compare_keys))
				strads_candidates_add(found, key, (float)g);
		}
	}
	return most;
}
