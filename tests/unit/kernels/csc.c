#include "strads/csc.h"

#include <math.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "matrix.h"

#define ROWS 97
#define COLS 60

static void
assert_close(double a, double b)
{
	assert_true(fabs(a - b) <= 1e-12 * (1 + fabs(b)));
}

static void
dot__agrees_with_reference(void **state)
{
	struct strads_csc x = matrix_new(ROWS, COLS, 0.2, 1);
	double *v = matrix_vector(ROWS, 1);

	(void)state;
	for (uint64_t j = 0; j < COLS; j++)
		assert_close(strads_csc_dot(&x, j, v), strads_csc_dot_reference(&x, j, v));
	assert_true(strads_csc_dot(&x, 0, v) == 0);
	free(v);
	matrix_free(&x);
}

static void
dot_list__gives_the_bits_of_dot(void **state)
{
	struct strads_csc x = matrix_new(ROWS, COLS, 0.1, 2);
	double *v = matrix_vector(ROWS, 2), out[COLS];
	uint32_t cols[COLS];

	(void)state;
	for (uint32_t k = 0; k < COLS; k++)
		cols[k] = (k * 7) % COLS;
	strads_csc_dot_list(&x, cols, COLS, v, out);
	for (uint32_t k = 0; k < COLS; k++)
		assert_true(out[k] == strads_csc_dot(&x, cols[k], v));
	strads_csc_dot_range(&x, 5, COLS - 5, v, out);
	for (uint32_t k = 5; k < COLS; k++)
		assert_true(out[k - 5] == strads_csc_dot(&x, k, v));
	free(v);
	matrix_free(&x);
}

static void
axpy__agrees_with_reference(void **state)
{
	struct strads_csc x = matrix_new(ROWS, COLS, 0.3, 3);
	double *v = matrix_vector(ROWS, 3), *w = matrix_vector(ROWS, 3);

	(void)state;
	for (uint64_t j = 0; j < COLS; j++) {
		double a = matrix_number(5, j);

		assert_close(strads_csc_axpy(&x, j, a, v), strads_csc_axpy_reference(&x, j, a, w));
	}
	assert_memory_equal(v, w, ROWS * sizeof *v);
	free(v);
	free(w);
	matrix_free(&x);
}

static void
axpy_weighted__agrees_with_reference(void **state)
{
	struct strads_csc x = matrix_new(ROWS, COLS, 0.4, 5);
	double *weight = matrix_vector(ROWS, 6), u[ROWS] = {0}, v[ROWS] = {0}, sum[ROWS] = {0};

	(void)state;
	for (uint64_t j = 0; j < COLS; j++) {
		strads_csc_axpy_weighted(&x, j, 0.5 + (double)j, weight, u, v);
		(void)strads_csc_axpy_reference(&x, j, 0.5 + (double)j, sum);
	}
	for (size_t i = 0; i < ROWS; i++) {
		assert_close(u[i], sum[i]);
		assert_close(v[i], -weight[i] * sum[i]);
	}
	free(weight);
	matrix_free(&x);
}

static void
moments__count_the_zeros(void **state)
{
	struct strads_csc x = matrix_new(ROWS, COLS, 0.2, 4);
	double dense[ROWS];

	(void)state;
	for (uint64_t j = 0; j < COLS; j++) {
		double sum = strads_csc_sum(&x, j), mean = sum / ROWS, square, absolute;
		double expected = 0, expected_absolute = 0, expected_sum = 0;

		memset(dense, 0, sizeof dense);
		(void)strads_csc_axpy_reference(&x, j, 1, dense);
		for (int i = 0; i < ROWS; i++) {
			expected += (dense[i] - mean) * (dense[i] - mean);
			expected_absolute += fabs(dense[i]);
			expected_sum += dense[i];
		}
		strads_csc_moments(&x, j, mean, &square, &absolute);
		assert_close(sum, expected_sum);
		assert_close(square, expected);
		assert_close(absolute, expected_absolute);
	}
	matrix_free(&x);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(dot__agrees_with_reference),
	    cmocka_unit_test(dot_list__gives_the_bits_of_dot),
	    cmocka_unit_test(axpy__agrees_with_reference),
	    cmocka_unit_test(axpy_weighted__agrees_with_reference),
	    cmocka_unit_test(moments__count_the_zeros),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
