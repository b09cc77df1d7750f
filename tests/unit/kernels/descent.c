#include "strads/descent.h"

#include <math.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "matrix.h"

#define ROWS 97
#define COLS 40

/* A matrix, a model over all its columns, and what it needs. */
struct fixture {
	struct strads_csc x;
	struct strads_packed packed;
	double *weight;   /* [rows] */
	double *start;    /* [rows] residual at β = 0 */
	double *residual; /* [rows] */
	struct strads_descent descent;
	struct strads_descent_member member[COLS];
};

/* The rows of the matrix are the last of `rows`, the others are empty. */
static void
fixture_make(struct fixture *f, uint64_t rows)
{
	uint64_t at = 0;

	f->x = matrix_new(ROWS, COLS, 0.3, 1);
	assert_true(strads_packed_new(rows, COLS, f->x.start[COLS], &f->packed));
	for (uint64_t k = 0; k < COLS; k++) {
		at = strads_packed_append(&f->packed, at, &f->x, k, rows - ROWS, 1);
		f->packed.start[k + 1] = at;
	}
	f->weight = matrix_vector(rows, 2);
	f->start = matrix_vector(rows, 3);
	f->residual = malloc(rows * sizeof *f->residual);
	assert_non_null(f->residual);
	f->descent = (struct strads_descent){
	    .x = &f->packed, .weight = f->weight, .lambda = 0.3, .residual = f->residual};
	for (uint64_t i = 0; i < rows; i++) {
		f->weight[i] = 0.01 + fabs(f->weight[i]);
		f->descent.weight_sum += f->weight[i];
		f->descent.sum += f->start[i];
	}
	memcpy(f->residual, f->start, rows * sizeof *f->residual);
	for (uint64_t k = 0; k < COLS; k++)
		f->member[k] = (struct strads_descent_member){.at = k};
}

static void
fixture_free(struct fixture *f)
{
	strads_packed_delete(&f->packed);
	matrix_free(&f->x);
	free(f->weight);
	free(f->start);
	free(f->residual);
}

/* x_ij − c_j */
static double
entry(const struct fixture *f, uint64_t rows, uint64_t i, uint64_t j)
{
	double value = -f->member[j].centre;

	for (uint64_t k = f->x.start[j]; k < f->x.start[j + 1]; k++)
		if (rows - ROWS + f->x.row[k] == i)
			value += f->x.value[k];
	return value;
}

/* The residual as it should be: ρ = start − W(X̂β + move). */
static void
assert_residual(const struct fixture *f, uint64_t rows, double move)
{
	for (uint64_t i = rows - ROWS; i < rows; i++) {
		double expected = f->start[i] - f->weight[i] * move;

		for (uint64_t j = 0; j < COLS; j++)
			expected -= f->weight[i] * entry(f, rows, i, j) * f->member[j].beta;
		assert_true(fabs(f->residual[i] + f->descent.shift * f->weight[i] - expected) <=
			    1e-10);
	}
}

/* |x̂_jᵀρ| ≤ λ, and equal where there is a coefficient. */
static void
assert_optimal(const struct fixture *f, uint64_t rows)
{
	for (uint64_t j = 0; j < COLS; j++) {
		double g = 0, beta = f->member[j].beta, lambda = f->descent.lambda;

		for (uint64_t i = 0; i < rows; i++)
			g += entry(f, rows, i, j) *
			     (f->residual[i] + f->descent.shift * f->weight[i]);
		if (beta != 0)
			assert_true(fabs(g - (beta > 0 ? lambda : -lambda)) <= 1e-8);
		else
			assert_true(fabs(g) <= lambda + 1e-8);
	}
}

