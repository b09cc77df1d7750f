#include "generate.h"

#include "../data/output.h"
#include "columns.h"
#include "streams.h"

#include <math.h>
#include <stdlib.h>

#define SIZE_MAX_32    (UINT64_C(1) << 32)
#define MEMORY_DEFAULT ((uint64_t)256 << 20)

/* An entry of the rows that are being collected. */
struct held {
	uint32_t col;
	uint32_t units;
};

struct lasso {
	const struct strads_generate_lasso_options *options;
	struct strads_columns columns;
	double *y; /* [rows] */
};

static bool
is_market(const char *path)
{
	size_t bytes = strlen(path);

	return bytes >= 4 && strcmp(path + bytes - 4, ".mtx") == 0;
}

static int
options_check(const struct strads_generate_lasso_options *options)
{
	if (options->rows < 1 || options->rows >= SIZE_MAX_32 || options->cols < 1 ||
	    options->cols > SIZE_MAX_32)
		return strads_fail(STRADS_ERR_ARGUMENT,
				   "rows and columns must lie between 1 and 2^32");
	if (options->nonzeros < 1 || options->nonzeros > options->rows)
		return strads_fail(STRADS_ERR_ARGUMENT,
				   "a column of %llu rows can have 1 to %llu nonzeros, not %llu",
				   (unsigned long long)options->rows,
				   (unsigned long long)options->rows,
				   (unsigned long long)options->nonzeros);
	if (options->planted > options->cols)
		return strads_fail(
		    STRADS_ERR_ARGUMENT, "%llu planted coefficients are more than the %llu columns",
		    (unsigned long long)options->planted, (unsigned long long)options->cols);
	if (!(options->noise >= 0.0) || !isfinite(options->noise))
		return strads_fail(STRADS_ERR_ARGUMENT, "the noise level must be 0 or more");
	if (is_market(options->data) && !options->response)
		return strads_fail(STRADS_ERR_ARGUMENT,
				   "MatrixMarket has no place for the response: name a file for "
				   "it");
	if (!is_market(options->data) && options->response)
		return strads_fail(STRADS_ERR_ARGUMENT,
				   "svmlight holds the response itself: leave %s out",
				   options->response);
	return STRADS_OK;
}

/* The k-th planted coefficient: a column of the k-th of `planted` equal stretches. */
static void
planted_draw(const struct strads_generate_lasso_options *options, uint64_t k, uint64_t *col,
	     double *beta)
{
	uint64_t from = k * options->cols / options->planted;
	uint64_t to = (k + 1) * options->cols / options->planted;
	uint64_t place = strads_random(options->seed, STRADS_STREAM_PLANTED, 3 * k);
	uint64_t magnitude = strads_random(options->seed, STRADS_STREAM_PLANTED, 3 * k + 1);
	uint64_t sign = strads_random(options->seed, STRADS_STREAM_PLANTED, 3 * k + 2);

	*col = from + strads_random_below(place, to - from);
	*beta = 0.5 + strads_random_unit(magnitude);
	if (sign >> 63)
		*beta = -*beta;
}

/* y = Xβ, and β to its file. */
static int
solution_make(struct lasso *lasso)
{
	const struct strads_generate_lasso_options *options = lasso->options;
	struct strads_columns *columns = &lasso->columns;
	struct strads_output output;
	int status = STRADS_OK;

	if (options->solution)
		status = strads_output_open(&output, options->solution);
	if (status != STRADS_OK)
		return status;
	for (uint64_t k = 0; k < options->planted; k++) {
		uint64_t col;
		double beta;

		planted_draw(options, k, &col, &beta);
		strads_columns_go(columns, col);
		for (uint64_t e = 0; e < columns->nonzeros; e++)
			lasso->y[columns->row[e]] +=
			    beta * ((double)columns->units[e] / STRADS_COLUMN_UNITS);
		if (options->solution)
			strads_output_printf(&output, "%llu %.17g\n", (unsigned long long)col + 1,
					     beta);
	}
	return options->solution ? strads_output_close(&output, true) : STRADS_OK;
}

