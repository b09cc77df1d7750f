/*
 * Products of two columns: what they are, what bounds them, and what a search through them finds,
 * beside the products multiplied out.
 */
#include <math.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../../apps/pairs/scan.h"
#include "lasso_problem.h"
#include "strads/random.h"

#define ROWS 50
#define COLS 24

struct fixture {
	struct lasso_problem p;
	struct strads_dataset data;
	struct strads_products products;
	double r[ROWS];
};

/* Values in [0, 1], or of both signs; columns plain or of norm 1. */
static struct fixture *
made(bool negative, bool unit, uint64_t seed)
{
	struct fixture *f = calloc(1, sizeof *f);

	assert_non_null(f);
	f->p = lasso_problem_new(ROWS, COLS, 0.3, 0.3, seed);
	for (size_t k = 0; !negative && k < (size_t)ROWS * COLS; k++)
		f->p.x[k] = fmin(fabs(f->p.x[k]), 1);
	assert_int_equal(lasso_problem_rows(&f->p, 0, ROWS, &f->data), STRADS_OK);
	strads_products_open(&f->products, &f->data.x, unit);
	for (size_t i = 0; i < ROWS; i++)
		f->r[i] = (double)(strads_random(seed, 9, i) >> 11) * 0x1p-52 - 1;
	return f;
}

static void
unmake(struct fixture *f)
{
	lasso_problem_free(&f->p);
	strads_dataset_free(&f->data);
	free(f);
}

/* |(x_a∘x_b)ᵀr|, scaled, from the dense columns. */
static double
gradient(const struct fixture *f, size_t a, size_t b)
{
	double sum = 0, square = 0;

	for (size_t i = 0; i < ROWS; i++) {
		double x = f->p.x[a * ROWS + i] * f->p.x[b * ROWS + i];

		sum += x * f->r[i];
		square += x * x;
	}
	if (square == 0)
		return 0;
	return fabs(sum) / (f->products.unit ? sqrt(square) : 1);
}

static void
column__is_the_product(void **state)
{
	struct fixture *f = made(true, false, 1);
	uint32_t row[ROWS];
	double value[ROWS], dense[ROWS];

	(void)state;
	for (size_t a = 0; a < COLS; a++) {
		for (size_t b = a + 1; b < COLS; b++) {
			uint64_t n = strads_products_column(
			    &f->data.x, strads_products_key(COLS, a, b), row, value);

			memset(dense, 0, sizeof dense);
			for (uint64_t k = 0; k < n; k++) {
				assert_true(k == 0 || row[k] > row[k - 1]);
				dense[row[k]] = value[k];
			}
			for (size_t i = 0; i < ROWS; i++)
				assert_true(dense[i] ==
					    f->p.x[a * ROWS + i] * f->p.x[b * ROWS + i]);
		}
	}
	unmake(f);
}

static void
count__of_columns_whose_products_are_many(void **state)
{
	(void)state;
	assert_true(strads_products_count(2) == 1);
	assert_true(strads_products_count(5) == 10);
	assert_true(strads_products_count(141422) == UINT64_C(10000020331));
	assert_true(strads_products_count(UINT64_C(1) << 32) == UINT64_C(0x7fffffff80000000));
}

static void
bounds__hold_for_every_product(void **state)
{
	(void)state;
	for (unsigned setting = 0; setting < 4; setting++) {
		for (uint64_t seed = 1; seed <= 10; seed++) {
			struct fixture *f = made(setting & 1, setting & 2, seed);
			double bound[COLS];

			strads_products_bounds(&f->products, f->r, bound);
			for (size_t a = 0; a < COLS; a++) {
				for (size_t b = 0; b < COLS; b++) {
					double g = a == b ? 0 : gradient(f, a, b);

					if (g > bound[a])
						fail_msg("setting %u: |g| = %g above %g", setting,
							 g, bound[a]);
				}
			}
			unmake(f);
		}
	}
}

/* Where the residuals have one sign and two columns are ones, the bound is their product's
 * gradient.
 */
static void
bounds__are_reached(void **state)
{
	struct fixture *f = made(false, false, 3);
	double bound[COLS];

	(void)state;
	for (size_t i = 0; i < ROWS; i++) {
		f->p.x[i] = f->p.x[ROWS + i] = 1;
		f->r[i] = fabs(f->r[i]);
	}
	strads_dataset_free(&f->data);
	assert_int_equal(lasso_problem_rows(&f->p, 0, ROWS, &f->data), STRADS_OK);
	strads_products_open(&f->products, &f->data.x, false);
	strads_products_bounds(&f->products, f->r, bound);
	assert_float_equal(gradient(f, 0, 1), bound[0], 1e-7 * bound[0]);
	unmake(f);
}

