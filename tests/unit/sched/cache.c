#include "sched/cache.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>

#include <cmocka.h>

#include "strads/random.h"

static struct strads_cache
cache_of(uint64_t words, uint32_t places)
{
	struct strads_cache cache;

	assert_int_equal(strads_cache_init(&cache, words, places), STRADS_OK);
	return cache;
}

/* Puts a column of that many words there, pinned; NONE if there is no room. */
static uint32_t
put(struct strads_cache *cache, strads_key key, uint64_t words)
{
	uint32_t number = strads_cache_add(cache, key);

	if (number == STRADS_CACHE_NONE)
		return number;
	if (!strads_cache_make_room(cache, number, words)) {
		strads_cache_unpin(cache, number);
		return STRADS_CACHE_NONE;
	}
	cache->place[number].standing = STRADS_HERE;
	return number;
}

static void
put_idle(struct strads_cache *cache, strads_key key, uint64_t words)
{
	uint32_t number = put(cache, key, words);

	assert_int_not_equal(number, STRADS_CACHE_NONE);
	strads_cache_unpin(cache, number);
}

static bool
has(const struct strads_cache *cache, strads_key key)
{
	uint32_t number = strads_cache_find(cache, key);

	return number != STRADS_CACHE_NONE && cache->place[number].standing == STRADS_HERE;
}

static void
use(struct strads_cache *cache, strads_key key)
{
	uint32_t number = strads_cache_find(cache, key);

	assert_int_not_equal(number, STRADS_CACHE_NONE);
	strads_cache_pin(cache, number);
	strads_cache_unpin(cache, number);
}

static void
strads_cache_make_room__the_least_recently_used_goes(void **state)
{
	struct strads_cache cache = cache_of(40, 10);

	(void)state;
	for (strads_key key = 0; key < 4; key++)
		put_idle(&cache, key, 10);
	assert_int_equal(cache.evicted, 0);
	use(&cache, 0);
	use(&cache, 2);
	put_idle(&cache, 4, 10);
	assert_true(has(&cache, 0) && !has(&cache, 1) && has(&cache, 2) && has(&cache, 3));
	put_idle(&cache, 5, 10);
	assert_true(has(&cache, 0) && has(&cache, 2) && !has(&cache, 3) && has(&cache, 4));
	assert_int_equal(cache.evicted, 2);
	strads_cache_free(&cache);
}

/* A large column costs about as many words as it takes, wherever the oldest small ones lie. */
static void
strads_cache_make_room__a_large_column_takes_neighbours(void **state)
{
	struct strads_cache cache = cache_of(10000, 2000);

	(void)state;
	for (strads_key key = 0; key < 1000; key++)
		put_idle(&cache, key, 10);
	for (uint64_t i = 0; i < 3000; i++)
		use(&cache, strads_random(1, 1, i) % 1000);
	put_idle(&cache, 1000, 2000);
	assert_int_equal(cache.evicted, 200);
	strads_cache_free(&cache);
}

/* Pinned at both ends of memory and in between. */
static void
strads_cache_make_room__pinned_places_stay(void **state)
{
	struct strads_cache cache = cache_of(50, 10);
	uint32_t pinned[2];

	(void)state;
	put_idle(&cache, 0, 10);
	pinned[0] = put(&cache, 1, 10);
	put_idle(&cache, 2, 10);
	pinned[1] = put(&cache, 3, 10);
	put_idle(&cache, 4, 10);
	assert_int_equal(put(&cache, 5, 11), STRADS_CACHE_NONE);
	assert_true(has(&cache, 0) && has(&cache, 2) && has(&cache, 4));
	strads_cache_unpin(&cache, pinned[0]);
	put_idle(&cache, 6, 30);
	assert_true(has(&cache, 3) && has(&cache, 4) && has(&cache, 6));
	assert_false(has(&cache, 0) || has(&cache, 1) || has(&cache, 2));
	strads_cache_free(&cache);
}

/* What was pinned by nobody and larger than one gap is found wherever it lies. */
static void
strads_cache_make_room__all_memory_for_one(void **state)
{
	struct strads_cache cache = cache_of(100, 10);

	(void)state;
	for (strads_key key = 0; key < 9; key++)
		put_idle(&cache, key, 7);
	put_idle(&cache, 9, 100);
	assert_int_equal(cache.evicted, 9);
	assert_int_equal(put(&cache, 10, 101), STRADS_CACHE_NONE);
	assert_true(has(&cache, 9));
	strads_cache_free(&cache);
}