/* Adds noise · sd(Xβ) · N(0, 1), by Box and Muller's method. */
static void
noise_add(struct lasso *lasso)
{
	const struct strads_generate_lasso_options *options = lasso->options;
	double n = (double)options->rows, mean = 0.0, square = 0.0, sd;

	for (uint64_t i = 0; i < options->rows; i++)
		mean += lasso->y[i] / n;
	for (uint64_t i = 0; i < options->rows; i++)
		square += (lasso->y[i] - mean) * (lasso->y[i] - mean);
	sd = options->noise * sqrt(square / n);
	for (uint64_t i = 0; i < options->rows; i++) {
		double u =
		    strads_random_unit(strads_random(options->seed, STRADS_STREAM_NOISE, 2 * i));
		double v = strads_random_unit(
		    strads_random(options->seed, STRADS_STREAM_NOISE, 2 * i + 1));

		lasso->y[i] += sd * sqrt(-2.0 * log(u)) * cos(2.0 * M_PI * v);
	}
}

static char *
entry_write(char *to, uint64_t index, char between, uint32_t units)
{
	to = strads_output_digits(to, index);
	*to++ = between;
	return strads_output_fraction(to, units, STRADS_COLUMN_UNITS);
}

static int
market_write(struct lasso *lasso)
{
	const struct strads_generate_lasso_options *options = lasso->options;
	struct strads_columns *columns = &lasso->columns;
	uint64_t entries = options->cols * options->nonzeros;
	struct strads_output output;
	int status = strads_output_open(&output, options->data);

	if (status != STRADS_OK)
		return status;
	strads_output_printf(&output, "%%%%MatrixMarket matrix coordinate real general\n");
	strads_output_printf(&output, "%llu %llu %llu\n", (unsigned long long)options->rows,
			     (unsigned long long)options->cols, (unsigned long long)entries);
	for (uint64_t j = 0; j < options->cols && output.status == STRADS_OK; j++) {
		strads_columns_go(columns, j);
		for (uint64_t e = 0; e < columns->nonzeros; e++) {
			char *to = strads_output_room(&output);

			to = strads_output_digits(to, (uint64_t)columns->row[e] + 1);
			*to++ = ' ';
			to = entry_write(to, j + 1, ' ', columns->units[e]);
			*to++ = '\n';
			strads_output_wrote(&output, to);
		}
	}
	return strads_output_close(&output, true);
}

static int
response_write(const struct lasso *lasso)
{
	struct strads_output output;
	int status = strads_output_open(&output, lasso->options->response);

	if (status != STRADS_OK)
		return status;
	for (uint64_t i = 0; i < lasso->options->rows; i++)
		strads_output_printf(&output, "%.17g\n", lasso->y[i]);
	return strads_output_close(&output, true);
}

/* first[i]: entries in the rows before row i, of all columns; [rows + 1]. */
static void
rows_count(struct strads_columns *columns, uint64_t *first)
{
	for (uint64_t j = 0; j < columns->cols; j++) {
		strads_columns_go(columns, j);
		for (uint64_t e = 0; e < columns->nonzeros; e++)
			first[columns->row[e] + 1]++;
	}
	for (uint64_t i = 0; i < columns->rows; i++)
		first[i + 1] += first[i];
}

/* Collects the entries of rows [from, to), row by row in the order of columns. first[i] moves to
 * the end of row i for these rows. */
static void
rows_collect(struct strads_columns *columns, uint64_t from, uint64_t to, uint64_t *first,
	     struct held *held)
{
	uint64_t base = first[from];

	for (uint64_t j = 0; j < columns->cols; j++) {
		strads_columns_go(columns, j);
		for (uint64_t e = 0; e < columns->nonzeros; e++) {
			uint64_t row = columns->row[e];

			if (row >= from && row < to)
				held[first[row]++ - base] =
				    (struct held){(uint32_t)j, columns->units[e]};
		}
	}
}

