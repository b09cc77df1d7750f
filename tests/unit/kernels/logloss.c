#include "strads/logloss.h"

#include <float.h>
#include <math.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdlib.h>

#include <cmocka.h>

#include "matrix.h"

enum { ROWS = 60, COLS = 12 };

static void
assert_close(double got, double expected)
{
	if (!(fabs(got - expected) <= 1e-12 * (1 + fabs(expected))))
		fail_msg("%.17g instead of %.17g", got, expected);
}

/* Labels, margins and a move. */
struct rows {
	double y[ROWS], m[ROWS], move[ROWS];
};

static struct rows
rows_new(double spread)
{
	struct rows rows;

	for (size_t i = 0; i < ROWS; i++) {
		rows.y[i] = matrix_number(1, i) > 0.3 ? 1 : -1;
		rows.m[i] = spread * matrix_number(2, i);
		rows.move[i] = matrix_number(3, i);
	}
	return rows;
}

static void
loss__known_values(void **state)
{
	(void)state;
	assert_close(strads_logloss(0), log(2));
	assert_close(strads_logloss(1), 0.31326168751822286);
	assert_close(strads_logloss(-1), 1.3132616875182228);
}

static void
loss__neither_overflows_nor_vanishes(void **state)
{
	(void)state;
	assert_true(strads_logloss(-1e4) == 1e4);
	assert_true(strads_logloss(-DBL_MAX) == DBL_MAX);
	assert_true(strads_logloss(1e4) == 0);
	/* log(1 + e) = e − e²/2 …: a sum of 1 and e would lose all of it. */
	assert_true(fabs(strads_logloss(40) / exp(-40) - 1) <= 1e-15);
	assert_true(isnan(strads_logloss(NAN)));
}

static void
add__agrees_with_reference(void **state)
{
	(void)state;
	for (int run = 0; run < 4; run++) {
		struct rows rows = rows_new(run < 2 ? 3 : 600);
		const double *move = run % 2 ? rows.move : NULL;
		struct strads_logloss_sums got = {.loss = 1}, expected = got;

		rows.m[5] = 0;
		rows.move[5] = 0;
		strads_logloss_add(ROWS, rows.y, rows.m, 0.5, move, &got);
		strads_logloss_add_reference(ROWS, rows.y, rows.m, 0.5, move, &expected);
		assert_close(got.loss, expected.loss);
		assert_close(got.positive, expected.positive);
		assert_close(got.negative, expected.negative);
		assert_true(got.right == expected.right);
	}
}

/* r and w against differences of the loss. */
static void
derive__agrees_with_differences(void **state)
{
	struct rows rows = rows_new(4);
	double r[ROWS], w[ROWS], h = 1e-4;

	(void)state;
	strads_logloss_derive(ROWS, rows.y, rows.m, 0, r, w);
	for (size_t i = 0; i < ROWS; i++) {
		double z = rows.y[i] * rows.m[i];
		double up = strads_logloss(z + h), down = strads_logloss(z - h);

		assert_true(fabs(rows.y[i] * r[i] + (up - down) / (2 * h)) <= 1e-7);
		assert_true(fabs(w[i] - (up + down - 2 * strads_logloss(z)) / (h * h)) <= 1e-6);
	}
}

static void
derive__far_margins_keep_their_precision(void **state)
{
	double y[2] = {1, -1}, m[2] = {40, 40}, r[2], w[2];

	(void)state;
	strads_logloss_derive(2, y, m, 0, r, w);
	assert_true(fabs(r[0] / exp(-40) - 1) <= 1e-14);
	assert_true(fabs(w[0] / exp(-40) - 1) <= 1e-14);
	assert_true(r[1] == -1);
	assert_true(fabs(w[1] / exp(-40) - 1) <= 1e-14);
}

