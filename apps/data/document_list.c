#include "document_list.h"

#include "grow.h"
#include "lines.h"
#include "number.h"
#include "token.h"

#include <ctype.h>

/* Most documents: their numbers fit 32 bits on any rank. */
#define DOCS_MAX (UINT64_C(1) << 48)

#define HEADER_LINES 3

/* ---- Numbers ------------------------------------------------------------------------------ */

/* The whole number at *p, `least` or more, which ends at a blank, at `stop` or at `mark`; moves
 * past it. */
static int
count_take(const char **p, const char *stop, char mark, const char *what, uint64_t least,
	   uint64_t *count)
{
	const char *end = strads_number_parse_index(*p, count);
	char copy[STRADS_TOKEN_BYTES];

	if (*p >= stop)
		return strads_fail(STRADS_ERR_INPUT, "the %s is missing", what);
	if (!end || (end < stop && !strads_is_blank(*end) && *end != mark) || *count < least)
		return strads_fail(STRADS_ERR_INPUT, "%s '%s' is not a whole number from %llu",
				   what, strads_token_show(*p, stop, copy),
				   (unsigned long long)least);
	*p = end;
	return STRADS_OK;
}

/* Whether the line is one whole number. */
static bool
is_count(const char *line, const char *stop)
{
	const char *p = strads_skip_blanks(line);
	uint64_t count;
	const char *end = strads_number_parse_index(p, &count);

	return end && strads_skip_blanks(end) >= stop;
}

/* Whether the line is a number, and pairs of numbers with a colon. */
static bool
is_ldac(const char *line, const char *stop)
{
	const char *p = strads_skip_blanks(line);
	uint64_t number;

	p = strads_number_parse_index(p, &number);
	if (!p)
		return false;
	for (p = strads_skip_blanks(p); p < stop; p = strads_skip_blanks(p)) {
		p = strads_number_parse_index(p, &number);
		if (!p || *p != ':')
			return false;
		p = strads_number_parse_index(p + 1, &number);
		if (!p || (p < stop && !strads_is_blank(*p)))
			return false;
	}
	return true;
}

static int
count_check(uint64_t count)
{
	if (count <= UINT32_MAX)
		return STRADS_OK;
	return strads_fail(STRADS_ERR_INPUT, "count '%llu' is beyond 2^32 - 1",
			   (unsigned long long)count);
}

/* Word `number` (from 0; written as `shown`) must be one of those there are. */
static int
word_check(const struct strads_document_list *list, uint64_t number, uint64_t shown)
{
	if (list->words && number >= list->words)
		return strads_fail(STRADS_ERR_INPUT, "word '%llu' is beyond the %llu of %s",
				   (unsigned long long)shown, (unsigned long long)list->words,
				   list->known ? list->known : "the header");
	if (number >= STRADS_COLS_MAX - 1)
		return strads_fail(STRADS_ERR_INPUT, "word '%llu' is beyond 2^32 - 2",
				   (unsigned long long)shown);
	return STRADS_OK;
}

/* ---- Formats ------------------------------------------------------------------------------ */

static int
docword_parse(struct strads_document_list *list, const char *line, const char *stop)
{
	const char *p = strads_skip_blanks(line);
	static const char *const what[3] = {"document", "word", "count"};
	uint64_t number[3] = {0, 0, 0};
	char copy[STRADS_TOKEN_BYTES];
	int status = STRADS_OK;

	if (p >= stop)
		return STRADS_OK;
	for (int i = 0; status == STRADS_OK && i < 3; i++) {
		status = count_take(&p, stop, ' ', what[i], 1, &number[i]);
		p = strads_skip_blanks(p);
	}
	if (status == STRADS_OK && p < stop)
		status =
		    strads_fail(STRADS_ERR_INPUT, "'%s' follows: a line is `document word count`",
				strads_token_show(p, stop, copy));
	if (status == STRADS_OK && number[0] > list->docs)
		status = strads_fail(STRADS_ERR_INPUT,
				     "document '%llu' is beyond the %llu of the header",
				     (unsigned long long)number[0], (unsigned long long)list->docs);
	if (status == STRADS_OK)
		status = word_check(list, number[1] - 1, number[1]);
	if (status == STRADS_OK)
		status = count_check(number[2]);
	if (status != STRADS_OK)
		return status;
	list->counted++;
	return strads_triplets_push(&list->triplets, number[0] - 1, (uint32_t)(number[1] - 1),
				    (double)number[2]);
}

