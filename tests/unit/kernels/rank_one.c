#include "strads/rank_one.h"

#include <math.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "strads/random.h"

#define ROWS 40
#define COLS 67

/* A sparse matrix and the vectors of a pass, in double; a copy in floats is made for the test. */
struct fixture {
	uint64_t start[ROWS + 1];
	uint32_t col[ROWS * COLS];
	double r[ROWS * COLS];
	double change[2 * COLS], w[ROWS], next[ROWS], sums[2 * COLS];
	/* What a pass leaves, by the formulas of the header one after the other. */
	double r_after[ROWS * COLS], w_after[ROWS], sums_after[2 * COLS];
};

static double
number(uint64_t stream, uint64_t index)
{
	return (double)(strads_random(7, stream, index) >> 11) * 0x1p-53 - 0.4;
}

/* Rows of every length from none to all columns. */
static int
set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	uint64_t e = 0;

	assert_non_null(f);
	for (uint32_t i = 0; i < ROWS; i++) {
		for (uint32_t j = 0; j < COLS; j++)
			if (strads_random(3, i, j) % ROWS < i + (i == ROWS - 1)) {
				f->col[e] = j;
				f->r[e] = number(1, e);
				e++;
			}
		f->start[i + 1] = e;
		f->w[i] = number(2, i);
		f->next[i] = number(3, i);
	}
	assert_int_equal(f->start[1], 0);
	assert_int_equal(f->start[ROWS] - f->start[ROWS - 1], COLS);
	for (uint32_t j = 0; j < 2 * COLS; j++) {
		f->change[j] = number(4, j);
		f->sums[j] = number(5, j);
	}
	*state = f;
	return 0;
}

static int
tear_down(void **state)
{
	free(*state);
	return 0;
}

static void
reference_change(struct fixture *f, bool solve, double lambda, bool weighted)
{
	for (uint32_t i = 0; i < ROWS; i++) {
		double up = 0, down = 0;
		uint64_t n = f->start[i + 1] - f->start[i];

		for (uint64_t e = f->start[i]; e < f->start[i + 1]; e++) {
			f->r_after[e] += f->w[i] * f->change[2 * f->col[e]];
			up += f->r_after[e] * f->change[2 * f->col[e] + 1];
			down += pow(f->change[2 * f->col[e] + 1], 2);
		}
		down += weighted ? lambda * (double)n : lambda;
		if (solve)
			f->w_after[i] = down > 0 ? up / down : 0;
		for (uint64_t e = f->start[i]; e < f->start[i + 1]; e++)
			f->r_after[e] -= f->w_after[i] * f->change[2 * f->col[e] + 1];
	}
}

static void
reference(struct fixture *f, bool change, bool solve, double lambda, bool weighted,
	  const double *next)
{
	memcpy(f->r_after, f->r, sizeof f->r);
	memcpy(f->w_after, f->w, sizeof f->w);
	memcpy(f->sums_after, f->sums, sizeof f->sums);
	if (change)
		reference_change(f, solve, lambda, weighted);
	for (uint32_t i = 0; next && i < ROWS; i++)
		for (uint64_t e = f->start[i]; e < f->start[i + 1]; e++) {
			double w = next == f->w ? f->w_after[i] : next[i];

			f->sums_after[2 * f->col[e]] += f->r_after[e] * w;
			f->sums_after[2 * f->col[e] + 1] += w * w;
		}
}

/* A copy of n numbers in the precision that is tested; the caller frees. */
static void *
reals(bool wide, const double *from, size_t n)
{
	double *doubles = malloc((n + 1) * sizeof *doubles);
	float *floats = malloc((n + 1) * sizeof *floats);

	assert_true(doubles && floats);
	memcpy(doubles, from, n * sizeof *doubles);
	for (size_t i = 0; i < n; i++)
		floats[i] = (float)from[i];
	free(wide ? (void *)floats : (void *)doubles);
	return wide ? (void *)doubles : (void *)floats;
}

static void
assert_close(bool wide, const void *got, const double *expected, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		double value = wide ? ((const double *)got)[i] : (double)((const float *)got)[i];

		if (!(fabs(value - expected[i]) <= (wide ? 1e-13 : 2e-5) * (1 + fabs(expected[i]))))
			fail_msg("number %zu is %.17g, not %.17g", i, value, expected[i]);
	}
}

enum next { NEXT_NONE, NEXT_SAME, NEXT_OTHER };

static void
check(struct fixture *f, bool wide, bool change, bool solve, double lambda, bool weighted,
      enum next next)
{
	void *r = reals(wide, f->r, f->start[ROWS]), *changes = reals(wide, f->change, 2 * COLS);
	void *w = reals(wide, f->w, ROWS), *other = reals(wide, f->next, ROWS);
	void *sums = reals(wide, f->sums, 2 * COLS);
	const struct strads_rank_one_rows rows = {wide, ROWS, f->start, f->col, r};
	const struct strads_rank_one_pass pass = {
	    .change = change ? changes : NULL,
	    .w = w,
	    .solve = solve,
	    .lambda = lambda,
	    .weighted = weighted,
	    .next = next == NEXT_NONE   ? NULL
		    : next == NEXT_SAME ? w
					: other,
	    .sums = sums,
	};

