#include "range.h"

/* Ranges that cover so many keys. */
static uint64_t
ranges(uint64_t keys, uint32_t range_max)
{
	return keys / range_max + (keys % range_max != 0);
}

/* Range `index` of the keys begin … end − 1. */
static void
range_set(struct strads_linear_range *range, strads_key begin, strads_key end, uint32_t range_max,
	  uint64_t index)
{
	uint64_t left;

	range->first = begin + index * range_max;
	left = end - range->first;
	range->n = left < range_max ? (uint32_t)left : range_max;
	range->last = left <= range_max;
}

bool
strads_linear_range_find(const struct strads_table *table, bool cut, uint32_t range_max,
			 uint64_t index, struct strads_linear_range *range)
{
	if (!cut) {
		if (index >= ranges(table->keys, range_max))
			return false;
		range->owner = -1;
		range_set(range, 0, table->keys, range_max, index);
		return true;
	}
	for (int rank = 0; rank < table->ranks; rank++) {
		strads_key begin = strads_table_first(table, rank);
		strads_key end = strads_table_first(table, rank + 1);
		uint64_t here = ranges(end - begin, range_max);

		if (index < here) {
			range->owner = rank;
			range_set(range, begin, end, range_max, index);
			range->last = range->last && end == table->keys;
			return true;
		}
		index -= here;
	}
	return false;
}
