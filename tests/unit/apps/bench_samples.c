/* The distribution of a benchmark's times beside the sorted times themselves. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "samples.h"

#define N         20000
#define PRECISION 0.005

static int
by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Times from nanoseconds to seconds, all octaves about equally often. */
static void
draw(uint64_t *ps, size_t n)
{
	uint64_t state = 12345;

	for (size_t i = 0; i < n; i++) {
		state = state * UINT64_C(6364136223846793005) + 1442695040888963407;
		ps[i] = (state >> 24) >> (state % 40);
	}
}

static void
samples_quantile__agrees_with_the_sorted_times(void **state)
{
	static const double q[] = {0, 0.001, 0.1, 0.5, 0.9, 0.99, 0.999, 1};
	struct strads_samples *samples = calloc(1, sizeof *samples);
	uint64_t *ps = malloc(N * sizeof *ps);
	double sum = 0;

	(void)state;
	assert_non_null(samples);
	assert_non_null(ps);
	draw(ps, N);
	for (size_t i = 0; i < N; i++) {
		strads_samples_add(samples, ps[i], 1);
		sum += (double)ps[i] * 1e-6;
	}
	qsort(ps, N, sizeof *ps, by_value);
	for (size_t i = 0; i < sizeof q / sizeof *q; i++) {
		size_t rank = (size_t)ceil(q[i] * N);
		double expected = (double)ps[rank > 0 ? rank - 1 : 0] * 1e-6;
		double found = strads_samples_quantile_us(samples, q[i]);

		assert_true(fabs(found - expected) <= PRECISION * expected + 1e-12);
	}
	assert_true(strads_samples_quantile_us(samples, 0) == (double)ps[0] * 1e-6);
	assert_true(strads_samples_quantile_us(samples, 1) == (double)ps[N - 1] * 1e-6);
	assert_true(fabs(strads_samples_mean_us(samples) - sum / N) <= 1e-9 * sum);
	free(ps);
	free(samples);
}

static void
samples_merge__is_as_if_all_had_been_added(void **state)
{
	struct strads_samples *both = calloc(3, sizeof *both), *one = both + 1, *all = both + 2;
	uint64_t ps[1000];

	(void)state;
	assert_non_null(both);
	draw(ps, 1000);
	for (int i = 0; i < 1000; i++) {
		strads_samples_add(all, ps[i], 1);
		strads_samples_add(i < 300 ? both : one, ps[i], 1);
	}
	strads_samples_merge(both, one);
	for (double q = 0; q <= 1; q += 0.125)
		assert_true(strads_samples_quantile_us(both, q) ==
			    strads_samples_quantile_us(all, q));
	assert_int_equal(both->n, all->n);
	free(both);
}

static void
samples_quantile__none_and_the_greatest_time(void **state)
{
	struct strads_samples *samples = calloc(1, sizeof *samples);

	(void)state;
	assert_non_null(samples);
	assert_true(isnan(strads_samples_quantile_us(samples, 0.5)));
	assert_true(isnan(strads_samples_mean_us(samples)));
	strads_samples_add(samples, UINT64_MAX, 1);
	assert_true(strads_samples_quantile_us(samples, 0.5) == (double)UINT64_MAX * 1e-6);
	strads_samples_clear(samples);
	strads_samples_add(samples, 0, 5);
	assert_true(strads_samples_quantile_us(samples, 1) == 0);
	free(samples);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(samples_quantile__agrees_with_the_sorted_times),
	    cmocka_unit_test(samples_merge__is_as_if_all_had_been_added),
	    cmocka_unit_test(samples_quantile__none_and_the_greatest_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
