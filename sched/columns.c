#include "columns_state.h"

#include <stdlib.h>

void
strads_columns_defaults(struct strads_columns_options *options)
{
	*options = (struct strads_columns_options){.cache_bytes = (size_t)64 << 20,
						   .columns_max = UINT32_C(1) << 18,
						   .fetches_max = 64,
						   .reads_max = 256};
}

/* ---- Making -------------------------------------------------------------------------------- */

static uint64_t
cache_words(const struct strads_columns_options *options)
{
	return options->cache_bytes / STRADS_COLUMNS_WORD;
}

static size_t
registered_bytes(const struct strads_columns_options *options, int ranks)
{
	return cache_words(options) * STRADS_COLUMNS_WORD +
	       (size_t)options->fetches_max * (size_t)ranks * sizeof(struct strads_range);
}

size_t
strads_columns_memory(const struct strads_columns_options *options, int ranks)
{
	size_t bytes = sizeof(struct strads_columns) + (size_t)ranks * sizeof(struct strads_share);

	if (ranks == 1)
		return bytes;
	return bytes + registered_bytes(options, ranks) + strads_cache_bytes(options->columns_max) +
	       options->fetches_max * (sizeof(struct strads_fetch) + sizeof(struct strads_fetch *));
}

static int
check_options(const struct strads_columns_options *options)
{
	if (options->columns_max >= 1 && options->columns_max <= STRADS_CACHE_PLACES_MAX &&
	    options->fetches_max >= 1 && options->reads_max >= 1)
		return STRADS_OK;
	return strads_fail(
	    STRADS_ERR_ARGUMENT,
	    "columns: a cache of %u columns, %u fetches and %u reads at once: give 1 "
	    "to 2^30 columns and at least 1 of the others",
	    options->columns_max, options->fetches_max, options->reads_max);
}

/* Of a pointer that does not lie in the region, a number that fails check_share. */
static uint64_t
offset_in(const struct strads_region *region, const void *array)
{
	return (uintptr_t)array - (region ? (uintptr_t)strads_region_base(region) : 0);
}

static bool
fits(uint64_t offset, uint64_t count, size_t size, uint64_t bytes)
{
	return offset <= bytes && count <= (bytes - offset) / size;
}

/* What a rank tells must be columns as wide as this rank's and lie in its region. */
static int
check_share(const struct strads_columns *columns, int rank)
{
	const struct strads_share *share = &columns->share[rank];
	uint64_t bytes = columns->region ? strads_region_bytes(columns->region, rank) : 0;

	if (share->cols != columns->x.cols)
		return strads_fail(STRADS_ERR_ARGUMENT,
				   "columns: rank %d has %llu of them, rank %d %llu", rank,
				   (unsigned long long)share->cols, columns->rank,
				   (unsigned long long)columns->x.cols);
	if (share->cols == UINT64_MAX ||
	    !fits(share->start, share->cols + 1, STRADS_COLUMNS_WORD, bytes) ||
	    !fits(share->row, share->entries, sizeof(uint32_t), bytes) ||
	    !fits(share->value, share->entries, sizeof(double), bytes))
		return strads_fail(STRADS_ERR_ARGUMENT,
				   "columns: the arrays of rank %d do not lie in its region of "
				   "%llu bytes: put them there and wire it first",
				   rank, (unsigned long long)bytes);
	return STRADS_OK;
}

/* Lays the ranks' rows one after another. Every rank comes to the same result. */
static int
check_shares(struct strads_columns *columns)
{
	uint64_t rows = 0;

	for (int r = 0; r < columns->ranks; r++) {
		int status = columns->ranks > 1 ? check_share(columns, r) : STRADS_OK;

		if (status != STRADS_OK)
			return status;
		columns->share[r].first_row = rows;
		rows += columns->share[r].rows;
		if (rows > UINT32_MAX)
			return strads_fail(STRADS_ERR_ARGUMENT,
					   "columns: the ranks up to %d have %llu rows together; "
					   "columns of 2^32 rows or more are not supported",
					   r, (unsigned long long)rows);
	}
	return STRADS_OK;
}

