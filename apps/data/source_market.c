#include "lines.h"
#include "market.h"
#include "source.h"
#include "split.h"

#include <stdlib.h>

/* Where the entries come from, and what one line is. */
struct reading {
	struct strads_fabric *fabric;
	struct strads_text *text;
	struct strads_market market; /* rows 0: a list of values without a header */
	uint64_t max_cols;           /* 0: no bound */
	struct strads_triplets triplets;
	uint64_t counted; /* lines with an entry */
	uint64_t bytes_read;
};

static int
range_parse(struct reading *reading, uint64_t begin, uint64_t end)
{
	const struct strads_market *market = &reading->market;
	struct strads_lines lines;
	const char *line, *stop;
	uint64_t first;
	int status = strads_lines_open(&lines, reading->text, begin, end);

	if (status != STRADS_OK)
		return status;
	first = lines.offset + lines.at;
	for (;;) {
		status = strads_lines_next(&lines, &line, &stop);
		if (status != STRADS_OK || !line)
			break;
		if (market->array)
			status = strads_market_parse_value(line, stop, &reading->triplets,
							   &reading->counted);
		else
			status = strads_market_parse(market, line, stop, &reading->triplets,
						     &reading->counted);
		if (status == STRADS_ERR_INPUT)
			status = strads_text_fail(reading->text, lines.line_offset);
		if (status != STRADS_OK)
			break;
	}
	reading->bytes_read += lines.line_offset - first;
	strads_lines_close(&lines);
	return status;
}

static int
count_check(const struct reading *reading, uint64_t total)
{
	uint64_t announced = reading->market.entries;

	if (total < announced)
		return strads_fail(STRADS_ERR_INPUT,
				   "%s is truncated: it has %llu of the %llu entries that its "
				   "header announces",
				   reading->text->name, (unsigned long long)total,
				   (unsigned long long)announced);
	if (total > announced)
		return strads_fail(STRADS_ERR_INPUT,
				   "%s has %llu entries, its header announces %llu: correct the "
				   "header",
				   reading->text->name, (unsigned long long)total,
				   (unsigned long long)announced);
	return STRADS_OK;
}

/* An array lists its values column by column: the k-th value has row k mod rows. Until here the
 * entries are numbered from the first of this rank. */
static void
array_place(struct reading *reading, uint64_t before)
{
	for (size_t i = 0; i < reading->triplets.count; i++) {
		struct strads_triplet *entry = &reading->triplets.entry[i];
		uint64_t k = before + entry->row;

		entry->row = k % reading->market.rows;
		entry->col = (uint32_t)(k / reading->market.rows);
	}
}

static void
cols_bound(struct reading *reading)
{
	struct strads_triplets *triplets = &reading->triplets;
	size_t to = 0;

	if (!reading->max_cols || reading->market.cols <= reading->max_cols)
		return;
	for (size_t i = 0; i < triplets->count; i++) {
		triplets->entry[to] = triplets->entry[i];
		to += triplets->entry[i].col < reading->max_cols;
	}
	triplets->count = to;
}

/* Agrees on the ranks' success so far, adds up what they counted, checks it, and numbers the
 * entries of an array. */
static int
ranges_join(struct reading *reading, int status)
{
	struct strads_job *job = strads_fabric_job(reading->fabric);
	int rank = strads_job_rank(job), ranks = strads_job_size(job);
	uint64_t before = 0, total = 0;
	void *all = NULL;

	status = strads_job_gather(job, status, &reading->counted, sizeof(reading->counted), &all);
	if (status != STRADS_OK)
		return status;
	for (int r = 0; r < ranks; r++) {
		uint64_t counted = ((const uint64_t *)all)[r];

		before += r < rank ? counted : 0;
		total += counted;
	}
	free(all);
	if (!reading->market.rows)
		reading->market.rows = reading->market.entries = total;
	if (!reading->market.rows)
		return strads_fail(STRADS_ERR_INPUT, "%s has no values", reading->text->name);
	status = count_check(reading, total);
	if (status == STRADS_OK && reading->market.array)
		array_place(reading, before);
	cols_bound(reading);
	return status;
}

