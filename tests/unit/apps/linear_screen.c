#include "../../../apps/linear/screen.h"

#include <math.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define COLS  23
#define RANKS 4

static uint32_t keys[COLS];
static uint64_t firsts[RANKS + 1];
static float bounds[COLS];

static struct strads_linear_screen
screen_new(void)
{
	for (int j = 0; j < COLS; j++)
		bounds[j] = (float)(j % 5);
	return (struct strads_linear_screen){.key = keys, .first = firsts};
}

/* Walks all ranges; checks that they cover every position once, in order. */
static void
check_ranges(const struct strads_linear_screen *screen, const struct strads_table *table, bool cut,
	     uint32_t range_max)
{
	struct strads_linear_range range = {0};
	uint64_t next = 0, index = 0;

	while (strads_linear_screen_range(screen, table, cut, range_max, index, &range)) {
		assert_true(range.first == next);
		assert_true(range.n >= 1 && range.n <= range_max);
		next += range.n;
		assert_true(range.last == (next == screen->count));
		if (!cut)
			assert_int_equal(range.owner, -1);
		for (uint64_t at = range.first; cut && at < next; at++)
			assert_int_equal(
			    strads_table_owner(table, strads_linear_screen_key(screen, at)),
			    range.owner);
		index++;
	}
	assert_true(next == screen->count);
}

static void
open__has_every_column(void **state)
{
	struct strads_table table = {.keys = COLS, .ranks = RANKS};
	struct strads_linear_screen screen = screen_new();

	(void)state;
	strads_linear_screen_open(&screen, &table);
	assert_int_equal(screen.count, COLS);
	assert_true(isinf(screen.reach));
	assert_int_equal(strads_linear_screen_key(&screen, 17), 17);
	for (uint32_t most = 1; most <= COLS; most++) {
		check_ranges(&screen, &table, false, most);
		check_ranges(&screen, &table, true, most);
	}
}

static void
build__keeps_columns_that_may_exceed_lambda(void **state)
{
	struct strads_table table = {.keys = COLS, .ranks = RANKS};
	struct strads_linear_screen screen = screen_new();
	uint64_t at = 0;

	(void)state;
	strads_linear_screen_build(&screen, &table, bounds, 4, 2);
	for (uint32_t key = 0; key < COLS; key++) {
		if (bounds[key] * 2 <= 4)
			continue;
		assert_true(strads_linear_screen_key(&screen, at++) == key);
	}
	assert_true(screen.count == at);
	for (uint32_t most = 1; most <= COLS; most++) {
		check_ranges(&screen, &table, false, most);
		check_ranges(&screen, &table, true, most);
	}
}

static void
build__may_keep_nothing(void **state)
{
	struct strads_table table = {.keys = COLS, .ranks = RANKS};
	struct strads_linear_screen screen = screen_new();

	(void)state;
	strads_linear_screen_build(&screen, &table, bounds, 100, 2);
	assert_int_equal(screen.count, 0);
	check_ranges(&screen, &table, false, 4);
	check_ranges(&screen, &table, true, 4);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(open__has_every_column),
	    cmocka_unit_test(build__keeps_columns_that_may_exceed_lambda),
	    cmocka_unit_test(build__may_keep_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
