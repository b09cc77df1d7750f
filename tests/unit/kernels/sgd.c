#include "strads/sgd.h"

#include <math.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../../kernels/sgd_simd.h"
#include "strads/random.h"

#define USERS   20
#define ITEMS   15
#define RATINGS 250
#define K_MAX   130
#define RATE    0.2

/* A row as the equations of the header have it. */
struct row {
	double x[K_MAX];
	double first, rest; /* sums */
	double lambda;
	double bias, bias_sum, bias_lambda; /* zeros without biases */
};

struct fixture {
	uint32_t user[RATINGS], item[RATINGS], at[RATINGS];
	double value[RATINGS];
	struct row w[USERS], h[ITEMS];
	/* The same for the kernel. */
	void *values, *users, *items;
};

static double
number(uint64_t stream, uint64_t index)
{
	return (double)(strads_random(7, stream, index) >> 11) * 0x1p-53 - 0.4;
}

static int
set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);

	assert_non_null(f);
	for (uint32_t e = 0; e < RATINGS; e++) {
		f->user[e] = (uint32_t)(strads_random(3, 1, e) % USERS);
		f->item[e] = (uint32_t)(strads_random(3, 2, e) % ITEMS);
		f->at[e] = f->user[e] << 16 | f->item[e];
		f->value[e] = 3 + number(4, e);
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

/* ---- The equations, one factor after the other ---------------------------------------------- */

static void
rows_start(struct row *rows, uint32_t n, uint64_t stream, bool biased)
{
	for (uint32_t i = 0; i < n; i++) {
		for (uint32_t k = 0; k < K_MAX; k++)
			rows[i].x[k] = number(stream + i, k) / 2;
		rows[i].first = 1;
		rows[i].rest = 1 + i;
		rows[i].lambda = 0.01 * (i + 1);
		rows[i].bias = biased ? number(stream + i, K_MAX) : 0;
		rows[i].bias_sum = biased ? 1 + 2 * i : 0;
		rows[i].bias_lambda = biased ? 0.02 * (i + 1) : 0;
	}
}

static double
error_of(const struct row *w, const struct row *h, uint32_t factors, double value)
{
	for (uint32_t k = 0; k < factors; k++)
		value -= w->x[k] * h->x[k];
	return value - w->bias - h->bias;
}

static void
reference_bias(struct row *row, double e)
{
	double g = row->bias_lambda * row->bias - e;

	row->bias -= RATE * g / sqrt(row->bias_sum);
	row->bias_sum += g * g;
}

static void
reference_part(struct row *w, struct row *h, double e, uint32_t from, uint32_t end, double *sum_w,
	       double *sum_h)
{
	double root_w = sqrt(*sum_w), root_h = sqrt(*sum_h);

	for (uint32_t k = from; k < end; k++) {
		double g = w->lambda * w->x[k] - e * h->x[k];
		double d = h->lambda * h->x[k] - e * w->x[k];

		w->x[k] -= RATE * g / root_w;
		h->x[k] -= RATE * d / root_h;
		*sum_w += g * g / (end - from);
		*sum_h += d * d / (end - from);
	}
}

static void
reference(struct fixture *f, uint32_t factors, bool biased, bool first_only)
{
	uint32_t first = factors < STRADS_SGD_FIRST ? factors : STRADS_SGD_FIRST;

	for (uint32_t e = 0; e < RATINGS; e++) {
		struct row *w = &f->w[f->user[e]], *h = &f->h[f->item[e]];
		double error = error_of(w, h, factors, f->value[e]);

		if (biased) {
			reference_bias(w, error);
			reference_bias(h, error);
		}
		reference_part(w, h, error, 0, first, &w->first, &h->first);
		if (!first_only && factors > first)
			reference_part(w, h, error, first, factors, &w->rest, &h->rest);
	}
}

/* ---- The kernel ----------------------------------------------------------------------------- */

static void
put(bool wide, void *reals, size_t i, double value)
{
	if (wide)
		((double *)reals)[i] = value;
	else
		((float *)reals)[i] = (float)value;
}

static double
get(bool wide, const void *reals, size_t i)
{
	return wide ? ((const double *)reals)[i] : (double)((const float *)reals)[i];
}

static void *
rows_copy(const struct strads_sgd_shape *shape, const struct row *rows, uint32_t n)
{
	size_t bytes = (size_t)n * shape->stride * (shape->wide ? sizeof(double) : sizeof(float));
	void *copy = aligned_alloc(64, bytes);

	assert_non_null(copy);
	memset(copy, 0, bytes);
	for (uint32_t i = 0; i < n; i++) {
		size_t row = (size_t)i * shape->stride;

		for (uint32_t k = 0; k < shape->factors; k++)
			put(shape->wide, copy, row + strads_sgd_place(k), rows[i].x[k]);
		put(shape->wide, copy, row + STRADS_SGD_SUMS, rows[i].first);
		put(shape->wide, copy, row + STRADS_SGD_SUMS + 1, rows[i].rest);
		put(shape->wide, copy, row + STRADS_SGD_LAMBDA, rows[i].lambda);
		put(shape->wide, copy, row + STRADS_SGD_BIAS, rows[i].bias);
		put(shape->wide, copy, row + STRADS_SGD_BIAS + 1, rows[i].bias_sum);
		put(shape->wide, copy, row + STRADS_SGD_BIAS + 2, rows[i].bias_lambda);
	}
	return copy;
}

static void
assert_close(bool wide, double got, double expected)
{
	if (!(fabs(got - expected) <= (wide ? 1e-12 : 3e-4) * (1 + fabs(expected))))
		fail_msg("%.17g is not %.17g", got, expected);
}

/* All there is of the rows, also what must have stayed 0. */
static void
assert_rows(const struct strads_sgd_shape *shape, const void *got, const struct row *rows,
	    uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		double expected[2 * K_MAX] = {[STRADS_SGD_SUMS] = rows[i].first,
					      [STRADS_SGD_SUMS + 1] = rows[i].rest,
					      [STRADS_SGD_LAMBDA] = rows[i].lambda,
					      [STRADS_SGD_BIAS] = rows[i].bias,
					      [STRADS_SGD_BIAS + 1] = rows[i].bias_sum,
					      [STRADS_SGD_BIAS + 2] = rows[i].bias_lambda};

		for (uint32_t k = 0; k < shape->factors; k++)
			expected[strads_sgd_place(k)] = rows[i].x[k];
		for (uint32_t k = 0; k < shape->stride; k++)
			assert_close(shape->wide, get(shape->wide, got, i * shape->stride + k),
				     expected[k]);
	}
}

