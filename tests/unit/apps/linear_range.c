#include "../../../apps/linear/range.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Walks all ranges; checks that they cover every key once, in order. */
static void
check_ranges(const struct strads_table *table, bool cut, uint32_t range_max)
{
	struct strads_linear_range range = {0};
	uint64_t next = 0, index = 0;

	while (strads_linear_range_find(table, cut, range_max, index, &range)) {
		assert_true(range.first == next);
		assert_true(range.n >= 1 && range.n <= range_max);
		next += range.n;
		assert_true(range.last == (next == table->keys));
		if (!cut)
			assert_int_equal(range.owner, -1);
		for (uint64_t key = range.first; cut && key < next; key++)
			assert_int_equal(strads_table_owner(table, key), range.owner);
		index++;
	}
	assert_true(next == table->keys);
}

static void
find__has_every_column_once(void **state)
{
	const struct strads_table tables[] = {
	    {.keys = 23, .ranks = 4}, {.keys = 3, .ranks = 7}, {.keys = 1, .ranks = 1}};

	(void)state;
	for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
		for (uint32_t most = 1; most <= 24; most++) {
			check_ranges(&tables[i], false, most);
			check_ranges(&tables[i], true, most);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(find__has_every_column_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
