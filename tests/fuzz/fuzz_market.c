/*
 * MatrixMarket text: the header and the entries stay within what they announce.
 */
#include "fuzz.h"
#include "market.h"

#include <math.h>
#include <stdlib.h>

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct strads_triplets triplets = {0};
	struct strads_market market;
	struct strads_lines lines;
	struct strads_text *text;
	const char *line, *stop;
	uint64_t counted = 0;

	if (strads_text_memory("input", (const char *)data, bytes, &text) < 0)
		return 0;
	if (strads_market_header(text, &market) < 0)
		goto close;
	FUZZ_CHECK(market.begin <= bytes && market.rows && market.cols);
	FUZZ_CHECK(!market.symmetric || market.rows == market.cols);
	if (strads_lines_open(&lines, text, market.begin, bytes) < 0)
		goto close;
	while (strads_lines_next(&lines, &line, &stop) == STRADS_OK && line) {
		int status = market.array
				 ? strads_market_parse_value(line, stop, &triplets, &counted)
				 : strads_market_parse(&market, line, stop, &triplets, &counted);

		if (status < 0)
			break;
	}
	FUZZ_CHECK(triplets.count <= 2 * counted);
	for (size_t i = 0; i < triplets.count; i++) {
		const struct strads_triplet *entry = &triplets.entry[i];

		FUZZ_CHECK(isfinite(entry->value) && entry->value != 0.0);
		FUZZ_CHECK(entry->row < (market.array ? counted : market.rows));
		FUZZ_CHECK(entry->col < market.cols);
	}
	strads_lines_close(&lines);
close:
	strads_triplets_free(&triplets);
	strads_text_close(&text);
	return 0;
}