/* Searches all blocks; returns the largest gradient. */
static double
search(struct strads_pairs_scan *scan, double least, const strads_key *known, uint64_t n_known,
       struct strads_candidates *found)
{
	double most = 0;

	strads_candidates_clear(found, UINT64_MAX);
	for (uint32_t block = 0; block < scan->blocks; block++)
		most =
		    fmax(most, strads_pairs_scan_block(scan, block, least, known, n_known, found));
	return most;
}

static bool
holds(const struct strads_candidates *found, strads_key key)
{
	for (uint64_t k = 0; k < found->count; k++)
		if (found->entry[k].key == key)
			return true;
	return false;
}

static void
scan__finds_all_violators_and_no_others(void **state)
{
	static struct strads_candidate entry[COLS * COLS];
	struct strads_candidates found = {.entry = entry, .max = COLS * COLS};

	(void)state;
	for (unsigned setting = 0; setting < 4; setting++) {
		struct fixture *f = made(setting & 1, setting & 2, 20 + setting);
		struct strads_pairs_scan scan;
		double most = 0, least;

		for (size_t a = 0; a < COLS; a++)
			for (size_t b = a + 1; b < COLS; b++)
				most = fmax(most, gradient(f, a, b));
		least = 0.5 * most;
		assert_int_equal(strads_pairs_scan_new(&scan, &f->products), STRADS_OK);
		strads_pairs_scan_keep(&scan, f->r, least, UINT64_MAX);
		assert_float_equal(search(&scan, least, NULL, 0, &found), most, 1e-12 * most);
		for (size_t a = 0; a < COLS; a++)
			for (size_t b = a + 1; b < COLS; b++)
				assert_int_equal(holds(&found, strads_products_key(COLS, a, b)),
						 gradient(f, a, b) > least);
		strads_pairs_scan_free(&scan);
		unmake(f);
	}
}

static void
scan__leaves_out_what_is_known(void **state)
{
	static struct strads_candidate entry[COLS * COLS];
	struct strads_candidates found = {.entry = entry, .max = COLS * COLS};
	struct fixture *f = made(false, false, 31);
	struct strads_pairs_scan scan;
	strads_key known;
	uint64_t all;
	double most;

	(void)state;
	assert_int_equal(strads_pairs_scan_new(&scan, &f->products), STRADS_OK);
	strads_pairs_scan_keep(&scan, f->r, 0, UINT64_MAX);
	most = search(&scan, 0, NULL, 0, &found);
	all = found.count;
	strads_candidates_keep(&found, 1);
	known = found.entry[0].key;
	/* Its gradient counts all the same. */
	assert_true(search(&scan, 0, &known, 1, &found) == most);
	assert_int_equal(found.count, all - 1);
	assert_false(holds(&found, known));
	strads_pairs_scan_free(&scan);
	unmake(f);
}

static void
keep__takes_the_largest_bounds(void **state)
{
	struct fixture *f = made(false, true, 41);
	struct strads_pairs_scan scan;
	double bound[COLS], least_kept = INFINITY;
	uint32_t above = 0;

	(void)state;
	strads_products_bounds(&f->products, f->r, bound);
	assert_int_equal(strads_pairs_scan_new(&scan, &f->products), STRADS_OK);
	strads_pairs_scan_keep(&scan, f->r, 0, 5);
	assert_in_range(scan.count, 1, 5);
	for (uint32_t k = 0; k < scan.count; k++)
		least_kept = fmin(least_kept, bound[scan.column[k]]);
	for (size_t a = 0; a < COLS; a++)
		above += bound[a] >= least_kept;
	assert_int_equal(above, scan.count);
	/* None: no blocks. */
	strads_pairs_scan_keep(&scan, f->r, INFINITY, UINT64_MAX);
	assert_int_equal(scan.count, 0);
	assert_int_equal(scan.blocks, 0);
	strads_pairs_scan_free(&scan);
	unmake(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(column__is_the_product),
	    cmocka_unit_test(count__of_columns_whose_products_are_many),
	    cmocka_unit_test(bounds__hold_for_every_product),
	    cmocka_unit_test(bounds__are_reached),
	    cmocka_unit_test(scan__finds_all_violators_and_no_others),
	    cmocka_unit_test(scan__leaves_out_what_is_known),
	    cmocka_unit_test(keep__takes_the_largest_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
