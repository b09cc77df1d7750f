#include "lines.h"

#include <stdlib.h>
#include <string.h>

#define CHUNK_BYTES (256u << 10)

/* Where the buffer ends in the text. */
static uint64_t
lines_frontier(const struct strads_lines *lines)
{
	return lines->offset + lines->have;
}

/* Reads another chunk behind what is there, keeping one byte spare for the last newline. */
static int
lines_refill(struct strads_lines *lines)
{
	uint64_t left = lines->text->bytes - lines_frontier(lines);
	size_t bytes = left < CHUNK_BYTES ? (size_t)left : CHUNK_BYTES;
	int status;

	memmove(lines->buffer, lines->buffer + lines->at, lines->have - lines->at);
	lines->offset += lines->at;
	lines->have -= lines->at;
	lines->at = 0;
	if (lines->have + bytes + 1 > lines->capacity) {
		size_t capacity = 2 * lines->capacity + bytes;
		char *buffer = realloc(lines->buffer, capacity);

		if (!buffer)
			return strads_fail(STRADS_ERR_MEMORY,
					   "no memory for a line of %s longer than %zu bytes",
					   lines->text->name, lines->have);
		lines->buffer = buffer;
		lines->capacity = capacity;
	}
	status = strads_text_read(lines->text, lines_frontier(lines), lines->buffer + lines->have,
				  bytes);
	if (status == STRADS_OK)
		lines->have += bytes;
	return status;
}

/* Moves to the first line that starts at `begin` > 0 or later, keeping nothing of what lies
 * before. */
static int
lines_seek(struct strads_lines *lines, uint64_t begin)
{
	lines->offset = begin - 1;
	while (lines_frontier(lines) < lines->text->bytes) {
		char *newline;
		int status = lines_refill(lines);

		if (status != STRADS_OK)
			return status;
		newline = memchr(lines->buffer, '\n', lines->have);
		if (newline) {
			lines->at = (size_t)(newline - lines->buffer) + 1;
			return STRADS_OK;
		}
		lines->at = lines->have;
	}
	lines->at = lines->have;
	return STRADS_OK;
}

int
strads_lines_open(struct strads_lines *lines, struct strads_text *text, uint64_t begin,
		  uint64_t end)
{
	int status = STRADS_OK;

	*lines = (struct strads_lines){.text = text, .end = end};
	lines->capacity = 2 * CHUNK_BYTES;
	lines->buffer = malloc(lines->capacity);
	if (!lines->buffer)
		return strads_fail(STRADS_ERR_MEMORY, "no memory to read %s", text->name);
	if (begin > 0 && begin < end)
		status = lines_seek(lines, begin);
	else
		lines->offset = begin;
	if (status != STRADS_OK)
		strads_lines_close(lines);
	return status;
}

int
strads_lines_next(struct strads_lines *lines, const char **line, const char **stop)
{
	size_t searched = 0;
	char *newline;

	lines->line_offset = lines->offset + lines->at;
	if (lines->line_offset >= lines->end || lines->line_offset >= lines->text->bytes) {
		*line = *stop = NULL;
		return STRADS_OK;
	}
	for (;;) {
		size_t have = lines->have - lines->at;
		int status;

		newline = have > searched
			      ? memchr(lines->buffer + lines->at + searched, '\n', have - searched)
			      : NULL;
		if (newline)
			break;
		if (lines_frontier(lines) == lines->text->bytes) {
			newline = lines->buffer + lines->have;
			break;
		}
		searched = have;
		status = lines_refill(lines);
		if (status != STRADS_OK)
			return status;
	}
	*line = lines->buffer + lines->at;
	lines->at = (size_t)(newline - lines->buffer) + 1;
	if (lines->at > lines->have)
		lines->have = lines->at; /* past the end of the text: the frontier is beyond it */
	if (newline > *line && newline[-1] == '\r')
		newline--;
	*newline = '\n';
	*stop = newline;
	return STRADS_OK;
}

void
strads_lines_close(struct strads_lines *lines)
{
	free(lines->buffer);
	*lines = (struct strads_lines){0};
}
