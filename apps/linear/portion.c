#include "portion.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Columns that may be apart in length are put apart up to this many entries. */
#define LENGTHS 64

/* Read at a time. */
#define PIECE_BYTES ((size_t)16 << 20)

/* Groups of bounds: a float's exponent and three bits of its mantissa. */
#define GROUPS 2048

/* What ranks tell each other: their rows, and how many entries they have for each rank. */
struct told {
	uint64_t rows;
	uint64_t entries[];
};

/* A parcel is one rank's rows of another's columns: start [columns + 1], values [entries], row
 * numbers [entries]. */
static size_t
parcel_bytes(uint64_t columns, uint64_t entries)
{
	size_t bytes =
	    (columns + 1) * sizeof(uint64_t) + entries * (sizeof(double) + sizeof(uint32_t));

	return (bytes + 7) / 8 * 8;
}

static struct strads_csc
parcel_at(char *base, uint64_t rows, uint64_t columns, uint64_t entries)
{
	struct strads_csc parcel = {.rows = (uint32_t)rows, .cols = columns};

	parcel.start = (void *)base;
	parcel.value = (void *)(parcel.start + columns + 1);
	parcel.row = (void *)(parcel.value + entries);
	return parcel;
}

static void
parcel_fill(const struct strads_csc *x, int rank, int ranks, struct strads_csc *parcel)
{
	uint64_t at = 0, column = 0;

	for (uint64_t j = (uint64_t)rank; j < x->cols; j += (uint64_t)ranks) {
		uint64_t n = strads_csc_entries(x, j);

		parcel->start[column++] = at;
		memcpy(parcel->value + at, x->value + x->start[j], n * sizeof *x->value);
		memcpy(parcel->row + at, x->row + x->start[j], n * sizeof *x->row);
		at += n;
	}
	parcel->start[column] = at;
}

/* ---- The exchange ------------------------------------------------------------------------- */

struct exchange {
	struct strads_fabric *fabric;
	const struct strads_dataset *dataset;
	struct strads_linear_portion *portion;
	struct told *mine;
	char *all; /* [ranks] struct told */
	size_t told_bytes;
	struct strads_region *sent; /* parcels for all ranks */
};

static const struct told *
told_by(const struct exchange *exchange, int rank)
{
	return (const void *)(exchange->all + (size_t)rank * exchange->told_bytes);
}

static uint64_t
columns_of(const struct exchange *exchange, int rank)
{
	return strads_linear_portion_count(exchange->dataset->x.cols, rank,
					   exchange->portion->ranks);
}

static int
tell(struct exchange *exchange)
{
	const struct strads_csc *x = &exchange->dataset->x;
	struct strads_job *job = strads_fabric_job(exchange->fabric);
	int ranks = exchange->portion->ranks, status = STRADS_OK;
	void *all;

	exchange->told_bytes = sizeof(struct told) + (size_t)ranks * sizeof(uint64_t);
	exchange->mine = calloc(1, exchange->told_bytes);
	if (exchange->mine) {
		exchange->mine->rows = x->rows;
		for (uint64_t j = 0; j < x->cols; j++)
			exchange->mine->entries[j % (uint64_t)ranks] += strads_csc_entries(x, j);
	} else {
		status = strads_fail(STRADS_ERR_MEMORY, "no memory to share out columns");
	}
	status = strads_job_agree(job, status);
	if (!status)
		status =
		    strads_job_gather(job, STRADS_OK, exchange->mine, exchange->told_bytes, &all);
	if (!status)
		exchange->all = all;
	return status;
}

/* Where the parcel of `from` for rank `to` lies among those that it sends. */
static size_t
parcel_offset(const struct exchange *exchange, int from, int to)
{
	size_t offset = 0;

	for (int rank = 0; rank < to; rank++)
		offset += parcel_bytes(columns_of(exchange, rank),
				       told_by(exchange, from)->entries[rank]);
	return offset;
}

/* Writes the parcels for all ranks to where these may read them. */
static int
send(struct exchange *exchange)
{
	const struct strads_csc *x = &exchange->dataset->x;
	int ranks = exchange->portion->ranks;
	int status = strads_region_new(exchange->fabric, STRADS_REMOTE_READ,
				       parcel_offset(exchange, exchange->portion->rank, ranks),
				       &exchange->sent);

	for (int rank = 0; status == STRADS_OK && rank < ranks; rank++) {
		size_t offset = parcel_offset(exchange, exchange->portion->rank, rank);
		struct strads_csc parcel =
		    parcel_at((char *)strads_region_base(exchange->sent) + offset, x->rows,
			      columns_of(exchange, rank), exchange->mine->entries[rank]);

		parcel_fill(x, rank, ranks, &parcel);
	}
	return status;
}

/* Reads one parcel, a piece at a time. */
static int
parcel_get(struct exchange *exchange, int from, char *to, size_t bytes,
	   struct strads_counter *counter)
{
	size_t offset = parcel_offset(exchange, from, exchange->portion->rank);
	int status = STRADS_OK;

