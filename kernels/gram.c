#include "strads/gram.h"

#include "strads/threshold.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Entries of a tile: with 12 bytes each they stay in a 1 MiB cache beside the matrix. */
#define TILE_ENTRIES 32768
#define TILE_ROWS    4096

/* A tile of rows of the chosen columns, by rows: entry e of row i lies at i·columns + e. */
struct strads_gram_scratch {
	size_t columns;
	uint32_t rows;    /* of a tile */
	uint64_t *cursor; /* [columns] first entry of each column not yet seen */
	uint32_t *count;  /* [rows] entries in each row; all 0 between tiles */
	uint64_t *filled; /* [words(rows)] a bit for each row with entries; likewise */
	uint32_t *member; /* [rows·columns] which of the columns, ascending */
	double *value;    /* [rows·columns] */
};

/* Words of 64 bits, a bit for each row. */
static size_t
words(size_t rows)
{
	return rows / 64 + (rows % 64 != 0);
}

struct strads_gram_scratch *
strads_gram_scratch_new(size_t columns)
{
	struct strads_gram_scratch *scratch = calloc(1, sizeof *scratch);
	size_t rows = TILE_ENTRIES / (columns ? columns : 1);

	if (!scratch)
		return NULL;
	rows = rows < 1 ? 1 : rows > TILE_ROWS ? TILE_ROWS : rows;
	scratch->columns = columns;
	scratch->rows = (uint32_t)rows;
	scratch->cursor = calloc(columns + 1, sizeof *scratch->cursor);
	scratch->count = calloc(rows, sizeof *scratch->count);
	scratch->filled = calloc(words(rows), sizeof *scratch->filled);
	scratch->member = calloc(rows * columns + 1, sizeof *scratch->member);
	scratch->value = calloc(rows * columns + 1, sizeof *scratch->value);
	if (!scratch->cursor || !scratch->count || !scratch->filled || !scratch->member ||
	    !scratch->value)
		strads_gram_scratch_delete(&scratch);
	return scratch;
}

void
strads_gram_scratch_delete(struct strads_gram_scratch **scratch)
{
	struct strads_gram_scratch *gone = *scratch;

	if (!gone)
		return;
	*scratch = NULL;
	free(gone->value);
	free(gone->member);
	free(gone->filled);
	free(gone->count);
	free(gone->cursor);
	free(gone);
}

/* Collects rows first … end − 1 of the columns into the tile. */
static void
tile_fill(const struct strads_csc *x, const uint64_t *cols, size_t n, uint32_t first, uint32_t end,
	  struct strads_gram_scratch *tile)
{
	for (size_t a = 0; a < n; a++) {
		uint64_t k = tile->cursor[a], stop = x->start[cols[a] + 1];

		for (; k < stop && x->row[k] < end; k++) {
			uint32_t i = x->row[k] - first;
			size_t at = (size_t)i * n + tile->count[i]++;

			tile->member[at] = (uint32_t)a;
			tile->value[at] = x->value[k];
			tile->filled[i / 64] |= UINT64_C(1) << i % 64;
		}
		tile->cursor[a] = k;
	}
}

/* packed += the outer product of one sparse row, times its weight. */
static void
row_add(const uint32_t *member, const double *value, uint32_t count, double weight, double *packed)
{
	for (uint32_t e = 0; e < count; e++) {
		double *line = packed + strads_gram_packed(member[e]);
		double v = weight * value[e];

		for (uint32_t f = 0; f <= e; f++)
			line[member[f]] += v * value[f];
	}
}

/* The same for a row without zeros: the members are 0 … n − 1. */
static void
row_add_full(const double *restrict value, size_t n, double weight, double *restrict packed)
{
	for (size_t a = 0; a < n; a++) {
		double *restrict line = packed + strads_gram_packed(a);
		double v = weight * value[a];

		for (size_t b = 0; b <= a; b++)
			line[b] += v * value[b];
	}
}

/* packed += the outer products of the tile's rows, which it empties. */
static void
tile_add(struct strads_gram_scratch *tile, size_t n, uint32_t rows, const double *weight,
	 double *packed)
{
	for (size_t word = 0; word < words(rows); word++) {
		for (uint64_t left = tile->filled[word]; left; left &= left - 1) {
			size_t i = word * 64 + (size_t)__builtin_ctzll(left), at = i * n;
			double w = weight ? weight[i] : 1;

			if (tile->count[i] == n)
				row_add_full(tile->value + at, n, w, packed);
			else
				row_add(tile->member + at, tile->value + at, tile->count[i], w,
					packed);
			tile->count[i] = 0;
		}
		tile->filled[word] = 0;
	}
}

void
strads_gram_add(const struct strads_csc *x, const uint64_t *cols, size_t n, const double *weight,
		struct strads_gram_scratch *scratch, double *packed)
{
	for (size_t a = 0; a < n; a++)
		scratch->cursor[a] = x->start[cols[a]];
	for (uint32_t first = 0; first < x->rows;) {
		uint32_t left = x->rows - first;
		uint32_t rows = left < scratch->rows ? left : scratch->rows;

		tile_fill(x, cols, n, first, first + rows, scratch);
		tile_add(scratch, n, rows, weight ? weight + first : NULL, packed);
		first += rows;
	}
}

