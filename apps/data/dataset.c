#include "dataset.h"

#include "market.h"
#include "source.h"

#include <stdlib.h>
#include <string.h>

int
strads_source_is_market(struct strads_text *text, bool *market)
{
	char start[sizeof(STRADS_MARKET_BANNER) - 1];
	int status;

	*market = false;
	if (text->bytes < sizeof(start))
		return STRADS_OK;
	status = strads_text_read(text, 0, start, sizeof(start));
	if (status == STRADS_OK)
		*market = memcmp(start, STRADS_MARKET_BANNER, sizeof(start)) == 0;
	return status;
}

int
strads_source_check_rows(const struct strads_dataset_options *options, uint64_t rows_total,
			 int ranks)
{
	if (options->rows_per_rank && rows_total < (uint64_t)ranks)
		return strads_fail(STRADS_ERR_INPUT,
				   "%s has %llu rows for %d ranks: every rank needs a row; use at "
				   "most %llu ranks",
				   options->data, (unsigned long long)rows_total, ranks,
				   (unsigned long long)rows_total);
	return STRADS_OK;
}

/* Reads the rows in whichever format they are. Collective. */
static int
source_read(struct strads_fabric *fabric, struct strads_text *text,
	    const struct strads_dataset_options *options, struct strads_source *source)
{
	bool market;
	int status =
	    strads_job_agree(strads_fabric_job(fabric), strads_source_is_market(text, &market));

	if (status != STRADS_OK)
		return status;
	return market ? strads_source_market(fabric, text, options, source)
		      : strads_source_svmlight(fabric, text, options, source);
}

static int
entries_sum(struct strads_job *job, struct strads_dataset *dataset)
{
	uint64_t mine = dataset->x.start[dataset->x.cols];
	void *all = NULL;
	int status = strads_job_gather(job, STRADS_OK, &mine, sizeof(mine), &all);

	for (int r = 0; status == STRADS_OK && r < strads_job_size(job); r++)
		dataset->entries_total += ((const uint64_t *)all)[r];
	free(all);
	return status;
}

static void
csc_free(struct strads_csc *x)
{
	free(x->start);
	free(x->row);
	free(x->value);
}

/* Moves the matrix from private memory into a region that peers may read. */
static int
csc_move(struct strads_fabric *fabric, struct strads_csc *x, struct strads_region **region)
{
	uint64_t entries = x->start[x->cols];
	struct strads_csc moved = {.rows = x->rows, .cols = x->cols};
	int status = strads_region_new(fabric, STRADS_REMOTE_READ,
				       (x->cols + 1) * sizeof(*x->start) +
					   entries * (sizeof(*x->value) + sizeof(*x->row)),
				       region);

	if (status != STRADS_OK)
		return status;
	moved.start = strads_region_base(*region);
	moved.value = (void *)(moved.start + x->cols + 1);
	moved.row = (void *)(moved.value + entries);
	memcpy(moved.start, x->start, (x->cols + 1) * sizeof(*x->start));
	memcpy(moved.value, x->value, entries * sizeof(*x->value));
	memcpy(moved.row, x->row, entries * sizeof(*x->row));
	csc_free(x);
	*x = moved;
	return STRADS_OK;
}

int
strads_dataset_publish(struct strads_fabric *fabric, struct strads_dataset *dataset)
{
	int status = strads_job_agree(strads_fabric_job(fabric),
				      csc_move(fabric, &dataset->x, &dataset->region));

	return status == STRADS_OK ? strads_fabric_wire(fabric) : status;
}

/* Turns this rank's rows into the data set. Collective. */
static int
dataset_make(struct strads_fabric *fabric, struct strads_source *source,
	     const struct strads_dataset_options *options, struct strads_dataset *dataset)
{
	struct strads_job *job = strads_fabric_job(fabric);
	uint64_t cols = source->cols > options->min_cols ? source->cols : options->min_cols;
	struct strads_dataset new = {
	    .first_row = source->first_row,
	    .rows_total = source->rows_total,
	    .bytes_read = source->bytes_read,
	};
	int status = strads_job_agree(job, strads_rows_to_csc(&source->rows, cols, &new.x));

	if (status == STRADS_OK) {
		new.y = source->rows.y;
		source->rows.y = NULL;
		status = entries_sum(job, &new);
	}
	if (status == STRADS_OK && options->readable_by_peers)
		status = strads_dataset_publish(fabric, &new);
	if (status != STRADS_OK) {
		strads_dataset_free(&new);
		return status;
	}
	*dataset = new;
	return STRADS_OK;
}

int
strads_dataset_read(struct strads_fabric *fabric, const struct strads_dataset_options *options,
		    struct strads_dataset *dataset)
{
	struct strads_source source = {0};
	struct strads_text *text;
	int status = strads_text_open(fabric, options->data, &text);

	if (status != STRADS_OK)
		return status;
	status = source_read(fabric, text, options, &source);
	/* Every reader ends with an agreement: nobody reads the text any more. */
	strads_text_close(&text);
	if (status == STRADS_OK)
		status = dataset_make(fabric, &source, options, dataset);
	strads_rows_free(&source.rows);
	return status;
}

void
strads_dataset_free(struct strads_dataset *dataset)
{
	if (dataset->region)
		strads_region_delete(&dataset->region);
	else
		csc_free(&dataset->x);
	free(dataset->y);
	free(dataset->absent);
	*dataset = (struct strads_dataset){0};
}
