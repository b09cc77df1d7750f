#include "triplets.h"

#include "fetch.h"
#include "grow.h"
#include "split.h"

#include <assert.h>
#include <string.h>

/* An entry on its way; row counts from the first of the receiving rank. */
struct wire_entry {
	uint32_t row;
	uint32_t col;
	double value;
};
static_assert(sizeof(struct wire_entry) == 16, "wire format");

/* Region of a rank: first[ranks + 1], where each rank's bucket starts in the entries behind. */
struct exchange {
	struct strads_fabric *fabric;
	int rank, ranks;
	const uint64_t *first; /* [ranks + 1] of the rows */
	uint64_t cols;
	struct strads_region *out;    /* first, entries */
	struct strads_region *bounds; /* [ranks][2]: start and end of my bucket at each rank */
	struct strads_region *in;     /* my buckets of the others, one after another */
};

int
strads_triplets_push(struct strads_triplets *triplets, uint64_t row, uint32_t col, double value)
{
	int status = strads_grow((void **)&triplets->entry, &triplets->room, triplets->count + 1,
				 sizeof(*triplets->entry));

	if (status == STRADS_OK)
		triplets->entry[triplets->count++] = (struct strads_triplet){row, value, col};
	return status;
}

void
strads_triplets_free(struct strads_triplets *triplets)
{
	free(triplets->entry);
	*triplets = (struct strads_triplets){0};
}

/* Bytes before the entries: first[ranks + 1], padded to 16. */
static size_t
header_bytes(const struct exchange *exchange)
{
	return ((size_t)exchange->ranks + 2 - (size_t)exchange->ranks % 2) * sizeof(uint64_t);
}

static struct wire_entry *
exchange_entries(const struct exchange *exchange)
{
	return (struct wire_entry *)((char *)strads_region_base(exchange->out) +
				     header_bytes(exchange));
}

/* The rank that has a row: the last whose first row is not beyond it, as ranks may have none. */
static int
row_owner(const struct exchange *exchange, uint64_t row)
{
	int low = 0, high = exchange->ranks;

	while (high - low > 1) {
		int middle = low + (high - low) / 2;

		if (exchange->first[middle] <= row)
			low = middle;
		else
			high = middle;
	}
	return low;
}

/* Sorts the list into buckets by counting; the order within a bucket is that of the list. */
static void
buckets_fill(const struct exchange *exchange, const struct strads_triplets *triplets)
{
	uint64_t *first = strads_region_base(exchange->out);
	struct wire_entry *to = exchange_entries(exchange);
	int ranks = exchange->ranks;

	for (size_t i = 0; i < triplets->count; i++)
		first[row_owner(exchange, triplets->entry[i].row) + 1]++;
	for (int r = 0; r < ranks; r++)
		first[r + 1] += first[r];
	for (size_t i = 0; i < triplets->count; i++) {
		const struct strads_triplet *entry = &triplets->entry[i];
		int owner = row_owner(exchange, entry->row);

		to[first[owner]++] = (struct wire_entry){
		    (uint32_t)(entry->row - exchange->first[owner]), entry->col, entry->value};
	}
	memmove(first + 1, first, (size_t)ranks * sizeof(*first));
	first[0] = 0;
}

static int
buckets_publish(struct exchange *exchange, struct strads_triplets *triplets)
{
	struct strads_job *job = strads_fabric_job(exchange->fabric);
	int status = strads_region_new(
	    exchange->fabric, STRADS_REMOTE_READ,
	    header_bytes(exchange) + triplets->count * sizeof(struct wire_entry), &exchange->out);

	if (status == STRADS_OK)
		status = strads_region_new(exchange->fabric, STRADS_LOCAL,
					   (size_t)exchange->ranks * 2 * sizeof(uint64_t),
					   &exchange->bounds);
	status = strads_job_agree(job, status);
	if (status != STRADS_OK)
		return status;
	buckets_fill(exchange, triplets);
	strads_triplets_free(triplets);
	return strads_fabric_wire(exchange->fabric);
}

