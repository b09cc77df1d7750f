#include "strads/packed.h"

#include <math.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>

#include <cmocka.h>

#include "matrix.h"

#define ROWS 97
#define COLS 60

/* Packs the columns of x from the last to the first, as rows first_row … of `rows`, scaled by
 * 1/(column + 1). */
static void
pack(const struct strads_csc *x, uint64_t rows, uint64_t first_row, struct strads_packed *packed)
{
	uint64_t at = 0;

	assert_true(strads_packed_new(rows, COLS, x->start[COLS], packed));
	for (uint64_t k = 0; k < COLS; k++) {
		uint64_t col = COLS - 1 - k;

		at = strads_packed_append(packed, at, x, col, first_row, 1.0 / (double)(col + 1));
		packed->start[k + 1] = at;
	}
	assert_int_equal(at, x->start[COLS]);
}

static void
check_dots(uint64_t rows, uint64_t first_row)
{
	struct strads_csc x = matrix_new(ROWS, COLS, 0.2, 1);
	double *v = matrix_vector(rows, 1), out[COLS];
	struct strads_packed packed;

	pack(&x, rows, first_row, &packed);
	strads_packed_dot(&packed, 0, COLS, v, out);
	for (uint64_t k = 0; k < COLS; k++) {
		uint64_t col = COLS - 1 - k;
		double expected = strads_csc_dot_reference(&x, col, v + first_row);

		expected /= (double)(col + 1);
		assert_true(fabs(out[k] - expected) <= 1e-12 * (1 + fabs(expected)));
	}
	strads_packed_dot(&packed, 7, 3, v, out);
	assert_true(fabs(out[0] * (COLS - 7) -
			 strads_csc_dot_reference(&x, COLS - 8, v + first_row)) <= 1e-10);
	strads_packed_delete(&packed);
	free(v);
	matrix_free(&x);
}

static void
dot__agrees_with_reference(void **state)
{
	(void)state;
	check_dots(ROWS, 0);
}

static void
dot__with_the_last_short_row_number_agrees_with_reference(void **state)
{
	(void)state;
	check_dots(65536, 65536 - ROWS);
}

static void
dot__with_long_row_numbers_agrees_with_reference(void **state)
{
	(void)state;
	check_dots(65537, 65537 - ROWS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(dot__agrees_with_reference),
	    cmocka_unit_test(dot__with_the_last_short_row_number_agrees_with_reference),
	    cmocka_unit_test(dot__with_long_row_numbers_agrees_with_reference),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
