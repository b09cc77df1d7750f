/* The priority scheduler: what it draws how often, and never twice at a time. */
#include "strads/priority.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define J 200

static struct strads_priority *
priority_new(uint64_t variables, int scheduler, int schedulers, double fresh, double uniform)
{
	struct strads_priority_options options = {.variables = variables,
						  .scheduler = scheduler,
						  .schedulers = schedulers,
						  .seed = 7,
						  .fresh = fresh,
						  .uniform = uniform};
	struct strads_priority *priority = NULL;

	assert_int_equal(strads_priority_new(&options, &priority), STRADS_OK);
	return priority;
}

static uint32_t
draw(struct strads_priority *priority, uint64_t number, uint32_t n, strads_key *keys)
{
	uint32_t drawn = UINT32_MAX;

	assert_int_equal(strads_priority_draw(priority, number, n, keys, &drawn), STRADS_OK);
	assert_in_range(drawn, 0, n);
	return drawn;
}

/* Draws every variable once and notes weight(key). */
static void
know_all(struct strads_priority *priority, double (*weight)(strads_key key))
{
	strads_key keys[J];

	assert_int_equal(draw(priority, 0, J, keys), J);
	for (int i = 0; i < J; i++)
		strads_priority_note(priority, keys[i], weight(keys[i]));
}

static double
weight_of(strads_key key)
{
	return key % 4 == 3 ? 0 : (key % 2 ? -1.0 : 1.0) * (double)(1 + key % 4);
}

static double
no_weight(strads_key key)
{
	(void)key;
	return 0;
}

static void
strads_priority_new__refuses_what_makes_no_sense(void **state)
{
	const struct strads_priority_options sound = {
	    .variables = 1, .schedulers = 1, .fresh = 0.5, .uniform = 0.01};
	struct strads_priority_options wrong[] = {sound, sound, sound, sound, sound, sound};
	struct strads_priority *priority = NULL;

	(void)state;
	wrong[0].variables = 0;
	wrong[1].schedulers = 0;
	wrong[2].scheduler = 1;
	wrong[3].scheduler = -1;
	wrong[4].fresh = NAN;
	wrong[5].uniform = 1.5;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		assert_int_equal(strads_priority_new(&wrong[i], &priority), STRADS_ERR_ARGUMENT);
	assert_null(priority);
}

static void
strads_priority_draw__gives_each_variable_once_until_noted(void **state)
{
	struct strads_priority *priority = priority_new(J, 0, 1, 0.3, 0.01);
	uint8_t seen[J] = {0};
	strads_key keys[J];

	(void)state;
	for (uint64_t set = 0; set < J / 8; set++) {
		assert_int_equal(draw(priority, set, 8, keys), 8);
		for (int i = 0; i < 8; i++) {
			assert_in_range(keys[i], 0, J - 1);
			assert_int_equal(seen[keys[i]]++, 0);
		}
	}
	assert_int_equal(draw(priority, J, 8, keys), 0);
	strads_priority_note(priority, 11, 0.5);
	strads_priority_note(priority, 13, 0);
	assert_int_equal(draw(priority, J + 1, 8, keys), 2);
	assert_int_equal(keys[0] + keys[1], 24);
	strads_priority_delete(&priority);
}

/* With P(j) ∝ |Δ_j| + η, what was drawn is noted again with the same change. */
static void
strads_priority_draw__follows_the_last_change(void **state)
{
	const double uniform = 0.2;
	const int draws = 200000;
	struct strads_priority *priority = priority_new(J, 0, 1, 0.5, uniform);
	double count[J] = {0}, total = 0, mean;

	(void)state;
	know_all(priority, weight_of);
	for (strads_key key = 0; key < J; key++)
		total += fabs(weight_of(key));
	mean = total / J;
	for (int i = 0; i < draws; i++) {
		strads_key key;

		assert_int_equal(draw(priority, 1 + (uint64_t)i, 1, &key), 1);
		strads_priority_note(priority, key, weight_of(key));
		count[key]++;
	}
	for (strads_key key = 0; key < J; key++) {
		double eta = uniform / (1 - uniform) * mean;
		double p = (fabs(weight_of(key)) + eta) / (total + J * eta), n = draws * p;

		assert_true(fabs(count[key] - n) < 5 * sqrt(n));
	}
	strads_priority_delete(&priority);
}

static void
strads_priority_draw__a_set_takes_the_heaviest_first(void **state)
{
	struct strads_priority *priority = priority_new(J, 0, 1, 0, 0);
	strads_key keys[4];

	(void)state;
	know_all(priority, no_weight);
	for (strads_key key = 10; key < 14; key++)
		strads_priority_note(priority, key, 1e-3);
	assert_int_equal(draw(priority, 1, 4, keys), 4);
	for (int i = 0; i < 4; i++)
		assert_in_range(keys[i], 10, 13);
	strads_priority_delete(&priority);
}

