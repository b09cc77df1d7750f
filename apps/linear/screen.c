#include "screen.h"

#include <math.h>

void
strads_linear_screen_open(struct strads_linear_screen *screen, const struct strads_table *table)
{
	screen->all = true;
	screen->reach = INFINITY;
	screen->count = table->keys;
	for (int rank = 0; rank <= table->ranks; rank++)
		screen->first[rank] = strads_table_first(table, rank);
}

void
strads_linear_screen_build(struct strads_linear_screen *screen, const struct strads_table *table,
			   const float *bound, double lambda, double reach)
{
	uint64_t count = 0;

	for (int rank = 0; rank < table->ranks; rank++) {
		strads_key end = strads_table_first(table, rank + 1);

		screen->first[rank] = count;
		for (strads_key key = strads_table_first(table, rank); key < end; key++) {
			/* Without a branch: which columns stay is as good as random. */
			screen->key[count] = (uint32_t)key;
			count += (double)bound[key] * reach > lambda;
		}
	}
	screen->first[table->ranks] = count;
	screen->count = count;
	screen->reach = reach;
	screen->all = false;
}

/* Ranges that cover `positions`. */
static uint64_t
ranges(uint64_t positions, uint32_t range_max)
{
	return positions / range_max + (positions % range_max != 0);
}

/* Range `index` of positions begin … end − 1. */
static void
range_set(struct strads_linear_range *range, uint64_t begin, uint64_t end, uint32_t range_max,
	  uint64_t index)
{
	uint64_t left;

	range->first = begin + index * range_max;
	left = end - range->first;
	range->n = left < range_max ? (uint32_t)left : range_max;
	range->last = left <= range_max;
}

bool
strads_linear_screen_range(const struct strads_linear_screen *screen,
			   const struct strads_table *table, bool cut, uint32_t range_max,
			   uint64_t range_index, struct strads_linear_range *range)
{
	if (!cut) {
		if (range_index >= ranges(screen->count, range_max))
			return false;
		range->owner = -1;
		range_set(range, 0, screen->count, range_max, range_index);
		return true;
	}
	for (int rank = 0; rank < table->ranks; rank++) {
		uint64_t begin = screen->first[rank], end = screen->first[rank + 1];
		uint64_t here = ranges(end - begin, range_max);

		if (range_index < here) {
			range->owner = rank;
			range_set(range, begin, end, range_max, range_index);
			range->last = range->last && end == screen->count;
			return true;
		}
		range_index -= here;
	}
	return false;
}
