#include "strads/candidates.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define MOST 16

static struct strads_candidate entries[MOST];

static bool
holds(const struct strads_candidates *candidates, uint32_t key)
{
	for (uint64_t k = 0; k < candidates->count; k++)
		if (candidates->entry[k].key == key)
			return true;
	return false;
}

/* Gradient of key k in a random order. */
static float
gradient(uint32_t key)
{
	return (float)(key * 37 % 101);
}

static void
add__keeps_the_greatest(void **state)
{
	struct strads_candidates c = {.entry = entries, .max = MOST};

	(void)state;
	for (uint64_t room = 0; room <= MOST; room++) {
		strads_candidates_clear(&c, room);
		for (uint32_t key = 0; key < 101; key++)
			strads_candidates_add(&c, key, gradient(key));
		assert_int_equal(c.count, room);
		for (uint32_t key = 0; key < 101; key++)
			assert_true(holds(&c, key) == (gradient(key) > 100 - (float)room));
	}
}

static void
add__of_equal_gradients_keeps_the_lower_keys(void **state)
{
	struct strads_candidates c = {.entry = entries, .max = MOST};

	(void)state;
	strads_candidates_clear(&c, 3);
	for (uint32_t k = 0; k < 10; k++)
		strads_candidates_add(&c, k * 3 % 10, 1);
	assert_true(holds(&c, 0) && holds(&c, 1) && holds(&c, 2));
}

static void
keep__drops_the_least(void **state)
{
	struct strads_candidates c = {.entry = entries, .max = MOST};

	(void)state;
	strads_candidates_clear(&c, MOST);
	for (uint32_t key = 0; key < 9; key++)
		strads_candidates_add(&c, key, gradient(key));
	strads_candidates_keep(&c, 20);
	assert_int_equal(c.count, 9);
	strads_candidates_keep(&c, 2);
	assert_int_equal(c.count, 2);
	/* 0 37 74 10 47 84 20 57 94 */
	assert_true(holds(&c, 8) && holds(&c, 5));
	strads_candidates_keep(&c, 0);
	assert_int_equal(c.count, 0);
}

static void
clear__never_exceeds_the_memory(void **state)
{
	struct strads_candidates c = {.entry = entries, .max = MOST};

	(void)state;
	strads_candidates_clear(&c, UINT64_MAX);
	for (uint32_t key = 0; key < 101; key++)
		strads_candidates_add(&c, key, gradient(key));
	assert_int_equal(c.count, MOST);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(add__keeps_the_greatest),
	    cmocka_unit_test(add__of_equal_gradients_keeps_the_lower_keys),
	    cmocka_unit_test(keep__drops_the_least),
	    cmocka_unit_test(clear__never_exceeds_the_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
