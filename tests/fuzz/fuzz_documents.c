/*
 * Lines of documents: whatever they are, the parser of each format refuses them or makes entries of
 * words there are.
 */
#include "document_list.h"
#include "fuzz.h"
#include "lines.h"

#include <stdlib.h>

/* Parses all lines behind the header up to the first that is refused. */
static int
text_parse(struct strads_text *text, struct strads_document_list *list)
{
	struct strads_lines lines;
	const char *line, *stop;
	int status = strads_document_list_header(list, text);

	if (status == STRADS_OK)
		status = strads_lines_open(&lines, text, list->begin, text->bytes);
	if (status != STRADS_OK)
		return status;
	do {
		status = strads_lines_next(&lines, &line, &stop);
		if (status == STRADS_OK && line)
			status = strads_document_list_parse(list, line, stop, lines.line_offset);
	} while (status == STRADS_OK && line);
	strads_lines_close(&lines);
	return status;
}

static void
check_list(struct strads_document_list *list)
{
	FUZZ_CHECK(list->format != STRADS_DOCUMENTS_ANY);
	for (size_t i = 0; i < list->triplets.count; i++) {
		const struct strads_triplet *entry = &list->triplets.entry[i];

		FUZZ_CHECK(entry->row < list->docs && entry->col < list->words);
		FUZZ_CHECK(entry->value >= 1);
	}
	FUZZ_CHECK(strads_rows_end(&list->rows) == STRADS_OK);
	FUZZ_CHECK(list->rows.rows == 0 || list->rows.first[list->rows.rows] == list->rows.entries);
	for (size_t i = 0; i < list->rows.entries; i++) {
		FUZZ_CHECK(list->format == STRADS_DOCUMENTS_TEXT
			       ? list->rows.col[i] < list->names->count
			       : list->rows.col[i] < list->rows.cols);
		FUZZ_CHECK(list->rows.value[i] >= 1);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct strads_text *text;

	if (strads_text_memory("fuzz", (const char *)data, bytes, &text) < 0)
		return 0;
	for (int format = STRADS_DOCUMENTS_ANY; format <= STRADS_DOCUMENTS_TEXT; format++) {
		struct strads_names names = {0};
		struct strads_document_list list = {
		    .name = "fuzz",
		    .format = (enum strads_document_format)format,
		    .names = &names,
		    .tokens = (enum strads_document_tokens)(bytes % 3),
		    .bytes_min = bytes % 4,
		};

		if (text_parse(text, &list) == STRADS_OK)
			check_list(&list);
		strads_document_list_free(&list);
		strads_names_free(&names);
	}
	strads_text_close(&text);
	return 0;
}