/* By instructions of that kind, or whatever there is. */
static void
check(struct fixture *f, const struct strads_sgd_simd *simd, bool wide, uint32_t factors,
      bool biased, bool first_only)
{
	const struct strads_sgd_shape shape = {.wide = wide,
					       .biased = biased,
					       .factors = factors,
					       .stride = strads_sgd_stride(factors)};
	struct strads_sgd_tile tile = {.n = RATINGS, .at = f->at};
	double squares = 0, got;

	rows_start(f->w, USERS, 100, biased);
	rows_start(f->h, ITEMS, 200, biased);
	f->values = malloc(sizeof f->value);
	assert_non_null(f->values);
	for (size_t e = 0; e < RATINGS; e++)
		put(wide, f->values, e, f->value[e]);
	tile.value = f->values;
	tile.users = f->users = rows_copy(&shape, f->w, USERS);
	tile.items = f->items = rows_copy(&shape, f->h, ITEMS);
	for (uint32_t e = 0; e < RATINGS; e++)
		squares +=
		    pow(error_of(&f->w[f->user[e]], &f->h[f->item[e]], factors, f->value[e]), 2);
	got = simd ? simd->squares(&shape, &tile) : strads_sgd_squares(&shape, &tile);
	assert_close(wide, got, squares);
	if (simd)
		simd->step(&shape, &tile, RATE, first_only);
	else
		strads_sgd_step(&shape, &tile, RATE, first_only);
	reference(f, factors, biased, first_only);
	assert_rows(&shape, f->users, f->w, USERS);
	assert_rows(&shape, f->items, f->h, ITEMS);
	free(f->values);
	free(f->users);
	free(f->items);
}

/* Rows of every kind: shorter than the first factors, with and without a rest that fills vectors.
 */
static void
check_all(struct fixture *f, const struct strads_sgd_simd *simd, bool wide)
{
	static const uint32_t factors[] = {1, 3, 8, 9, 17, 24, 25, 40, 41, 64, 100, K_MAX};

	for (size_t i = 0; i < sizeof factors / sizeof *factors; i++)
		for (int kind = 0; kind < 4; kind++)
			check(f, simd, wide, factors[i], kind & 1, kind & 2);
}

static void
step__is_the_equations(void **state)
{
	check_all(*state, NULL, true);
	check_all(*state, NULL, false);
}

static void
step__by_eight_lanes(void **state)
{
	if (!strads_sgd_avx2())
		skip();
	check_all(*state, strads_sgd_avx2(), false);
}

static void
step__by_sixteen_lanes(void **state)
{
	if (!strads_sgd_avx512())
		skip();
	check_all(*state, strads_sgd_avx512(), false);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(step__is_the_equations),
	    TEST(step__by_eight_lanes),
	    TEST(step__by_sixteen_lanes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
