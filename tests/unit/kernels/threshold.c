#include "strads/threshold.h"

#include <math.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void
soft_threshold__shrinks_towards_zero(void **state)
{
	(void)state;
	assert_true(strads_soft_threshold(3, 1) == 2);
	assert_true(strads_soft_threshold(-3, 1) == -2);
	assert_true(strads_soft_threshold(0.5, 1) == 0);
	assert_true(strads_soft_threshold(-1, 1) == 0);
	assert_true(strads_soft_threshold(-2.5, 0) == -2.5);
}

static void
soft_threshold__not_a_number_stays(void **state)
{
	(void)state;
	assert_true(isnan(strads_soft_threshold(NAN, 1)));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(soft_threshold__shrinks_towards_zero),
	    cmocka_unit_test(soft_threshold__not_a_number_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
