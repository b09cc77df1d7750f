#include "strads/table.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>

#include <cmocka.h>

/* Every key belongs to the rank whose range holds it, ranges follow each other without gaps, their
 * sizes differ by at most one and never grow. */
static void
check_table(uint64_t keys, int ranks)
{
	struct strads_table table = {.keys = keys, .ranks = ranks};
	uint64_t before = UINT64_MAX;

	assert_int_equal(strads_table_first(&table, 0), 0);
	assert_int_equal(strads_table_first(&table, ranks), keys);
	for (int rank = 0; rank < ranks; rank++) {
		uint64_t first = strads_table_first(&table, rank);
		uint64_t size = strads_table_first(&table, rank + 1) - first;

		assert_true(size <= before);
		assert_in_range(size, keys / (uint64_t)ranks,
				keys / (uint64_t)ranks + (keys % (uint64_t)ranks != 0));
		before = size;
		for (uint64_t i = 0; i < size; i++) {
			assert_int_equal(strads_table_owner(&table, first + i), rank);
			assert_int_equal(strads_table_offset(&table, first + i), i);
		}
	}
}

static void
strads_table_owner__ranges_are_even_and_complete(void **state)
{
	(void)state;
	check_table(1000, 1);
	check_table(1000, 3);
	check_table(1001, 7);
	check_table(64, 64);
}

static void
strads_table_owner__fewer_keys_than_ranks(void **state)
{
	(void)state;
	check_table(3, 8);
	check_table(0, 5);
}

static void
strads_table_owner__keys_up_to_2_to_the_60(void **state)
{
	struct strads_table table = {.keys = UINT64_C(1) << 60, .ranks = 1000};

	(void)state;
	for (int rank = 0; rank < table.ranks; rank += 37) {
		uint64_t first = strads_table_first(&table, rank);
		uint64_t end = strads_table_first(&table, rank + 1);

		assert_int_equal(strads_table_owner(&table, first), rank);
		assert_int_equal(strads_table_owner(&table, end - 1), rank);
		assert_int_equal(strads_table_offset(&table, end - 1), end - 1 - first);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(strads_table_owner__ranges_are_even_and_complete),
	    cmocka_unit_test(strads_table_owner__fewer_keys_than_ranks),
	    cmocka_unit_test(strads_table_owner__keys_up_to_2_to_the_60),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
