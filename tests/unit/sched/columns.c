/*
 * Whole columns, whatever the ranks, the cache and the way they travel.
 */
#include "strads/columns.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../../share.h"
#include "columns_job.h"

static int
rows_of(struct columns_side *side)
{
	uint32_t mine = side->x.rows, all[COLUMNS_RANKS_MAX];
	int rows = 0;

	if (strads_job_allgather(strads_fabric_job(side->fabric), &mine, sizeof mine, all))
		return -1;
	for (int r = 0; r < side->ranks; r++)
		rows += (int)all[r];
	return rows;
}

/* ---- Equal ---- */

static int
hold_each(struct columns_side *side)
{
	int rows = rows_of(side), status = STRADS_OK;

	for (strads_key j = 0; j < 2 * COLUMNS_COLS && status == STRADS_OK; j++) {
		struct strads_column column;

		status = columns_hold(side, j % COLUMNS_COLS, &column);
		if (status != STRADS_OK)
			break;
		COLUMNS_CHECK(side, columns_equal(&column, j % COLUMNS_COLS, (uint32_t)rows));
		strads_columns_release(side->columns, j % COLUMNS_COLS);
	}
	return status;
}

static void
strads_columns_hold__are_those_of_the_whole_matrix(void **state)
{
	(void)state;
	for (size_t i = 0; i < columns_jobs(); i++)
		for (int lopsided = 0; lopsided < 2; lopsided++) {
			struct columns_job job = columns_job_of(i, hold_each);

			job.lopsided = lopsided;
			columns_job_assert(&job, STRADS_OK, NULL);
			job.options.fetches_max = job.options.reads_max = 1;
			columns_job_assert(&job, STRADS_OK, NULL);
		}
}

static void
strads_columns_hold__more_ranks_than_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < columns_jobs(); i++)
		for (uint32_t rows = 0; rows < 4; rows++) {
			struct columns_job job = columns_job_of(i, hold_each);

			if (!strads_test_takes(10 * i + rows))
				continue;
			job.rows = rows;
			columns_job_assert(&job, STRADS_OK, NULL);
		}
}

/* All at once, and held until all are. */
static int
hold_all(struct columns_side *side)
{
	uint64_t start = strads_fabric_clock_ns(side->fabric);
	struct strads_column column[COLUMNS_COLS];
	bool held[COLUMNS_COLS] = {false};
	int missing = COLUMNS_COLS;

	while (missing) {
		bool moved = false;
		int status = STRADS_OK;

		for (strads_key j = 0; j < COLUMNS_COLS && status >= 0; j++) {
			if (held[j])
				continue;
			status = strads_columns_hold(side->columns, j, &column[j], &moved);
			held[j] = status == STRADS_OK;
			missing -= held[j];
		}
		if (status >= 0)
			status = columns_wait(side, start, moved);
		if (status != STRADS_OK)
			return status;
	}
	for (strads_key j = 0; j < COLUMNS_COLS; j++) {
		COLUMNS_CHECK(side, columns_equal(&column[j], j, COLUMNS_ROWS));
		strads_columns_release(side->columns, j);
	}
	return STRADS_OK;
}

static void
strads_columns_hold__many_at_once(void **state)
{
	(void)state;
	for (size_t i = 0; i < columns_jobs(); i++)
		for (uint32_t reads = 1; reads <= 64; reads *= 8) {
			struct columns_job job = columns_job_of(i, hold_all);

			if (!strads_test_takes(100 * i + reads))
				continue;
			job.options.fetches_max = 1 + reads / 2;
			job.options.reads_max = reads;
			columns_job_assert(&job, STRADS_OK, NULL);
		}
}

/* More columns are wanted at once than there is room for: all come, a few at a time. */
static int
take_turns(struct columns_side *side)
{
	uint64_t start = strads_fabric_clock_ns(side->fabric);
	bool taken[COLUMNS_COLS] = {false};
	int missing = COLUMNS_COLS;

	while (missing) {
		bool moved = false;
		int status = STRADS_OK;

		for (strads_key j = 0; j < COLUMNS_COLS && status >= 0; j++) {
			struct strads_column column;

			if (taken[j])
				continue;
			status = strads_columns_hold(side->columns, j, &column, &moved);
			if (status != STRADS_OK)
				continue;
			COLUMNS_CHECK(side, columns_equal(&column, j, COLUMNS_ROWS));
			strads_columns_release(side->columns, j);
			taken[j] = true;
			missing--;
		}
		if (status >= 0)
			status = columns_wait(side, start, moved);
		if (status != STRADS_OK)
			return status;
	}
	return STRADS_OK;
}

static void
strads_columns_hold__wanted_more_than_there_is_room(void **state)
{
	struct strads_columns_options little = {.cache_bytes = COLUMNS_ROWS * 12 + 4,
						.columns_max = 3,
						.fetches_max = 8,
						.reads_max = 16};

	(void)state;
	columns_job_with_peers(take_turns, &little, STRADS_OK);
}

static int
hold_in_place(struct columns_side *side)
{
	struct strads_column column;
	int status = columns_hold(side, 5, &column);

	if (status != STRADS_OK)
		return status;
	COLUMNS_CHECK(side, column.row == side->x.row + side->x.start[5]);
	COLUMNS_CHECK(side, column.value == side->x.value + side->x.start[5]);
	strads_columns_release(side->columns, 5);
	return STRADS_OK;
}

static void
strads_columns_hold__one_rank_copies_nothing(void **state)
{
	struct columns_job job = columns_job_defaults(STRADS_JOB_SELF, 1, hold_in_place);

	(void)state;
	columns_job_assert(&job, STRADS_OK, NULL);
}

