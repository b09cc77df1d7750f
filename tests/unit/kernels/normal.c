#include "strads/normal.h"

#include <math.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../../kernels/normal_simd.h"
#include "strads/random.h"

#define ROWS   300
#define WIDEST 150

/* A table and a problem on its rows, in double; copies in floats are made for the test. */
struct fixture {
	struct strads_normal_table table;
	struct strads_normal_problem problem;
	double rows[ROWS * WIDEST], value[ROWS];
	uint32_t index[ROWS];
	float narrow_rows[ROWS * WIDEST], narrow_value[ROWS];
	/* By the formulas of the header. */
	double matrix[WIDEST][WIDEST + 1], x[WIDEST];
};

static int
set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);

	assert_non_null(f);
	for (uint32_t i = 0; i < ROWS * WIDEST; i++) {
		f->rows[i] = f->narrow_rows[i] =
		    (float)((double)(strads_random(1, 0, i) % 1024) / 1024 - 0.4);
		if (i < ROWS) {
			f->index[i] = i * 7 % ROWS;
			f->value[i] = f->narrow_value[i] =
			    (float)((double)(strads_random(1, 1, i) % 1024) / 256);
		}
	}
	*state = f;
	return 0;
}

static int
tear_down(void **state)
{
	free(*state);
	return 0;
}

static void
choose(struct fixture *f, bool wide, bool biased, uint32_t columns, uint64_t n)
{
	f->table = (struct strads_normal_table){
	    .wide = wide,
	    .biased = biased,
	    .columns = columns,
	    .rows = wide ? (void *)f->rows : (void *)f->narrow_rows,
	};
	f->problem = (struct strads_normal_problem){
	    .n = n,
	    .index = f->index,
	    .value = wide ? (void *)f->value : (void *)f->narrow_value,
	};
}

/* Number j of entry e's row, the value behind them, an offset being where it belongs. */
static double
number(const struct fixture *f, uint64_t e, uint32_t j)
{
	uint32_t columns = f->table.columns;
	const double *row = f->rows + f->index[e] * (size_t)columns;

	if (j < columns)
		return f->table.biased && j + 1 == columns ? 1 : row[j];
	return f->value[e] - (f->table.biased ? row[columns - 1] : 0);
}

static double
inner(const struct fixture *f, uint32_t i, uint32_t j)
{
	double sum = 0;

	for (uint64_t e = 0; e < f->problem.n; e++)
		sum += number(f, e, i) * number(f, e, j);
	return sum;
}

/* Gauss's elimination: x of the problem, for a ridge above 0. */
static void
reference(struct fixture *f, double ridge)
{
	uint32_t n = f->table.columns;

	for (uint32_t i = 0; i < n; i++)
		for (uint32_t j = 0; j <= n; j++)
			f->matrix[i][j] = inner(f, i, j) + (i == j ? ridge : 0);
	for (uint32_t k = 0; k < n; k++)
		for (uint32_t i = k + 1; i < n; i++) {
			double part = f->matrix[i][k] / f->matrix[k][k];

			for (uint32_t j = k; j <= n; j++)
				f->matrix[i][j] -= part * f->matrix[k][j];
		}
	for (uint32_t i = n; i-- > 0;) {
		f->x[i] = f->matrix[i][n];
		for (uint32_t j = i + 1; j < n; j++)
			f->x[i] -= f->matrix[i][j] * f->x[j];
		f->x[i] /= f->matrix[i][i];
	}
}

static void
assert_close(double got, double expected, double slack)
{
	if (!(fabs(got - expected) <= slack * (1 + fabs(expected))))
		fail_msg("%.17g is not %.17g", got, expected);
}

/* The sums, the solution from them and the one from the problem. */
static void
assert_solved(struct fixture *f, double ridge)
{
	uint32_t columns = f->table.columns;
	struct strads_normal *normal = strads_normal_new(columns);
	double *sums = calloc(strads_normal_sums(columns), sizeof *sums);
	double slack = f->table.wide ? 1e-10 : 1e-4, x[WIDEST];
	size_t at = 0;

	assert_true(normal && sums);
	sums[0] = 2;
	strads_normal_add(normal, &f->table, &f->problem, sums);
	sums[0] -= 2;
	for (uint32_t i = 0; i <= columns; i++)
		for (uint32_t j = i; j <= columns; j++)
			assert_close(sums[at++], inner(f, i, j), f->table.wide ? 1e-12 : 1e-5);
	reference(f, ridge);
	strads_normal_solve(normal, sums, ridge, x);
	for (uint32_t i = 0; i < columns; i++)
		assert_close(x[i], f->x[i], slack);
	strads_normal_fit(normal, &f->table, &f->problem, ridge, x);
	for (uint32_t i = 0; i < columns; i++)
		assert_close(x[i], f->x[i], slack);
	strads_normal_delete(&normal);
	assert_null(normal);
	free(sums);
}

