#include "factors.h"

#include "lines.h"
#include "number.h"
#include "token.h"

#include <math.h>
#include <stdlib.h>

struct reading {
	struct strads_text *text;
	uint64_t cols;
	double *factor; /* [cols]; NaN: not yet told */
	uint64_t told;
	bool indexed; /* lines of two, as the first one has */
};

static bool
line_ends(const char *p, const char *stop)
{
	p = strads_skip_blanks(p);
	return p >= stop || *p == '#';
}

/* Whether the line has two words. */
static bool
line_has_two(const char *p, const char *stop)
{
	while (p < stop && !strads_is_blank(*p) && *p != '#')
		p++;
	return !line_ends(p, stop);
}

static int
index_take(const struct reading *reading, const char **p, const char *stop, uint64_t *index)
{
	const char *word = *p;
	char copy[STRADS_TOKEN_BYTES];

	*p = strads_number_parse_index(word, index);
	if (!*p || !strads_is_blank(**p) || *index == 0 || *index > reading->cols)
		return strads_fail(
		    STRADS_ERR_INPUT, "'%s' is no index of a variable: the data have 1 to %llu",
		    strads_token_show(word, stop, copy), (unsigned long long)reading->cols);
	*p = strads_skip_blanks(*p);
	if (!isnan(reading->factor[*index - 1]))
		return strads_fail(STRADS_ERR_INPUT, "variable %llu has a weight already",
				   (unsigned long long)*index);
	return STRADS_OK;
}

static int
line_take(struct reading *reading, const char *p, const char *stop)
{
	uint64_t index = reading->told + 1;
	char copy[STRADS_TOKEN_BYTES];
	const char *rest;
	double factor;
	int status = STRADS_OK;

	if (line_has_two(p, stop) != reading->indexed)
		return strads_fail(STRADS_ERR_INPUT,
				   reading->indexed
				       ? "one number where the lines before have INDEX NUMBER"
				       : "two words where the lines before have one number");
	if (reading->indexed)
		status = index_take(reading, &p, stop, &index);
	else if (reading->told == reading->cols)
		status = strads_fail(STRADS_ERR_INPUT,
				     "a weight more than the data have columns, which are %llu",
				     (unsigned long long)reading->cols);
	if (status == STRADS_OK)
		status = strads_token_number(p, stop, "weight", &factor, &rest);
	if (status != STRADS_OK)
		return status;
	if (!line_ends(rest, stop))
		return strads_fail(STRADS_ERR_INPUT, "'%s' follows the weight",
				   strads_token_show(strads_skip_blanks(rest), stop, copy));
	if (factor < 0)
		return strads_fail(STRADS_ERR_INPUT,
				   "weight %g is negative: give a number of at least 0", factor);
	reading->factor[index - 1] = factor;
	reading->told++;
	return STRADS_OK;
}

static int
lines_take(struct reading *reading)
{
	struct strads_lines lines;
	const char *line, *stop;
	int status = strads_lines_open(&lines, reading->text, 0, reading->text->bytes);

	if (status != STRADS_OK)
		return status;
	while ((status = strads_lines_next(&lines, &line, &stop)) == STRADS_OK && line) {
		line = strads_skip_blanks(line);
		if (line_ends(line, stop))
			continue;
		if (reading->told == 0)
			reading->indexed = line_has_two(line, stop);
		status = line_take(reading, line, stop);
		if (status == STRADS_ERR_INPUT)
			status = strads_text_fail(reading->text, lines.line_offset);
		if (status != STRADS_OK)
			break;
	}
	strads_lines_close(&lines);
	return status;
}

/* Those not told are 1, if lines name their variables. */
static int
read_all(struct reading *reading)
{
	int status;

	for (uint64_t j = 0; j < reading->cols; j++)
		reading->factor[j] = NAN;
	status = lines_take(reading);
	if (status != STRADS_OK)
		return status;
	if (!reading->indexed && reading->told != reading->cols)
		return strads_fail(STRADS_ERR_INPUT,
				   "%s has %llu weights for %llu columns: give one for each, or "
				   "lines INDEX NUMBER",
				   reading->text->name, (unsigned long long)reading->told,
				   (unsigned long long)reading->cols);
	for (uint64_t j = 0; j < reading->cols; j++)
		reading->factor[j] = isnan(reading->factor[j]) ? 1 : reading->factor[j];
	return STRADS_OK;
}

int
strads_factors_read(struct strads_fabric *fabric, const char *path, uint64_t cols, double **factors)
{
	struct reading reading = {.cols = cols};
	int status = strads_text_open(fabric, path, &reading.text);

	if (status != STRADS_OK)
		return status;
	reading.factor = malloc((size_t)(cols ? cols : 1) * sizeof *reading.factor);
	if (reading.factor)
		status = read_all(&reading);
	else
		status = strads_fail(STRADS_ERR_MEMORY, "no memory for the weights of %s", path);
	status = strads_job_agree(strads_fabric_job(fabric), status);
	strads_text_close(&reading.text);
	if (status != STRADS_OK)
		free(reading.factor);
	else
		*factors = reading.factor;
	return status;
}
