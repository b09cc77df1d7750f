#include "columns_state.h"

#include <string.h>

/* Declared cost of checking or copying one entry, for the simulator's clock. */
#define ENTRY_COST_NS 1.0

static uint64_t
entries_of(const struct strads_range *range)
{
	return range->end - range->start;
}

/* Starts one read of a fetch. Returns STRADS_OK, AGAIN or a failure. */
static int
ask(struct strads_columns *columns, struct strads_fetch *fetch, uint64_t offset, void *into,
    size_t bytes)
{
	int status;

	if (columns->reads == columns->options.reads_max)
		return STRADS_AGAIN;
	status = strads_get(columns->fabric, fetch->rank, columns->region, offset, into, bytes,
			    &fetch->counter);
	if (status != STRADS_OK)
		return status;
	columns->reads++;
	columns->stats.messages++;
	columns->stats.bytes += bytes;
	return STRADS_OK;
}

/* Where the column starts and ends at fetch->rank: known of the own rank and of one that has no
 * entries, else to be read. */
static int
ask_range(struct strads_columns *columns, struct strads_fetch *fetch,
	  const struct strads_place *place)
{
	const struct strads_share *share = &columns->share[fetch->rank];
	struct strads_range *range = &fetch->range[fetch->rank];

	if (fetch->rank == columns->rank)
		*range = (struct strads_range){columns->x.start[place->key],
					       columns->x.start[place->key + 1]};
	else if (share->entries == 0)
		*range = (struct strads_range){0, 0};
	else
		return ask(columns, fetch, share->start + place->key * STRADS_COLUMNS_WORD, range,
			   sizeof *range);
	return STRADS_OK;
}

/* The rows or values of fetch->rank, to where they belong in the column. */
static int
ask_entries(struct strads_columns *columns, struct strads_fetch *fetch,
	    const struct strads_place *place)
{
	const struct strads_share *share = &columns->share[fetch->rank];
	const struct strads_range *range = &fetch->range[fetch->rank];
	bool rows = fetch->stage == STRADS_READ_ROWS;
	size_t size = rows ? sizeof(uint32_t) : sizeof(double);
	uint64_t count = entries_of(range);
	void *into = rows ? (void *)(strads_columns_rows(columns, place) + fetch->asked)
			  : (void *)(strads_columns_values(columns, place) + fetch->asked);
	int status = STRADS_OK;

	if (fetch->rank == columns->rank) {
		const void *own = rows ? (const void *)(columns->x.row + range->start)
				       : (const void *)(columns->x.value + range->start);

		memcpy(into, own, count * size);
	} else if (count) {
		status =
		    ask(columns, fetch, (rows ? share->row : share->value) + range->start * size,
			into, count * size);
	}
	if (status == STRADS_OK)
		fetch->asked += count;
	return status;
}

/* Asks the ranks that have not been asked at this stage: AGAIN if some have to wait. */
static int
ask_all(struct strads_columns *columns, struct strads_fetch *fetch,
	const struct strads_place *place)
{
	for (; fetch->rank < columns->ranks; fetch->rank++) {
		int status = fetch->stage == STRADS_READ_RANGES
				 ? ask_range(columns, fetch, place)
				 : ask_entries(columns, fetch, place);

		if (status != STRADS_OK)
			return status;
		columns->moves++;
	}
	return STRADS_OK;
}

/* STRADS_OK once all that was asked for has come. */
static int
arrived(const struct strads_fetch *fetch, const struct strads_place *place)
{
	if (fetch->counter.done != fetch->counter.posted)
		return STRADS_AGAIN;
	if (fetch->counter.status != STRADS_OK)
		return strads_fail(fetch->counter.status,
				   "cannot read column %llu from the ranks that have its rows",
				   (unsigned long long)place->key);
	return STRADS_OK;
}

static int
senseless(const struct strads_place *place, int rank, const char *what)
{
	return strads_fail(STRADS_ERR_PROTOCOL,
			   "column %llu of rank %d makes no sense: %s; the arrays must not change "
			   "while others read them",
			   (unsigned long long)place->key, rank, what);
}

/* Adds up the entries of the column, which must be as many as the ranks can have. */
static int
check_ranges(const struct strads_columns *columns, const struct strads_fetch *fetch,
	     struct strads_place *place)
{
	uint64_t entries = 0;