static void
strads_priority_draw__without_any_change_all_alike(void **state)
{
	struct strads_priority *priority = priority_new(J, 0, 1, 0, 0);
	uint32_t count[J] = {0};
	strads_key keys[J];

	(void)state;
	know_all(priority, no_weight);
	for (uint64_t set = 1; set < 2001; set++) {
		assert_int_equal(draw(priority, set, 20, keys), 20);
		for (int i = 0; i < 20; i++) {
			count[keys[i]]++;
			strads_priority_note(priority, keys[i], 0);
		}
	}
	for (int j = 0; j < J; j++)
		assert_in_range(count[j], 130, 270); /* 200 ± 5 · √200 */
	strads_priority_delete(&priority);
}

static void
strads_priority_draw__keeps_the_share_of_the_fresh(void **state)
{
	struct strads_priority *priority = priority_new(1000000, 0, 1, 0.25, 0.01);
	uint64_t before;
	strads_key key;

	(void)state;
	for (uint64_t i = 0; i < 100; i++) {
		assert_int_equal(draw(priority, i, 1, &key), 1);
		strads_priority_note(priority, key, 1);
	}
	before = strads_priority_touched(priority);
	for (uint64_t i = 0; i < 4000; i++) {
		assert_int_equal(draw(priority, 100 + i, 1, &key), 1);
		strads_priority_note(priority, key, 1);
	}
	assert_in_range(strads_priority_touched(priority) - before, 860, 1140); /* 1000 ± 5σ */
	strads_priority_delete(&priority);
}

static void
strads_priority_draw__schedulers_share_the_variables(void **state)
{
	uint8_t seen[J + 1] = {0};
	strads_key keys[J];

	(void)state;
	for (int s = 0; s < 3; s++) {
		struct strads_priority *priority = priority_new(J + 1, s, 3, 0.5, 0.01);
		uint32_t n = draw(priority, 0, J, keys);

		for (uint32_t i = 0; i < n; i++) {
			assert_int_equal(keys[i] % 3, s);
			assert_in_range(keys[i], 0, J);
			assert_int_equal(seen[keys[i]]++, 0);
		}
		strads_priority_delete(&priority);
	}
	for (int j = 0; j <= J; j++)
		assert_int_equal(seen[j], 1);
}

static void
strads_priority_draw__more_schedulers_than_variables(void **state)
{
	struct strads_priority *priority = priority_new(2, 2, 3, 0.5, 0.01);
	strads_key key;

	(void)state;
	assert_int_equal(draw(priority, 0, 1, &key), 0);
	strads_priority_delete(&priority);
}

/* What was offered comes in turn, before all else if so asked, and stays when it is offered again.
 */
static void
strads_priority_offer__only_those_are_drawn(void **state)
{
	const struct strads_priority_options options = {
	    .variables = J, .offered = true, .scheduler = 1, .schedulers = 2, .fresh = 1};
	const strads_key first[] = {8, 7, 5, 4, 101}, later[] = {5, 199, 7, 102};
	const strads_key expected[] = {7, 5, 101};
	struct strads_priority *priority = NULL;
	strads_key keys[J];

	(void)state;
	assert_int_equal(strads_priority_new(&options, &priority), STRADS_OK);
	assert_int_equal(draw(priority, 0, J, keys), 0);
	assert_int_equal(strads_priority_offer(priority, first, 5), STRADS_OK);
	assert_int_equal(draw(priority, 1, J, keys), 3);
	assert_memory_equal(keys, expected, sizeof expected);
	strads_priority_note(priority, 5, 0.5);
	strads_priority_release(priority, 7);
	strads_priority_note(priority, 101, 0);
	assert_int_equal(strads_priority_offer(priority, later, 4), STRADS_OK);
	assert_int_equal(draw(priority, 2, 3, keys), 3);
	assert_int_equal(keys[0], 7);
	assert_int_equal(keys[1], 199);
	assert_int_equal(keys[2], 5);
	assert_int_equal(draw(priority, 3, J, keys), 1);
	assert_int_equal(keys[0], 101);
	strads_priority_delete(&priority);
}

static void
strads_priority_release__the_fresh_stay_fresh_and_come_in_turn(void **state)
{
	struct strads_priority *priority = priority_new(4, 0, 1, 1, 0);
	strads_key first[4], again[4];

	(void)state;
	assert_int_equal(draw(priority, 0, 4, first), 4);
	for (int i = 0; i < 4; i++)
		strads_priority_release(priority, first[i]);
	assert_int_equal(draw(priority, 1, 4, again), 4);
	assert_memory_equal(first, again, sizeof first);
	assert_int_equal(strads_priority_touched(priority), 4);
	strads_priority_delete(&priority);
}

