#include "market.h"

#include "number.h"
#include "token.h"

#include <string.h>
#include <strings.h>

#define ROWS_MAX (UINT64_C(1) << 48)

/* Does the word at *p equal `word`, in any case? If so, moves past it and the blanks behind it. */
static bool
word_take(const char **p, const char *word)
{
	size_t length = strlen(word);

	if (strncasecmp(*p, word, length) != 0 ||
	    !(strads_is_blank((*p)[length]) || (*p)[length] == '\n'))
		return false;
	*p = strads_skip_blanks(*p + length);
	return true;
}

static int
banner_parse(struct strads_market *market, const char *line, const char *stop)
{
	const char *p = line;
	char copy[STRADS_TOKEN_BYTES];

	if (!word_take(&p, STRADS_MARKET_BANNER) || !word_take(&p, "matrix"))
		return strads_fail(STRADS_ERR_INPUT,
				   "the first line is not '%%%%MatrixMarket matrix …'");
	market->array = word_take(&p, "array");
	if (!market->array && !word_take(&p, "coordinate"))
		return strads_fail(STRADS_ERR_INPUT,
				   "format '%s' is not read: it must be coordinate or array",
				   strads_token_show(p, stop, copy));
	market->pattern = word_take(&p, "pattern");
	if (!market->pattern && !word_take(&p, "real") && !word_take(&p, "integer") &&
	    !word_take(&p, "double"))
		return strads_fail(STRADS_ERR_INPUT,
				   "field '%s' is not read: it must be real, integer or pattern",
				   strads_token_show(p, stop, copy));
	market->symmetric = word_take(&p, "symmetric");
	if (!market->symmetric && !word_take(&p, "general"))
		return strads_fail(STRADS_ERR_INPUT,
				   "symmetry '%s' is not read: it must be general or symmetric",
				   strads_token_show(p, stop, copy));
	if (market->array && (market->pattern || market->symmetric))
		return strads_fail(STRADS_ERR_INPUT,
				   "an array must be real or integer, and general");
	return STRADS_OK;
}

/* A whole number at *p; moves past it and the blanks behind it. */
static int
count_take(const char **p, const char *stop, const char *what, uint64_t *count)
{
	char copy[STRADS_TOKEN_BYTES];
	const char *end = strads_number_parse_index(*p, count);

	if (!end || (end < stop && !strads_is_blank(*end)))
		return strads_fail(STRADS_ERR_INPUT, "%s '%s' is not a whole number", what,
				   strads_token_show(*p, stop, copy));
	*p = strads_skip_blanks(end);
	return STRADS_OK;
}

static int
sizes_parse(struct strads_market *market, const char *line, const char *stop)
{
	const char *p = strads_skip_blanks(line);
	char copy[STRADS_TOKEN_BYTES];
	int status = count_take(&p, stop, "number of rows", &market->rows);

	if (status == STRADS_OK)
		status = count_take(&p, stop, "number of columns", &market->cols);
	if (status == STRADS_OK && !market->array)
		status = count_take(&p, stop, "number of entries", &market->entries);
	if (status != STRADS_OK)
		return status;
	if (p < stop)
		return strads_fail(STRADS_ERR_INPUT, "'%s' follows the sizes",
				   strads_token_show(p, stop, copy));
	if (market->rows == 0 || market->cols == 0)
		return strads_fail(STRADS_ERR_INPUT, "the matrix has no rows or no columns");
	if (market->rows > ROWS_MAX)
		return strads_fail(STRADS_ERR_INPUT, "the matrix has more than 2^48 rows");
	if (market->cols > STRADS_COLS_MAX)
		return strads_fail(STRADS_ERR_INPUT, "the matrix has more than 2^32 columns");
	if (market->symmetric && (market->rows != market->cols || market->rows > STRADS_COLS_MAX))
		return strads_fail(STRADS_ERR_INPUT, "a symmetric matrix must be square");
	if (market->array && __builtin_mul_overflow(market->rows, market->cols, &market->entries))
		return strads_fail(STRADS_ERR_INPUT, "the matrix has more than 2^64 entries");
	return STRADS_OK;
}

