#include "names.h"

#include "fetch.h"
#include "grow.h"

#include <string.h>

/* FNV-1a (Fowler, Noll, Vo); its high bits are the good ones. */
static uint64_t
hash(const char *word, size_t length)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < length; i++)
		h = (h ^ (unsigned char)word[i]) * UINT64_C(0x100000001b3);
	return h ^ h >> 29;
}

/* The slot that has the word, or the empty one where it belongs. */
static size_t
slot_find(const struct strads_names *names, const char *word, size_t length)
{
	size_t slot = hash(word, length) & (names->slots - 1);

	while (names->at && names->slot[slot]) {
		const char *there = strads_names_word(names, names->slot[slot] - 1);

		if (strncmp(there, word, length) == 0 && there[length] == '\0')
			break;
		slot = (slot + 1) & (names->slots - 1);
	}
	return slot;
}

/* Twice the slots, or a first few; at most half of them are taken. */
static int
slots_grow(struct strads_names *names)
{
	size_t slots = names->slots ? 2 * names->slots : 64;
	uint32_t *slot = calloc(slots, sizeof(*slot));

	if (!slot) {
		strads_fail(STRADS_ERR_MEMORY, "no memory for the ids of %zu users or items",
			    names->count);
		return STRADS_ERR_MEMORY;
	}
	free(names->slot);
	names->slot = slot;
	names->slots = slots;
	for (size_t i = 0; i < names->count; i++) {
		const char *word = strads_names_word(names, i);

		slot[slot_find(names, word, strlen(word))] = (uint32_t)i + 1;
	}
	return STRADS_OK;
}

int
strads_names_add(struct strads_names *names, const char *word, size_t length, uint32_t *number)
{
	size_t slot;
	int status = STRADS_OK;

	if (!names->slot || 2 * names->count >= names->slots)
		status = slots_grow(names);
	if (status != STRADS_OK)
		return status;
	slot = slot_find(names, word, length);
	if (names->slot[slot]) {
		*number = names->slot[slot] - 1;
		return STRADS_OK;
	}
	if (names->count == STRADS_NAMES_MAX)
		return strads_fail(STRADS_ERR_INPUT, "more than %zu users or items",
				   STRADS_NAMES_MAX);
	status =
	    strads_grow((void **)&names->text, &names->text_room, names->bytes + length + 1, 1);
	if (status == STRADS_OK)
		status = strads_grow((void **)&names->at, &names->at_room, names->count + 1,
				     sizeof(*names->at));
	if (status != STRADS_OK)
		return status;
	memcpy(names->text + names->bytes, word, length);
	names->text[names->bytes + length] = '\0';
	names->at[names->count] = names->bytes;
	names->bytes += length + 1;
	*number = (uint32_t)names->count++;
	names->slot[slot] = (uint32_t)names->count;
	return STRADS_OK;
}

bool
strads_names_find(const struct strads_names *names, const char *word, size_t length,
		  uint32_t *number)
{
	size_t slot;

	if (!names->slot)
		return false;
	slot = slot_find(names, word, length);
	if (!names->slot[slot])
		return false;
	*number = names->slot[slot] - 1;
	return true;
}

void
strads_names_free(struct strads_names *names)
{
	free(names->text);
	free(names->at);
	free(names->slot);
	*names = (struct strads_names){0};
}

/* ---- The words of all ranks --------------------------------------------------------------- */

/* Adds the words of a text [bytes], each with its NUL. */
static int
text_add(struct strads_names *names, const char *text, size_t bytes)
{
	for (size_t at = 0; at < bytes;) {
		size_t length = strnlen(text + at, bytes - at);
		uint32_t number;
		int status;

		if (length == 0 || at + length == bytes)
			return strads_fail(STRADS_ERR_PROTOCOL, "the ids of a rank are no words");
		status = strads_names_add(names, text + at, length, &number);
		if (status != STRADS_OK)
			return status;
		at += length + 1;
	}
	return STRADS_OK;
}