static int
entry_push(struct strads_document_list *list, uint64_t word, uint64_t count)
{
	int status = strads_rows_reserve(&list->rows, 1);

	if (status != STRADS_OK)
		return status;
	strads_rows_push(&list->rows, (uint32_t)word, (double)count);
	if (word >= list->rows.cols)
		list->rows.cols = word + 1;
	return STRADS_OK;
}

static int
ldac_parse(struct strads_document_list *list, const char *line, const char *stop)
{
	const char *p = strads_skip_blanks(line);
	uint64_t pairs = 0, found = 0;
	int status = count_take(&p, stop, ' ', "number of words", 0, &pairs);

	for (p = strads_skip_blanks(p); status == STRADS_OK && p < stop;
	     p = strads_skip_blanks(p)) {
		uint64_t word = 0, count = 0;

		status = count_take(&p, stop, ':', "word", 0, &word);
		p += status == STRADS_OK && *p == ':';
		if (status == STRADS_OK)
			status = count_take(&p, stop, ' ', "count", 1, &count);
		if (status == STRADS_OK)
			status = word_check(list, word, word);
		if (status == STRADS_OK)
			status = count_check(count);
		if (status == STRADS_OK)
			status = entry_push(list, word, count);
		found++;
	}
	if (status == STRADS_OK && found != pairs)
		status = strads_fail(STRADS_ERR_INPUT,
				     "the line has %llu words, not the '%llu' it "
				     "begins with",
				     (unsigned long long)found, (unsigned long long)pairs);
	return status;
}

static bool
is_of_word(enum strads_document_tokens tokens, char c)
{
	unsigned char byte = (unsigned char)c;

	if (tokens == STRADS_TOKENS_BLANKS)
		return !strads_is_blank(c) && byte;
	return isalpha(byte) || byte > 127 || (tokens == STRADS_TOKENS_ALNUM && isdigit(byte));
}

/* A word of the text. */
static int
word_push(struct strads_document_list *list, const char *word, size_t length)
{
	uint32_t number;
	int status = strads_grow((void **)&list->word, &list->word_room, length, 1);

	if (status != STRADS_OK)
		return status;
	for (size_t i = 0; i < length; i++)
		list->word[i] = list->tokens == STRADS_TOKENS_BLANKS
				    ? word[i]
				    : (char)tolower((unsigned char)word[i]);
	if (list->closed)
		return strads_names_find(list->names, list->word, length, &number)
			   ? entry_push(list, number, 1)
			   : STRADS_OK;
	status = strads_names_add(list->names, list->word, length, &number);
	return status == STRADS_OK ? entry_push(list, number, 1) : status;
}

static int
text_parse(struct strads_document_list *list, const char *line, const char *stop)
{
	int status = STRADS_OK;

	for (const char *p = line; status == STRADS_OK && p < stop;) {
		const char *end = p;

		while (end < stop && is_of_word(list->tokens, *end))
			end++;
		if (end > p && (size_t)(end - p) >= list->bytes_min)
			status = word_push(list, p, (size_t)(end - p));
		p = end + (end < stop);
	}
	return status;
}

int
strads_document_list_parse(struct strads_document_list *list, const char *line, const char *stop,
			   uint64_t offset)
{
	int status;

	if (list->format == STRADS_DOCUMENTS_DOCWORD)
		return docword_parse(list, line, stop);
	status = strads_rows_begin(&list->rows, 0, offset);
	if (status != STRADS_OK)
		return status;
	return list->format == STRADS_DOCUMENTS_LDAC ? ldac_parse(list, line, stop)
						     : text_parse(list, line, stop);
}

