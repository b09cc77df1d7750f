/*
 * The variables with the largest gradients, as many as there is room for.
 */
#ifndef STRADS_LINEAR_CANDIDATES_H
#define STRADS_LINEAR_CANDIDATES_H

#include <stdint.h>

struct strads_linear_candidate {
	uint32_t key;
	float gradient; /* |x̃_jᵀr| */
};

/* Once `room` are held, a heap with the least at the front. */
struct strads_linear_candidates {
	struct strads_linear_candidate *entry; /* [max] */
	uint64_t max;
	uint64_t room; /* at most max */
	uint64_t count;
};

/* Empties it and makes room for `room` (cut to max). */
void strads_linear_candidates_clear(struct strads_linear_candidates *candidates, uint64_t room);

/* Takes a candidate unless `room` greater ones are there already. Of equal gradients the lower key
 * counts as greater, so that what is held does not depend on the order of arrival. */
void strads_linear_candidates_add(struct strads_linear_candidates *candidates, uint32_t key,
				  float gradient);

/* Keeps the greatest `count`, in no particular order. */
void strads_linear_candidates_keep(struct strads_linear_candidates *candidates, uint64_t count);

#endif