/* Tells the others of this rank's rows, unless `status` is a failure, and learns of theirs. */
static int
exchange_shares(struct strads_columns *columns, int status)
{
	const struct strads_csc *x = &columns->x;
	struct strads_share mine = {.rows = x->rows,
				    .cols = x->cols,
				    .entries = x->start[x->cols],
				    .start = offset_in(columns->region, x->start),
				    .row = offset_in(columns->region, x->row),
				    .value = offset_in(columns->region, x->value)};
	void *all = NULL;

	status =
	    strads_job_gather(strads_fabric_job(columns->fabric), status, &mine, sizeof mine, &all);
	columns->share = all;
	return status == STRADS_OK ? check_shares(columns) : status;
}

static int
allocate(struct strads_columns *columns)
{
	const struct strads_columns_options *options = &columns->options;
	size_t ranks = (size_t)columns->ranks;
	struct strads_range *ranges;
	int status;

	if (columns->ranks == 1)
		return STRADS_OK;
	status = strads_cache_init(&columns->cache, cache_words(options), options->columns_max);
	if (status != STRADS_OK)
		return status;
	columns->fetch = calloc(options->fetches_max, sizeof *columns->fetch);
	columns->current = calloc(options->fetches_max, sizeof *columns->current);
	if (!columns->fetch || !columns->current)
		return strads_fail(STRADS_ERR_MEMORY, "no memory to read %u columns at once",
				   options->fetches_max);
	status = strads_region_new(columns->fabric, STRADS_LOCAL,
				   registered_bytes(options, columns->ranks), &columns->memory);
	if (status != STRADS_OK)
		return status;
	ranges = (struct strads_range *)((uint64_t *)strads_region_base(columns->memory) +
					 columns->cache.words);
	for (uint32_t i = 0; i < options->fetches_max; i++) {
		columns->fetch[i].range = ranges + i * ranks;
		columns->current[i] = &columns->fetch[i];
	}
	return STRADS_OK;
}

int
strads_columns_new(struct strads_fabric *fabric, const struct strads_region *region,
		   const struct strads_csc *x, const struct strads_columns_options *options,
		   struct strads_columns **columns)
{
	struct strads_job *job = strads_fabric_job(fabric);
	struct strads_columns *new = calloc(1, sizeof *new);
	int status;

	if (!new)
		return strads_job_agree(job,
					strads_fail(STRADS_ERR_MEMORY, "no memory for columns"));
	new->fabric = fabric;
	new->region = region;
	new->x = *x;
	new->options = *options;
	new->rank = strads_job_rank(job);
	new->ranks = strads_job_size(job);
	status = exchange_shares(new, check_options(options));
	if (status == STRADS_OK)
		status = strads_job_agree(job, allocate(new));
	if (status != STRADS_OK)
		strads_columns_delete(&new);
	else
		*columns = new;
	return status;
}

void
strads_columns_delete(struct strads_columns **columns)
{
	struct strads_columns *old = *columns;
	int status = STRADS_OK;

	if (!old)
		return;
	/* Where the job has failed each of these returns at once. */
	for (uint32_t i = 0; i < old->fetches && status != STRADS_ERR_TIMEOUT; i++)
		status = strads_counter_wait(old->fabric, &old->current[i]->counter);
	if (old->memory)
		strads_region_delete(&old->memory);
	strads_cache_free(&old->cache);
	free(old->current);
	free(old->fetch);
	free(old->share);
	free(old);
	*columns = NULL;
}

/* ---- Holding ------------------------------------------------------------------------------- */

/* What to tell of a column for which there is no room: that fetches under way will leave some, or
 * not. */
static int
no_room(const struct strads_columns *columns)
{
	return columns->fetches ? STRADS_AGAIN : STRADS_COLUMNS_FULL;
}

/* Room for a column that had none when its size became known; then its fetch begins anew. */
static int
fetch_resume(struct strads_columns *columns, uint32_t number)
{
	struct strads_place *place = &columns->cache.place[number];
	uint64_t words = strads_columns_words(place->entries), bytes = words * STRADS_COLUMNS_WORD;

	if (words > columns->cache.words)
		return strads_fail(STRADS_ERR_MEMORY,
				   "column %llu has %u entries, more than the cache of columns "
				   "holds: it has %zu bytes, %llu would do",
				   (unsigned long long)place->key, place->entries,
				   columns->options.cache_bytes, (unsigned long long)bytes);
	strads_cache_pin(&columns->cache, number);
	if (!strads_cache_make_room(&columns->cache, number, words)) {
		strads_cache_unpin(&columns->cache, number);
		return no_room(columns);
	}
	place->standing = STRADS_FETCHED;
	strads_columns_read_start(columns, number);
	return STRADS_OK;
}

