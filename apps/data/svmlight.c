#include "svmlight.h"

#include "number.h"
#include "token.h"

#include <stdlib.h>
#include <string.h>

/* "qid:7" between the label and the features groups rows for ranking: not used here. */
static int
qid_skip(const char **p, const char *stop)
{
	char copy[STRADS_TOKEN_BYTES];
	uint64_t qid;
	const char *end;

	if (strncmp(*p, "qid:", 4) != 0)
		return STRADS_OK;
	end = strads_number_parse_index(*p + 4, &qid);
	if (!end || (end < stop && !strads_is_blank(*end)))
		return strads_fail(STRADS_ERR_INPUT, "'%s' is not qid:number",
				   strads_token_show(*p, stop, copy));
	*p = strads_skip_blanks(end);
	return STRADS_OK;
}

static int
index_refuse(const char *p, const char *stop, const char *end, uint64_t index)
{
	char copy[STRADS_TOKEN_BYTES];

	strads_token_show(p, stop, copy);
	if (!end)
		return strads_fail(STRADS_ERR_INPUT, "'%s' is not index:value", copy);
	if (*end != ':')
		return strads_fail(STRADS_ERR_INPUT,
				   "'%s' has no colon: features are written index:value", copy);
	if (index == 0)
		return strads_fail(STRADS_ERR_INPUT, "feature '%s' has index 0: indices start at 1",
				   copy);
	return strads_fail(STRADS_ERR_INPUT, "feature '%s' has an index beyond 2^32", copy);
}

static int
feature_parse(struct strads_rows *rows, const char **p, const char *stop, uint64_t max_cols,
	      uint64_t *last, bool *ascending)
{
	uint64_t index = 0;
	double value;
	const char *end = strads_number_parse_index(*p, &index);
	int status;

	if (!end || *end != ':' || index - 1 >= STRADS_COLS_MAX)
		return index_refuse(*p, stop, end, index);
	status = strads_token_number(end + 1, stop, "value", &value, p);
	if (status != STRADS_OK)
		return status;
	*ascending &= index > *last;
	*last = index;
	if (max_cols && index > max_cols)
		return STRADS_OK;
	if (index > rows->cols)
		rows->cols = index;
	/* Zeros stay until the row has been checked for duplicates. */
	strads_rows_push(rows, (uint32_t)(index - 1), value);
	return STRADS_OK;
}

static int
compare_cols(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* A row whose indices do not ascend is legal unless one of them occurs twice. */
static int
duplicates_refuse(const struct strads_rows *rows, size_t first)
{
	size_t n = rows->entries - first;
	uint32_t *sorted = malloc((n + 1) * sizeof(*sorted));
	int status = STRADS_OK;

	if (!sorted)
		return strads_fail(STRADS_ERR_MEMORY, "no memory to check a row of %zu entries", n);
	memcpy(sorted, rows->col + first, n * sizeof(*sorted));
	qsort(sorted, n, sizeof(*sorted), compare_cols);
	for (size_t i = 1; i < n && status == STRADS_OK; i++)
		if (sorted[i] == sorted[i - 1])
			status = strads_fail(STRADS_ERR_INPUT,
					     "feature index %llu occurs twice in one row",
					     (unsigned long long)sorted[i] + 1);
	free(sorted);
	return status;
}

static void
zeros_drop(struct strads_rows *rows, size_t first)
{
	size_t to = first;

	for (size_t e = first; e < rows->entries; e++) {
		rows->col[to] = rows->col[e];
		rows->value[to] = rows->value[e];
		to += rows->value[e] != 0.0;
	}
	rows->entries = to;
}

int
strads_svmlight_parse(struct strads_rows *rows, const char *line, const char *stop, uint64_t offset,
		      uint64_t max_cols)
{
	const char *p = strads_skip_blanks(line);
	size_t first = rows->entries;
	uint64_t last = 0;
	bool ascending = true;
	double y;
	int status;

	if (p >= stop || *p == '#')
		return STRADS_OK;
	status = strads_token_number(p, stop, "label", &y, &p);
	if (status == STRADS_OK)
		status = strads_rows_begin(rows, y, offset);
	if (status == STRADS_OK) /* a feature has 4 characters at least: "1:1 " */
		status = strads_rows_reserve(rows, (size_t)(stop - p) / 4 + 1);
	if (status != STRADS_OK)
		return status;
	p = strads_skip_blanks(p);
	status = qid_skip(&p, stop);
	while (status == STRADS_OK && p < stop && *p != '#') {
		status = feature_parse(rows, &p, stop, max_cols, &last, &ascending);
		p = strads_skip_blanks(p);
	}
	if (status == STRADS_OK && !ascending)
		status = duplicates_refuse(rows, first);
	if (status == STRADS_OK)
		zeros_drop(rows, first);
	return status;
}
