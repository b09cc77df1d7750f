/*
 * All columns in ranges, for passes over the rows of each rank.
 */
#ifndef STRADS_LINEAR_RANGE_H
#define STRADS_LINEAR_RANGE_H

#include <stdbool.h>
#include <stdint.h>

#include "strads/table.h"

struct strads_linear_range {
	strads_key first;
	uint32_t n;
	int owner; /* of all keys in it; −1 unless `cut` */
	bool last;
};

/* Range `index` of at most `range_max` keys; none crosses owners if `cut`. Returns false beyond the
 * last. Thread: any. */
bool strads_linear_range_find(const struct strads_table *table, bool cut, uint32_t range_max,
			      uint64_t index, struct strads_linear_range *range);

#endif