/* The model with the weights of a reach is above the loss within it, and touches it at m. */
static void
derive__weights_of_a_reach_bound_the_loss(void **state)
{
	struct rows rows = rows_new(6);
	double r[ROWS], w[ROWS];

	(void)state;
	for (double reach = 0.25; reach < 20; reach *= 2) {
		strads_logloss_derive(ROWS, rows.y, rows.m, reach, r, w);
		for (size_t i = 0; i < ROWS; i++) {
			for (double move = -reach; move <= reach; move += reach / 8) {
				double z = rows.y[i] * rows.m[i];
				double model =
				    strads_logloss(z) - r[i] * move + 0.5 * w[i] * move * move;

				assert_true(model + 1e-14 >= strads_logloss(z + rows.y[i] * move));
			}
		}
	}
	assert_true(w[0] == 0.25);
}

static void
balance__makes_the_dual_point_sum_to_zero(void **state)
{
	(void)state;
	for (int run = 0; run < 2; run++) {
		struct rows rows = rows_new(3);
		struct strads_logloss_sums sums = {0};
		struct strads_logloss_dual dual = {0};
		double r[ROWS], w[ROWS], theta[ROWS], positive, negative, sum = 0;

		for (size_t i = 0; run && i < ROWS; i++)
			rows.y[i] = -rows.y[i];
		strads_logloss_add(ROWS, rows.y, rows.m, 0, NULL, &sums);
		strads_logloss_derive(ROWS, rows.y, rows.m, 0, r, w);
		strads_logloss_balance(&sums, &positive, &negative);
		assert_true(fmax(positive, negative) == 1 && fmin(positive, negative) > 0);
		strads_logloss_dual_add(ROWS, r, positive, negative, theta, &dual);
		for (size_t i = 0; i < ROWS; i++) {
			assert_true(rows.y[i] * theta[i] >= 0 && fabs(theta[i]) <= fabs(r[i]));
			sum += theta[i];
		}
		assert_true(fabs(sum) <= 1e-12);
		assert_close(dual.sum, sum);
	}
}

/* A dense problem of COLS columns. */
struct problem {
	double x[COLS * ROWS];
	struct rows rows;
	double beta[COLS];
};

static struct problem
problem_new(double size)
{
	struct problem p = {.rows = rows_new(1)};

	for (size_t k = 0; k < sizeof p.x / sizeof *p.x; k++)
		p.x[k] = matrix_number(4, k);
	for (size_t j = 0; j < COLS; j++)
		p.beta[j] = size * matrix_number(5, j);
	return p;
}

/* The gap by sums, the way a distributed fit finds it. */
static double
gap_of(const struct problem *p, double lambda, bool balanced, struct strads_logloss_gap_sums *gap)
{
	struct strads_logloss_sums sums = {0};
	double m[ROWS] = {0}, r[ROWS], w[ROWS], theta[ROWS], positive = 1, negative = 1;

	*gap = (struct strads_logloss_gap_sums){.lambda = lambda};
	for (size_t j = 0; j < COLS; j++) {
		gap->l1 += fabs(p->beta[j]);
		for (size_t i = 0; i < ROWS; i++)
			m[i] += p->x[j * ROWS + i] * p->beta[j];
	}
	strads_logloss_add(ROWS, p->rows.y, m, 0, NULL, &sums);
	strads_logloss_derive(ROWS, p->rows.y, m, 0, r, w);
	if (balanced)
		strads_logloss_balance(&sums, &positive, &negative);
	strads_logloss_dual_add(ROWS, r, positive, negative, theta, &gap->dual);
	gap->loss = sums.loss;
	for (size_t j = 0; j < COLS; j++) {
		double g = 0;

		for (size_t i = 0; i < ROWS; i++)
			g += p->x[j * ROWS + i] * theta[i];
		gap->gradient_max = fmax(gap->gradient_max, fabs(g));
	}
	return strads_logloss_gap(gap);
}

