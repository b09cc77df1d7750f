/*
 * Words: texts to sequences of word numbers, and back.
 */
#ifndef STRADS_WORDS_H
#define STRADS_WORDS_H

#include "stanza.h"
#include "strads/transport.h"

/* Most distinct words: three numbers fit one 64-bit key. */
#define STRADS_WORDS_BITS 21
#define STRADS_WORDS_MAX  ((UINT32_C(1) << STRADS_WORDS_BITS) - 1)

struct strads_words {
	uint32_t count;
	size_t *first; /* [count + 1] of each word in `bytes` */
	size_t first_room;
	char *bytes; /* all words, one after another */
	size_t bytes_have, bytes_room;
	uint32_t *slot; /* [slots] number + 1, 0 if free */
	size_t slots;   /* a power of two */
};

/* The running words of texts: word numbers, those of text i from start[i] to start[i + 1]. */
struct strads_tokens {
	uint32_t *token;
	size_t count, room;
	size_t *start;
	size_t texts, start_room;
};

/* Appends the words of `text`. Words are runs of at least two bytes that are ASCII letters or
 * digits or above 127; letters are made lower case. Returns STRADS_OK, ERR_MEMORY, ERR_INPUT (too
 * many distinct words). Thread: any. */
STRADS_MUST_CHECK int strads_words_add(struct strads_words *words, struct strads_tokens *tokens,
				       struct strads_slice text);

/* The bytes of word `number`. */
struct strads_slice strads_words_get(const struct strads_words *words, uint32_t number);

void strads_words_free(struct strads_words *words);
void strads_tokens_free(struct strads_tokens *tokens);

#endif
