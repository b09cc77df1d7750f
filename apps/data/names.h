/*
 * Distinct words and their numbers: the ids of users and items as a file has them.
 */
#ifndef STRADS_NAMES_H
#define STRADS_NAMES_H

#include "strads/transport.h"

/* Words of any bytes but NUL, numbered 0, 1, … in the order in which they came. */
struct strads_names {
	char *text; /* the words, each followed by a NUL */
	size_t bytes, text_room;
	size_t *at; /* [count] of a word in the text */
	size_t count, at_room;
	uint32_t *slot; /* [slots] number + 1 of the word that hashes there, 0: none */
	size_t slots;   /* 0 or a power of two */
};

/* Most words. */
#define STRADS_NAMES_MAX ((size_t)UINT32_MAX - 1)

static inline const char *
strads_names_word(const struct strads_names *names, size_t number)
{
	return names->text + names->at[number];
}

/* Of memory that they take. Thread: any. */
static inline uint64_t
strads_names_bytes(const struct strads_names *names)
{
	return names->text_room + names->at_room * sizeof(*names->at) +
	       names->slots * sizeof(*names->slot);
}

/* The number of the word of `length` ≥ 1 bytes, which is added if it is new. Returns STRADS_OK,
 * ERR_INPUT (too many words), ERR_MEMORY. Thread: any. */
STRADS_MUST_CHECK int strads_names_add(struct strads_names *names, const char *word, size_t length,
				       uint32_t *number);

/* Whether the word is there; *number is its number. Thread: any. */
bool strads_names_find(const struct strads_names *names, const char *word, size_t length,
		       uint32_t *number);

/* Replaces every rank's words by those of all ranks together, in one order: the shorter first, of
 * equal length the one whose bytes are less, so that whole numbers come in their order. number_of
 * [count before] receives the new number of each word that this rank had, to be freed by the
 * caller. Collective: all ranks succeed or fail together. Returns STRADS_OK, ERR_INPUT, ERR_MEMORY,
 * ERR_PROTOCOL, or as strads_fabric_wire and strads_counter_wait. Thread: owner. */
STRADS_MUST_CHECK int strads_names_join(struct strads_fabric *fabric, struct strads_names *names,
					uint32_t **number_of);

/* Frees all; the structure is then as new. */
void strads_names_free(struct strads_names *names);

#endif