static void
gap__bounds_the_exact_one_and_meets_it_near_the_optimum(void **state)
{
	double scratch[ROWS], objective;

	(void)state;
	for (int run = 0; run < 8; run++) {
		struct problem p = problem_new(run % 4 * 0.3);
		struct strads_logloss_gap_sums sums;
		bool balanced = run >= 4;
		double exact, got;

		for (double part = 0.05; part < 1.5; part *= 1.3) {
			double most;

			(void)gap_of(&p, 1, balanced, &sums);
			most = sums.gradient_max;
			got = gap_of(&p, part * most, balanced, &sums);
			exact = strads_logloss_gap_reference(ROWS, COLS, p.x, p.rows.y, p.beta, 0,
							     balanced, part * most, scratch,
							     &objective);
			assert_close(strads_logloss_objective(&sums), objective);
			assert_true(got >= exact - 1e-12 * objective);
			if (part >= 1)
				assert_close(got, exact);
		}
		/* s = 1 − 1e-3: off by no more than its square. */
		got = gap_of(&p, 0.999 * sums.gradient_max, balanced, &sums);
		exact =
		    strads_logloss_gap_reference(ROWS, COLS, p.x, p.rows.y, p.beta, 0, balanced,
						 0.999 * sums.gradient_max, scratch, &objective);
		assert_true(got - exact <= 1e-5 * objective);
	}
}

static void
gap__none_at_zero_above_lambda_max(void **state)
{
	struct problem p = problem_new(0);
	struct strads_logloss_gap_sums sums;

	(void)state;
	(void)gap_of(&p, 1, false, &sums);
	assert_true(gap_of(&p, sums.gradient_max, false, &sums) <= 1e-12 * ROWS);
	assert_true(gap_of(&p, 2 * sums.gradient_max, false, &sums) <= 1e-12 * ROWS);
}

static void
gap__lambda_zero_is_the_objective(void **state)
{
	struct problem p = problem_new(0.5);
	struct strads_logloss_gap_sums sums;

	(void)state;
	assert_true(gap_of(&p, 0, false, &sums) == strads_logloss_objective(&sums));
}

/* All dual points within the radius: that of a better fit must be among them. */
static void
radius__holds_the_dual_point_of_a_better_fit(void **state)
{
	struct strads_logloss_sums sums = {0};
	double y[ROWS], m[ROWS] = {0}, r[ROWS], w[ROWS], theta[ROWS], distance = 0, lambda = 0.9;
	struct strads_logloss_gap_sums gap = {.lambda = lambda};
	double x[ROWS], low = 0, high = 10;

	(void)state;
	/* One column, x_i = y_i c_i > 0 mostly: the optimum by bisection of its derivative. */
	for (size_t i = 0; i < ROWS; i++) {
		y[i] = i % 2 ? 1 : -1;
		x[i] = y[i] * (matrix_number(7, i) + 0.3);
	}
	for (int pass = 0; pass < 200; pass++) {
		double beta = 0.5 * (low + high), g = 0;

		for (size_t i = 0; i < ROWS; i++)
			g += x[i] * y[i] / (1 + exp(y[i] * x[i] * beta));
		if (g > lambda)
			low = beta;
		else
			high = beta;
	}
	strads_logloss_add(ROWS, y, m, 0, NULL, &sums);
	strads_logloss_derive(ROWS, y, m, 0, r, w);
	strads_logloss_dual_add(ROWS, r, 1, 1, theta, &gap.dual);
	gap.loss = sums.loss;
	for (size_t i = 0; i < ROWS; i++)
		gap.gradient_max += x[i] * r[i];
	assert_true(gap.gradient_max > lambda);
	for (size_t i = 0; i < ROWS; i++) {
		double optimal = y[i] / (1 + exp(y[i] * x[i] * low));
		double away = optimal - lambda / gap.gradient_max * theta[i];

		distance += away * away;
	}
	assert_true(sqrt(distance) <= strads_logloss_radius(strads_logloss_gap(&gap)));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(loss__known_values),
	    cmocka_unit_test(loss__neither_overflows_nor_vanishes),
	    cmocka_unit_test(add__agrees_with_reference),
	    cmocka_unit_test(derive__agrees_with_differences),
	    cmocka_unit_test(derive__far_margins_keep_their_precision),
	    cmocka_unit_test(derive__weights_of_a_reach_bound_the_loss),
	    cmocka_unit_test(balance__makes_the_dual_point_sum_to_zero),
	    cmocka_unit_test(gap__bounds_the_exact_one_and_meets_it_near_the_optimum),
	    cmocka_unit_test(gap__none_at_zero_above_lambda_max),
	    cmocka_unit_test(gap__lambda_zero_is_the_objective),
	    cmocka_unit_test(radius__holds_the_dual_point_of_a_better_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
