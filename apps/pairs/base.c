#include "base.h"

#include <stdlib.h>
#include <string.h>

/* Read at a time. */
#define CHUNK_BYTES (1 << 20)

/* What a rank has, and where in its part of the region. */
struct share {
	uint64_t first_row, rows, entries;
	uint64_t start_at, row_at, value_at; /* bytes */
};

struct reader {
	struct strads_fabric *fabric;
	const struct strads_region *region;
	struct strads_region *chunk; /* of CHUNK_BYTES */
	const struct share *shares;
	int ranks;
	uint64_t cols;
	uint64_t *start; /* [cols + 1] of the rank being read */
	uint64_t *next;  /* [cols] where the next entry of a column goes */
};

size_t
strads_pairs_base_bytes(const struct strads_csc *x)
{
	return (x->cols + 1) * sizeof *x->start +
	       x->start[x->cols] * (sizeof *x->row + sizeof *x->value);
}

/* Reads bytes, at most a chunk, into the chunk. */
static int
read_chunk(const struct reader *reader, int rank, uint64_t at, size_t bytes)
{
	struct strads_counter counter = {0};
	int status;

	while ((status = strads_get(reader->fabric, rank, reader->region, at,
				    strads_region_base(reader->chunk), bytes, &counter)) ==
	       STRADS_AGAIN) {
		status = strads_fabric_progress(reader->fabric);
		if (status)
			return status;
	}
	return status ? status : strads_counter_wait(reader->fabric, &counter);
}

static int
read_bytes(const struct reader *reader, int rank, uint64_t at, void *into, size_t bytes)
{
	for (size_t done = 0; done < bytes; done += CHUNK_BYTES) {
		size_t n = bytes - done < CHUNK_BYTES ? bytes - done : CHUNK_BYTES;
		int status = read_chunk(reader, rank, at + done, n);

		if (status)
			return status;
		memcpy((char *)into + done, strads_region_base(reader->chunk), n);
	}
	return STRADS_OK;
}

static int
read_start(struct reader *reader, int rank)
{
	const struct share *share = &reader->shares[rank];
	size_t bytes = (reader->cols + 1) * sizeof *reader->start;
	int status = read_bytes(reader, rank, share->start_at, reader->start, bytes);
	bool sound = !status && reader->start[0] == 0;

	for (uint64_t j = 0; sound && j < reader->cols; j++)
		sound = reader->start[j] <= reader->start[j + 1];
	if (status || (sound && reader->start[reader->cols] == share->entries))
		return status;
	return strads_fail(STRADS_ERR_PROTOCOL, "the columns of rank %d do not add up", rank);
}

/* x.start, from the lengths of the columns at all ranks. */
static int
count_entries(struct reader *reader, struct strads_csc *x)
{
	for (int rank = 0; rank < reader->ranks; rank++) {
		int status = read_start(reader, rank);

		if (status)
			return status;
		for (uint64_t j = 0; j <= x->cols; j++)
			x->start[j] += reader->start[j];
	}
	memcpy(reader->next, x->start, x->cols * sizeof *reader->next);
	return STRADS_OK;
}

/* Puts a rank's rows, or its values, where they belong: behind those of the ranks before it. */
static int
spread(struct reader *reader, int rank, struct strads_csc *x, bool rows)
{
	const struct share *share = &reader->shares[rank];
	size_t size = rows ? sizeof *x->row : sizeof *x->value, most = CHUNK_BYTES / size;
	uint64_t at = rows ? share->row_at : share->value_at, col = 0;

	for (uint64_t first = 0; first < share->entries; first += most) {
		uint64_t n = share->entries - first < most ? share->entries - first : most;
		const void *chunk = strads_region_base(reader->chunk);
		int status = read_chunk(reader, rank, at + first * size, n * size);

		if (status)
			return status;
		for (uint64_t k = 0; k < n; k++) {
			uint64_t place;

			while (reader->start[col + 1] <= first + k)
				col++;
			place = reader->next[col] + (first + k - reader->start[col]);
			if (!rows)
				x->value[place] = ((const double *)chunk)[k];
			else if (((const uint32_t *)chunk)[k] < share->rows)
				x->row[place] =
				    (uint32_t)share->first_row + ((const uint32_t *)chunk)[k];
			else
				return strads_fail(STRADS_ERR_PROTOCOL,
						   "a row of rank %d is not one of its own", rank);
		}
	}
	return STRADS_OK;
}

static int
read_all(struct reader *reader, struct strads_csc *x)
{
	int status = count_entries(reader, x);

	for (int rank = 0; !status && rank < reader->ranks; rank++) {
		status = read_start(reader, rank);
		if (!status)
			status = spread(reader, rank, x, true);
		if (!status)
			status = spread(reader, rank, x, false);
		for (uint64_t j = 0; j < x->cols; j++)
			reader->next[j] += reader->start[j + 1] - reader->start[j];
	}
	return status;
}