/* Reads the header, if there is one. */
static int
reading_open(struct reading *reading)
{
	bool market;
	int status = strads_source_is_market(reading->text, &market);

	if (status == STRADS_OK && market)
		status = strads_market_header(reading->text, &reading->market);
	else
		reading->market = (struct strads_market){.array = true, .cols = 1};
	return strads_job_agree(strads_fabric_job(reading->fabric), status);
}

/* Parses all entries, each rank its range of bytes. */
static int
reading_parse(struct reading *reading)
{
	struct strads_job *job = strads_fabric_job(reading->fabric);
	int rank = strads_job_rank(job), ranks = strads_job_size(job);
	uint64_t begin = reading->market.begin, bytes = reading->text->bytes - begin;
	int status = range_parse(reading, begin + strads_split_first(bytes, ranks, rank),
				 begin + strads_split_first(bytes, ranks, rank + 1));

	return ranges_join(reading, status);
}

/* The response must be one column with a value for every row. */
static int
response_check(const struct reading *reading, uint64_t rows_total)
{
	const struct strads_market *market = &reading->market;

	if (market->cols != 1)
		return strads_fail(STRADS_ERR_INPUT, "%s has %llu columns: a response has one",
				   reading->text->name, (unsigned long long)market->cols);
	if (market->rows != rows_total)
		return strads_fail(STRADS_ERR_INPUT, "%s has %llu values, the matrix has %llu rows",
				   reading->text->name, (unsigned long long)market->rows,
				   (unsigned long long)rows_total);
	return STRADS_OK;
}

/* Reads y, which is a matrix of one column. */
static int
response_read(struct strads_fabric *fabric, const char *path, struct strads_source *source)
{
	struct reading reading = {.fabric = fabric};
	struct strads_rows rows = {0};
	int status = strads_text_open(fabric, path, &reading.text);

	if (status != STRADS_OK)
		return status;
	status = reading_open(&reading);
	if (status == STRADS_OK)
		status = reading_parse(&reading);
	if (status == STRADS_OK)
		status = response_check(&reading, source->rows_total);
	if (status == STRADS_OK)
		status = strads_triplets_exchange_evenly(fabric, &reading.triplets,
							 source->rows_total, 1, &rows);
	for (size_t i = 0; status == STRADS_OK && i < rows.rows; i++)
		for (uint64_t e = rows.first[i]; e < rows.first[i + 1]; e++)
			source->rows.y[i] += rows.value[e];
	source->bytes_read += reading.bytes_read;
	strads_rows_free(&rows);
	strads_triplets_free(&reading.triplets);
	strads_text_close(&reading.text);
	return status;
}

int
strads_source_market(struct strads_fabric *fabric, struct strads_text *text,
		     const struct strads_dataset_options *options, struct strads_source *source)
{
	struct strads_job *job = strads_fabric_job(fabric);
	int rank = strads_job_rank(job), ranks = strads_job_size(job);
	struct reading reading = {.fabric = fabric, .text = text, .max_cols = options->max_cols};
	int status = reading_open(&reading);

	if (status == STRADS_OK)
		status = strads_source_check_rows(options, reading.market.rows, ranks);
	if (status == STRADS_OK)
		status = reading_parse(&reading);
	if (status == STRADS_OK)
		status =
		    strads_triplets_exchange_evenly(fabric, &reading.triplets, reading.market.rows,
						    reading.market.cols, &source->rows);
	strads_triplets_free(&reading.triplets);
	if (status != STRADS_OK)
		return status;
	source->rows_total = reading.market.rows;
	source->first_row = strads_split_first(source->rows_total, ranks, rank);
	source->bytes_read = reading.bytes_read;
	source->cols = reading.market.cols;
	if (options->max_cols && source->cols > options->max_cols)
		source->cols = options->max_cols;
	return options->response ? response_read(fabric, options->response, source) : STRADS_OK;
}
