/*
 * The lines of a range of a text, one at a time.
 */
#ifndef STRADS_LINES_H
#define STRADS_LINES_H

#include "text.h"

/* Those lines whose first byte lies in [begin, end). */
struct strads_lines {
	struct strads_text *text;
	uint64_t end;
	uint64_t offset; /* in the text, of buffer[0] */
	char *buffer;
	size_t capacity;
	size_t at, have;      /* buffer[at … have) is not yet handed out */
	uint64_t line_offset; /* in the text, of the line last handed out */
};

/* Returns STRADS_OK, ERR_MEMORY, or as strads_text_read. */
STRADS_MUST_CHECK int strads_lines_open(struct strads_lines *lines, struct strads_text *text,
					uint64_t begin, uint64_t end);

/* The next line, without its newline and a carriage return before it; *stop is a newline. Both are
 * valid until the next call. *line is NULL after the last. A line may be as long as memory allows.
 * Returns STRADS_OK, ERR_MEMORY, or as strads_text_read. */
STRADS_MUST_CHECK int strads_lines_next(struct strads_lines *lines, const char **line,
					const char **stop);

void strads_lines_close(struct strads_lines *lines);

#endif
