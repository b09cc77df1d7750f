#include "strads/working_set.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define MAX 4096

static struct strads_working_set *
made(uint64_t max)
{
	struct strads_working_set *set = NULL;

	assert_int_equal(strads_working_set_new(max, &set), STRADS_OK);
	return set;
}

/* Support: the first `support` keys, far apart; violators above them, the later the worse. */
static void
tell(struct strads_working_set *set, uint64_t support, uint64_t violators)
{
	strads_working_set_clear(set);
	for (uint64_t k = 0; k < support; k++)
		strads_working_set_support(set, k << 40, 1);
	for (uint64_t k = 0; k < violators; k++)
		strads_working_set_violator(set, 1 + (k << 40), (float)k);
}

/* How often each variable is drawn in one pass of blocks of n, as told by tell(). */
static void
count_draws(const struct strads_working_set *set, uint32_t n, uint8_t *support, uint8_t *violators)
{
	strads_key keys[64];
	uint64_t drawn = 0;

	memset(support, 0, MAX);
	memset(violators, 0, MAX);
	for (uint64_t draw = 0; drawn < set->count; draw++) {
		uint32_t have = strads_working_set_draw(set, n, draw, keys);

		assert_in_range(have, 1, n);
		for (uint32_t i = 0; i < have; i++)
			(keys[i] & 1 ? violators : support)[keys[i] >> 40]++;
		drawn += have;
	}
	assert_int_equal(drawn, set->count);
}

static void
choose__takes_the_support_and_as_many_of_the_worst_violators(void **state)
{
	struct strads_working_set *set = made(MAX);
	static uint8_t support[MAX], violators[MAX];

	(void)state;
	/* The first choice: 300 violators. */
	tell(set, 0, 1000);
	strads_working_set_choose(set, 1);
	assert_int_equal(set->count, 300);
	/* Then as many as there is support. */
	strads_working_set_clear(set);
	strads_working_set_choose(set, 1);
	assert_int_equal(set->count, 0);
	tell(set, 290, 1000);
	strads_working_set_choose(set, 1);
	assert_int_equal(set->count, 590);
	tell(set, 500, 1000);
	strads_working_set_choose(set, 1);
	assert_int_equal(set->count, 1000);
	count_draws(set, 64, support, violators);
	for (int k = 0; k < 500; k++)
		assert_int_equal(support[k], 1);
	for (int k = 0; k < 1000; k++)
		assert_int_equal(violators[k], k >= 500);
	strads_working_set_delete(&set);
	assert_null(set);
}

static void
choose__never_exceeds_the_memory(void **state)
{
	struct strads_working_set *set = made(100);

	(void)state;
	tell(set, 80, 1000);
	strads_working_set_choose(set, 1);
	assert_int_equal(set->count, 100);
	tell(set, 1000, 1000);
	strads_working_set_choose(set, 1);
	assert_int_equal(set->count, 100);
	strads_working_set_delete(&set);
}

static void
draw__blocks_keep_their_members(void **state)
{
	struct strads_working_set *set = made(MAX);
	strads_key first[64], again[64];

	(void)state;
	tell(set, 100, 1000);
	strads_working_set_choose(set, 7);
	/* 400 variables are seven blocks. */
	for (uint64_t draw = 0; draw < 7; draw++) {
		uint32_t n = strads_working_set_draw(set, 64, draw, first);

		assert_int_equal(n, draw < 6 ? 64 : 16);
		assert_int_equal(strads_working_set_draw(set, 64, draw + 7, again), n);
		assert_memory_equal(again, first, n * sizeof *first);
	}
	strads_working_set_delete(&set);
}

static void
choose__another_seed_gives_another_order(void **state)
{
	struct strads_working_set *set = made(MAX);
	strads_key one[64], other[64];

	(void)state;
	tell(set, 100, 300);
	strads_working_set_choose(set, 1);
	assert_int_equal(strads_working_set_draw(set, 64, 0, one), 64);
	tell(set, 100, 300);
	strads_working_set_choose(set, 2);
	assert_int_equal(strads_working_set_draw(set, 64, 0, other), 64);
	assert_memory_not_equal(one, other, sizeof one);
	strads_working_set_delete(&set);
}

static void
narrow__draws_what_is_marked_alone(void **state)
{
	struct strads_working_set *set = made(MAX);
	strads_key keys[64], all[64];

	(void)state;
	tell(set, 10, 300);
	strads_working_set_choose(set, 7);
	assert_int_equal(strads_working_set_size(set), 310);
	assert_int_equal(strads_working_set_draw(set, 64, 0, all), 64);
	strads_working_set_mark(set, all[5]);
	strads_working_set_mark(set, all[3]);
	strads_working_set_mark(set, all[9]);
	/* Marks alone change nothing that is drawn. */
	assert_int_equal(strads_working_set_draw(set, 64, 0, keys), 64);
	assert_memory_equal(keys, all, sizeof all);
	strads_working_set_narrow(set);
	assert_int_equal(strads_working_set_size(set), 3);
	assert_int_equal(strads_working_set_draw(set, 2, 0, keys), 2);
	assert_int_equal(keys[0], all[5]);
	assert_int_equal(keys[1], all[3]);
	assert_int_equal(strads_working_set_draw(set, 2, 1, keys), 1);
	assert_int_equal(keys[0], all[9]);
	strads_working_set_widen(set);
	assert_int_equal(strads_working_set_size(set), 310);
	assert_int_equal(strads_working_set_draw(set, 64, 0, keys), 64);
	assert_memory_equal(keys, all, sizeof all);
	/* None is marked any more, nor after another choice. */
	strads_working_set_narrow(set);
	assert_int_equal(strads_working_set_draw(set, 64, 0, keys), 0);
	strads_working_set_choose(set, 8);
	assert_int_equal(strads_working_set_size(set), 310);
	strads_working_set_delete(&set);
}

static void
mark__never_exceeds_the_memory(void **state)
{
	struct strads_working_set *set = made(2);

	(void)state;
	for (strads_key key = 0; key < 5; key++)
		strads_working_set_mark(set, key);
	strads_working_set_narrow(set);
	assert_int_equal(strads_working_set_size(set), 2);
	strads_working_set_delete(&set);
}

static void
new__refuses_no_room(void **state)
{
	struct strads_working_set *set = NULL;

	(void)state;
	assert_int_equal(strads_working_set_new(0, &set), STRADS_ERR_ARGUMENT);
	assert_int_equal(strads_working_set_new(UINT64_C(1) << 32, &set), STRADS_ERR_ARGUMENT);
	assert_null(set);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(choose__takes_the_support_and_as_many_of_the_worst_violators),
	    cmocka_unit_test(choose__never_exceeds_the_memory),
	    cmocka_unit_test(draw__blocks_keep_their_members),
	    cmocka_unit_test(choose__another_seed_gives_another_order),
	    cmocka_unit_test(narrow__draws_what_is_marked_alone),
	    cmocka_unit_test(mark__never_exceeds_the_memory),
	    cmocka_unit_test(new__refuses_no_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