static int
header_parse(struct strads_lines *lines, struct strads_market *market)
{
	const char *line, *stop;
	bool banner = false;

	for (;;) {
		int status = strads_lines_next(lines, &line, &stop);

		if (status != STRADS_OK)
			return status;
		if (!line)
			return strads_fail(STRADS_ERR_INPUT,
					   "%s is truncated: it ends before the line of sizes",
					   lines->text->name);
		if (!banner) {
			status = banner_parse(market, line, stop);
			banner = true;
		} else if (*line != '%' && strads_skip_blanks(line) < stop) {
			status = sizes_parse(market, line, stop);
			market->begin = lines->offset + lines->at;
			if (status == STRADS_OK)
				return STRADS_OK;
		}
		if (status != STRADS_OK)
			return strads_text_fail(lines->text, lines->line_offset);
	}
}

int
strads_market_header(struct strads_text *text, struct strads_market *market)
{
	struct strads_market new = {0};
	struct strads_lines lines;
	int status = strads_lines_open(&lines, text, 0, text->bytes);

	if (status != STRADS_OK)
		return status;
	status = header_parse(&lines, &new);
	strads_lines_close(&lines);
	if (status != STRADS_OK)
		return status;
	if (new.begin > text->bytes)
		new.begin = text->bytes;
	*market = new;
	return STRADS_OK;
}

/* An index from 1 to `bound`, at *p; moves past it and the blanks behind it. */
static int
index_take(const char **p, const char *stop, const char *what, uint64_t bound, uint64_t *index)
{
	const char *word = *p;
	char copy[STRADS_TOKEN_BYTES];
	int status;

	if (word >= stop)
		return strads_fail(STRADS_ERR_INPUT, "a %s is missing", what);
	status = count_take(p, stop, what, index);
	if (status != STRADS_OK)
		return status;
	if (*index == 0)
		return strads_fail(STRADS_ERR_INPUT, "%s 0: indices start at 1", what);
	if (*index > bound)
		return strads_fail(STRADS_ERR_INPUT, "%s '%s' is beyond the %llu of the header",
				   what, strads_token_show(word, stop, copy),
				   (unsigned long long)bound);
	return STRADS_OK;
}

static int
line_end(const char *p, const char *stop)
{
	char copy[STRADS_TOKEN_BYTES];

	p = strads_skip_blanks(p);
	if (p < stop)
		return strads_fail(STRADS_ERR_INPUT, "'%s' follows the entry",
				   strads_token_show(p, stop, copy));
	return STRADS_OK;
}

int
strads_market_parse(const struct strads_market *market, const char *line, const char *stop,
		    struct strads_triplets *triplets, uint64_t *counted)
{
	const char *p = strads_skip_blanks(line);
	uint64_t row = 0, col = 0;
	double value = 1.0;
	int status;

	if (p >= stop || *p == '%')
		return STRADS_OK;
	status = index_take(&p, stop, "row", market->rows, &row);
	if (status == STRADS_OK)
		status = index_take(&p, stop, "column", market->cols, &col);
	if (status == STRADS_OK && !market->pattern)
		status = strads_token_number(p, stop, "value", &value, &p);
	if (status == STRADS_OK)
		status = line_end(p, stop);
	if (status != STRADS_OK)
		return status;
	++*counted;
	if (value == 0.0)
		return STRADS_OK;
	status = strads_triplets_push(triplets, row - 1, (uint32_t)(col - 1), value);
	if (status == STRADS_OK && market->symmetric && row != col)
		status = strads_triplets_push(triplets, col - 1, (uint32_t)(row - 1), value);
	return status;
}

int
strads_market_parse_value(const char *line, const char *stop, struct strads_triplets *triplets,
			  uint64_t *counted)
{
	const char *p = strads_skip_blanks(line);
	double value;
	int status;

	if (p >= stop || *p == '%' || *p == '#')
		return STRADS_OK;
	status = strads_token_number(p, stop, "value", &value, &p);
	if (status == STRADS_OK)
		status = line_end(p, stop);
	if (status != STRADS_OK)
		return status;
	++*counted;
	return value == 0.0 ? STRADS_OK : strads_triplets_push(triplets, *counted - 1, 0, value);
}
