#include "strads/gap.h"

#include <math.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>

#include <cmocka.h>

#include "matrix.h"

#define ROWS 20
#define COLS 5

static double x[ROWS * COLS], y[ROWS];

static int
fill(void **state)
{
	(void)state;
	for (int k = 0; k < ROWS * COLS; k++)
		x[k] = matrix_number(1, (uint64_t)k);
	for (int i = 0; i < ROWS; i++)
		y[i] = matrix_number(2, (uint64_t)i);
	return 0;
}

static struct strads_gap_sums
sums_of(const double *beta, double lambda)
{
	struct strads_gap_sums sums = {.lambda = lambda};
	double r[ROWS];

	for (int i = 0; i < ROWS; i++) {
		r[i] = y[i];
		for (int j = 0; j < COLS; j++)
			r[i] -= x[j * ROWS + i] * beta[j];
		sums.r_square += r[i] * r[i];
		sums.r_y += r[i] * y[i];
	}
	for (int j = 0; j < COLS; j++) {
		double g = 0;

		for (int i = 0; i < ROWS; i++)
			g += x[j * ROWS + i] * r[i];
		sums.gradient_max = fmax(sums.gradient_max, fabs(g));
		sums.l1 += fabs(beta[j]);
	}
	return sums;
}

static void
gap__agrees_with_reference(void **state)
{
	double beta[COLS] = {0.3, 0, -0.2, 0, 0.1}, r[ROWS];

	(void)state;
	for (double lambda = 0.01; lambda < 100; lambda *= 3) {
		struct strads_gap_sums sums = sums_of(beta, lambda);
		double expected = strads_gap_reference(ROWS, COLS, x, y, beta, lambda, r);

		assert_true(fabs(strads_gap(&sums) - expected) <= 1e-9 * (1 + expected));
	}
}

/* The elastic net as a Lasso with a row below for each variable. */
static void
gap__of_an_elastic_net_is_that_of_the_lasso_with_rows_below(void **state)
{
	enum { ALL = ROWS + COLS };
	const double beta[COLS] = {0.3, 0, -0.2, 0, 0.1}, kappa[COLS] = {0.5, 1, 2, 0, 4};
	double wide[ALL * COLS] = {0}, below[ALL] = {0}, r[ALL];

	(void)state;
	for (double lambda = 0.01; lambda < 100; lambda *= 3) {
		struct strads_gap_sums sums = sums_of(beta, lambda);
		double expected;

		sums.gradient_max = 0;
		for (int j = 0; j < COLS; j++) {
			double g = -lambda * kappa[j] * beta[j];

			for (int i = 0; i < ROWS; i++) {
				double fit = y[i];

				for (int k = 0; k < COLS; k++)
					fit -= x[k * ROWS + i] * beta[k];
				g += x[j * ROWS + i] * fit;
				wide[j * ALL + i] = x[j * ROWS + i];
				below[i] = y[i];
			}
			wide[j * ALL + ROWS + j] = sqrt(lambda * kappa[j]);
			sums.ridge += kappa[j] * beta[j] * beta[j];
			sums.gradient_max = fmax(sums.gradient_max, fabs(g));
		}
		expected = strads_gap_reference(ALL, COLS, wide, below, beta, lambda, r);
		assert_true(fabs(strads_gap(&sums) - expected) <= 1e-9 * (1 + expected));
	}
}

static void
gap__is_zero_at_zero_beyond_lambda_max(void **state)
{
	double beta[COLS] = {0};
	struct strads_gap_sums sums = sums_of(beta, 1);

	(void)state;
	sums.lambda = sums.gradient_max;
	assert_true(strads_gap(&sums) == 0);
	sums.lambda *= 2;
	assert_true(strads_gap(&sums) == 0);
	assert_true(strads_gap_objective(&sums) == 0.5 * sums.r_square);
}

static void
gap__not_a_number_stays(void **state)
{
	struct strads_gap_sums sums = {.lambda = 1, .r_square = NAN};

	(void)state;
	assert_true(isnan(strads_gap(&sums)));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(gap__agrees_with_reference),
	    cmocka_unit_test(gap__of_an_elastic_net_is_that_of_the_lasso_with_rows_below),
	    cmocka_unit_test(gap__is_zero_at_zero_beyond_lambda_max),
	    cmocka_unit_test(gap__not_a_number_stays),
	};

	return cmocka_run_group_tests(tests, fill, NULL);
}