static void
normal__equals_elimination(void **state)
{
	static const uint32_t widths[] = {1, 2, 7, 8, 15, 16, 17, 40, 64, 65, WIDEST};
	static const uint64_t lengths[] = {0, 1, 2, 16, 40, 127, 128, 129, 300};
	struct fixture *f = *state;

	for (size_t w = 0; w < sizeof widths / sizeof *widths; w++)
		for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++)
			for (int kind = 0; kind < 4; kind++) {
				choose(f, kind & 1, kind & 2, widths[w], lengths[l]);
				assert_solved(f, 0.5);
			}
}

/* Without a ridge and with fewer rows than columns, or equal ones: what is found fits best. */
static void
normal__singular_still_fits(void **state)
{
	struct fixture *f = *state;
	struct strads_normal *normal = strads_normal_new(40);
	double *sums = calloc(strads_normal_sums(40), sizeof *sums), x[40];

	assert_true(normal && sums);
	choose(f, true, false, 40, 12);
	strads_normal_fit(normal, &f->table, &f->problem, 0, x);
	assert_close(strads_normal_error(&f->table, &f->problem, x), 0, 1e-10);
	strads_normal_add(normal, &f->table, &f->problem, sums);
	strads_normal_solve(normal, sums, 0, x);
	assert_close(strads_normal_error(&f->table, &f->problem, x), 0, 1e-10);
	for (uint32_t e = 0; e < 60; e++)
		f->index[e] = 3;
	choose(f, true, false, 40, 60);
	strads_normal_fit(normal, &f->table, &f->problem, 0, x);
	for (uint32_t j = 0; j < 40; j++)
		assert_true(isfinite(x[j]));
	strads_normal_delete(&normal);
	free(sums);
}

static void
error__is_that_of_the_formula(void **state)
{
	struct fixture *f = *state;

	for (int kind = 0; kind < 4; kind++) {
		double sum = 0, x[40];
		float narrow_x[40];

		choose(f, kind & 1, kind & 2, 40, 50);
		for (uint32_t j = 0; j < 40; j++)
			x[j] = narrow_x[j] = (float)j / 32;
		for (uint64_t e = 0; e < 50; e++) {
			double wrong = number(f, e, 40);

			for (uint32_t j = 0; j < 40; j++)
				wrong -= number(f, e, j) * x[j];
			sum += wrong * wrong;
		}
		assert_close(strads_normal_error(&f->table, &f->problem,
						 f->table.wide ? (void *)x : (void *)narrow_x),
			     sum, f->table.wide ? 1e-13 : 1e-5);
	}
}

/* ---- Instruction sets --------------------------------------------------------------------- */

static const struct strads_normal_simd *
instructions(int i)
{
#ifdef __x86_64__
	if (i == 1 && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
		return &strads_normal_avx2;
	if (i == 2 && __builtin_cpu_supports("avx512f"))
		return &strads_normal_avx512;
#endif
	return &strads_normal_portable;
}

#define SIDE   48
#define PADDED 48

static void
simd__equals_the_portable(void **state)
{
	struct fixture *f = *state;
	double *square = calloc(2 * PADDED * PADDED, sizeof *square);
	double *other = square + (ptrdiff_t)PADDED * PADDED;

	assert_non_null(square);
	for (int i = 1; i <= 2; i++) {
		const struct strads_normal_simd *simd = instructions(i);

		for (int wide = 0; wide <= 1; wide++) {
			memset(square, 0, 2 * sizeof *square * PADDED * PADDED);
			for (int k = 0; k < 2; k++) {
				const struct strads_normal_simd *one =
				    k ? simd : &strads_normal_portable;
				double *to = k ? other : square;

				if (wide)
					one->add_double(f->rows, 100, SIDE / 8, 0.5, to, PADDED);
				else
					one->add_float(f->narrow_rows, 100, SIDE / 16, 0.5, to,
						       PADDED);
				for (int j = 0; j < SIDE; j++)
					to[j * PADDED + j] += 1;
				assert_true(one->factor(to, PADDED, 0, SIDE, SIDE, 0));
			}
			for (int a = 0; a < SIDE; a++)
				for (int b = a; b < SIDE; b++)
					assert_close(other[a * PADDED + b], square[a * PADDED + b],
						     wide ? 1e-12 : 1e-4);
		}
		assert_close(simd->dot_double(ROWS, f->rows, f->value),
			     strads_normal_portable.dot_double(ROWS, f->rows, f->value), 1e-13);
		assert_close(simd->dot_float(ROWS - 1, f->narrow_rows, f->narrow_value),
			     strads_normal_portable.dot_double(ROWS - 1, f->rows, f->value), 1e-5);
	}
	free(square);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(normal__equals_elimination),
	    TEST(normal__singular_still_fits),
	    TEST(error__is_that_of_the_formula),
	    TEST(simd__equals_the_portable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