static struct share
own_share(const struct strads_dataset *train)
{
	const struct strads_csc *x = &train->x;
	const char *base = train->region ? strads_region_base(train->region) : NULL;
	struct share share = {
	    .first_row = train->first_row, .rows = x->rows, .entries = x->start[x->cols]};

	if (base) {
		share.start_at = (uint64_t)((const char *)x->start - base);
		share.row_at = (uint64_t)((const char *)x->row - base);
		share.value_at = (uint64_t)((const char *)x->value - base);
	}
	return share;
}

static int
x_read(struct strads_fabric *fabric, const struct strads_dataset *train, const struct share *shares,
       struct strads_csc *x)
{
	struct reader reader = {.fabric = fabric,
				.region = train->region,
				.shares = shares,
				.ranks = strads_job_size(strads_fabric_job(fabric)),
				.cols = train->x.cols};
	uint64_t entries = 0;
	bool room;
	int status = STRADS_OK;

	for (int rank = 0; rank < reader.ranks; rank++)
		entries += shares[rank].entries;
	x->start = calloc(x->cols + 1, sizeof *x->start);
	x->row = calloc(entries + 1, sizeof *x->row);
	x->value = calloc(entries + 1, sizeof *x->value);
	reader.start = calloc(x->cols + 1, sizeof *reader.start);
	reader.next = calloc(x->cols + 1, sizeof *reader.next);
	room = x->start && x->row && x->value && reader.start && reader.next;
	if (!room)
		status = strads_fail(STRADS_ERR_MEMORY,
				     "no memory for the whole matrix of %llu entries, which every "
				     "rank needs",
				     (unsigned long long)entries);
	if (!status)
		status = strads_region_new(fabric, STRADS_LOCAL, CHUNK_BYTES, &reader.chunk);
	status = strads_job_agree(strads_fabric_job(fabric), status);
	if (!status && room)
		status = read_all(&reader, x);
	strads_region_delete(&reader.chunk);
	free(reader.start);
	free(reader.next);
	return status;
}

/* The responses of all ranks, which have no more than `most` rows. */
static int
y_gather(struct strads_job *job, const struct strads_dataset *train, const struct share *shares,
	 uint64_t most, double *y)
{
	double *mine = calloc(most + 1, sizeof *mine);
	void *all = NULL;
	int status = mine ? STRADS_OK
			  : strads_fail(STRADS_ERR_MEMORY, "no memory for %llu responses",
					(unsigned long long)most);

	if (mine)
		memcpy(mine, train->y, train->x.rows * sizeof *mine);
	status = strads_job_gather(job, status, mine, most * sizeof *mine, &all);
	for (int rank = 0; !status && rank < strads_job_size(job); rank++)
		memcpy(y + shares[rank].first_row, (const double *)all + (size_t)rank * most,
		       shares[rank].rows * sizeof *y);
	free(all);
	free(mine);
	return status;
}

static int
check(const struct strads_dataset *train, int ranks)
{
	if (train->rows_total > UINT32_MAX)
		return strads_fail(STRADS_ERR_INPUT, "%llu rows: products are of at most %lu",
				   (unsigned long long)train->rows_total,
				   (unsigned long)UINT32_MAX);
	if (ranks > 1 && !train->region)
		return strads_fail(STRADS_ERR_ARGUMENT,
				   "products of columns: the data set must be readable by peers");
	return STRADS_OK;
}

int
strads_pairs_base_new(struct strads_fabric *fabric, const struct strads_dataset *train,
		      struct strads_pairs_base *out)
{
	struct strads_job *job = strads_fabric_job(fabric);
	int ranks = strads_job_size(job);
	struct strads_pairs_base base = {.borrowed = ranks == 1, .x = train->x};
	struct share mine = own_share(train);
	const struct share *shares;
	uint64_t most = 0;
	void *all = NULL;
	int status = strads_job_gather(job, check(train, ranks), &mine, sizeof mine, &all);

	if (status)
		return status;
	shares = all;
	for (int rank = 0; rank < ranks; rank++)
		most = shares[rank].rows > most ? shares[rank].rows : most;
	base.y = calloc(train->rows_total + 1, sizeof *base.y);
	status = strads_job_agree(
	    job,
	    base.y ? STRADS_OK : strads_fail(STRADS_ERR_MEMORY, "no memory for the responses"));
	if (!status && base.y)
		status = y_gather(job, train, shares, most, base.y);
	if (!status && !base.borrowed) {
		base.x =
		    (struct strads_csc){.rows = (uint32_t)train->rows_total, .cols = train->x.cols};
		/* Ends with an agreement: nobody reads the data set any more. */
		status = strads_job_agree(job, x_read(fabric, train, shares, &base.x));
	}
	free(all);
	if (status)
		strads_pairs_base_free(&base);
	else
		*out = base;
	return status;
}

void
strads_pairs_base_free(struct strads_pairs_base *base)
{
	if (!base->borrowed) {
		free(base->x.start);
		free(base->x.row);
		free(base->x.value);
	}
	free(base->y);
	*base = (struct strads_pairs_base){0};
}
