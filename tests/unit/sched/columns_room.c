/*
 * Columns in a cache that has little room: what is held stays, the rest goes.
 */
#include "strads/columns.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "columns_job.h"
#include "strads/random.h"

/* Walks at random over the columns while some are held throughout. */
static int
walk(struct columns_side *side)
{
	struct strads_column kept[2], column;
	struct strads_columns_stats stats;
	int status = columns_hold(side, 7, &kept[0]);

	if (status == STRADS_OK)
		status = columns_hold(side, 0, &kept[1]);
	for (uint64_t step = 0; step < 600 && status == STRADS_OK; step++) {
		strads_key key = strads_random(5, (uint64_t)side->rank, step) % COLUMNS_COLS;

		status = columns_hold(side, key, &column);
		if (status != STRADS_OK)
			break;
		COLUMNS_CHECK(side, columns_equal(&column, key, COLUMNS_ROWS));
		strads_columns_release(side->columns, key);
	}
	COLUMNS_CHECK(side, columns_equal(&kept[0], 7, COLUMNS_ROWS));
	COLUMNS_CHECK(side, columns_equal(&kept[1], 0, COLUMNS_ROWS));
	strads_columns_stats(side->columns, &stats);
	COLUMNS_CHECK(side, stats.evicted > 100 && stats.hits > 10);
	COLUMNS_CHECK(side, stats.held == 602 && stats.fetched == stats.held - stats.hits);
	return status;
}

static void
strads_columns_hold__what_is_held_stays_while_others_go(void **state)
{
	struct strads_columns_options little = {.cache_bytes = COLUMNS_ROWS * 12 * 2 + 16,
						.columns_max = 100,
						.fetches_max = 3,
						.reads_max = 5};
	struct strads_columns_options few = {
	    .cache_bytes = 1 << 16, .columns_max = 4, .fetches_max = 3, .reads_max = 5};

	(void)state;
	columns_job_with_peers(walk, &little, STRADS_OK);
	columns_job_with_peers(walk, &few, STRADS_OK);
}

/* Room for the full column alone, or for the columns 0 and 3 without a place for a third. */
static int
fill(struct columns_side *side)
{
	bool narrow = side->options.columns_max == 2;
	struct strads_column first, second, again;
	int status = columns_hold(side, 0, &first);

	if (status == STRADS_OK && narrow)
		status = columns_hold(side, 3, &second);
	if (status != STRADS_OK)
		return status;
	for (int i = 0; i < 3; i++)
		COLUMNS_CHECK(side, columns_hold(side, 4, &second) == STRADS_COLUMNS_FULL);
	COLUMNS_CHECK(side, columns_hold(side, 0, &again) == STRADS_OK);
	COLUMNS_CHECK(side, again.row == first.row && again.value == first.value);
	COLUMNS_CHECK(side, columns_equal(&first, 0, COLUMNS_ROWS));
	strads_columns_release(side->columns, 0);
	COLUMNS_CHECK(side, columns_hold(side, 4, &second) == STRADS_COLUMNS_FULL);
	strads_columns_release(side->columns, 0);
	COLUMNS_CHECK(side, columns_hold(side, 4, &second) == STRADS_OK);
	COLUMNS_CHECK(side, columns_equal(&second, 4, COLUMNS_ROWS));
	COLUMNS_CHECK(side, columns_hold(side, 0, &first) == STRADS_COLUMNS_FULL);
	return STRADS_OK;
}

static void
strads_columns_hold__full_until_something_is_released(void **state)
{
	struct strads_columns_options little = {.cache_bytes = COLUMNS_ROWS * 12 + 4,
						.columns_max = 100,
						.fetches_max = 3,
						.reads_max = 5};
	struct strads_columns_options few = {
	    .cache_bytes = 1 << 16, .columns_max = 2, .fetches_max = 3, .reads_max = 5};

	(void)state;
	columns_job_with_peers(fill, &little, STRADS_OK);
	columns_job_with_peers(fill, &few, STRADS_OK);
}

/* Room for one column, and one read at a time. The full column is wanted, then another: it is
 * forgotten before it has come, then after, when the empty one behind it has. */
static int
change_mind(struct columns_side *side)
{
	struct strads_column column;
	bool moved;

	COLUMNS_CHECK(side, strads_columns_hold(side->columns, 0, &column, &moved) == STRADS_AGAIN);
	strads_columns_forget(side->columns, 0);
	COLUMNS_CHECK(side, columns_hold(side, 4, &column) == STRADS_OK);
	strads_columns_release(side->columns, 4);

	COLUMNS_CHECK(side, strads_columns_hold(side->columns, 0, &column, &moved) == STRADS_AGAIN);
	COLUMNS_CHECK(side, columns_hold(side, 1, &column) == STRADS_OK);
	strads_columns_release(side->columns, 1);
	COLUMNS_CHECK(side, columns_hold(side, 4, &column) == STRADS_COLUMNS_FULL);
	strads_columns_forget(side->columns, 0);
	COLUMNS_CHECK(side, columns_hold(side, 4, &column) == STRADS_OK);
	COLUMNS_CHECK(side, columns_equal(&column, 4, COLUMNS_ROWS));
	return STRADS_OK;
}

static void
strads_columns_forget__makes_room_for_another(void **state)
{
	struct strads_columns_options little = {.cache_bytes = COLUMNS_ROWS * 12 + 4,
						.columns_max = 100,
						.fetches_max = 1,
						.reads_max = 1};

	(void)state;
	columns_job_with_peers(change_mind, &little, STRADS_OK);
}

static int
hold_too_large(struct columns_side *side)
{
	struct strads_column column;
	int status;

	for (int i = 0; i < 2; i++) {
		status = columns_hold(side, 0, &column);
		COLUMNS_CHECK(side, status == STRADS_ERR_MEMORY);
		COLUMNS_CHECK(side, strstr(strads_error(), "column 0 has 37 entries") &&
					strstr(strads_error(), "448 would do"));
		status = columns_hold(side, 3, &column);
		COLUMNS_CHECK(side, status == STRADS_OK);
		COLUMNS_CHECK(side, columns_equal(&column, 3, COLUMNS_ROWS));
		strads_columns_release(side->columns, 3);
	}
	return status;
}

static void
strads_columns_hold__a_column_larger_than_the_cache(void **state)
{
	struct strads_columns_options little = {
	    .cache_bytes = 440, .columns_max = 100, .fetches_max = 3, .reads_max = 5};

	(void)state;
	columns_job_with_peers(hold_too_large, &little, STRADS_OK);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(strads_columns_hold__what_is_held_stays_while_others_go),
	    cmocka_unit_test(strads_columns_hold__full_until_something_is_released),
	    cmocka_unit_test(strads_columns_forget__makes_room_for_another),
	    cmocka_unit_test(strads_columns_hold__a_column_larger_than_the_cache),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
