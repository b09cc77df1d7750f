/*
 * The variables with the largest gradients, as many as there is room for.
 */
#ifndef STRADS_CANDIDATES_H
#define STRADS_CANDIDATES_H

#include "strads/program.h"

#ifdef __cplusplus
extern "C" {
#endif

struct strads_candidate {
	strads_key key;
	float gradient; /* |g_j| */
};

/* Once `room` are held, a heap with the least at the front. */
struct strads_candidates {
	struct strads_candidate *entry; /* [max] */
	uint64_t max;
	uint64_t room; /* at most max */
	uint64_t count;
};

/* Empties it and makes room for `room` (cut to max). Thread: any. */
void strads_candidates_clear(struct strads_candidates *candidates, uint64_t room);

/* Takes a candidate unless `room` greater ones are there already. Of equal gradients the lower key
 * counts as greater, so that what is held does not depend on the order of arrival. Thread: any. */
void strads_candidates_add(struct strads_candidates *candidates, strads_key key, float gradient);

/* Keeps the greatest `count`, in no particular order. Thread: any. */
void strads_candidates_keep(struct strads_candidates *candidates, uint64_t count);

#ifdef __cplusplus
}
#endif

#endif
