#include "terms.h"

#include "../data/grow.h"

#include <stdlib.h>
#include <xxhash.h>

#define SLOTS_MIN ((size_t)1 << 20)
#define NOT_THERE UINT32_MAX

/* Where the key is, or would go. */
static size_t
slot_find(const struct strads_terms *terms, uint64_t key)
{
	size_t mask = terms->slots - 1;
	size_t at = (size_t)XXH3_64bits(&key, sizeof(key)) & mask;

	while (terms->slot[at] && terms->key[terms->slot[at] - 1] != key)
		at = (at + 1) & mask;
	return at;
}

/* Keeps the table at most half full. */
static int
slots_grow(struct strads_terms *terms)
{
	size_t slots = terms->slots ? 2 * terms->slots : SLOTS_MIN;
	uint32_t *slot, *old = terms->slot;

	if ((size_t)terms->count * 2 < terms->slots)
		return STRADS_OK;
	slot = calloc(slots, sizeof(*slot));
	if (!slot)
		return strads_fail(STRADS_ERR_MEMORY, "no memory for %u terms", terms->count);
	terms->slot = slot;
	terms->slots = slots;
	for (uint32_t t = 0; t < terms->count; t++)
		slot[slot_find(terms, terms->key[t])] = t + 1;
	free(old);
	return STRADS_OK;
}

static int
term_add(struct strads_terms *terms, size_t at, uint64_t key, uint32_t *term)
{
	int status;

	if (terms->count == NOT_THERE - 1)
		return strads_fail(STRADS_ERR_INPUT, "more than 2^32 - 2 terms");
	status = strads_grow((void **)&terms->key, &terms->key_room, (size_t)terms->count + 1,
			     sizeof(*terms->key));
	if (status == STRADS_OK)
		status = strads_grow((void **)&terms->df, &terms->df_room, (size_t)terms->count + 1,
				     sizeof(*terms->df));
	if (status != STRADS_OK)
		return status;
	terms->key[terms->count] = key;
	terms->df[terms->count] = 0;
	*term = terms->count++;
	terms->slot[at] = terms->count;
	return STRADS_OK;
}

/* The number of a term, NOT_THERE if it has none and is not to get one. */
static int
term_number(struct strads_terms *terms, uint64_t key, bool add, uint32_t *term)
{
	size_t at;
	int status = slots_grow(terms);

	if (status != STRADS_OK)
		return status;
	at = slot_find(terms, key);
	*term = NOT_THERE;
	if (terms->slot[at])
		*term = terms->slot[at] - 1;
	else if (add)
		return term_add(terms, at, key, term);
	return STRADS_OK;
}

static int
compare_terms(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* Counts equal neighbours among the sorted running terms. */
static void
bag_count(struct strads_bag *bag, size_t running)
{
	bag->size = 0;
	for (size_t i = 0; i < running; i++) {
		if (bag->size && bag->item[bag->size - 1].term == bag->running[i])
			bag->item[bag->size - 1].count++;
		else
			bag->item[bag->size++] = (struct strads_term_count){bag->running[i], 1};
	}
}

int
strads_terms_bag(struct strads_terms *terms, const uint32_t *token, size_t tokens, int ngram_max,
		 bool add, struct strads_bag *bag)
{
	size_t most = tokens * (size_t)ngram_max, running = 0;
	int status =
	    strads_grow((void **)&bag->running, &bag->running_room, most, sizeof(*bag->running));

	if (status == STRADS_OK)
		status = strads_grow((void **)&bag->item, &bag->room, most, sizeof(*bag->item));
	for (size_t i = 0; i < tokens && status == STRADS_OK; i++) {
		uint64_t key = 0;

		for (size_t n = 0; n < (size_t)ngram_max && i + n < tokens; n++) {
			uint32_t term = NOT_THERE;

			key |= (uint64_t)(token[i + n] + 1) << (STRADS_WORDS_BITS * n);
			status = term_number(terms, key, add, &term);
			if (status != STRADS_OK)
				break;
			if (term != NOT_THERE)
				bag->running[running++] = term;
		}
	}
	if (status != STRADS_OK)
		return status;
	qsort(bag->running, running, sizeof(*bag->running), compare_terms);
	bag_count(bag, running);
	return STRADS_OK;
}

int
strads_terms_words(const struct strads_terms *terms, uint32_t term, uint32_t word[3])
{
	uint64_t key = terms->key[term];
	int count = 0;

	for (; key; key >>= STRADS_WORDS_BITS)
		word[count++] = (uint32_t)(key & STRADS_WORDS_MAX) - 1;
	return count;
}

void
strads_terms_free(struct strads_terms *terms)
{
	free(terms->key);
	free(terms->df);
	free(terms->slot);
	*terms = (struct strads_terms){0};
}

void
strads_bag_free(struct strads_bag *bag)
{
	free(bag->item);
	free(bag->running);
	*bag = (struct strads_bag){0};
}