static void
strads_priority_release__keeps_the_weight(void **state)
{
	struct strads_priority *priority = priority_new(J, 0, 1, 0, 0);
	strads_key key;

	(void)state;
	know_all(priority, no_weight);
	strads_priority_note(priority, 17, -2.5);
	for (uint64_t i = 1; i < 5; i++) {
		assert_int_equal(draw(priority, i, 1, &key), 1);
		assert_int_equal(key, 17);
		strads_priority_release(priority, key);
	}
	strads_priority_release(priority, key); /* it is not in flight */
	assert_int_equal(draw(priority, 5, 1, &key), 1);
	assert_int_equal(key, 17);
	strads_priority_delete(&priority);
}

static void
strads_priority_note__strangers_and_what_is_no_number(void **state)
{
	struct strads_priority *priority = priority_new(J, 0, 1, 0, 0);
	strads_key key;

	(void)state;
	strads_priority_note(priority, 5, 1);
	strads_priority_release(priority, UINT64_MAX);
	assert_int_equal(strads_priority_touched(priority), 0);
	know_all(priority, no_weight);
	strads_priority_note(priority, 3, NAN);
	strads_priority_note(priority, 4, INFINITY);
	strads_priority_note(priority, 5, 1e308);
	strads_priority_note(priority, 6, 1e308);
	for (uint64_t i = 1; i < 50; i++) {
		assert_int_equal(draw(priority, i, 1, &key), 1);
		assert_in_range(key, 5, 6);
		strads_priority_release(priority, key);
	}
	strads_priority_delete(&priority);
}

static void
strads_priority_draw__same_calls_same_draws(void **state)
{
	struct strads_priority *one = priority_new(5000, 1, 2, 0.4, 0.05);
	struct strads_priority *two = priority_new(5000, 1, 2, 0.4, 0.05);
	strads_key keys[64], again[64];

	(void)state;
	for (uint64_t set = 0; set < 200; set++) {
		uint32_t n = draw(one, set, 64, keys);

		assert_int_equal(draw(two, set, 64, again), n);
		assert_memory_equal(keys, again, n * sizeof *keys);
		for (uint32_t i = 0; i < n; i++) {
			strads_priority_note(one, keys[i], 1.0 / (double)(keys[i] + 1));
			strads_priority_note(two, keys[i], 1.0 / (double)(keys[i] + 1));
		}
	}
	strads_priority_delete(&one);
	strads_priority_delete(&two);
}

/* A million of 10¹² variables are touched: what they need and no more. */
static void
strads_priority_draw__memory_follows_what_was_touched(void **state)
{
	struct strads_priority *priority = priority_new(UINT64_C(1000000000000), 0, 1, 1, 0.01);
	strads_key keys[1000];

	(void)state;
	for (uint64_t set = 0; set < 1000; set++) {
		assert_int_equal(draw(priority, set, 1000, keys), 1000);
		for (int i = 0; i < 1000; i++)
			strads_priority_note(priority, keys[i], 1);
	}
	assert_int_equal(strads_priority_touched(priority), 1000000);
	assert_in_range(strads_priority_bytes(priority), 40000000, 100000000);
	strads_priority_delete(&priority);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(strads_priority_new__refuses_what_makes_no_sense),
	    cmocka_unit_test(strads_priority_draw__gives_each_variable_once_until_noted),
	    cmocka_unit_test(strads_priority_draw__follows_the_last_change),
	    cmocka_unit_test(strads_priority_draw__a_set_takes_the_heaviest_first),
	    cmocka_unit_test(strads_priority_draw__without_any_change_all_alike),
	    cmocka_unit_test(strads_priority_draw__keeps_the_share_of_the_fresh),
	    cmocka_unit_test(strads_priority_draw__schedulers_share_the_variables),
	    cmocka_unit_test(strads_priority_draw__more_schedulers_than_variables),
	    cmocka_unit_test(strads_priority_offer__only_those_are_drawn),
	    cmocka_unit_test(strads_priority_release__the_fresh_stay_fresh_and_come_in_turn),
	    cmocka_unit_test(strads_priority_release__keeps_the_weight),
	    cmocka_unit_test(strads_priority_note__strangers_and_what_is_no_number),
	    cmocka_unit_test(strads_priority_draw__same_calls_same_draws),
	    cmocka_unit_test(strads_priority_draw__memory_follows_what_was_touched),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
