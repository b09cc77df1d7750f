#include "strads/order.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define N_MAX 4096

/* Marks the positions; false if one is out of range or marked already. */
static bool
mark(uint8_t *marks, uint64_t n, const uint64_t *positions, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (positions[i] >= n || marks[positions[i]]++)
			return false;
	return true;
}

static void
strads_order_parse__knows_every_name(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++)
		assert_int_equal(strads_order_parse(strads_order_name((enum strads_order)i)), i);
	assert_int_equal(strads_order_parse("sideways"), -1);
	assert_int_equal(strads_order_parse(""), -1);
}

static void
strads_order_draw__cyclic_runs_over_the_end(void **state)
{
	uint64_t positions[4];
	const uint64_t expected[3][4] = {{0, 1, 2, 3}, {4, 5, 6, 0}, {1, 2, 3, 4}};

	(void)state;
	for (uint64_t draw = 0; draw < 3; draw++) {
		assert_int_equal(
		    strads_order_draw(STRADS_ORDER_CYCLIC, 1, 7, NULL, 4, draw, positions), 4);
		assert_memory_equal(positions, expected[draw], sizeof positions);
	}
}

static void
strads_order_draw__cyclic_of_a_huge_list(void **state)
{
	uint64_t n = UINT64_C(1000000000000);
	uint64_t positions[64];

	(void)state;
	assert_int_equal(
	    strads_order_draw(STRADS_ORDER_CYCLIC, 1, n, NULL, 64, UINT64_C(1) << 62, positions),
	    64);
	for (int i = 0; i < 64; i++)
		assert_int_equal(
		    positions[i],
		    (uint64_t)(((unsigned __int128)(UINT64_C(1) << 62) * 64 + (unsigned)i) % n));
}

static void
strads_order_draw__set_larger_than_the_list(void **state)
{
	uint64_t positions[100];
	uint32_t permutation[5];

	(void)state;
	strads_order_shuffle(3, 5, permutation);
	for (int order = 0; order < 3; order++) {
		uint8_t marks[5] = {0};
		uint32_t count = strads_order_draw((enum strads_order)order, 3, 5, permutation, 100,
						   17, positions);

		assert_int_equal(count, 5);
		assert_true(mark(marks, 5, positions, count));
	}
}

static void
strads_order_draw__nothing_to_draw(void **state)
{
	uint64_t positions[1];

	(void)state;
	for (int order = 0; order < 3; order++) {
		assert_int_equal(
		    strads_order_draw((enum strads_order)order, 1, 0, NULL, 8, 0, positions), 0);
		assert_int_equal(
		    strads_order_draw((enum strads_order)order, 1, 8, NULL, 0, 0, positions), 0);
	}
}

static void
strads_order_draw__random_positions_are_distinct(void **state)
{
	static uint64_t positions[N_MAX];
	static uint8_t marks[N_MAX];

	(void)state;
	for (uint64_t n = 1; n <= N_MAX; n = n * 3 / 2 + 1)
		for (uint64_t draw = 0; draw < 8; draw++) {
			uint32_t size = (uint32_t)(1 + draw * (n - 1) / 7);

			memset(marks, 0, sizeof marks);
			assert_int_equal(strads_order_draw(STRADS_ORDER_RANDOM, 5, n, NULL, size,
							   draw, positions),
					 size);
			assert_true(mark(marks, n, positions, size));
		}
}

static void
strads_order_draw__random_in_a_huge_list(void **state)
{
	uint64_t n = UINT64_C(1) << 62;
	uint64_t positions[256];

	(void)state;
	assert_int_equal(strads_order_draw(STRADS_ORDER_RANDOM, 5, n, NULL, 256, 0, positions),
			 256);
	for (int i = 0; i < 256; i++) {
		assert_true(positions[i] < n);
		for (int j = 0; j < i; j++)
			assert_true(positions[i] != positions[j]);
	}
}

/* Each of the 20 ordered pairs of distinct positions among 5 is drawn equally often: Pearson's
 * statistic over 19 degrees of freedom stays below its 1 − 1e-6 quantile. */
static void
strads_order_draw__random_pairs_are_uniform(void **state)
{
	const uint64_t draws = 200000;
	uint32_t counts[5][5] = {{0}};
	double expected = (double)draws / 20, statistic = 0;

	(void)state;
	for (uint64_t draw = 0; draw < draws; draw++) {
		uint64_t pair[2];

		assert_int_equal(strads_order_draw(STRADS_ORDER_RANDOM, 11, 5, NULL, 2, draw, pair),
				 2);
		counts[pair[0]][pair[1]]++;
	}
	for (int i = 0; i < 5; i++)
		for (int j = 0; j < 5; j++)
			if (i != j)
				statistic += ((double)counts[i][j] - expected) *
					     ((double)counts[i][j] - expected) / expected;
	assert_true(statistic < 61.0);
}

