/*
 * svmlight text: whatever it is, the parser refuses it or makes a sound matrix, and the same one
 * from two halves as from the whole.
 */
#include "fuzz.h"
#include "lines.h"
#include "svmlight.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MAX_COLS 4096 /* keeps the matrix small: entries beyond are left out */

/* Parses the lines that start in [begin, end). */
static int
range_parse(struct strads_text *text, uint64_t begin, uint64_t end, struct strads_rows *rows)
{
	struct strads_lines lines;
	const char *line, *stop;
	int status = strads_lines_open(&lines, text, begin, end);

	if (status < 0)
		return status;
	for (;;) {
		status = strads_lines_next(&lines, &line, &stop);
		if (status < 0 || !line)
			break;
		FUZZ_CHECK(*stop == '\n');
		status = strads_svmlight_parse(rows, line, stop, lines.line_offset, MAX_COLS);
		if (status < 0) {
			FUZZ_CHECK(strads_text_fail(text, lines.line_offset) == STRADS_ERR_INPUT);
			break;
		}
	}
	strads_lines_close(&lines);
	return status < 0 ? status : strads_rows_end(rows);
}

static void
check_csc(const struct strads_csc *x)
{
	for (uint64_t j = 0; j < x->cols; j++)
		for (uint64_t e = x->start[j]; e < x->start[j + 1]; e++) {
			FUZZ_CHECK(x->row[e] < x->rows);
			FUZZ_CHECK(e == x->start[j] || x->row[e - 1] < x->row[e]);
			FUZZ_CHECK(isfinite(x->value[e]) && x->value[e] != 0.0);
		}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct strads_rows whole = {0}, half = {0};
	struct strads_text *text;
	struct strads_csc x;
	int status;

	if (strads_text_memory("input", (const char *)data, bytes, &text) < 0)
		return 0;
	status = range_parse(text, 0, bytes, &whole);
	if (status == STRADS_OK) {
		FUZZ_CHECK(range_parse(text, 0, bytes / 2, &half) == STRADS_OK);
		FUZZ_CHECK(range_parse(text, bytes / 2, bytes, &half) == STRADS_OK);
		FUZZ_CHECK(half.rows == whole.rows && half.entries == whole.entries);
		FUZZ_CHECK(!whole.rows || memcmp(half.offset, whole.offset,
						 whole.rows * sizeof(*whole.offset)) == 0);
		if (strads_rows_to_csc(&whole, whole.cols, &x) == STRADS_OK) {
			check_csc(&x);
			free(x.start);
			free(x.row);
			free(x.value);
		}
	}
	strads_rows_free(&whole);
	strads_rows_free(&half);
	strads_text_close(&text);
	return 0;
}
