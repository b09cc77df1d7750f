#include "strads/random.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>

#include <cmocka.h>

/* From the known answers that come with Random123, philox4x32-10. */
static void
random__gives_the_known_answers(void **state)
{
	(void)state;
	assert_true(strads_random(0, 0, 0) == UINT64_C(0xe169c58d6627e8d5));
	assert_true(strads_random(UINT64_MAX, UINT64_MAX, UINT64_MAX) ==
		    UINT64_C(0x41c83b0e408f276d));
}

static void
random__each_argument_matters(void **state)
{
	uint64_t base = strads_random(1, 2, 3);

	(void)state;
	assert_true(base == strads_random(1, 2, 3));
	assert_true(base != strads_random(2, 2, 3));
	assert_true(base != strads_random(1, 3, 3));
	assert_true(base != strads_random(1, 2, 4));
	assert_true(base != strads_random(UINT64_C(1) << 32 | 1, 2, 3));
	assert_true(base != strads_random(1, UINT64_C(1) << 32 | 2, 3));
	assert_true(base != strads_random(1, 2, UINT64_C(1) << 32 | 3));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(random__gives_the_known_answers),
	    cmocka_unit_test(random__each_argument_matters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