/* Writes rows [from, to) from what rows_collect left. */
static void
rows_write(const struct lasso *lasso, struct strads_output *output, uint64_t from, uint64_t to,
	   const uint64_t *first, uint64_t base, const struct held *held)
{
	uint64_t at = 0;

	for (uint64_t i = from; i < to; i++) {
		strads_output_printf(output, "%.17g", lasso->y[i]);
		for (; at < first[i] - base; at++) {
			char *end = strads_output_room(output);

			*end++ = ' ';
			end = entry_write(end, (uint64_t)held[at].col + 1, ':', held[at].units);
			strads_output_wrote(output, end);
		}
		strads_output_write(output, "\n", 1);
	}
}

/* The last row such that rows [from, to) have at most `most` entries; at least one row. */
static uint64_t
block_end(const uint64_t *first, uint64_t rows, uint64_t from, uint64_t most)
{
	uint64_t to = from + 1;

	while (to < rows && first[to + 1] - first[from] <= most)
		to++;
	return to;
}

/* Block after block of rows. */
static int
blocks_write(struct lasso *lasso, uint64_t *first, struct strads_output *output)
{
	const struct strads_generate_lasso_options *options = lasso->options;
	uint64_t bytes = options->memory_bytes ? options->memory_bytes : MEMORY_DEFAULT;
	uint64_t to;

	for (uint64_t from = 0; from < options->rows && output->status == STRADS_OK; from = to) {
		uint64_t base = first[from];
		struct held *held;

		to = block_end(first, options->rows, from, bytes / sizeof(*held));
		held = malloc((size_t)(first[to] - base + 1) * sizeof(*held));
		if (!held)
			return strads_fail(STRADS_ERR_MEMORY, "no memory for %llu entries",
					   (unsigned long long)(first[to] - base));
		rows_collect(&lasso->columns, from, to, first, held);
		rows_write(lasso, output, from, to, first, base, held);
		free(held);
	}
	return STRADS_OK;
}

static int
svmlight_write(struct lasso *lasso)
{
	const struct strads_generate_lasso_options *options = lasso->options;
	uint64_t *first = calloc((size_t)options->rows + 1, sizeof(*first));
	struct strads_output output;
	int status, closed;

	if (!first)
		return strads_fail(STRADS_ERR_MEMORY, "no memory for %llu rows",
				   (unsigned long long)options->rows);
	status = strads_output_open(&output, options->data);
	if (status != STRADS_OK)
		goto free;
	rows_count(&lasso->columns, first);
	status = blocks_write(lasso, first, &output);
	closed = strads_output_close(&output, status == STRADS_OK);
	status = status != STRADS_OK ? status : closed;
free:
	free(first);
	return status;
}

int
strads_generate_lasso(const struct strads_generate_lasso_options *options)
{
	struct lasso lasso = {.options = options};
	int status = options_check(options);

	if (status != STRADS_OK)
		return status;
	status = strads_columns_open(&lasso.columns, options->rows, options->cols,
				     options->nonzeros, options->seed);
	if (status != STRADS_OK)
		return status;
	lasso.y = calloc((size_t)options->rows, sizeof(*lasso.y));
	if (!lasso.y) {
		status = strads_fail(STRADS_ERR_MEMORY, "no memory for %llu responses",
				     (unsigned long long)options->rows);
		goto close;
	}
	status = solution_make(&lasso);
	if (status != STRADS_OK)
		goto free;
	noise_add(&lasso);
	if (is_market(options->data)) {
		status = response_write(&lasso);
		if (status == STRADS_OK)
			status = market_write(&lasso);
	} else {
		status = svmlight_write(&lasso);
	}
free:
	free(lasso.y);
close:
	strads_columns_close(&lasso.columns);
	return status;
}
