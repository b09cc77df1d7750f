#include "strads/gram.h"

#include <math.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "matrix.h"

static void
assert_all_close(const double *a, const double *b, size_t n)
{
	for (size_t k = 0; k < n; k++)
		if (!(fabs(a[k] - b[k]) <= 1e-11 * (1 + fabs(b[k]))))
			fail_msg("element %zu is %.17g instead of %.17g", k, a[k], b[k]);
}

/* Gram matrix of n columns taken in a stride from a matrix of the given density. */
static void
check_add(uint32_t rows, size_t n, double density, bool weighted)
{
	struct strads_csc x = matrix_new(rows, 2 * n + 1, density, n);
	struct strads_gram_scratch *scratch = strads_gram_scratch_new(n);
	double *got = calloc(strads_gram_packed(n), sizeof *got);
	double *expected = calloc(strads_gram_packed(n), sizeof *expected);
	double *weight = weighted ? matrix_vector(rows, n) : NULL;
	uint64_t *cols = calloc(n, sizeof *cols);

	assert_non_null(scratch);
	assert_true(got && expected && cols);
	for (size_t k = 0; k < n; k++)
		cols[k] = (2 * k + 1) % (2 * n + 1);
	strads_gram_add(&x, cols, n, weight, scratch, got);
	strads_gram_add_reference(&x, cols, n, weight, expected);
	assert_all_close(got, expected, strads_gram_packed(n));
	free(weight);
	free(cols);
	free(expected);
	free(got);
	strads_gram_scratch_delete(&scratch);
	assert_null(scratch);
	matrix_free(&x);
}

static void
add__sparse_columns_agree_with_reference(void **state)
{
	(void)state;
	check_add(300, 40, 0.05, false);
	check_add(1, 3, 0.5, false);
	check_add(50, 1, 0.5, false);
}

static void
add__dense_columns_agree_with_reference(void **state)
{
	(void)state;
	check_add(64, 30, 2, false);
}

static void
add__rows_beyond_one_tile_agree_with_reference(void **state)
{
	(void)state;
	check_add(9000, 5, 0.3, false);
	check_add(400, 300, 0.1, false);
}

static void
add__weights_agree_with_reference(void **state)
{
	(void)state;
	check_add(9000, 5, 0.3, true);
	check_add(64, 30, 2, true);
}

static void
add__adds_to_what_is_there(void **state)
{
	struct strads_csc x = matrix_new(20, 4, 0.5, 9);
	struct strads_gram_scratch *scratch = strads_gram_scratch_new(2);
	double once[3] = {0}, twice[3] = {0};
	uint64_t cols[2] = {2, 3};

	(void)state;
	assert_non_null(scratch);
	strads_gram_add(&x, cols, 2, NULL, scratch, once);
	strads_gram_add(&x, cols, 2, NULL, scratch, twice);
	strads_gram_add(&x, cols, 2, NULL, scratch, twice);
	for (int k = 0; k < 3; k++)
		assert_true(fabs(twice[k] - 2 * once[k]) <= 1e-14);
	strads_gram_scratch_delete(&scratch);
	matrix_free(&x);
}

/* Columns made explicit, centred and scaled, and their products. */
static void
standardize__agrees_with_explicit_columns(void **state)
{
	enum { ROWS = 40, N = 6 };
	struct strads_csc x = matrix_new(ROWS, N, 0.4, 11);
	double packed[N * (N + 1) / 2] = {0}, full[N * N], mean[N], scale[N];
	double dense[N][ROWS] = {{0}}, expected[N * N];
	uint64_t cols[N] = {0, 1, 2, 3, 4, 5};

	(void)state;
	for (int j = 0; j < N; j++) {
		mean[j] = strads_csc_sum(&x, (uint64_t)j) / ROWS;
		scale[j] = 1 + j;
		(void)strads_csc_axpy_reference(&x, (uint64_t)j, 1, dense[j]);
	}
	for (int a = 0; a < N; a++) {
		for (int b = 0; b < N; b++) {
			double sum = 0;

			for (int i = 0; i < ROWS; i++)
				sum += (dense[a][i] - mean[a]) * (dense[b][i] - mean[b]);
			expected[a * N + b] = sum * scale[a] * scale[b];
		}
	}
	strads_gram_add_reference(&x, cols, N, NULL, packed);
	strads_gram_standardize(N, packed, ROWS, mean, scale, full);
	assert_all_close(full, expected, (size_t)N * N);
	matrix_free(&x);
}

