#include "strads/normal.h"

#include "normal_simd.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "strads/cholesky.h"

/* Rows of a factor between two subtractions of panels. */
#define FACTOR_ROWS 64

/* A pivot below this part of the largest diagonal element is taken for 0. */
#define SINGULAR 1e-13

struct strads_normal {
	uint32_t columns;
	size_t stride;
	void *panel;
	double *square; /* [stride][stride]: the augmented matrix (A b), and its factor */
	double *side;   /* [columns + 1] */
	size_t *pivot;  /* [columns] */
};

#define REAL           float
#define FOR_REAL(name) name##_float
#include "normal_real.h"
#undef REAL
#undef FOR_REAL
#define REAL           double
#define FOR_REAL(name) name##_double
#include "normal_real.h"

/* ---- Memory ------------------------------------------------------------------------------- */

/* Rows and columns of the square: the unknowns and the value, in whole lines of floats. */
static size_t
stride_of(uint32_t columns)
{
	return ((size_t)columns + 16) / 16 * 16;
}

/* Of doubles, which the factorization needs in any precision. */
static size_t
panel_bytes(size_t stride)
{
	return stride / 8 * (STRADS_NORMAL_STEPS + 1) * STRADS_NORMAL_LINE_BYTES;
}

size_t
strads_normal_bytes(uint32_t columns)
{
	size_t stride = stride_of(columns);

	return sizeof(struct strads_normal) + panel_bytes(stride) +
	       stride * stride * sizeof(double) +
	       ((size_t)columns + 1) * (sizeof(double) + sizeof(size_t));
}

struct strads_normal *
strads_normal_new(uint32_t columns)
{
	struct strads_normal *normal = calloc(1, sizeof *normal);
	size_t stride = stride_of(columns);

	if (!normal)
		return NULL;
	normal->columns = columns;
	normal->stride = stride;
	normal->panel = aligned_alloc(STRADS_NORMAL_LINE_BYTES, panel_bytes(stride));
	normal->square =
	    aligned_alloc(STRADS_NORMAL_LINE_BYTES, stride * stride * sizeof *normal->square);
	normal->side = malloc(((size_t)columns + 1) * sizeof *normal->side);
	normal->pivot = malloc(((size_t)columns + 1) * sizeof *normal->pivot);
	if (!normal->panel || !normal->square || !normal->side || !normal->pivot)
		strads_normal_delete(&normal);
	return normal;
}

void
strads_normal_delete(struct strads_normal **normal)
{
	struct strads_normal *gone = *normal;

	if (!gone)
		return;
	*normal = NULL;
	free(gone->panel);
	free(gone->square);
	free(gone->side);
	free(gone->pivot);
	free(gone);
}

/* ---- Sums --------------------------------------------------------------------------------- */

/* square ← square + scale·XᵀX of a panel `width` numbers wide. */
static void
panel_add(struct strads_normal *normal, bool wide, size_t steps, size_t width, double scale,
	  double *square)
{
	const struct strads_normal_simd *simd = strads_normal_simd();

	if (wide)
		simd->add_double(normal->panel, steps, (width + 7) / 8, scale, square,
				 normal->stride);
	else
		simd->add_float(normal->panel, steps, (width + 15) / 16, scale, square,
				normal->stride);
}

static void
square_clear(struct strads_normal *normal, size_t rows)
{
	size_t padded = (rows + 15) / 16 * 16;

	for (size_t i = 0; i < padded; i++)
		memset(normal->square + i * normal->stride, 0, padded * sizeof *normal->square);
}

/* The square of a problem: XᵀX, and Xᵀ·values as the last column. */
static void
square_sum(struct strads_normal *normal, const struct strads_normal_table *table,
	   const struct strads_normal_problem *problem)
{
	size_t width = (size_t)normal->columns + 1;

	square_clear(normal, width);
	for (uint64_t first = 0; first < problem->n; first += STRADS_NORMAL_STEPS) {
		uint64_t left = problem->n - first;
		size_t steps = left < STRADS_NORMAL_STEPS ? (size_t)left : STRADS_NORMAL_STEPS;

		if (table->wide)
			gather_double(normal, table, problem, first, steps);
		else
			gather_float(normal, table, problem, first, steps);
		panel_add(normal, table->wide, steps, width, 1, normal->square);
	}
}

void
strads_normal_add(struct strads_normal *normal, const struct strads_normal_table *table,
		  const struct strads_normal_problem *problem, double *sums)
{
	size_t width = (size_t)normal->columns + 1;

	if (problem->n == 0)
		return;
	square_sum(normal, table, problem);
	for (size_t i = 0; i < width; i++) {
		const double *row = normal->square + i * normal->stride;

		for (size_t j = i; j < width; j++)
			*sums++ += row[j];
	}
}

/* ---- Solutions ---------------------------------------------------------------------------- */