	for (int r = 0; r < columns->ranks; r++) {
		const struct strads_range *range = &fetch->range[r];

		if (range->start > range->end || range->end > columns->share[r].entries)
			return senseless(place, r, "it does not start and end among the entries");
		if (entries_of(range) > columns->share[r].rows)
			return senseless(place, r, "it has more entries than there are rows");
		entries += entries_of(range);
	}
	if (place->words && entries != place->entries)
		return senseless(place, columns->rank, "its number of entries changed");
	place->entries = (uint32_t)entries;
	return STRADS_OK;
}

/* Rows must be those of a rank and ascend; then they are counted among all. */
static int
check_rows(struct strads_columns *columns, const struct strads_fetch *fetch,
	   const struct strads_place *place)
{
	uint32_t *row = strads_columns_rows(columns, place);

	for (int r = 0; r < columns->ranks; r++) {
		const struct strads_share *share = &columns->share[r];
		uint64_t count = entries_of(&fetch->range[r]), least = 0;

		for (uint64_t i = 0; i < count; i++) {
			if (row[i] < least || row[i] >= share->rows)
				return senseless(place, r,
						 "its rows do not ascend, or end beyond "
						 "the last");
			least = row[i] + UINT64_C(1);
			row[i] += (uint32_t)share->first_row;
		}
		row += count;
	}
	strads_fabric_charge(columns->fabric, ENTRY_COST_NS * place->entries);
	return STRADS_OK;
}

static void
enter(struct strads_fetch *fetch, enum strads_read_stage stage)
{
	fetch->stage = stage;
	fetch->rank = 0;
	fetch->asked = 0;
}

/* Moves a fetch on: AGAIN while it is under way. After STRADS_OK its place is HERE, or SIZED if
 * there is no room. */
static int
fetch_step(struct strads_columns *columns, struct strads_fetch *fetch)
{
	struct strads_place *place = &columns->cache.place[fetch->number];
	int status;

	for (;;) {
		status = ask_all(columns, fetch, place);
		if (status == STRADS_OK && fetch->stage != STRADS_READ_ROWS)
			status = arrived(fetch, place);
		if (status != STRADS_OK)
			return status;
		switch (fetch->stage) {
		case STRADS_READ_RANGES:
			status = check_ranges(columns, fetch, place);
			if (status != STRADS_OK)
				return status;
			if (!place->words &&
			    !strads_cache_make_room(&columns->cache, fetch->number,
						    strads_columns_words(place->entries))) {
				place->standing = STRADS_SIZED;
				return STRADS_OK;
			}
			enter(fetch, STRADS_READ_ROWS);
			break;
		case STRADS_READ_ROWS:
			enter(fetch, STRADS_READ_VALUES);
			break;
		case STRADS_READ_VALUES:
			place->standing = STRADS_HERE;
			place->fresh = true;
			columns->stats.fetched++;
			return check_rows(columns, fetch, place);
		}
	}
}

int
strads_columns_read_step(struct strads_columns *columns)
{
	uint32_t i = 0;

	columns->reads = 0; /* counted anew: some have been done since */
	for (uint32_t k = 0; k < columns->fetches; k++) {
		const struct strads_counter *counter = &columns->current[k]->counter;

		columns->reads += (uint32_t)(counter->posted - counter->done);
	}
	while (i < columns->fetches) {
		struct strads_fetch *fetch = columns->current[i];
		const struct strads_place *place;
		int status = fetch_step(columns, fetch);

		if (status == STRADS_AGAIN) {
			i++;
			continue;
		}
		if (status != STRADS_OK)
			return columns->failed = status;
		columns->moves++;
		place = &columns->cache.place[fetch->number];
		if (place->standing != STRADS_HERE || !place->wanted)
			strads_cache_unpin(&columns->cache, fetch->number);
		memmove(columns->current + i, columns->current + i + 1,
			(--columns->fetches - i) * sizeof(struct strads_fetch *));
		columns->current[columns->fetches] = fetch;
	}
	return STRADS_OK;
}

void
strads_columns_read_start(struct strads_columns *columns, uint32_t number)
{
	struct strads_fetch *fetch = columns->current[columns->fetches++];

	columns->cache.place[number].wanted = true;
	fetch->number = number;
	fetch->counter = (struct strads_counter){0};
	enter(fetch, STRADS_READ_RANGES);
}
