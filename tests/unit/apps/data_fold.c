#include "../../../apps/data/fold.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lasso_problem.h"

#define ROWS 53
#define COLS 12

static void
assign__sizes_differ_by_one_at_most(void **state)
{
	(void)state;
	for (uint32_t folds = 2; folds <= ROWS; folds += 3) {
		const struct strads_dataset all = {.x.rows = ROWS};
		uint32_t fold[ROWS], size[ROWS] = {0};

		assert_int_equal(strads_fold_assign(&all, 1, folds, fold), STRADS_OK);
		for (int i = 0; i < ROWS; i++) {
			assert_true(fold[i] < folds);
			size[fold[i]]++;
		}
		for (uint32_t f = 0; f < folds; f++)
			assert_true(size[f] == ROWS / folds || size[f] == ROWS / folds + 1);
	}
}

static void
assign__follows_from_the_seed_not_from_the_ranks(void **state)
{
	const struct strads_dataset all = {.x.rows = ROWS};
	uint32_t whole[ROWS], part[ROWS], other[ROWS];

	(void)state;
	assert_int_equal(strads_fold_assign(&all, 7, 5, whole), STRADS_OK);
	assert_int_equal(strads_fold_assign(&all, 8, 5, other), STRADS_OK);
	assert_memory_not_equal(whole, other, sizeof whole);
	for (uint32_t first = 0; first < ROWS; first += 11) {
		uint32_t rows = ROWS - first < 11 ? ROWS - first : 11;
		const struct strads_dataset mine = {.x.rows = rows, .first_row = first};

		assert_int_equal(strads_fold_assign(&mine, 7, 5, part), STRADS_OK);
		assert_memory_equal(part, whole + first, rows * sizeof *part);
	}
}

static int
hold_and_release(struct strads_job *job, void *arg)
{
	struct lasso_problem p = lasso_problem_new(ROWS, COLS, 0.5, 0, 3);
	struct strads_dataset data, held;
	uint32_t fold[ROWS];
	uint64_t entries;
	double *before;

	(void)arg;
	assert_int_equal(lasso_problem_rows(&p, 0, ROWS, &data), STRADS_OK);
	entries = data.x.start[COLS];
	before = malloc(entries * sizeof *before);
	assert_non_null(before);
	memcpy(before, data.x.value, entries * sizeof *before);
	assert_int_equal(strads_fold_assign(&data, 1, 4, fold), STRADS_OK);
	for (uint32_t f = 0; f < 4; f++) {
		assert_int_equal(strads_fold_hold(job, &data, fold, f, &held), STRADS_OK);
		assert_int_equal(data.rows_total + held.rows_total, ROWS);
		for (uint32_t i = 0, at = 0; i < ROWS; i++) {
			assert_int_equal(strads_dataset_has(&data, i), fold[i] != f);
			if (fold[i] == f)
				assert_true(held.y[at++] == data.y[i]);
		}
		for (uint64_t k = 0; k < entries; k++)
			assert_true(data.x.value[k] == (fold[data.x.row[k]] == f ? 0 : before[k]));
		strads_fold_release(&data, &held);
		assert_memory_equal(data.x.value, before, entries * sizeof *before);
		assert_true(data.rows_total == ROWS && !data.absent);
	}
	free(before);
	strads_dataset_free(&data);
	lasso_problem_free(&p);
	return 0;
}

static void
hold__moves_the_values_and_release_puts_them_back(void **state)
{
	const struct strads_job_options job = {
	    .kind = STRADS_JOB_SIM, .ranks = 1, .timeout_ms = 10000, .sim = {.seed = 1}};

	(void)state;
	assert_int_equal(strads_job_run(&job, hold_and_release, NULL), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(assign__sizes_differ_by_one_at_most),
	    cmocka_unit_test(assign__follows_from_the_seed_not_from_the_ranks),
	    cmocka_unit_test(hold__moves_the_values_and_release_puts_them_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