static void
strads_cache_add__places_run_out(void **state)
{
	struct strads_cache cache = cache_of(100, 3);
	uint32_t pinned = put(&cache, 0, 1);

	(void)state;
	put_idle(&cache, 1, 0);
	put_idle(&cache, 2, 1);
	put_idle(&cache, 3, 0);
	assert_true(has(&cache, 0) && !has(&cache, 1) && has(&cache, 2) && has(&cache, 3));
	assert_int_not_equal(put(&cache, 4, 1), STRADS_CACHE_NONE);
	assert_int_not_equal(put(&cache, 5, 1), STRADS_CACHE_NONE);
	assert_int_equal(strads_cache_add(&cache, 6), STRADS_CACHE_NONE);
	strads_cache_unpin(&cache, pinned);
	assert_int_not_equal(put(&cache, 6, 1), STRADS_CACHE_NONE);
	strads_cache_free(&cache);
}

/* ---- Against what is known of each place ---- */

#define WORDS 200
#define KEYS  60

struct model {
	struct strads_cache cache;
	uint32_t pins[KEYS];
	uint32_t number[KEYS]; /* of what is pinned */
	uint64_t at[KEYS], words[KEYS];
};

/* Fills taken [WORDS] with the places that are pinned, or with all. */
static void
map_memory(const struct model *model, bool all, bool taken[WORDS])
{
	for (uint64_t w = 0; w < WORDS; w++)
		taken[w] = false;
	for (strads_key key = 0; key < KEYS; key++) {
		uint32_t number = strads_cache_find(&model->cache, key);
		const struct strads_place *place = &model->cache.place[number];

		if (number == STRADS_CACHE_NONE || (!all && !model->pins[key]))
			continue;
		assert_true(place->key == key && place->at + place->words <= WORDS);
		for (uint64_t w = place->at; w < place->at + place->words; w++) {
			assert_false(taken[w]);
			taken[w] = true;
		}
	}
}

/* The longest stretch that is not pinned. */
static uint64_t
longest(const struct model *model)
{
	bool taken[WORDS];
	uint64_t best = 0, run = 0;

	map_memory(model, false, taken);
	for (uint64_t w = 0; w < WORDS; w++) {
		run = taken[w] ? 0 : run + 1;
		best = run > best ? run : best;
	}
	return best;
}

static void
model_put(struct model *model, strads_key key, uint64_t words)
{
	uint64_t room = longest(model);
	uint32_t number = put(&model->cache, key, words);

	assert_int_equal(number != STRADS_CACHE_NONE, words <= room);
	if (number == STRADS_CACHE_NONE)
		return;
	model->number[key] = number;
	model->pins[key] = 1;
	model->at[key] = model->cache.place[number].at;
	model->words[key] = words;
}

static void
model_step(struct model *model, uint64_t step)
{
	strads_key key = strads_random(2, 0, step) % KEYS;
	uint32_t number = strads_cache_find(&model->cache, key);
	uint64_t size = strads_random(2, 1, step);

	if (model->pins[key] && size % 8) {
		model->pins[key]--;
		strads_cache_unpin(&model->cache, model->number[key]);
	} else if (number != STRADS_CACHE_NONE &&
		   model->cache.place[number].standing == STRADS_HERE && size % 3 == 0) {
		model->pins[key]++;
		model->number[key] = number;
		strads_cache_pin(&model->cache, number);
	} else if (number == STRADS_CACHE_NONE) {
		model_put(model, key, size % 16 == 0 ? 0 : size % 5 ? size % 13 : size % 97);
	}
}

/* Places never overlap, what is pinned stays where it is, and there is room exactly if some stretch
 * is not pinned that is long enough. */
static void
strads_cache_make_room__wherever_there_is_any(void **state)
{
	struct model model = {.cache = cache_of(WORDS, KEYS)};

	(void)state;
	for (uint64_t step = 0; step < 20000; step++) {
		bool taken[WORDS];

		model_step(&model, step);
		map_memory(&model, true, taken);
		for (strads_key key = 0; key < KEYS; key++)
			if (model.pins[key]) {
				const struct strads_place *place =
				    &model.cache.place[model.number[key]];

				assert_true(place->key == key && place->words == model.words[key]);
				assert_true(!place->words || place->at == model.at[key]);
			}
	}
	assert_true(model.cache.evicted > 1000);
	strads_cache_free(&model.cache);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(strads_cache_make_room__the_least_recently_used_goes),
	    cmocka_unit_test(strads_cache_make_room__a_large_column_takes_neighbours),
	    cmocka_unit_test(strads_cache_make_room__pinned_places_stay),
	    cmocka_unit_test(strads_cache_make_room__all_memory_for_one),
	    cmocka_unit_test(strads_cache_add__places_run_out),
	    cmocka_unit_test(strads_cache_make_room__wherever_there_is_any),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