/* Gets the bounds of my bucket from every rank. */
static int
bounds_get(struct exchange *exchange)
{
	uint64_t *bounds = strads_region_base(exchange->bounds);
	struct strads_counter counter = {0};
	int status = STRADS_OK, waited;

	for (int peer = 0; peer < exchange->ranks && status == STRADS_OK; peer++)
		status = strads_fetch_post(exchange->fabric, peer, exchange->out,
					   (size_t)exchange->rank * sizeof(uint64_t),
					   bounds + 2 * peer, 2 * sizeof(uint64_t), &counter);
	waited = strads_counter_wait(exchange->fabric, &counter);
	return status != STRADS_OK ? status : waited;
}

/* What a peer says about its bucket must fit the region that it has. */
static int
bounds_check(const struct exchange *exchange, uint64_t *total)
{
	const uint64_t *bounds = strads_region_base(exchange->bounds);
	uint64_t sum = 0;

	for (int peer = 0; peer < exchange->ranks; peer++) {
		uint64_t start = bounds[2 * peer], end = bounds[2 * peer + 1];
		size_t room = strads_region_bytes(exchange->out, peer) - header_bytes(exchange);

		if (start > end || end > room / sizeof(struct wire_entry))
			return strads_fail(
			    STRADS_ERR_PROTOCOL,
			    "rank %d offers entries %llu to %llu, outside its region", peer,
			    (unsigned long long)start, (unsigned long long)end);
		sum += end - start;
	}
	*total = sum;
	return STRADS_OK;
}

/* Entries in my bucket at `peer`. */
static uint64_t
bucket_count(const struct exchange *exchange, int peer)
{
	const uint64_t *bounds = strads_region_base(exchange->bounds);

	return bounds[2 * peer + 1] - bounds[2 * peer];
}

/* The other ranks' buckets lie in `in` in the order of ranks; the gets start with the next rank and
 * go round, so that not all ranks ask the same one at once. */
static int
buckets_get(struct exchange *exchange)
{
	const uint64_t *bounds = strads_region_base(exchange->bounds);
	struct wire_entry *in = strads_region_base(exchange->in);
	struct strads_counter counter = {0};
	uint64_t at = 0;
	int status = STRADS_OK, waited;

	for (int peer = 0; peer < exchange->rank; peer++)
		at += bucket_count(exchange, peer);
	for (int k = 1; k < exchange->ranks && status == STRADS_OK; k++) {
		int peer = (exchange->rank + k) % exchange->ranks;
		uint64_t count = bucket_count(exchange, peer);

		if (peer == 0)
			at = 0;
		if (count)
			status = strads_fetch_post(exchange->fabric, peer, exchange->out,
						   header_bytes(exchange) +
						       bounds[2 * peer] * sizeof(*in),
						   in + at, count * sizeof(*in), &counter);
		at += count;
	}
	waited = strads_counter_wait(exchange->fabric, &counter);
	return status != STRADS_OK ? status : waited;
}

/* This rank's rows, without entries but with room for them. */
static int
rows_open(const struct exchange *exchange, uint64_t count, struct strads_rows *rows)
{
	uint64_t from = exchange->first[exchange->rank], to = exchange->first[exchange->rank + 1];
	int status = strads_rows_room(rows, to - from);

	for (uint64_t i = from; i < to && status == STRADS_OK; i++)
		status = strads_rows_begin(rows, 0.0, 0);
	if (status == STRADS_OK)
		status = strads_rows_reserve(rows, (size_t)count + 1);
	return status != STRADS_OK ? status : strads_rows_end(rows);
}

/* Counts the entries of each row into first[row + 1]; what arrived must lie inside the matrix. */
static int
bucket_tally(const struct exchange *exchange, const struct wire_entry *entry, uint64_t count,
	     struct strads_rows *rows)
{
	for (uint64_t e = 0; e < count; e++) {
		if (entry[e].row >= rows->rows || entry[e].col >= exchange->cols)
			return strads_fail(STRADS_ERR_PROTOCOL,
					   "an entry of row %u and column %u arrived, of %zu rows "
					   "and %llu columns",
					   entry[e].row, entry[e].col, rows->rows,
					   (unsigned long long)exchange->cols);
		rows->first[entry[e].row + 1]++;
	}
	return STRADS_OK;
}