/* ---- The header --------------------------------------------------------------------------- */

static int
size_take(struct strads_document_list *list, int which, const char *line, const char *stop)
{
	static const char *const what[HEADER_LINES] = {"number of documents", "number of words",
						       "number of entries"};
	uint64_t *const size[HEADER_LINES] = {&list->docs, &list->words, &list->entries};
	const char *p = strads_skip_blanks(line);
	uint64_t value;
	char copy[STRADS_TOKEN_BYTES];
	int status = count_take(&p, stop, ' ', what[which], 1, &value);

	p = strads_skip_blanks(p);
	if (status == STRADS_OK && p < stop)
		status = strads_fail(STRADS_ERR_INPUT, "'%s' follows the %s",
				     strads_token_show(p, stop, copy), what[which]);
	if (status == STRADS_OK && which == 0 && value > DOCS_MAX)
		status = strads_fail(STRADS_ERR_INPUT, "more than 2^48 documents");
	if (status == STRADS_OK && which == 1 && list->known && value > list->words)
		status = strads_fail(STRADS_ERR_INPUT,
				     "%llu words, but %s has only %llu: give the vocabulary that "
				     "belongs to the data",
				     (unsigned long long)value, list->known,
				     (unsigned long long)list->words);
	if (status == STRADS_OK && which == 1 && value > STRADS_COLS_MAX - 1)
		status = strads_fail(STRADS_ERR_INPUT, "more than 2^32 - 1 words");
	if (status == STRADS_OK && (which != 1 || !list->known))
		*size[which] = value;
	return status;
}

/* What the first lines are. */
static int
format_find(struct strads_document_list *list, struct strads_lines *lines)
{
	int counts = 0;

	list->format = STRADS_DOCUMENTS_TEXT;
	for (int i = 0; i < HEADER_LINES; i++) {
		const char *line, *stop;
		int status = strads_lines_next(lines, &line, &stop);

		if (status != STRADS_OK)
			return status;
		if (!line)
			break;
		if (i == 0 && is_ldac(line, stop))
			list->format = STRADS_DOCUMENTS_LDAC;
		counts += is_count(line, stop);
	}
	if (counts == HEADER_LINES)
		list->format = STRADS_DOCUMENTS_DOCWORD;
	return STRADS_OK;
}

static int
sizes_read(struct strads_document_list *list, struct strads_lines *lines)
{
	for (int i = 0; i < HEADER_LINES; i++) {
		const char *line, *stop;
		int status = strads_lines_next(lines, &line, &stop);

		if (status != STRADS_OK)
			return status;
		if (!line)
			return strads_fail(STRADS_ERR_INPUT,
					   "%s is truncated: it ends before the third line, the "
					   "number of entries",
					   lines->text->name);
		status = size_take(list, i, line, stop);
		if (status != STRADS_OK)
			return strads_text_fail(lines->text, lines->line_offset);
	}
	list->begin = lines->offset + lines->at;
	if (list->begin > lines->text->bytes)
		list->begin = lines->text->bytes;
	return STRADS_OK;
}

int
strads_document_list_header(struct strads_document_list *list, struct strads_text *text)
{
	struct strads_lines lines;
	int status;

	if (list->format == STRADS_DOCUMENTS_ANY) {
		status = strads_lines_open(&lines, text, 0, text->bytes);
		if (status != STRADS_OK)
			return status;
		status = format_find(list, &lines);
		strads_lines_close(&lines);
		if (status != STRADS_OK)
			return status;
	}
	if (list->format != STRADS_DOCUMENTS_DOCWORD)
		return STRADS_OK;
	status = strads_lines_open(&lines, text, 0, text->bytes);
	if (status != STRADS_OK)
		return status;
	status = sizes_read(list, &lines);
	strads_lines_close(&lines);
	return status;
}

void
strads_document_list_free(struct strads_document_list *list)
{
	strads_triplets_free(&list->triplets);
	strads_rows_free(&list->rows);
	free(list->word);
	list->word = NULL;
}