	for (size_t done = 0, n; status == STRADS_OK && done < bytes; done += n) {
		n = bytes - done < PIECE_BYTES ? bytes - done : PIECE_BYTES;
		while ((status = strads_get(exchange->fabric, from, exchange->sent, offset + done,
					    to + done, n, counter)) == STRADS_AGAIN) {
			status = strads_fabric_progress(exchange->fabric);
			if (status)
				return status;
		}
	}
	return status;
}

/* Reads this rank's parcels from all; from its own first, so that not all ask the same rank. */
static int
receive(struct exchange *exchange)
{
	struct strads_linear_portion *portion = exchange->portion;
	struct strads_counter counter = {0};
	char *to = strads_region_base(portion->landed);
	int status = STRADS_OK, waited;

	for (int i = 0; status == STRADS_OK && i < portion->ranks; i++) {
		int from = (portion->rank + i) % portion->ranks;
		uint64_t entries = told_by(exchange, from)->entries[portion->rank];
		size_t bytes = parcel_bytes(portion->count, entries);

		portion->part[from] =
		    parcel_at(to, told_by(exchange, from)->rows, portion->count, entries);
		status = parcel_get(exchange, from, to, bytes, &counter);
		to += bytes;
	}
	waited = strads_counter_wait(exchange->fabric, &counter); /* for what was asked for, too */
	return status ? status : waited;
}

static int
exchange_columns(struct exchange *exchange)
{
	struct strads_linear_portion *portion = exchange->portion;
	struct strads_job *job = strads_fabric_job(exchange->fabric);
	size_t bytes = 0;
	int status;

	for (int from = 0; from < portion->ranks; from++)
		bytes +=
		    parcel_bytes(portion->count, told_by(exchange, from)->entries[portion->rank]);
	portion->landed_bytes = bytes;
	status = send(exchange);
	if (!status)
		status = strads_region_new(exchange->fabric, STRADS_LOCAL, bytes, &portion->landed);
	status = strads_job_agree(job, status);
	if (!status)
		status = strads_fabric_wire(exchange->fabric);
	if (!status)
		status = strads_job_agree(job, receive(exchange));
	strads_region_delete(&exchange->sent);
	return status;
}

/* ---- The portion -------------------------------------------------------------------------- */

static int
portion_take(struct strads_linear_portion *portion, bool centred, const struct exchange *exchange)
{
	uint64_t count = portion->count, entries = 0;

	portion->part = calloc((size_t)portion->ranks, sizeof *portion->part);
	portion->first_row = calloc((size_t)portion->ranks + 1, sizeof *portion->first_row);
	portion->local = calloc(count + 1, sizeof *portion->local);
	portion->position = calloc(count + 1, sizeof *portion->position);
	portion->bound = calloc(count + 1, sizeof *portion->bound);
	portion->beta = calloc(count + 1, sizeof *portion->beta);
	portion->head = calloc(GROUPS * LENGTHS, sizeof *portion->head);
	if (centred)
		portion->shift = calloc(count + 1, sizeof *portion->shift);
	for (int rank = 0; rank < portion->ranks; rank++)
		entries += told_by(exchange, rank)->entries[portion->rank];
	if (!portion->part || !portion->first_row || !portion->local || !portion->position ||
	    !portion->bound || !portion->beta || !portion->head || (centred && !portion->shift) ||
	    !strads_packed_new(exchange->dataset->rows_total + exchange->dataset->absent_total,
			       count, entries, &portion->x))
		return strads_fail(STRADS_ERR_MEMORY, "no memory for %llu columns of %llu entries",
				   (unsigned long long)count, (unsigned long long)entries);
	for (int rank = 0; rank < portion->ranks; rank++)
		portion->first_row[rank + 1] =
		    portion->first_row[rank] + told_by(exchange, rank)->rows;
	return STRADS_OK;
}

int
strads_linear_portion_open(struct strads_fabric *fabric, const struct strads_dataset *dataset,
			   bool centred, struct strads_linear_portion *portion)
{
	struct exchange exchange = {.fabric = fabric, .dataset = dataset, .portion = portion};
	struct strads_job *job = strads_fabric_job(fabric);
	int status;

	*portion = (struct strads_linear_portion){.rank = strads_job_rank(job),
						  .ranks = strads_job_size(job)};
	portion->count =
	    strads_linear_portion_count(dataset->x.cols, portion->rank, portion->ranks);
	status = tell(&exchange);
	if (!status)
		status = strads_job_agree(job, portion_take(portion, centred, &exchange));
	if (!status && portion->ranks == 1)
		portion->part[0] = dataset->x;
	else if (!status)
		status = exchange_columns(&exchange);
	free(exchange.mine);
	free(exchange.all);
	return status;
}

void
strads_linear_portion_close(struct strads_linear_portion *portion)
{
	strads_region_delete(&portion->landed);
	free(portion->part);
	free(portion->first_row);
	free(portion->local);
	free(portion->position);
	free(portion->bound);
	free(portion->shift);
	free(portion->beta);
	free(portion->head);
	strads_packed_delete(&portion->x);
}