void
strads_gram_add_reference(const struct strads_csc *x, const uint64_t *cols, size_t n,
			  const double *weight, double *packed)
{
	for (size_t a = 0; a < n; a++) {
		for (size_t b = 0; b <= a; b++) {
			uint64_t k = x->start[cols[a]], l = x->start[cols[b]];

			while (k < x->start[cols[a] + 1] && l < x->start[cols[b] + 1]) {
				double w = weight ? weight[x->row[k]] : 1;

				if (x->row[k] == x->row[l])
					packed[strads_gram_packed(a) + b] +=
					    w * x->value[k] * x->value[l];
				if (x->row[k] < x->row[l])
					k++;
				else
					l++;
			}
		}
	}
}

void
strads_gram_standardize(size_t n, const double *packed, double rows, const double *mean,
			const double *scale, double *full)
{
	for (size_t a = 0; a < n; a++) {
		for (size_t b = 0; b <= a; b++) {
			double raw = packed[strads_gram_packed(a) + b];
			double centred = mean ? raw - rows * mean[a] * mean[b] : raw;

			if (a == b && !(centred > 1e-12 * raw))
				centred = 0;
			full[a * n + b] = full[b * n + a] = centred * scale[a] * scale[b];
		}
	}
}

void
strads_gram_standardize_weighted(size_t n, const double *packed, double total, const double *sum,
				 const double *centre, const double *scale, double *full)
{
	for (size_t a = 0; a < n; a++) {
		for (size_t b = 0; b <= a; b++) {
			double raw = packed[strads_gram_packed(a) + b];
			double centred = raw - centre[a] * sum[b] - sum[a] * centre[b] +
					 total * centre[a] * centre[b];

			if (a == b && !(centred > 1e-12 * raw))
				centred = 0;
			full[a * n + b] = full[b * n + a] = centred * scale[a] * scale[b];
		}
	}
}

/* g ← g − G_j·delta. */
static void
gradient_move(size_t n, const double *restrict line, double delta, double *restrict gradient)
{
	for (size_t k = 0; k < n; k++)
		gradient[k] -= delta * line[k];
}

double
strads_gram_descend(const struct strads_gram_problem *problem, double *beta, double *gradient)
{
	size_t n = problem->n;
	double lambda = problem->lambda, first = 0, total = 0;

	for (uint32_t pass = 0; pass < problem->passes; pass++) {
		double gain = 0;

		for (size_t j = 0; j < n; j++) {
			const double *line = problem->gram + j * n;
			double q = line[j], old = beta[j], g = gradient[j], next, delta;

			if (!(q > 0) || (old == 0 && fabs(g) <= lambda))
				continue;
			next = strads_soft_threshold(g + q * old, lambda) / q;
			delta = next - old;
			if (delta == 0)
				continue;
			/* F(β) − F(β + Δ e_j) = Δ(g_j − ½ G_jj Δ) + λ(|β_j| − |β_j + Δ|). */
			gain += delta * (g - 0.5 * q * delta) + lambda * (fabs(old) - fabs(next));
			beta[j] = next;
			gradient_move(n, line, delta, gradient);
		}
		total += gain;
		if (pass == 0)
			first = gain;
		if (!(gain > 0) || gain < problem->tolerance * first)
			break;
	}
	return total;
}

/* F as a function of β alone, up to a constant: −gᵀΔ + ½ΔᵀGΔ + λ‖β + Δ‖₁. */
static double
objective(const struct strads_gram_problem *problem, const double *beta, const double *start,
	  const double *gradient)
{
	size_t n = problem->n;
	double sum = 0;

	for (size_t a = 0; a < n; a++) {
		double delta = beta[a] - start[a], curve = 0;

		for (size_t b = 0; b < n; b++)
			curve += problem->gram[a * n + b] * (beta[b] - start[b]);
		sum += delta * (0.5 * curve - gradient[a]) + problem->lambda * fabs(beta[a]);
	}
	return sum;
}

double
strads_gram_descend_reference(const struct strads_gram_problem *problem, double *beta,
			      double *gradient)
{
	size_t n = problem->n;
	double *start = malloc((2 * n + 1) * sizeof *start), *g0, before, after;

	if (!start)
		return NAN;
	g0 = start + n;
	memcpy(start, beta, n * sizeof *start);
	memcpy(g0, gradient, n * sizeof *g0);
	before = objective(problem, beta, start, g0);
	for (uint32_t pass = 0; pass < problem->passes; pass++) {
		for (size_t j = 0; j < n; j++) {
			double q = problem->gram[j * n + j], g = g0[j];

			if (q <= 0)
				continue;
			for (size_t k = 0; k < n; k++)
				g -= problem->gram[j * n + k] * (beta[k] - start[k]);
			beta[j] = strads_soft_threshold(g + q * beta[j], problem->lambda) / q;
		}
	}
	after = objective(problem, beta, start, g0);
	for (size_t j = 0; j < n; j++) {
		gradient[j] = g0[j];
		for (size_t k = 0; k < n; k++)
			gradient[j] -= problem->gram[j * n + k] * (beta[k] - start[k]);
	}
	free(start);
	return before - after;
}
