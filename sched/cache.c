#include "cache.h"

#include <stdlib.h>

#include "strads/random.h"

static uint32_t
buckets_for(uint32_t places)
{
	uint32_t buckets = 1;

	while (buckets < places)
		buckets *= 2;
	return buckets;
}

size_t
strads_cache_bytes(uint32_t places)
{
	return ((size_t)places + 1) * sizeof(struct strads_place) +
	       buckets_for(places) * sizeof(uint32_t);
}

int
strads_cache_init(struct strads_cache *cache, uint64_t words, uint32_t places)
{
	*cache = (struct strads_cache){.words = words,
				       .places = places,
				       .buckets = buckets_for(places),
				       .hand = places,
				       .refused = UINT64_MAX};
	cache->place = calloc((size_t)places + 1, sizeof *cache->place);
	cache->bucket = calloc(cache->buckets, sizeof *cache->bucket);
	if (!cache->place || !cache->bucket)
		return strads_fail(STRADS_ERR_MEMORY, "no memory for the places of %u columns",
				   places);
	for (uint32_t i = 0; i < cache->buckets; i++)
		cache->bucket[i] = STRADS_CACHE_NONE;
	for (uint32_t i = 0; i < places; i++)
		cache->place[i].chain = i + 1 < places ? i + 1 : STRADS_CACHE_NONE;
	cache->place[places] = (struct strads_place){.at = words,
						     .left = places,
						     .right = places,
						     .older = places,
						     .newer = places,
						     .pins = 1};
	return STRADS_OK;
}

void
strads_cache_free(struct strads_cache *cache)
{
	free(cache->place);
	free(cache->bucket);
	*cache = (struct strads_cache){0};
}

/* ---- By key -------------------------------------------------------------------------------- */

static uint32_t *
bucket_of(const struct strads_cache *cache, strads_key key)
{
	return &cache->bucket[strads_random_mix(key) & (cache->buckets - 1)];
}

uint32_t
strads_cache_find(const struct strads_cache *cache, strads_key key)
{
	uint32_t number = *bucket_of(cache, key);

	while (number != STRADS_CACHE_NONE && cache->place[number].key != key)
		number = cache->place[number].chain;
	return number;
}

static void
forget_key(struct strads_cache *cache, uint32_t number)
{
	uint32_t *link = bucket_of(cache, cache->place[number].key);

	while (*link != number)
		link = &cache->place[*link].chain;
	*link = cache->place[number].chain;
}

/* ---- By use -------------------------------------------------------------------------------- */

static void
leave_use(struct strads_cache *cache, uint32_t number)
{
	const struct strads_place *place = &cache->place[number];

	cache->place[place->older].newer = place->newer;
	cache->place[place->newer].older = place->older;
}

static void
become_newest(struct strads_cache *cache, uint32_t number)
{
	struct strads_place *ends = &cache->place[cache->places];
	struct strads_place *place = &cache->place[number];

	place->older = ends->older;
	place->newer = cache->places;
	cache->place[ends->older].newer = number;
	ends->older = number;
}

void
strads_cache_pin(struct strads_cache *cache, uint32_t number)
{
	if (cache->place[number].pins++ == 0)
		leave_use(cache, number);
}

void
strads_cache_unpin(struct strads_cache *cache, uint32_t number)
{
	struct strads_place *place = &cache->place[number];

	if (--place->pins > 0)
		return;
	become_newest(cache, number);
	if (place->words)
		cache->refused = UINT64_MAX;
}

/* ---- By address ---------------------------------------------------------------------------- */

/* Where the memory behind the place starts; of the list's end, where all memory does. */
static uint64_t
behind(const struct strads_cache *cache, uint32_t number)
{
	const struct strads_place *place = &cache->place[number];

	return number == cache->places ? 0 : place->at + place->words;
}

/* Words between two places, both exclusive. */
static uint64_t
between(const struct strads_cache *cache, uint32_t left, uint32_t right)
{
	return cache->place[right].at - behind(cache, left);
}

/* Gives up a place that nothing pins. */
static void
evict(struct strads_cache *cache, uint32_t number)
{
	struct strads_place *place = &cache->place[number];

	if (cache->hand == number)
		cache->hand = place->left;
	if (place->words) {
		cache->place[place->left].right = place->right;
		cache->place[place->right].left = place->left;
		cache->refused = UINT64_MAX;
	}
	cache->evicted += place->standing == STRADS_HERE;
	leave_use(cache, number);
	forget_key(cache, number);
	place->chain = cache->vacant;
	cache->vacant = number;
}

/* The least recently used place that takes room, or the list's end; those before it go. */
static uint32_t
oldest_with_room(struct strads_cache *cache)
{
	const struct strads_place *ends = &cache->place[cache->places];

	while (ends->newer != cache->places && cache->place[ends->newer].words == 0)
		evict(cache, ends->newer);
	return ends->newer;
}

/* Widens (*left, *right), both exclusive, over what nothing pins, until `words` lie between. */
static bool
widen(const struct strads_cache *cache, uint64_t words, uint32_t *left, uint32_t *right)
{
	while (between(cache, *left, *right) < words) {
		if (!cache->place[*right].pins)
			*right = cache->place[*right].right;
		else if (!cache->place[*left].pins)
			*left = cache->place[*left].left;
		else
			return false;
	}
	return true;
}

/* Looks through all memory for `words` between two places that are pinned. */
static bool
search(const struct strads_cache *cache, uint64_t words, uint32_t *left, uint32_t *right)
{
	*left = cache->places;
	for (uint32_t at = cache->place[*left].right;; at = cache->place[at].right) {
		if (between(cache, *left, at) >= words) {
			*right = at;
			return true;
		}
		if (at == cache->places)
			return false;
		if (cache->place[at].pins)
			*left = at;
	}
}

/* Finds `words` between two places, behind the hand first. */
static bool
window(struct strads_cache *cache, uint64_t words, uint32_t *left, uint32_t *right)
{
	uint32_t oldest;

	*left = cache->hand;
	*right = cache->place[*left].right;
	if (between(cache, *left, *right) >= words)
		return true;
	oldest = oldest_with_room(cache);
	*left = cache->place[oldest].left;
	*right = cache->place[oldest].right;
	if (oldest != cache->places && widen(cache, words, left, right))
		return true;
	return search(cache, words, left, right);
}

bool
strads_cache_make_room(struct strads_cache *cache, uint32_t number, uint64_t words)
{
	struct strads_place *place = &cache->place[number];
	uint32_t left, right;

	if (words == 0)
		return true;
	if (words >= cache->refused)
		return false;
	if (!window(cache, words, &left, &right)) {
		cache->refused = words;
		return false;
	}
	while (cache->place[left].right != right)
		evict(cache, cache->place[left].right);
	place->at = behind(cache, left);
	place->words = words;
	place->left = left;
	place->right = right;
	cache->place[left].right = number;
	cache->place[right].left = number;
	cache->hand = number;
	return true;
}

uint32_t
strads_cache_add(struct strads_cache *cache, strads_key key)
{
	uint32_t oldest = cache->place[cache->places].newer, *bucket = bucket_of(cache, key);
	uint32_t number;

	if (cache->vacant == STRADS_CACHE_NONE) {
		if (oldest == cache->places)
			return STRADS_CACHE_NONE;
		evict(cache, oldest);
	}
	number = cache->vacant;
	cache->vacant = cache->place[number].chain;
	cache->place[number] = (struct strads_place){.key = key, .chain = *bucket, .pins = 1};
	*bucket = number;
	return number;
}
