/*
 * Package lists: stanzas lie inside the text and come to an end; words can be looked up again.
 */
#include "fuzz.h"
#include "words.h"

#include <stdlib.h>
#include <string.h>

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct strads_field fields[] = {{.name = "Package"}, {.name = "Description-en"}};
	struct strads_tokens tokens = {0};
	struct strads_words words = {0};
	char *text = malloc(bytes + 1);
	const char *at = text;

	if (!text)
		return 0;
	memcpy(text, data, bytes);
	text[bytes] = '\n';
	while (strads_stanza_next(&at, text + bytes, fields, 2)) {
		FUZZ_CHECK(at > text && at <= text + bytes + 1);
		for (int i = 0; i < 2; i++) {
			struct strads_slice value = fields[i].value;

			if (!value.at)
				continue;
			FUZZ_CHECK(value.at >= text && value.at + value.bytes <= text + bytes);
			if (strads_words_add(&words, &tokens, value) < 0)
				goto free;
		}
	}
	for (size_t i = 0; i < tokens.count; i++) {
		FUZZ_CHECK(tokens.token[i] < words.count);
		FUZZ_CHECK(strads_words_get(&words, tokens.token[i]).bytes >= 2);
	}
free:
	strads_words_free(&words);
	strads_tokens_free(&tokens);
	free(text);
	return 0;
}
