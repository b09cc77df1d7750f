/*
 * The columns an evaluation has to look at: those whose gradient may exceed λ while no residual is
 * larger than `reach`. The others are known to satisfy |x̃_jᵀr| ≤ λ without a look, so the duality
 * gap is the same.
 */
#ifndef STRADS_LINEAR_SCREEN_H
#define STRADS_LINEAR_SCREEN_H

#include <stdbool.h>
#include <stdint.h>

#include "strads/table.h"

struct strads_linear_screen {
	bool all;        /* every column: position = key */
	double reach;    /* valid while max |r − r̄| ≤ reach; infinite if all */
	uint64_t count;  /* positions */
	uint32_t *key;   /* [cols] keys by position, ascending, unless all */
	uint64_t *first; /* [ranks + 1] positions where the owners' keys begin */
};

/* Every column. */
void strads_linear_screen_open(struct strads_linear_screen *screen,
			       const struct strads_table *table);

/* The columns with bound_j·reach > λ. */
void strads_linear_screen_build(struct strads_linear_screen *screen,
				const struct strads_table *table, const float *bound, double lambda,
				double reach);

static inline strads_key
strads_linear_screen_key(const struct strads_linear_screen *screen, uint64_t position)
{
	return screen->all ? position : screen->key[position];
}

/* Ranges of at most `range_max` positions, range_index = 0, 1, …: none crosses owners if `cut`.
 * Returns false beyond the last; else the range, its owner (−1 unless cut) and whether another
 * follows. */
struct strads_linear_range {
	uint64_t first;
	uint32_t n;
	int owner;
	bool last;
};
bool strads_linear_screen_range(const struct strads_linear_screen *screen,
				const struct strads_table *table, bool cut, uint32_t range_max,
				uint64_t range_index, struct strads_linear_range *range);

#endif