/* Begins to fetch a column that is not here: STRADS_OK if it is under way. */
static int
fetch_column(struct strads_columns *columns, strads_key key)
{
	uint32_t number = strads_cache_find(&columns->cache, key);

	if (number != STRADS_CACHE_NONE &&
	    columns->cache.place[number].standing == STRADS_FETCHED) {
		columns->cache.place[number].wanted = true;
		return STRADS_OK;
	}
	if (columns->fetches == columns->options.fetches_max)
		return STRADS_AGAIN;
	if (number != STRADS_CACHE_NONE)
		return fetch_resume(columns, number);
	number = strads_cache_add(&columns->cache, key);
	if (number == STRADS_CACHE_NONE)
		return no_room(columns);
	strads_columns_read_start(columns, number);
	return STRADS_OK;
}

/* Gives out the column if it is here. */
static bool
give(struct strads_columns *columns, strads_key key, struct strads_column *column)
{
	uint32_t number = strads_cache_find(&columns->cache, key);
	struct strads_place *place;

	if (number == STRADS_CACHE_NONE)
		return false;
	place = &columns->cache.place[number];
	if (place->standing != STRADS_HERE)
		return false;
	if (!place->wanted)
		strads_cache_pin(&columns->cache, number);
	place->wanted = false;
	columns->stats.held++;
	columns->stats.hits += !place->fresh;
	place->fresh = false;
	*column = (struct strads_column){.entries = place->entries,
					 .row = strads_columns_rows(columns, place),
					 .value = strads_columns_values(columns, place)};
	return true;
}

/* Of a job of one rank: where the column is. */
static int
give_own(struct strads_columns *columns, strads_key key, struct strads_column *column)
{
	const struct strads_csc *x = &columns->x;

	columns->stats.held++;
	columns->stats.hits++;
	*column = (struct strads_column){.entries = (uint32_t)strads_csc_entries(x, key),
					 .row = x->row + x->start[key],
					 .value = x->value + x->start[key]};
	return STRADS_OK;
}

/* Gives the column, or does what can be done to have it later. */
static int
hold(struct strads_columns *columns, strads_key key, struct strads_column *column)
{
	int status;

	if (give(columns, key, column))
		return STRADS_OK;
	status = fetch_column(columns, key);
	if (status < 0)
		return status;
	/* Also if this one has to wait: for the others. */
	if (columns->fetches && strads_columns_read_step(columns) != STRADS_OK)
		return columns->failed;
	if (give(columns, key, column))
		return STRADS_OK;
	return status == STRADS_OK ? STRADS_AGAIN : status;
}

int
strads_columns_hold(struct strads_columns *columns, strads_key key, struct strads_column *column,
		    bool *moved)
{
	uint64_t moves = columns->moves;
	int status;

	if (key >= columns->x.cols)
		return strads_fail(STRADS_ERR_ARGUMENT, "column %llu of %llu is asked for",
				   (unsigned long long)key, (unsigned long long)columns->x.cols);
	if (columns->failed)
		return strads_fail(columns->failed, "columns: reading one failed before");
	status = columns->ranks == 1 ? give_own(columns, key, column) : hold(columns, key, column);
	if (status == STRADS_OK || columns->moves != moves)
		*moved = true;
	return status;
}

void
strads_columns_release(struct strads_columns *columns, strads_key key)
{
	if (columns->ranks > 1)
		strads_cache_unpin(&columns->cache, strads_cache_find(&columns->cache, key));
}

void
strads_columns_forget(struct strads_columns *columns, strads_key key)
{
	uint32_t number;
	struct strads_place *place;

	if (columns->ranks == 1)
		return;
	number = strads_cache_find(&columns->cache, key);
	if (number == STRADS_CACHE_NONE)
		return;
	place = &columns->cache.place[number];
	if (place->standing == STRADS_HERE && place->wanted)
		strads_cache_unpin(&columns->cache, number);
	place->wanted = false;
}

void
strads_columns_stats(const struct strads_columns *columns, struct strads_columns_stats *stats)
{
	*stats = columns->stats;
	stats->evicted = columns->cache.evicted;
}
