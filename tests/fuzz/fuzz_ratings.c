/*
 * Lines of ratings: whatever they are, the parser refuses them or makes ratings of known users and
 * items, and looks up again what it has added.
 */
#include "fuzz.h"
#include "lines.h"
#include "rating_list.h"
#include "ratings.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Parses all lines up to the first that is refused. */
static int
text_parse(struct strads_text *text, struct strads_rating_list *list)
{
	struct strads_lines lines;
	const char *line, *stop;
	int status = strads_lines_open(&lines, text, 0, text->bytes);

	if (status < 0)
		return status;
	for (;;) {
		status = strads_lines_next(&lines, &line, &stop);
		if (status < 0 || !line)
			break;
		status = strads_rating_list_parse(list, line, stop);
		if (status < 0)
			break;
	}
	strads_lines_close(&lines);
	return status;
}

static void
check_list(const struct strads_rating_list *list)
{
	FUZZ_CHECK(list->ratings.count == list->lines);
	for (size_t i = 0; i < list->ratings.count; i++) {
		const struct strads_triplet *entry = &list->ratings.entry[i];

		FUZZ_CHECK(entry->row < list->users->count && entry->col < list->items->count);
		FUZZ_CHECK(fabs(entry->value) <= STRADS_RATINGS_LARGEST);
	}
	for (size_t i = 0; i < list->users->count; i++) {
		const char *word = strads_names_word(list->users, i);
		uint32_t number;

		FUZZ_CHECK(strads_names_find(list->users, word, strlen(word), &number));
		FUZZ_CHECK(number == i);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct strads_names users = {0}, items = {0};
	struct strads_rating_list open = {.users = &users, .items = &items};
	struct strads_rating_list closed = {.users = &users, .items = &items, .closed = true};
	struct strads_text *text;

	if (strads_text_memory("fuzz", (const char *)data, bytes, &text) < 0)
		return 0;
	if (text_parse(text, &open) == STRADS_OK) {
		check_list(&open);
		FUZZ_CHECK(text_parse(text, &closed) == STRADS_OK);
		FUZZ_CHECK(closed.unknown == 0 && closed.lines == open.lines);
	}
	strads_text_close(&text);
	strads_triplets_free(&open.ratings);
	strads_triplets_free(&closed.ratings);
	strads_names_free(&users);
	strads_names_free(&items);
	return 0;
}