static void
sweep__agrees_with_reference(void **state)
{
	static const uint64_t rows[] = {ROWS, 65536, 65537};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct fixture f = {0}, g = {0};
		struct strads_descent_tally tally, expected;

		fixture_make(&f, rows[i]);
		fixture_make(&g, rows[i]);
		strads_descent_prepare(&f.descent, true, COLS, f.member);
		strads_descent_prepare(&g.descent, true, COLS, g.member);
		for (int sweep = 0; sweep < 3; sweep++) {
			tally = strads_descent_sweep(&f.descent, COLS, f.member);
			expected = strads_descent_sweep_reference(&g.descent, COLS, g.member);
			assert_true(fabs(tally.steepest - expected.steepest) <= 1e-10);
			assert_true(fabs(tally.l1 - expected.l1) <= 1e-10);
			assert_true(fabs(tally.slack - expected.slack) <= 1e-10);
			for (uint64_t k = 0; k < COLS; k++)
				assert_true(fabs(f.member[k].beta - g.member[k].beta) <= 1e-10);
		}
		fixture_free(&f);
		fixture_free(&g);
	}
}

static void
sweep__many_reach_the_optimum_of_columns_as_they_are(void **state)
{
	struct fixture f = {0};

	(void)state;
	fixture_make(&f, ROWS);
	strads_descent_prepare(&f.descent, false, COLS, f.member);
	for (int sweep = 0; sweep < 2000; sweep++)
		(void)strads_descent_sweep(&f.descent, COLS, f.member);
	assert_true(f.descent.shift == 0);
	assert_residual(&f, ROWS, 0);
	assert_optimal(&f, ROWS);
	fixture_free(&f);
}

static void
sweep__many_reach_the_optimum_of_centred_columns(void **state)
{
	struct fixture f = {0};

	(void)state;
	fixture_make(&f, ROWS);
	for (uint64_t k = 0; k < COLS; k++)
		f.member[k].centre = 0.01 * (double)k;
	strads_descent_prepare(&f.descent, false, COLS, f.member);
	for (int sweep = 0; sweep < 2000; sweep++)
		(void)strads_descent_sweep(&f.descent, COLS, f.member);
	assert_residual(&f, ROWS, 0);
	assert_optimal(&f, ROWS);
	fixture_free(&f);
}

/* An intercept that is at its best to begin with stays at its best: ρ sums to 0. */
static void
sweep__balanced_keeps_the_residual_at_sum_zero(void **state)
{
	struct fixture f = {0};
	double sum = 0, move;

	(void)state;
	fixture_make(&f, ROWS);
	f.descent.shift = -f.descent.sum / f.descent.weight_sum;
	move = -f.descent.shift;
	strads_descent_prepare(&f.descent, true, COLS, f.member);
	for (int sweep = 0; sweep < 2000; sweep++)
		(void)strads_descent_sweep(&f.descent, COLS, f.member);
	for (uint64_t i = 0; i < ROWS; i++)
		sum += f.residual[i] + f.descent.shift * f.weight[i];
	assert_true(fabs(sum) <= 1e-9);
	assert_residual(&f, ROWS, move);
	assert_optimal(&f, ROWS);
	fixture_free(&f);
}

/* With an intercept a constant column says nothing, and no weight leaves nothing to say. */
static void
sweep__columns_without_curvature_stay(void **state)
{
	struct fixture f = {0};

	(void)state;
	fixture_make(&f, ROWS);
	memset(f.weight, 0, ROWS * sizeof *f.weight);
	f.descent.weight_sum = 0;
	strads_descent_prepare(&f.descent, true, COLS, f.member);
	(void)strads_descent_sweep(&f.descent, COLS, f.member);
	for (uint64_t k = 0; k < COLS; k++)
		assert_true(f.member[k].beta == 0);
	fixture_free(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(sweep__agrees_with_reference),
	    cmocka_unit_test(sweep__many_reach_the_optimum_of_columns_as_they_are),
	    cmocka_unit_test(sweep__many_reach_the_optimum_of_centred_columns),
	    cmocka_unit_test(sweep__balanced_keeps_the_residual_at_sum_zero),
	    cmocka_unit_test(sweep__columns_without_curvature_stay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
