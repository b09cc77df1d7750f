/*
 * Terms: runs of one to three words, numbered in the order in which they are first seen.
 */
#ifndef STRADS_TERMS_H
#define STRADS_TERMS_H

#include "words.h"

/* A term's key holds its words exactly, 21 bits each (number + 1, first word lowest), so that two
 * terms never share one. */
struct strads_terms {
	uint32_t count;
	uint64_t *key; /* [count] */
	uint32_t *df;  /* [count] documents that have the term; the caller's */
	size_t key_room, df_room;
	uint32_t *slot; /* [slots] number + 1, 0 if free */
	size_t slots;   /* a power of two */
};

/* A term of a document and how often it occurs there. */
struct strads_term_count {
	uint32_t term;
	uint32_t count;
};

/* The bag of terms of a document, ascending by term. */
struct strads_bag {
	struct strads_term_count *item;
	size_t size, room;
	uint32_t *running; /* terms as they come, before counting */
	size_t running_room;
};

/* Empties the bag and fills it from the words token [tokens]. With `add`, unknown terms are
 * numbered, else left out. Returns STRADS_OK, ERR_MEMORY, ERR_INPUT (2^32
 * terms). Thread: any. */
STRADS_MUST_CHECK int strads_terms_bag(struct strads_terms *terms, const uint32_t *token,
				       size_t tokens, int ngram_max, bool add,
				       struct strads_bag *bag);

/* The words of a term; returns how many. */
int strads_terms_words(const struct strads_terms *terms, uint32_t term, uint32_t word[3]);

void strads_terms_free(struct strads_terms *terms);
void strads_bag_free(struct strads_bag *bag);

#endif