/* As above with weights, about any centres. */
static void
standardize__weighted_agrees_with_explicit_columns(void **state)
{
	enum { ROWS = 40, N = 5 };
	struct strads_csc x = matrix_new(ROWS, N, 0.4, 12);
	double packed[N * (N + 1) / 2] = {0}, full[N * N], sum[N], centre[N], scale[N];
	double dense[N][ROWS] = {{0}}, expected[N * N] = {0}, weight[ROWS], total = 0;
	uint64_t cols[N] = {0, 1, 2, 3, 4};

	(void)state;
	for (int i = 0; i < ROWS; i++) {
		weight[i] = 1 + 0.5 * matrix_number(13, (uint64_t)i);
		total += weight[i];
	}
	for (int j = 0; j < N; j++) {
		sum[j] = strads_csc_dot_reference(&x, (uint64_t)j, weight);
		centre[j] = j % 2 ? sum[j] / total : 0.3 * j;
		scale[j] = 1 + j;
		(void)strads_csc_axpy_reference(&x, (uint64_t)j, 1, dense[j]);
	}
	for (int a = 0; a < N; a++)
		for (int b = 0; b < N; b++)
			for (int i = 0; i < ROWS; i++)
				expected[a * N + b] += weight[i] * (dense[a][i] - centre[a]) *
						       scale[a] * (dense[b][i] - centre[b]) *
						       scale[b];
	strads_gram_add_reference(&x, cols, N, weight, packed);
	strads_gram_standardize_weighted(N, packed, total, sum, centre, scale, full);
	assert_all_close(full, expected, (size_t)N * N);
	matrix_free(&x);
}

static void
standardize__constant_column_has_no_diagonal(void **state)
{
	double rows = 3, packed = 3 * 0.1 * 0.1, mean = 0.1, scale = 1, full = -1;

	(void)state;
	strads_gram_standardize(1, &packed, rows, &mean, &scale, &full);
	assert_true(full == 0);
}

/* A Gram matrix of random columns, one of them zero and two of them equal. */
static void
descent_problem(struct strads_gram_problem *problem, double *gram, size_t n)
{
	struct strads_csc x = matrix_new(30, n, 0.6, 21);
	double *packed = calloc(strads_gram_packed(n), sizeof *packed);
	double *scale = calloc(n, sizeof *scale);
	uint64_t *cols = calloc(n, sizeof *cols);

	assert_true(packed && scale && cols);
	for (size_t k = 0; k < n; k++) {
		cols[k] = k == 3 ? 2 : k;
		scale[k] = 1;
	}
	strads_gram_add_reference(&x, cols, n, NULL, packed);
	strads_gram_standardize(n, packed, 30, NULL, scale, gram);
	*problem = (struct strads_gram_problem){.n = n, .gram = gram, .lambda = 0.3, .passes = 7};
	free(cols);
	free(scale);
	free(packed);
	matrix_free(&x);
}

static void
descend__agrees_with_reference(void **state)
{
	enum { N = 12 };
	struct strads_gram_problem problem;
	double gram[N * N], *beta = matrix_vector(N, 31), *gradient = matrix_vector(N, 32);
	double *beta2 = matrix_vector(N, 31), *gradient2 = matrix_vector(N, 32), gain, gain2;

	(void)state;
	descent_problem(&problem, gram, N);
	gain = strads_gram_descend(&problem, beta, gradient);
	gain2 = strads_gram_descend_reference(&problem, beta2, gradient2);
	assert_all_close(beta, beta2, N);
	assert_all_close(gradient, gradient2, N);
	assert_all_close(&gain, &gain2, 1);
	assert_true(gain > 0);
	free(beta);
	free(beta2);
	free(gradient);
	free(gradient2);
}

static void
descend__ends_at_the_optimum(void **state)
{
	enum { N = 12 };
	struct strads_gram_problem problem;
	double gram[N * N], beta[N] = {0}, *gradient = matrix_vector(N, 33);

	(void)state;
	descent_problem(&problem, gram, N);
	gradient[0] = 0; /* column 0 is empty */
	problem.passes = 100000;
	(void)strads_gram_descend(&problem, beta, gradient);
	for (int j = 0; j < N; j++) {
		if (beta[j] != 0)
			assert_true(fabs(gradient[j] - copysign(0.3, beta[j])) < 1e-7);
		else
			assert_true(fabs(gradient[j]) <= 0.3 + 1e-7);
	}
	free(gradient);
}

static void
descend__tolerance_ends_early(void **state)
{
	enum { N = 12 };
	struct strads_gram_problem problem;
	double gram[N * N], beta[N] = {0}, beta2[N] = {0};
	double *gradient = matrix_vector(N, 33), *gradient2 = matrix_vector(N, 33);

	(void)state;
	descent_problem(&problem, gram, N);
	problem.tolerance = 1;
	(void)strads_gram_descend(&problem, beta, gradient);
	problem.passes = 2;
	problem.tolerance = 0;
	(void)strads_gram_descend(&problem, beta2, gradient2);
	assert_memory_equal(beta, beta2, sizeof beta);
	free(gradient);
	free(gradient2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(add__sparse_columns_agree_with_reference),
	    cmocka_unit_test(add__dense_columns_agree_with_reference),
	    cmocka_unit_test(add__rows_beyond_one_tile_agree_with_reference),
	    cmocka_unit_test(add__weights_agree_with_reference),
	    cmocka_unit_test(add__adds_to_what_is_there),
	    cmocka_unit_test(standardize__agrees_with_explicit_columns),
	    cmocka_unit_test(standardize__weighted_agrees_with_explicit_columns),
	    cmocka_unit_test(standardize__constant_column_has_no_diagonal),
	    cmocka_unit_test(descend__agrees_with_reference),
	    cmocka_unit_test(descend__ends_at_the_optimum),
	    cmocka_unit_test(descend__tolerance_ends_early),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
