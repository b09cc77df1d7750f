/*
 * Whole columns, whatever the ranks, the cache and the way they travel.
 */
#include "strads/columns.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "columns_job.h"
#include "strads/random.h"

/* Forked ranks and simulated ones. */
static const struct {
	enum strads_job_kind kind;
	int ranks;
} jobs[] = {
    {STRADS_JOB_LOCAL, 2}, {STRADS_JOB_LOCAL, 3}, {STRADS_JOB_LOCAL, 8}, {STRADS_JOB_SELF, 1},
    {STRADS_JOB_SIM, 1},   {STRADS_JOB_SIM, 2},   {STRADS_JOB_SIM, 3},   {STRADS_JOB_SIM, 8},
};

/* All of them on the fabric that is taken by itself; the first few, for what depends on how columns
 * travel, where another is asked for. */
static const char *fabric = "auto";
static size_t n_jobs = sizeof jobs / sizeof *jobs;

#define N_FOR_OTHER_FABRIC 2

static struct columns_job
job_of(size_t i, int (*scene)(struct columns_side *))
{
	struct columns_job job = columns_job_defaults(jobs[i].kind, jobs[i].ranks, scene);

	job.fabric = fabric;
	return job;
}

/* Runs a scene that needs peers on those jobs, with these options. */
static void
run_with_peers(int (*scene)(struct columns_side *), const struct strads_columns_options *options,
	       int status)
{
	for (size_t i = 0; i < n_jobs; i++) {
		struct columns_job job = job_of(i, scene);

		if (job.job.ranks == 1)
			continue;
		if (options)
			job.options = *options;
		columns_job_assert(&job, status, NULL);
	}
}

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
	for (size_t i = 0; i < n_jobs; i++)
		for (int lopsided = 0; lopsided < 2; lopsided++) {
			struct columns_job job = job_of(i, hold_each);

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
	for (size_t i = 0; i < n_jobs; i++)
		for (uint32_t rows = 0; rows < 4; rows++) {
			struct columns_job job = job_of(i, hold_each);

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
	for (size_t i = 0; i < n_jobs; i++)
		for (uint32_t reads = 1; reads <= 64; reads *= 8) {
			struct columns_job job = job_of(i, hold_all);

			job.options.fetches_max = 1 + reads / 2;
			job.options.reads_max = reads;
			columns_job_assert(&job, STRADS_OK, NULL);
		}
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
	for (size_t i = 0; i < n_jobs; i++)
		for (int lopsided = 0; lopsided < 2; lopsided++) {
			struct columns_job job = job_of(i, count_reads);

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
	for (size_t i = 0; i < n_jobs; i++) {
		struct columns_job job = job_of(i, compare_memory);

		job.bare = true;
		columns_job_assert(&job, STRADS_OK, NULL);
	}
}

/* ---- Little room ---- */

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
	run_with_peers(walk, &little, STRADS_OK);
	run_with_peers(walk, &few, STRADS_OK);
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
	run_with_peers(fill, &little, STRADS_OK);
	run_with_peers(fill, &few, STRADS_OK);
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
	run_with_peers(take_turns, &little, STRADS_OK);
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
	run_with_peers(change_mind, &little, STRADS_OK);
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
	run_with_peers(hold_too_large, &little, STRADS_OK);
}

static int
hold_none(struct columns_side *side)
{
	struct strads_column column;
	bool moved;

	return strads_columns_hold(side->columns, COLUMNS_COLS, &column, &moved);
}

static void
strads_columns_hold__no_such_column(void **state)
{
	(void)state;
	for (size_t i = 0; i < n_jobs; i++) {
		struct columns_job job = job_of(i, hold_none);

		columns_job_assert(&job, STRADS_ERR_ARGUMENT, NULL);
	}
}

/* ---- Nonsense ---- */

static void
start_after_end(struct strads_csc *x)
{
	x->start[3] = x->start[4] + 1;
}
static void
end_behind_all(struct strads_csc *x)
{
	x->start[4] = UINT64_MAX;
}
static void
end_far_behind(struct strads_csc *x)
{
	x->start[4] = x->start[COLUMNS_COLS];
}
static void
row_of_another(struct strads_csc *x)
{
	x->row[x->start[0] + 1] = x->rows;
}
static void
row_far_out(struct strads_csc *x)
{
	x->row[x->start[0]] = UINT32_MAX;
}
static void
row_again(struct strads_csc *x)
{
	x->row[x->start[0] + 1] = x->row[x->start[0]];
}

static const struct {
	void (*spoil)(struct strads_csc *);
	strads_key key;
} nonsense[] = {
    {start_after_end, 3}, {end_behind_all, 3}, {end_far_behind, 3},
    {row_of_another, 0},  {row_far_out, 0},    {row_again, 0},
};

#define N_NONSENSE (sizeof nonsense / sizeof *nonsense)

/* The last rank spoils its matrix in the way that fetches_max names; all see it, it itself too. */
static int
hold_nonsense(struct columns_side *side)
{
	size_t i = side->options.fetches_max - 1;
	struct strads_job *job = strads_fabric_job(side->fabric);
	struct strads_column column;
	char expected[64];
	int status;

	snprintf(expected, sizeof expected, "column %d of rank %d makes no sense",
		 (int)nonsense[i].key, side->ranks - 1);
	if (side->rank == side->ranks - 1)
		nonsense[i].spoil(&side->x);
	status = strads_job_barrier(job);
	if (status != STRADS_OK)
		return status;
	status = columns_hold(side, nonsense[i].key, &column);
	COLUMNS_CHECK(side, strstr(strads_error(), expected));
	COLUMNS_CHECK(side, columns_hold(side, 9, &column) == status);
	return status;
}

static void
strads_columns_hold__nonsense_of_a_peer(void **state)
{
	struct strads_columns_options options = {
	    .cache_bytes = 1 << 16, .columns_max = 100, .reads_max = 5};

	(void)state;
	for (size_t i = 0; i < N_NONSENSE; i++) {
		options.fetches_max = (uint32_t)i + 1;
		run_with_peers(hold_nonsense, &options, STRADS_ERR_PROTOCOL);
	}
}

/* ---- Making ---- */

/* Makes columns that cannot be: the sentence holds `reason` on every rank. */
static int
make(struct columns_side *side, const struct strads_csc *x, const char *reason)
{
	int status =
	    strads_columns_new(side->fabric, side->region, x, &side->options, &side->columns);

	COLUMNS_CHECK(side, strstr(strads_error(), reason));
	COLUMNS_CHECK(side, !side->columns);
	return status;
}

static int
make_of_other_width(struct columns_side *side)
{
	struct strads_csc x = side->x;

	x.cols -= side->rank == 1;
	return make(side, &x, "60");
}

static int
make_of_private_arrays(struct columns_side *side)
{
	struct strads_csc x = side->x;
	uint64_t start[COLUMNS_COLS + 1];

	memcpy(start, x.start, sizeof start);
	if (side->rank == 1)
		x.start = start;
	return make(side, &x, "the arrays of rank 1 do not lie in its region");
}

static int
make_of_too_many_rows(struct columns_side *side)
{
	struct strads_csc x = side->x;

	x.rows = UINT32_MAX / (uint32_t)side->ranks + 1;
	return make(side, &x, "columns of 2^32 rows or more are not supported");
}

static int
make_without_fetches(struct columns_side *side)
{
	side->options.fetches_max = side->rank != 1;
	return make(side, &side->x, "at least 1");
}

static void
strads_columns_new__what_cannot_be(void **state)
{
	static int (*const scenes[])(struct columns_side *) = {
	    make_of_other_width, make_of_private_arrays, make_of_too_many_rows,
	    make_without_fetches};

	(void)state;
	for (size_t s = 0; s < sizeof scenes / sizeof *scenes; s++)
		for (size_t i = 0; i < n_jobs; i++) {
			struct columns_job job = job_of(i, scenes[s]);

			job.bare = true;
			if (job.job.ranks > 1)
				columns_job_assert(&job, STRADS_ERR_ARGUMENT, NULL);
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
	for (size_t i = 0; i < n_jobs; i++) {
		struct columns_job job = job_of(i, delete_early);

		columns_job_assert(&job, STRADS_OK, NULL);
	}
}

static bool
is_built(const char *provider)
{
	for (const char *const *built = strads_fabric_providers(); *built; built++)
		if (strcmp(*built, provider) == 0)
			return true;
	return false;
}

/* columns [FABRIC] */
int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(strads_columns_hold__are_those_of_the_whole_matrix),
	    cmocka_unit_test(strads_columns_hold__more_ranks_than_rows),
	    cmocka_unit_test(strads_columns_hold__many_at_once),
	    cmocka_unit_test(strads_columns_hold__one_rank_copies_nothing),
	    cmocka_unit_test(strads_columns_stats__counts_what_is_read),
	    cmocka_unit_test(strads_columns_memory__covers_what_is_registered),
	    cmocka_unit_test(strads_columns_hold__what_is_held_stays_while_others_go),
	    cmocka_unit_test(strads_columns_hold__full_until_something_is_released),
	    cmocka_unit_test(strads_columns_hold__wanted_more_than_there_is_room),
	    cmocka_unit_test(strads_columns_forget__makes_room_for_another),
	    cmocka_unit_test(strads_columns_hold__a_column_larger_than_the_cache),
	    cmocka_unit_test(strads_columns_hold__no_such_column),
	    cmocka_unit_test(strads_columns_hold__nonsense_of_a_peer),
	    cmocka_unit_test(strads_columns_new__what_cannot_be),
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
		fabric = argv[1];
		n_jobs = N_FOR_OTHER_FABRIC;
		if (!is_built("ofi")) {
			fprintf(stderr, "skipped: built without the ofi provider\n");
			return 77;
		}
		return cmocka_run_group_tests(travelling, NULL, NULL);
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