/* ---- Counts ---- */

/* What hold_each reads: of each column once the starts of every peer that has entries, and its rows
 * and values there. */
static int
count_reads(struct columns_side *side)
{
	struct strads_fabric_stats before, after;
	struct strads_columns_stats stats;
	uint64_t shares[COLUMNS_RANKS_MAX][COLUMNS_COLS + 1];
	uint64_t messages = 0, bytes = 0;
	int status = strads_job_allgather(strads_fabric_job(side->fabric), side->x.start,
					  sizeof shares[0], shares);

	if (status != STRADS_OK)
		return status;
	for (int r = 0; r < side->ranks; r++)
		for (int j = 0; r != side->rank && j < COLUMNS_COLS; j++) {
			uint64_t count = shares[r][j + 1] - shares[r][j];

			messages += (shares[r][COLUMNS_COLS] > 0) + (count ? 2 : 0);
			bytes += (shares[r][COLUMNS_COLS] > 0) * 16 + 12 * count;
		}
	strads_fabric_stats(side->fabric, &before);
	status = hold_each(side);
	strads_fabric_stats(side->fabric, &after);
	strads_columns_stats(side->columns, &stats);
	COLUMNS_CHECK(side, stats.held == 2 * COLUMNS_COLS);
	COLUMNS_CHECK(side, stats.hits == (side->ranks > 1 ? COLUMNS_COLS : 2 * COLUMNS_COLS));
	COLUMNS_CHECK(side, stats.fetched == (side->ranks > 1 ? COLUMNS_COLS : 0));
	COLUMNS_CHECK(side, stats.evicted == 0);
	COLUMNS_CHECK(side, stats.messages == messages && stats.bytes == bytes);
	COLUMNS_CHECK(side, after.operations[STRADS_OP_GET] - before.operations[STRADS_OP_GET] ==
				messages);
	COLUMNS_CHECK(side, after.bytes[STRADS_OP_GET] - before.bytes[STRADS_OP_GET] == bytes);
	return status;
}

static void
strads_columns_stats__counts_what_is_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < columns_jobs(); i++)
		for (int lopsided = 0; lopsided < 2; lopsided++) {
			struct columns_job job = columns_job_of(i, count_reads);

			job.lopsided = lopsided;
			columns_job_assert(&job, STRADS_OK, NULL);
		}
}

static int
compare_memory(struct columns_side *side)
{
	struct strads_fabric_stats before, with;
	size_t told = strads_columns_memory(&side->options, side->ranks);
	int status;

	strads_fabric_stats(side->fabric, &before);
	status = strads_columns_new(side->fabric, side->region, &side->x, &side->options,
				    &side->columns);
	strads_fabric_stats(side->fabric, &with);
	if (side->ranks == 1)
		COLUMNS_CHECK(side, with.registered_bytes == before.registered_bytes);
	else
		COLUMNS_CHECK(side, with.registered_bytes - before.registered_bytes >=
					side->options.cache_bytes);
	COLUMNS_CHECK(side, with.registered_bytes - before.registered_bytes < told);
	return status;
}

static void
strads_columns_memory__covers_what_is_registered(void **state)
{
	(void)state;
	for (size_t i = 0; i < columns_jobs(); i++) {
		struct columns_job job = columns_job_of(i, compare_memory);

		job.bare = true;
		columns_job_assert(&job, STRADS_OK, NULL);
	}
}

/* ---- Deleting ---- */

static int
delete_early(struct columns_side *side)
{
	struct strads_column column;
	bool moved;

	for (strads_key j = 0; j < 20; j++) {
		int status = strads_columns_hold(side->columns, j, &column, &moved);

		if (status != STRADS_OK && status != STRADS_AGAIN)
			return status;
	}
	strads_columns_delete(&side->columns);
	COLUMNS_CHECK(side, !side->columns);
	return STRADS_OK;
}

static void
strads_columns_delete__while_columns_are_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < columns_jobs(); i++) {
		struct columns_job job = columns_job_of(i, delete_early);

		columns_job_assert(&job, STRADS_OK, NULL);
	}
}

/* columns [FABRIC] */
int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(strads_columns_hold__are_those_of_the_whole_matrix),
	    cmocka_unit_test(strads_columns_hold__more_ranks_than_rows),
	    cmocka_unit_test(strads_columns_hold__many_at_once),
	    cmocka_unit_test(strads_columns_hold__wanted_more_than_there_is_room),
	    cmocka_unit_test(strads_columns_hold__one_rank_copies_nothing),
	    cmocka_unit_test(strads_columns_stats__counts_what_is_read),
	    cmocka_unit_test(strads_columns_memory__covers_what_is_registered),
	    cmocka_unit_test(strads_columns_delete__while_columns_are_read),
	};
	const struct CMUnitTest travelling[] = {
	    cmocka_unit_test(strads_columns_hold__are_those_of_the_whole_matrix),
	    cmocka_unit_test(strads_columns_hold__many_at_once),
	    cmocka_unit_test(strads_columns_stats__counts_what_is_read),
	    cmocka_unit_test(strads_columns_hold__wanted_more_than_there_is_room),
	    cmocka_unit_test(strads_columns_delete__while_columns_are_read),
	};

	if (argc > 1) {
		columns_jobs_over(argv[1]);
		if (!strads_fabric_has_provider("ofi")) {
			fprintf(stderr, "skipped: built without the ofi provider\n");
			return 77;
		}
		return cmocka_run_group_tests(travelling, NULL, NULL);
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
