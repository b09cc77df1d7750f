#include "rating_list.h"

#include "lines.h"
#include "market.h"
#include "number.h"
#include "ratings.h"
#include "source.h"
#include "split.h"
#include "token.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <strings.h>

/* ---- A line ------------------------------------------------------------------------------- */

/* Bytes of the separator at p, 0 if there is none. `stop` is a newline, so p[1] can be read. */
static size_t
separator(const char *p)
{
	if (strads_is_blank(*p) || *p == ',' || *p == ';')
		return 1;
	return p[0] == ':' && p[1] == ':' ? 2 : 0;
}

/* Where the word at p ends. */
static const char *
word_end(const char *p, const char *stop)
{
	while (p < stop && separator(p) == 0)
		p++;
	return p;
}

/* Past blanks, at most one other separator, and blanks again. */
static const char *
separator_skip(const char *p, const char *stop)
{
	p = strads_skip_blanks(p);
	if (p < stop)
		p += separator(p);
	return strads_skip_blanks(p);
}

static const char *
show(const char *word, const char *stop, char copy[STRADS_TOKEN_BYTES])
{
	return strads_token_show(word, word_end(word, stop), copy);
}

/* The id at *p; moves past it and what separates it from the next word. */
static int
id_take(const char **p, const char *stop, const char *what, const char **word, size_t *length)
{
	const char *end = word_end(*p, stop);
	char copy[STRADS_TOKEN_BYTES];

	if (end == *p)
		return strads_fail(STRADS_ERR_INPUT,
				   "the %s is missing: a line is `user item rating`", what);
	*word = *p;
	*length = (size_t)(end - *p);
	for (size_t i = 0; i < *length; i++)
		if ((*word)[i] == '\0')
			return strads_fail(STRADS_ERR_INPUT, "%s '%s' has a byte of zeros in it",
					   what, show(*word, stop, copy));
	*p = separator_skip(end, stop);
	return STRADS_OK;
}

static int
rating_take(const char *p, const char *stop, double *value)
{
	const char *end = word_end(p, stop);
	char copy[STRADS_TOKEN_BYTES];

	if (end == p)
		return strads_fail(STRADS_ERR_INPUT,
				   "the rating is missing: a line is `user item rating`");
	if (strads_number_parse(p, value) != end)
		return strads_fail(STRADS_ERR_INPUT, "rating '%s' is not a finite number",
				   show(p, stop, copy));
	if (!(fabs(*value) <= STRADS_RATINGS_LARGEST))
		return strads_fail(STRADS_ERR_INPUT, "rating '%s' is beyond %g: scale the ratings",
				   show(p, stop, copy), STRADS_RATINGS_LARGEST);
	return STRADS_OK;
}

/* The numbers of user and item; *known is whether there are any. */
static int
pair_number(struct strads_rating_list *list, const char *const word[2], const size_t length[2],
	    uint32_t number[2], bool *known)
{
	int status;

	*known = true;
	if (list->closed) {
		*known = strads_names_find(list->users, word[0], length[0], &number[0]) &&
			 strads_names_find(list->items, word[1], length[1], &number[1]);
		return STRADS_OK;
	}
	status = strads_names_add(list->users, word[0], length[0], &number[0]);
	if (status == STRADS_OK)
		status = strads_names_add(list->items, word[1], length[1], &number[1]);
	return status;
}

int
strads_rating_list_parse(struct strads_rating_list *list, const char *line, const char *stop)
{
	const char *p = strads_skip_blanks(line), *word[2] = {NULL, NULL};
	size_t length[2] = {0, 0};
	uint32_t number[2] = {0, 0};
	double value = 0;
	bool known = false;
	int status;

	if (p >= stop || *p == '#' || *p == '%')
		return STRADS_OK;
	status = id_take(&p, stop, "user", &word[0], &length[0]);
	if (status == STRADS_OK)
		status = id_take(&p, stop, "item", &word[1], &length[1]);
	if (status == STRADS_OK)
		status = rating_take(p, stop, &value);
	if (status == STRADS_OK)
		status = pair_number(list, word, length, number, &known);
	if (status != STRADS_OK)
		return status;
	list->lines++;
	if (known)
		return strads_triplets_push(&list->ratings, number[0], number[1], value);
	list->unknown++;
	list->unknown_sum += value;
	list->unknown_squares += value * value;
	return STRADS_OK;
}

/* ---- A file ------------------------------------------------------------------------------- */

struct reading {
	struct strads_rating_list *list;
	struct strads_text *text;
	struct strads_market market; /* rows 0: a plain list */
};

/* A first line that names its columns: the third word begins with a letter and is no number. */
static bool
names_columns(const char *line, const char *stop)
{
	const char *p = strads_skip_blanks(line);

	for (int words = 0; words < 2; words++)
		p = separator_skip(word_end(p, stop), stop);
	return p < stop && isalpha((unsigned char)*p) && strncasecmp(p, "nan", 3) != 0 &&
	       strncasecmp(p, "inf", 3) != 0;
}