	reference(f, change, solve, lambda, weighted,
		  next == NEXT_NONE   ? NULL
		  : next == NEXT_SAME ? f->w
				      : f->next);
	strads_rank_one(&rows, &pass, 0, ROWS / 3);
	strads_rank_one(&rows, &pass, ROWS / 3, ROWS);
	assert_close(wide, r, f->r_after, f->start[ROWS]);
	assert_close(wide, w, f->w_after, ROWS);
	assert_close(wide, sums, f->sums_after, 2 * COLS);
	free(r);
	free(changes);
	free(w);
	free(other);
	free(sums);
}

static void
pass__follows_its_formulas(void **state)
{
	for (int wide = 0; wide <= 1; wide++)
		for (int solve = 0; solve <= 1; solve++)
			for (int weighted = 0; weighted <= 1; weighted++)
				for (enum next next = NEXT_NONE; next <= NEXT_OTHER; next++)
					check(*state, wide, true, solve, 0.3, weighted, next);
}

static void
pass__sums_alone(void **state)
{
	for (int wide = 0; wide <= 1; wide++)
		check(*state, wide, false, false, 0.3, false, NEXT_OTHER);
}

/* Row 0 has no entries: without a ridge there is nothing to divide by. */
static void
pass__row_without_entries_and_ridge_becomes_zero(void **state)
{
	for (int wide = 0; wide <= 1; wide++)
		check(*state, wide, true, true, 0, false, NEXT_NONE);
}

#define LONG 2500

/* Every precision does the same to a row of more entries than are kept from half to half. */
static void
pass__on_a_long_row(void **state)
{
	const uint64_t start[] = {0, LONG};
	double numbers[3][2 * LONG], w = 0.25, next = 0.5;
	float narrow_w = 0.25F, narrow_next = 0.5F;
	void *narrow[3], *wide[3];
	uint32_t col[LONG];

	(void)state;
	for (uint32_t j = 0; j < LONG; j++)
		col[j] = j;
	for (int part = 0; part < 3; part++) {
		for (uint32_t j = 0; j < 2 * LONG; j++)
			numbers[part][j] = (double)(float)number((uint64_t)part, j);
		narrow[part] = reals(false, numbers[part], (size_t)2 * LONG);
		wide[part] = reals(true, numbers[part], (size_t)2 * LONG);
	}
	for (int is_wide = 0; is_wide <= 1; is_wide++) {
		void **parts = is_wide ? wide : narrow;
		const struct strads_rank_one_rows rows = {is_wide, 1, start, col, parts[0]};
		const struct strads_rank_one_pass pass = {
		    .change = parts[1],
		    .w = is_wide ? (void *)&w : (void *)&narrow_w,
		    .solve = true,
		    .lambda = 0.1,
		    .next = is_wide ? (void *)&next : (void *)&narrow_next,
		    .sums = parts[2],
		};

		strads_rank_one(&rows, &pass, 0, 1);
	}
	assert_close(false, &narrow_w, &w, 1);
	for (int part = 0; part < 3; part++) {
		assert_close(false, narrow[part], wide[part], part ? (size_t)2 * LONG : LONG);
		free(narrow[part]);
		free(wide[part]);
	}
}

static void
follow__subtracts_what_changed(void **state)
{
	struct fixture *f = *state;

	for (int wide = 0; wide <= 1; wide++) {
		void *r = reals(wide, f->r, f->start[ROWS]);
		void *changes = reals(wide, f->change, 2 * COLS);
		void *before = reals(wide, f->w, ROWS), *after = reals(wide, f->next, ROWS);
		const struct strads_rank_one_rows rows = {wide, ROWS, f->start, f->col, r};
		double squares = 0;

		for (uint32_t i = 0; i < ROWS; i++)
			for (uint64_t e = f->start[i]; e < f->start[i + 1]; e++) {
				f->r_after[e] = f->r[e] + f->w[i] * f->change[2 * f->col[e]] -
						f->next[i] * f->change[2 * f->col[e] + 1];
				squares += f->r_after[e] * f->r_after[e];
			}
		strads_rank_one_follow(&rows, changes, before, after);
		assert_close(wide, r, f->r_after, f->start[ROWS]);
		assert_true(fabs(strads_rank_one_squares(&rows) - squares) <=
			    (wide ? 1e-13 : 1e-5) * squares);
		free(r);
		free(changes);
		free(before);
		free(after);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(pass__follows_its_formulas),
	    TEST(pass__sums_alone),
	    TEST(pass__row_without_entries_and_ridge_becomes_zero),
	    TEST(pass__on_a_long_row),
	    TEST(follow__subtracts_what_changed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
