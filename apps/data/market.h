/*
 * MatrixMarket files (math.nist.gov/MatrixMarket/formats.html): the header and the entries of a
 * line.
 */
#ifndef STRADS_MARKET_H
#define STRADS_MARKET_H

#include "lines.h"
#include "triplets.h"

#define STRADS_MARKET_BANNER "%%MatrixMarket"

struct strads_market {
	bool array;     /* all values, column by column; else coordinates */
	bool pattern;   /* coordinates without values: all are 1 */
	bool symmetric; /* each entry off the diagonal stands for its mirror too */
	uint64_t rows, cols;
	uint64_t entries; /* lines that follow the header */
	uint64_t begin;   /* offset of the first of them */
};

/* Reads the header. Takes coordinate real, integer and pattern, general and symmetric, and array
 * real and integer general. Returns STRADS_OK, ERR_INPUT (with file and line), ERR_MEMORY, ERR_IO,
 * or as strads_text_read. */
STRADS_MUST_CHECK int strads_market_header(struct strads_text *text, struct strads_market *market);

/* Parses one line of coordinates and appends its entries; *counted grows unless the line is blank.
 * Explicit zeros are left out. Returns STRADS_OK, ERR_INPUT (without the line), ERR_MEMORY.
 * Thread: any. */
STRADS_MUST_CHECK int strads_market_parse(const struct strads_market *market, const char *line,
					  const char *stop, struct strads_triplets *triplets,
					  uint64_t *counted);

/* Parses one line that holds one number, which becomes the entry at row `*counted`; *counted grows
 * unless the line is blank or a comment (% or #). Returns as strads_market_parse. */
STRADS_MUST_CHECK int strads_market_parse_value(const char *line, const char *stop,
						struct strads_triplets *triplets,
						uint64_t *counted);

#endif