static void
bucket_place(const struct wire_entry *entry, uint64_t count, struct strads_rows *rows)
{
	for (uint64_t e = 0; e < count; e++) {
		uint64_t at = rows->first[entry[e].row]++;

		rows->col[at] = entry[e].col;
		rows->value[at] = entry[e].value;
	}
}

/* The buckets in the order of ranks, the own one where it is, to rows: a stable counting sort. */
static int
rows_fill(const struct exchange *exchange, uint64_t count, struct strads_rows *rows)
{
	const uint64_t *bounds = strads_region_base(exchange->bounds);
	const struct wire_entry *own = exchange_entries(exchange) + bounds[2 * exchange->rank];
	const struct wire_entry *in = strads_region_base(exchange->in);
	uint64_t own_count = bucket_count(exchange, exchange->rank), before = 0;
	uint64_t after = count - own_count;
	int status = rows_open(exchange, count, rows);

	for (int peer = 0; peer < exchange->rank; peer++)
		before += bucket_count(exchange, peer);
	after -= before;
	if (status == STRADS_OK)
		status = bucket_tally(exchange, own, own_count, rows);
	if (status == STRADS_OK)
		status = bucket_tally(exchange, in, before + after, rows);
	if (status != STRADS_OK)
		return status;
	for (size_t i = 0; i < rows->rows; i++)
		rows->first[i + 1] += rows->first[i];
	bucket_place(in, before, rows);
	bucket_place(own, own_count, rows);
	bucket_place(in + before, after, rows);
	memmove(rows->first + 1, rows->first, rows->rows * sizeof(*rows->first));
	rows->first[0] = 0;
	rows->entries = (size_t)count;
	return STRADS_OK;
}

static int
exchange_run(struct exchange *exchange, struct strads_triplets *triplets, struct strads_rows *rows)
{
	struct strads_job *job = strads_fabric_job(exchange->fabric);
	uint64_t count = 0;
	int status = buckets_publish(exchange, triplets);

	if (status != STRADS_OK)
		return status;
	status = bounds_get(exchange);
	if (status == STRADS_OK)
		status = bounds_check(exchange, &count);
	if (status == STRADS_OK)
		status =
		    strads_region_new(exchange->fabric, STRADS_LOCAL,
				      (size_t)(count + 1 - bucket_count(exchange, exchange->rank)) *
					  sizeof(struct wire_entry),
				      &exchange->in);
	if (status == STRADS_OK)
		status = buckets_get(exchange);
	if (status == STRADS_OK)
		status = rows_fill(exchange, count, rows);
	return strads_job_agree(job, status);
}

int
strads_triplets_exchange(struct strads_fabric *fabric, struct strads_triplets *triplets,
			 const uint64_t *first, uint64_t cols, struct strads_rows *rows)
{
	struct strads_job *job = strads_fabric_job(fabric);
	struct exchange exchange = {.fabric = fabric,
				    .rank = strads_job_rank(job),
				    .ranks = strads_job_size(job),
				    .first = first,
				    .cols = cols};
	int status = exchange_run(&exchange, triplets, rows);

	if (exchange.in)
		strads_region_delete(&exchange.in);
	if (exchange.bounds)
		strads_region_delete(&exchange.bounds);
	if (exchange.out)
		strads_region_delete(&exchange.out);
	return status;
}

int
strads_triplets_exchange_evenly(struct strads_fabric *fabric, struct strads_triplets *triplets,
				uint64_t rows_total, uint64_t cols, struct strads_rows *rows)
{
	struct strads_job *job = strads_fabric_job(fabric);
	int ranks = strads_job_size(job), status = STRADS_OK;
	uint64_t *first = malloc(((size_t)ranks + 1) * sizeof(*first));

	for (int r = 0; first && r <= ranks; r++)
		first[r] = strads_split_first(rows_total, ranks, r);
	if (!first)
		status =
		    strads_fail(STRADS_ERR_MEMORY, "no memory for the shares of %d ranks", ranks);
	status = strads_job_agree(job, status);
	if (status == STRADS_OK)
		status = strads_triplets_exchange(fabric, triplets, first, cols, rows);
	free(first);
	return status;
}
