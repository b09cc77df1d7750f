/* What is left out because the dual point has not moved far enough is below the limit indeed. */
#include "../../../apps/linear/drift.h"

#include <math.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>

#include <cmocka.h>

#include "strads/random.h"

#define ROWS 6
#define COLS 200

static double
uniform(uint64_t a, uint64_t b)
{
	return (double)(strads_random(3, a, b) >> 11) * 0x1p-53 - 0.5;
}

/* A drift over columns of this many orders of magnitude, and the columns themselves. */
static struct strads_linear_drift
drift_new(double (*x)[ROWS])
{
	struct strads_linear_need need = {0};
	struct strads_linear_drift drift = {0};

	strads_linear_drift_take(&drift, COLS, &need);
	assert_int_equal(need.status, STRADS_OK);
	for (uint64_t j = 0; j < COLS; j++) {
		double square = 0;

		for (int i = 0; i < ROWS; i++) {
			x[j][i] = uniform(j, (uint64_t)i) * pow(10, (double)(j % 7) - 3);
			square += x[j][i] * x[j][i];
		}
		drift.norm[j] = (float)(sqrt(square) * (1 + 1e-6));
		drift.since[j] = -INFINITY;
	}
	return drift;
}

static void
below__is_true_of_no_column_at_the_limit_or_above(void **state)
{
	double(*x)[ROWS] = calloc(COLS, sizeof *x), theta[ROWS] = {0};
	struct strads_linear_drift drift;
	uint64_t left_out = 0;

	(void)state;
	assert_non_null(x);
	drift = drift_new(x);
	for (uint64_t t = 1; t < 300; t++) {
		double step = 0, limit = 0.2;

		for (int i = 0; i < ROWS; i++) {
			double d = uniform(1000 + t, (uint64_t)i) / (double)t;

			theta[i] += d;
			step += d * d;
		}
		drift.travelled += sqrt(step);
		for (uint64_t j = 0; j < COLS; j++) {
			double g = 0;

			for (int i = 0; i < ROWS; i++)
				g += x[j][i] * theta[i];
			if (!strads_linear_drift_below(&drift, j, limit)) {
				strads_linear_drift_note(&drift, j, fabs(g));
				continue;
			}
			assert_true(fabs(g) < limit);
			left_out++;
		}
	}
	assert_true(left_out > 300 * COLS / 4);
	strads_linear_drift_give(&drift);
	free(x);
}

static void
below__is_true_of_no_column_that_was_not_looked_at(void **state)
{
	double(*x)[ROWS] = calloc(COLS, sizeof *x);
	struct strads_linear_drift drift;

	(void)state;
	assert_non_null(x);
	drift = drift_new(x);
	for (uint64_t j = 0; j < COLS; j++)
		assert_false(strads_linear_drift_below(&drift, j, 1e300));
	strads_linear_drift_give(&drift);
	free(x);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(below__is_true_of_no_column_at_the_limit_or_above),
	    cmocka_unit_test(below__is_true_of_no_column_that_was_not_looked_at),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