/* Of a MatrixMarket file user and item are a row and a column within the header's bounds. */
static int
market_check(const struct strads_market *market, const char *line, const char *stop)
{
	const char *p = strads_skip_blanks(line);
	const uint64_t bound[2] = {market->rows, market->cols};
	static const char *const what[2] = {"row", "column"};
	char copy[STRADS_TOKEN_BYTES];

	for (int i = 0; i < 2; i++) {
		const char *end = word_end(p, stop);
		uint64_t index;

		if (strads_number_parse_index(p, &index) != end || index == 0 || *p == '0')
			return strads_fail(STRADS_ERR_INPUT, "%s '%s' is not a whole number from 1",
					   what[i], show(p, stop, copy));
		if (index > bound[i])
			return strads_fail(STRADS_ERR_INPUT,
					   "%s '%s' is beyond the %llu of the header", what[i],
					   show(p, stop, copy), (unsigned long long)bound[i]);
		p = separator_skip(end, stop);
	}
	return STRADS_OK;
}

static int
line_parse(struct reading *reading, const char *line, const char *stop, bool first)
{
	const char *p = strads_skip_blanks(line);
	int status = STRADS_OK;

	if (p >= stop || *p == '%')
		return STRADS_OK;
	if (reading->market.rows)
		status = market_check(&reading->market, line, stop);
	else if (first && names_columns(line, stop))
		return STRADS_OK;
	return status != STRADS_OK ? status : strads_rating_list_parse(reading->list, line, stop);
}

static int
range_parse(struct reading *reading, uint64_t begin, uint64_t end)
{
	struct strads_lines lines;
	const char *line, *stop;
	int status = strads_lines_open(&lines, reading->text, begin, end);

	if (status != STRADS_OK)
		return status;
	for (;;) {
		status = strads_lines_next(&lines, &line, &stop);
		if (status != STRADS_OK || !line)
			break;
		status = line_parse(reading, line, stop, lines.line_offset == 0);
		if (status == STRADS_ERR_INPUT)
			status = strads_text_fail(reading->text, lines.line_offset);
		if (status != STRADS_OK)
			break;
	}
	strads_lines_close(&lines);
	return status;
}

static int
header_read(struct reading *reading)
{
	bool market;
	int status = strads_source_is_market(reading->text, &market);

	if (status != STRADS_OK || !market)
		return status;
	status = strads_market_header(reading->text, &reading->market);
	if (status == STRADS_OK &&
	    (reading->market.array || reading->market.pattern || reading->market.symmetric))
		return strads_fail(STRADS_ERR_INPUT,
				   "%s:1: ratings are the entries of a matrix `coordinate real "
				   "general` or `coordinate integer general`",
				   reading->text->name);
	return status;
}

/* Adds up the ranks' lines: there must be some, of a MatrixMarket file as many as announced. */
static int
lines_check(const struct reading *reading, struct strads_job *job, int status)
{
	uint64_t total = 0;
	void *all = NULL;

	status = strads_job_gather(job, status, &reading->list->lines, sizeof(uint64_t), &all);
	if (status != STRADS_OK)
		return status;
	for (int r = 0; r < strads_job_size(job); r++)
		total += ((const uint64_t *)all)[r];
	free(all);
	if (total == 0)
		return strads_fail(STRADS_ERR_INPUT, "%s has no ratings", reading->text->name);
	if (reading->market.rows && total != reading->market.entries)
		return strads_fail(STRADS_ERR_INPUT,
				   "%s has %llu entries, its header announces %llu: it is "
				   "truncated or the header is wrong",
				   reading->text->name, (unsigned long long)total,
				   (unsigned long long)reading->market.entries);
	return STRADS_OK;
}

int
strads_rating_list_read(struct strads_rating_list *list, struct strads_fabric *fabric,
			const char *path)
{
	struct strads_job *job = strads_fabric_job(fabric);
	int rank = strads_job_rank(job), ranks = strads_job_size(job);
	struct reading reading = {.list = list};
	int status = strads_text_open(fabric, path, &reading.text);

	if (status != STRADS_OK)
		return status;
	status = strads_job_agree(job, header_read(&reading));
	if (status == STRADS_OK) {
		uint64_t begin = reading.market.begin, bytes = reading.text->bytes - begin;

		status = range_parse(&reading, begin + strads_split_first(bytes, ranks, rank),
				     begin + strads_split_first(bytes, ranks, rank + 1));
		status = lines_check(&reading, job, status);
	}
	/* All have agreed: nobody reads the text any more. */
	strads_text_close(&reading.text);
	return status;
}
