#include "fetch.h"
#include "lines.h"
#include "source.h"
#include "split.h"
#include "svmlight.h"

#include <stdlib.h>

/* What each rank found in its range. */
struct tally {
	uint64_t rows;
	uint64_t cols;
};

/* Parses the lines that start in [begin, end). */
static int
range_parse(struct strads_text *text, uint64_t begin, uint64_t end, uint64_t max_cols,
	    struct strads_source *source)
{
	struct strads_lines lines;
	const char *line, *stop;
	uint64_t first;
	int status = strads_lines_open(&lines, text, begin, end);

	if (status != STRADS_OK)
		return status;
	first = lines.offset + lines.at;
	for (;;) {
		status = strads_lines_next(&lines, &line, &stop);
		if (status != STRADS_OK || !line)
			break;
		status =
		    strads_svmlight_parse(&source->rows, line, stop, lines.line_offset, max_cols);
		if (status == STRADS_ERR_INPUT)
			status = strads_text_fail(text, lines.line_offset);
		if (status != STRADS_OK)
			break;
	}
	source->bytes_read += lines.line_offset - first;
	strads_lines_close(&lines);
	return status != STRADS_OK ? status : strads_rows_end(&source->rows);
}

/* The offset of row `row` (of all), from the rank that read it; `all` are the ranks' tallies. */
static int
offset_get(struct strads_fabric *fabric, const struct strads_region *offsets,
	   const struct tally *all, uint64_t row, void *into)
{
	int peer = 0;

	for (; row >= all[peer].rows; peer++)
		row -= all[peer].rows;
	return strads_fetch(fabric, peer, offsets, row * sizeof(uint64_t), into, sizeof(uint64_t));
}

/* Where this rank's even share of the rows begins and ends in the text. */
static int
share_find(struct strads_fabric *fabric, struct strads_text *text, const struct tally *all,
	   const struct strads_source *source, struct strads_region **offsets,
	   struct strads_region **window, uint64_t *begin, uint64_t *end)
{
	struct strads_job *job = strads_fabric_job(fabric);
	int rank = strads_job_rank(job), ranks = strads_job_size(job), status;
	uint64_t *bound;

	status = strads_region_new(fabric, STRADS_REMOTE_READ, source->rows.rows * sizeof(uint64_t),
				   offsets);
	if (status == STRADS_OK)
		status = strads_region_new(fabric, STRADS_LOCAL, 2 * sizeof(uint64_t), window);
	status = strads_job_agree(job, status);
	if (status != STRADS_OK)
		return status;
	for (size_t i = 0; i < source->rows.rows; i++)
		((uint64_t *)strads_region_base(*offsets))[i] = source->rows.offset[i];
	status = strads_fabric_wire(fabric);
	if (status != STRADS_OK)
		return status;
	bound = strads_region_base(*window);
	status = offset_get(fabric, *offsets, all,
			    strads_split_first(source->rows_total, ranks, rank), &bound[0]);
	if (status == STRADS_OK && rank < ranks - 1)
		status =
		    offset_get(fabric, *offsets, all,
			       strads_split_first(source->rows_total, ranks, rank + 1), &bound[1]);
	*begin = bound[0];
	*end = rank < ranks - 1 ? bound[1] : text->bytes;
	return strads_job_agree(job, status);
}

/* Even byte ranges left a rank without rows although there are enough: splits by rows instead, and
 * parses again. */
static int
rebalance(struct strads_fabric *fabric, struct strads_text *text, const struct tally *all,
	  uint64_t max_cols, struct strads_source *source)
{
	struct strads_job *job = strads_fabric_job(fabric);
	struct strads_region *offsets = NULL, *window = NULL;
	uint64_t begin = 0, end = 0;
	int status = share_find(fabric, text, all, source, &offsets, &window, &begin, &end);

	if (offsets)
		strads_region_delete(&offsets);
	if (window)
		strads_region_delete(&window);
	if (status != STRADS_OK)
		return status;
	strads_rows_free(&source->rows);
	source->first_row =
	    strads_split_first(source->rows_total, strads_job_size(job), strads_job_rank(job));
	return strads_job_agree(job, range_parse(text, begin, end, max_cols, source));
}

/* Sums up the tallies; *uneven: a rank has none of enough rows. */
static void
tallies_sum(const struct tally *all, int rank, int ranks, struct strads_source *source,
	    bool *uneven)
{
	bool empty = false;

	for (int r = 0; r < ranks; r++) {
		if (r < rank)
			source->first_row += all[r].rows;
		source->rows_total += all[r].rows;
		if (all[r].cols > source->cols)
			source->cols = all[r].cols;
		empty |= all[r].rows == 0;
	}
	*uneven = empty && source->rows_total >= (uint64_t)ranks;
}

int
strads_source_svmlight(struct strads_fabric *fabric, struct strads_text *text,
		       const struct strads_dataset_options *options, struct strads_source *source)
{
	struct strads_job *job = strads_fabric_job(fabric);
	int rank = strads_job_rank(job), ranks = strads_job_size(job);
	struct tally mine;
	void *all = NULL;
	bool uneven;
	int status = STRADS_OK;

	if (options->response)
		status = strads_fail(STRADS_ERR_INPUT,
				     "%s is svmlight text, whose labels are the responses: leave "
				     "%s out",
				     text->name, options->response);
	if (status == STRADS_OK)
		status = range_parse(text, strads_split_first(text->bytes, ranks, rank),
				     strads_split_first(text->bytes, ranks, rank + 1),
				     options->max_cols, source);
	mine = (struct tally){source->rows.rows, source->rows.cols};
	status = strads_job_gather(job, status, &mine, sizeof(mine), &all);
	if (status != STRADS_OK)
		return status;
	tallies_sum(all, rank, ranks, source, &uneven);
	if (source->rows_total == 0)
		status = strads_fail(STRADS_ERR_INPUT, "%s has no rows", text->name);
	else
		status = strads_source_check_rows(options, source->rows_total, ranks);
	if (status == STRADS_OK && uneven)
		status = rebalance(fabric, text, all, options->max_cols, source);
	free(all);
	return status;
}