/* Takes rows first … end − 1 of the factor off what is right below them. */
static void
factor_subtract(struct strads_normal *normal, size_t first, size_t end, size_t width)
{
	double *place = normal->panel;

	for (size_t j = end; j < width; j += 8) {
		for (size_t k = first; k < end; k++)
			memcpy(place + (k - first) * 8, normal->square + k * normal->stride + j,
			       8 * sizeof *place);
		place += (STRADS_NORMAL_STEPS + 1) * 8;
	}
	panel_add(normal, true, end - first, width - end, -1,
		  normal->square + end * normal->stride + end);
}

/* Solves the n equations in the square, ridge added, into x [n]; its factor is left there. False:
 * they are singular. */
static bool
square_solve(struct strads_normal *normal, size_t n, double ridge, double *x)
{
	const struct strads_normal_simd *simd = strads_normal_simd();
	size_t stride = normal->stride;
	double *square = normal->square, least = 0;

	for (size_t i = 0; i < n; i++) {
		square[i * stride + i] += ridge;
		least = fmax(least, SINGULAR * square[i * stride + i]);
	}
	for (size_t k = 0; k < n; k += FACTOR_ROWS) {
		size_t end = k + FACTOR_ROWS < n ? k + FACTOR_ROWS : n;

		if (!simd->factor(square, stride, k, end, n + 1, least))
			return false;
		if (end < n)
			factor_subtract(normal, k, end, n + 1);
	}
	/* Ux = U⁻ᵀb, which the factorization has left in the last column. */
	for (size_t i = n; i-- > 0;) {
		const double *row = square + i * stride;
		double sum = simd->dot_double(n - i - 1, row + i + 1, x + i + 1);

		x[i] = (row[n] - sum) / row[i];
	}
	return true;
}

/* A solution of the equations in the square, which may be singular. */
static void
square_solve_singular(struct strads_normal *normal, double ridge, double *x)
{
	size_t n = normal->columns, rank;
	double *square = normal->square;

	for (size_t i = 0; i < n; i++)
		normal->side[i] = square[i * normal->stride + n];
	for (size_t i = 0; i < n; i++) {
		double *row = square + i * n;

		memmove(row + i, square + i * normal->stride + i, (n - i) * sizeof *row);
		row[i] += ridge;
		for (size_t j = 0; j < i; j++)
			row[j] = square[j * n + i];
	}
	rank = strads_cholesky_factor(n, SINGULAR, square, normal->pivot);
	strads_cholesky_solve(n, rank, square, normal->pivot, normal->side, x);
}

static void
square_load(struct strads_normal *normal, const double *sums)
{
	size_t width = (size_t)normal->columns + 1;

	square_clear(normal, width);
	for (size_t i = 0; i < width; i++) {
		memcpy(normal->square + i * normal->stride + i, sums, (width - i) * sizeof *sums);
		sums += width - i;
	}
}

void
strads_normal_solve(struct strads_normal *normal, const double *sums, double ridge, double *x)
{
	square_load(normal, sums);
	if (square_solve(normal, normal->columns, ridge, x))
		return;
	square_load(normal, sums);
	square_solve_singular(normal, ridge, x);
}

/* By as many equations as rows; false: they are singular. */
static bool
fit_by_rows(struct strads_normal *normal, const struct strads_normal_table *table,
	    const struct strads_normal_problem *problem, double ridge, double *x)
{
	size_t n = (size_t)problem->n, columns = table->columns;

	square_clear(normal, n + 1);
	for (size_t first = 0; first < columns; first += STRADS_NORMAL_STEPS) {
		size_t left = columns - first;
		size_t steps = left < STRADS_NORMAL_STEPS ? left : STRADS_NORMAL_STEPS;

		if (table->wide)
			turn_double(normal, table, problem, first, steps);
		else
			turn_float(normal, table, problem, first, steps);
		panel_add(normal, table->wide, steps, n, 1, normal->square);
	}
	for (size_t e = 0; e < n; e++)
		normal->square[e * normal->stride + n] =
		    table->wide ? value_double(table, problem, e) : value_float(table, problem, e);
	if (!square_solve(normal, n, ridge, normal->side))
		return false;
	if (table->wide)
		combine_double(table, problem, normal->side, x);
	else
		combine_float(table, problem, normal->side, x);
	return true;
}

void
strads_normal_fit(struct strads_normal *normal, const struct strads_normal_table *table,
		  const struct strads_normal_problem *problem, double ridge, double *x)
{
	if (problem->n < table->columns && ridge > 0 &&
	    fit_by_rows(normal, table, problem, ridge, x))
		return;
	square_sum(normal, table, problem);
	if (square_solve(normal, table->columns, ridge, x))
		return;
	square_sum(normal, table, problem);
	square_solve_singular(normal, ridge, x);
}

double
strads_normal_error(const struct strads_normal_table *table,
		    const struct strads_normal_problem *problem, const void *x)
{
	return table->wide ? error_double(table, problem, x) : error_float(table, problem, x);
}
