/*
 * Columns that cannot be: what a peer holds makes no sense, or what is asked for does not fit.
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
	for (size_t i = 0; i < columns_jobs(); i++) {
		struct columns_job job = columns_job_of(i, hold_none);

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
		columns_job_with_peers(hold_nonsense, &options, STRADS_ERR_PROTOCOL);
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
		for (size_t i = 0; i < columns_jobs(); i++) {
			struct columns_job job = columns_job_of(i, scenes[s]);

			job.bare = true;
			if (job.job.ranks > 1 && strads_test_takes(10 * i + s))
				columns_job_assert(&job, STRADS_ERR_ARGUMENT, NULL);
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(strads_columns_hold__no_such_column),
	    cmocka_unit_test(strads_columns_hold__nonsense_of_a_peer),
	    cmocka_unit_test(strads_columns_new__what_cannot_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
