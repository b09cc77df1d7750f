/*
 * Numbers: the parser agrees with strtod on every input that it takes.
 */
#include "fuzz.h"
#include "number.h"

#include <stdlib.h>
#include <string.h>

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	char *text = malloc(bytes + 2);
	const char *end;
	double value = 0.0, expected;
	uint64_t index;

	if (!text)
		return 0;
	memcpy(text, data, bytes);
	text[bytes] = '\n';
	text[bytes + 1] = '\0';
	end = strads_number_parse(text, &value);
	if (end) {
		char kept = *end;

		FUZZ_CHECK(end > text && end <= text + bytes);
		text[end - text] = '\0'; /* strtod would go on where a hexadecimal number starts */
		expected = strtod(text, NULL);
		text[end - text] = kept;
		FUZZ_CHECK(memcmp(&value, &expected, sizeof(value)) == 0);
	}
	end = strads_number_parse_index(text, &index);
	FUZZ_CHECK(!end || (end > text && end <= text + bytes));
	free(text);
	return 0;
}