/* Adds the words of every rank in turn, which the rank has in its part of `words`. */
static int
ranks_add(struct strads_fabric *fabric, const struct strads_region *words, struct strads_names *all)
{
	struct strads_job *job = strads_fabric_job(fabric);
	size_t most = 0;
	struct strads_region *window = NULL;
	int status;

	for (int r = 0; r < strads_job_size(job); r++)
		most = strads_region_bytes(words, r) > most ? strads_region_bytes(words, r) : most;
	status = strads_region_new(fabric, STRADS_LOCAL, most, &window);
	for (int r = 0; status == STRADS_OK && r < strads_job_size(job); r++) {
		size_t bytes = strads_region_bytes(words, r);

		if (bytes == 0)
			continue;
		status = strads_fetch(fabric, r, words, 0, strads_region_base(window), bytes);
		if (status == STRADS_OK)
			status = text_add(all, strads_region_base(window), bytes);
	}
	if (window)
		strads_region_delete(&window);
	return status;
}

static int
compare(const void *a, const void *b, void *arg)
{
	const struct strads_names *names = arg;
	const char *left = strads_names_word(names, *(const uint32_t *)a);
	const char *right = strads_names_word(names, *(const uint32_t *)b);
	size_t n = strlen(left), m = strlen(right);

	return n != m ? (n > m) - (n < m) : memcmp(left, right, n);
}

/* The same words in order. */
static int
sort(const struct strads_names *names, struct strads_names *sorted)
{
	uint32_t *order = malloc((names->count + 1) * sizeof(*order)), number;
	int status = STRADS_OK;

	if (!order)
		return strads_fail(STRADS_ERR_MEMORY, "no memory to order %zu ids", names->count);
	for (size_t i = 0; i < names->count; i++)
		order[i] = (uint32_t)i;
	if (names->count)
		qsort_r(order, names->count, sizeof(*order), compare, (void *)names);
	for (size_t i = 0; status == STRADS_OK && i < names->count; i++) {
		const char *word = strads_names_word(names, order[i]);

		status = strads_names_add(sorted, word, strlen(word), &number);
	}
	free(order);
	return status;
}

/* The numbers that the words of `from` have in `to`. */
static int
numbers_find(const struct strads_names *from, const struct strads_names *to, uint32_t **number_of)
{
	uint32_t *numbers = calloc(from->count + 1, sizeof(*numbers));

	if (!numbers)
		return strads_fail(STRADS_ERR_MEMORY, "no memory for the numbers of %zu ids",
				   from->count);
	for (size_t i = 0; i < from->count; i++) {
		const char *word = strads_names_word(from, i);

		(void)strads_names_find(to, word, strlen(word), &numbers[i]);
	}
	*number_of = numbers;
	return STRADS_OK;
}

static int
join(struct strads_fabric *fabric, const struct strads_names *names,
     const struct strads_region *words, struct strads_names *joined, uint32_t **number_of)
{
	struct strads_names all = {0};
	int status = ranks_add(fabric, words, &all);

	if (status == STRADS_OK)
		status = sort(&all, joined);
	strads_names_free(&all);
	if (status == STRADS_OK)
		status = numbers_find(names, joined, number_of);
	return strads_job_agree(strads_fabric_job(fabric), status);
}

int
strads_names_join(struct strads_fabric *fabric, struct strads_names *names, uint32_t **number_of)
{
	struct strads_job *job = strads_fabric_job(fabric);
	struct strads_names joined = {0};
	struct strads_region *words = NULL;
	uint32_t *numbers = NULL;
	int status = strads_job_agree(
	    job, strads_region_new(fabric, STRADS_REMOTE_READ, names->bytes, &words));

	if (status == STRADS_OK) {
		if (names->bytes)
			memcpy(strads_region_base(words), names->text, names->bytes);
		status = strads_fabric_wire(fabric);
	}
	if (status == STRADS_OK)
		status = join(fabric, names, words, &joined, &numbers);
	if (words)
		strads_region_delete(&words);
	if (status != STRADS_OK) {
		strads_names_free(&joined);
		free(numbers);
		return status;
	}
	strads_names_free(names);
	*names = joined;
	*number_of = numbers;
	return STRADS_OK;
}
