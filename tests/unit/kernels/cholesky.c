#include "strads/cholesky.h"

#include <math.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "matrix.h"

#define MOST 12

/* gram = XᵀX for X of `rows` rows and n columns, the last `copies` of which are the first ones
 * times −2; b = Xᵀy. */
static void
make(size_t rows, size_t n, size_t copies, double *gram, double *b)
{
	double x[MOST][MOST];

	for (size_t j = 0; j < n; j++) {
		bool copy = j >= n - copies;

		for (size_t i = 0; i < rows; i++)
			x[j][i] =
			    copy ? -2 * x[j - (n - copies)][i] : matrix_number(1 + j, 100 * n + i);
	}
	for (size_t a = 0; a < n; a++) {
		b[a] = 0;
		for (size_t i = 0; i < rows; i++)
			b[a] += x[a][i] * matrix_number(99, i);
		for (size_t c = 0; c < n; c++) {
			gram[a * n + c] = 0;
			for (size_t i = 0; i < rows; i++)
				gram[a * n + c] += x[a][i] * x[c][i];
		}
	}
}

static void
assert_solves(size_t rows, size_t n, size_t copies, size_t rank)
{
	double gram[MOST * MOST] = {0}, factor[MOST * MOST], b[MOST], x[MOST];
	size_t pivot[MOST];

	make(rows, n, copies, gram, b);
	memcpy(factor, gram, sizeof gram);
	assert_int_equal(strads_cholesky_factor(n, 1e-10, factor, pivot), rank);
	strads_cholesky_solve(n, rank, factor, pivot, b, x);
	for (size_t a = 0; a < n; a++) {
		double sum = 0;

		for (size_t c = 0; c < n; c++)
			sum += gram[a * n + c] * x[c];
		assert_true(fabs(sum - b[a]) <= 1e-8);
	}
}

static void
cholesky__solves_regular_systems(void **state)
{
	(void)state;
	for (size_t n = 1; n <= MOST; n++)
		assert_solves(MOST, n, 0, n);
}

static void
cholesky__solves_where_columns_depend(void **state)
{
	(void)state;
	assert_solves(MOST, 8, 3, 5);
	assert_solves(MOST, 2, 1, 1);
	assert_solves(4, 9, 0, 4); /* more columns than rows */
}

static void
cholesky__nothing_to_factor(void **state)
{
	double zero[4] = {0}, b[2] = {0}, x[2] = {1, 1};
	size_t pivot[2];

	(void)state;
	assert_int_equal(strads_cholesky_factor(0, 1e-10, NULL, NULL), 0);
	assert_int_equal(strads_cholesky_factor(2, 1e-10, zero, pivot), 0);
	strads_cholesky_solve(2, 0, zero, pivot, b, x);
	assert_true(x[0] == 0 && x[1] == 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(cholesky__solves_regular_systems),
	    cmocka_unit_test(cholesky__solves_where_columns_depend),
	    cmocka_unit_test(cholesky__nothing_to_factor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