size_t
strads_linear_portion_bytes(const struct strads_linear_portion *portion)
{
	size_t column = 2 * sizeof(uint32_t) + sizeof(float) + sizeof(double);

	if (portion->shift)
		column += sizeof *portion->shift;
	return portion->landed_bytes + portion->count * column +
	       strads_packed_bytes(portion->first_row[portion->ranks], portion->count,
				   portion->x.entries);
}

/* ---- The order ---------------------------------------------------------------------------- */

/* Groups are numbered from the largest bounds down. */
static uint32_t
group_of(float bound)
{
	uint32_t bits;

	memcpy(&bits, &bound, sizeof bits);
	return GROUPS - 1 - (bits >> 20);
}

static uint32_t
length_of(const struct strads_linear_portion *portion, uint32_t local)
{
	uint64_t entries = 0;

	for (int rank = 0; rank < portion->ranks; rank++)
		entries += strads_csc_entries(&portion->part[rank], local);
	return entries < LENGTHS ? LENGTHS - 1 - (uint32_t)entries : 0;
}

static strads_key
key_of(const struct strads_linear_portion *portion, uint32_t local)
{
	return (strads_key)local * (uint64_t)portion->ranks + (uint64_t)portion->rank;
}

/* Sorts by the group of the bound, within it by length: one counting sort over both. */
static void
sort(struct strads_linear_portion *portion, const float *bound)
{
	uint32_t *head = portion->head, at = 0;

	for (uint64_t c = 0; c < portion->count; c++) {
		uint32_t local = (uint32_t)c;

		/* Until the columns have their places, `position` holds their classes. */
		portion->position[c] =
		    group_of(bound[key_of(portion, local)]) * LENGTHS + length_of(portion, local);
		head[portion->position[c]]++;
	}
	for (uint32_t class = 0; class < GROUPS * LENGTHS; class ++) {
		uint32_t n = head[class];

		head[class] = at;
		at += n;
	}
	for (uint64_t c = 0; c < portion->count; c++) {
		portion->position[c] = head[portion->position[c]]++;
		portion->local[portion->position[c]] = (uint32_t)c;
	}
}

void
strads_linear_portion_arrange(struct strads_linear_portion *portion,
			      const struct strads_linear_columns *columns)
{
	uint64_t at = 0;

	sort(portion, columns->bound);
	for (uint64_t k = 0; k < portion->count; k++) {
		strads_key key = strads_linear_portion_key(portion, k);

		portion->bound[k] = columns->bound[key];
		if (portion->shift)
			portion->shift[k] = columns->mean[key] * columns->scale[key];
		for (int rank = 0; rank < portion->ranks; rank++)
			at = strads_packed_append(&portion->x, at, &portion->part[rank],
						  portion->local[k], portion->first_row[rank],
						  columns->scale[key]);
		portion->x.start[k + 1] = at;
	}
	strads_region_delete(&portion->landed);
}

/* ---- Sets over all portions --------------------------------------------------------------- */

/* Range index / ranks of rank index mod ranks, which has `count` of something where the rank with
 * the most has `most`. */
static uint64_t
draft_range(int ranks, uint64_t count, uint64_t most, uint64_t range, uint32_t index,
	    struct strads_block_draft *draft)
{
	uint64_t before = (uint64_t)(index / (uint32_t)ranks) * range, first;

	first = before < count ? before : count;
	draft->range = true;
	draft->n = count - first < range ? (uint32_t)(count - first) : (uint32_t)range;
	draft->reducer = (int)(index % (uint32_t)ranks);
	draft->last = draft->reducer + 1 == ranks && before + range >= most;
	return first;
}

void
strads_linear_portion_draft_columns(const struct strads_linear_portion *portion, uint64_t cols,
				    uint64_t range, uint32_t index,
				    struct strads_block_draft *draft)
{
	int ranks = portion->ranks, rank = (int)(index % (uint32_t)ranks);
	uint64_t count = strads_linear_portion_count(cols, rank, ranks);

	/* Rank 0 has the most. */
	draft->first = draft_range(ranks, count, strads_linear_portion_count(cols, 0, ranks), range,
				   index, draft);
}

void
strads_linear_portion_draft_rows(const struct strads_linear_portion *portion, uint64_t range,
				 uint32_t index, struct strads_block_draft *draft)
{
	const uint64_t *first_row = portion->first_row;
	uint32_t rank = index % (uint32_t)portion->ranks;
	uint64_t most = 0;

	for (int r = 0; r < portion->ranks; r++)
		most =
		    first_row[r + 1] - first_row[r] > most ? first_row[r + 1] - first_row[r] : most;
	draft->first =
	    first_row[rank] + draft_range(portion->ranks, first_row[rank + 1] - first_row[rank],
					  most, range, index, draft);
}

uint64_t
strads_linear_portion_reach(const struct strads_linear_portion *portion, double most, double lambda)
{
	uint64_t low = 0, high = portion->count;
	uint32_t group;

	if (!(lambda > 0) || !isfinite(most))
		return portion->count;
	/* The groups are in order: the first whose bounds are all too small. */
	group = group_of((float)fmin(lambda / most, FLT_MAX));
	while (low < high) {
		uint64_t middle = low + (high - low) / 2;

		if (group_of(portion->bound[middle]) <= group)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}