/* The same for single positions of a longer list: 999 degrees of freedom. */
static void
strads_order_draw__random_positions_are_uniform(void **state)
{
	const uint64_t draws = 20000;
	uint32_t counts[1000] = {0};
	double expected = (double)draws * 64 / 1000, statistic = 0;

	(void)state;
	for (uint64_t draw = 0; draw < draws; draw++) {
		uint64_t positions[64];

		assert_int_equal(
		    strads_order_draw(STRADS_ORDER_RANDOM, 12, 1000, NULL, 64, draw, positions),
		    64);
		for (int i = 0; i < 64; i++)
			counts[positions[i]]++;
	}
	for (int i = 0; i < 1000; i++)
		statistic +=
		    ((double)counts[i] - expected) * ((double)counts[i] - expected) / expected;
	assert_true(statistic < 1230.0);
	assert_true(statistic > 700.0); /* nor suspiciously even */
}

static void
strads_order_draw__another_seed_or_draw_is_another_set(void **state)
{
	uint64_t a[64], b[64];

	(void)state;
	(void)strads_order_draw(STRADS_ORDER_RANDOM, 1, 100000, NULL, 64, 0, a);
	(void)strads_order_draw(STRADS_ORDER_RANDOM, 1, 100000, NULL, 64, 0, b);
	assert_memory_equal(a, b, sizeof a);
	(void)strads_order_draw(STRADS_ORDER_RANDOM, 2, 100000, NULL, 64, 0, b);
	assert_memory_not_equal(a, b, sizeof a);
	(void)strads_order_draw(STRADS_ORDER_RANDOM, 1, 100000, NULL, 64, 1, b);
	assert_memory_not_equal(a, b, sizeof a);
}

static void
strads_order_draw__fixed_cuts_the_list_once(void **state)
{
	static uint32_t permutation[1000];
	uint8_t marks[1000] = {0};
	uint64_t positions[64], again[64];

	(void)state;
	strads_order_shuffle(9, 1000, permutation);
	for (uint64_t draw = 0; draw < 16; draw++) {
		uint32_t count = strads_order_draw(STRADS_ORDER_FIXED, 9, 1000, permutation, 64,
						   draw, positions);

		assert_int_equal(count, draw == 15 ? 1000 - 15 * 64 : 64);
		assert_true(mark(marks, 1000, positions, count));
		assert_int_equal(strads_order_draw(STRADS_ORDER_FIXED, 9, 1000, permutation, 64,
						   draw + 16, again),
				 count);
		assert_memory_equal(positions, again, count * sizeof *positions);
	}
}

static void
strads_order_shuffle__is_a_permutation(void **state)
{
	static uint32_t permutation[N_MAX], other[N_MAX];
	static uint8_t marks[N_MAX];
	uint32_t at_home = 0;

	(void)state;
	strads_order_shuffle(1, N_MAX, permutation);
	for (uint32_t i = 0; i < N_MAX; i++) {
		assert_true(permutation[i] < N_MAX);
		assert_int_equal(marks[permutation[i]]++, 0);
		at_home += permutation[i] == i;
	}
	assert_true(at_home < 20);
	strads_order_shuffle(2, N_MAX, other);
	assert_memory_not_equal(permutation, other, sizeof other);
	strads_order_shuffle(1, N_MAX, other);
	assert_memory_equal(permutation, other, sizeof other);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(strads_order_parse__knows_every_name),
	    cmocka_unit_test(strads_order_draw__cyclic_runs_over_the_end),
	    cmocka_unit_test(strads_order_draw__cyclic_of_a_huge_list),
	    cmocka_unit_test(strads_order_draw__set_larger_than_the_list),
	    cmocka_unit_test(strads_order_draw__nothing_to_draw),
	    cmocka_unit_test(strads_order_draw__random_positions_are_distinct),
	    cmocka_unit_test(strads_order_draw__random_in_a_huge_list),
	    cmocka_unit_test(strads_order_draw__random_pairs_are_uniform),
	    cmocka_unit_test(strads_order_draw__random_positions_are_uniform),
	    cmocka_unit_test(strads_order_draw__another_seed_or_draw_is_another_set),
	    cmocka_unit_test(strads_order_draw__fixed_cuts_the_list_once),
	    cmocka_unit_test(strads_order_shuffle__is_a_permutation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
