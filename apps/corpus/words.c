#include "words.h"

#include "../data/grow.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#define SLOTS_MIN ((size_t)1 << 16)

struct strads_slice
strads_words_get(const struct strads_words *words, uint32_t number)
{
	return (struct strads_slice){words->bytes + words->first[number],
				     words->first[number + 1] - words->first[number]};
}

/* Where the word is, or would go. */
static size_t
slot_find(const struct strads_words *words, const char *word, size_t bytes)
{
	size_t mask = words->slots - 1;
	size_t at = (size_t)XXH3_64bits(word, bytes) & mask;

	while (words->slot[at]) {
		struct strads_slice other = strads_words_get(words, words->slot[at] - 1);

		if (other.bytes == bytes && memcmp(other.at, word, bytes) == 0)
			break;
		at = (at + 1) & mask;
	}
	return at;
}

/* Keeps the table at most half full. */
static int
slots_grow(struct strads_words *words)
{
	size_t slots = words->slots ? 2 * words->slots : SLOTS_MIN;
	uint32_t *slot, *old = words->slot;

	if ((size_t)words->count * 2 < words->slots)
		return STRADS_OK;
	slot = calloc(slots, sizeof(*slot));
	if (!slot)
		return strads_fail(STRADS_ERR_MEMORY, "no memory for %u words", words->count);
	words->slot = slot;
	words->slots = slots;
	for (uint32_t w = 0; w < words->count; w++) {
		struct strads_slice word = strads_words_get(words, w);

		slot[slot_find(words, word.at, word.bytes)] = w + 1;
	}
	free(old);
	return STRADS_OK;
}

/* The number of a word, a new one if it is new. */
static int
word_number(struct strads_words *words, const char *word, size_t bytes, uint32_t *number)
{
	size_t at;
	int status = slots_grow(words);

	if (status != STRADS_OK)
		return status;
	at = slot_find(words, word, bytes);
	if (words->slot[at]) {
		*number = words->slot[at] - 1;
		return STRADS_OK;
	}
	if (words->count == STRADS_WORDS_MAX)
		return strads_fail(STRADS_ERR_INPUT, "more than %u distinct words",
				   STRADS_WORDS_MAX);
	status = strads_grow((void **)&words->first, &words->first_room, (size_t)words->count + 2,
			     sizeof(*words->first));
	if (status == STRADS_OK)
		status = strads_grow((void **)&words->bytes, &words->bytes_room,
				     words->bytes_have + bytes, 1);
	if (status != STRADS_OK)
		return status;
	memcpy(words->bytes + words->bytes_have, word, bytes);
	words->first[words->count] = words->bytes_have;
	words->bytes_have += bytes;
	words->first[words->count + 1] = words->bytes_have;
	*number = words->count;
	words->slot[at] = ++words->count;
	return STRADS_OK;
}

/* The byte as it is in a word, 0 if it is none of a word. */
static char
word_byte(unsigned char c)
{
	if (c >= 'A' && c <= 'Z')
		return (char)(c + ('a' - 'A'));
	if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c >= 128)
		return (char)c;
	return 0;
}

/* Numbers the word that `lower` [bytes] holds and appends it. */
static int
token_add(struct strads_words *words, struct strads_tokens *tokens, const char *lower, size_t bytes)
{
	uint32_t number = 0;
	int status;

	if (bytes < 2)
		return STRADS_OK;
	status = word_number(words, lower, bytes, &number);
	if (status == STRADS_OK)
		status = strads_grow((void **)&tokens->token, &tokens->room, tokens->count + 1,
				     sizeof(*tokens->token));
	if (status == STRADS_OK)
		tokens->token[tokens->count++] = number;
	return status;
}

int
strads_words_add(struct strads_words *words, struct strads_tokens *tokens, struct strads_slice text)
{
	char *lower = malloc(text.bytes + 1);
	size_t bytes = 0;
	int status;

	if (!lower)
		return strads_fail(STRADS_ERR_MEMORY, "no memory for a text of %zu bytes",
				   text.bytes);
	status = strads_grow((void **)&tokens->start, &tokens->start_room, tokens->texts + 2,
			     sizeof(*tokens->start));
	if (status != STRADS_OK)
		goto free;
	tokens->start[tokens->texts] = tokens->count;
	for (size_t i = 0; i <= text.bytes && status == STRADS_OK; i++) {
		char c = i < text.bytes ? word_byte((unsigned char)text.at[i]) : 0;

		if (c) {
			lower[bytes++] = c;
		} else {
			status = token_add(words, tokens, lower, bytes);
			bytes = 0;
		}
	}
	tokens->start[++tokens->texts] = tokens->count;
free:
	free(lower);
	return status;
}

void
strads_words_free(struct strads_words *words)
{
	free(words->first);
	free(words->bytes);
	free(words->slot);
	*words = (struct strads_words){0};
}

void
strads_tokens_free(struct strads_tokens *tokens)
{
	free(tokens->token);
	free(tokens->start);
	*tokens = (struct strads_tokens){0};
}
