/*
 * The working-set scheduler: the variables that are not 0 and the worst violators of optimality,
 * in blocks that keep their members until the set is chosen anew; or of these only a part, those
 * that a pass found furthest from optimal.
 */
#ifndef STRADS_WORKING_SET_H
#define STRADS_WORKING_SET_H

#include "strads/candidates.h"

#ifdef __cplusplus
extern "C" {
#endif

/* An evaluation of all variables tells which have a coefficient (support) and which gradients
 * violate optimality; between evaluations only those that were chosen are scheduled. As in Massias,
 * Gramfort, Salmon: "Celer: a fast solver for the Lasso with dual extrapolation", ICML 2018, the
 * set grows to a multiple of the support. All ranks that are told the same choose the same. */
struct strads_working_set {
	uint64_t max;    /* most variables in it */
	uint64_t growth; /* most variables for each of the support; 2 unless set otherwise */
	struct strads_candidates support;   /* of the evaluation under way, or the last */
	struct strads_candidates violators; /* likewise; its room is all that can be chosen */
	strads_key *list;                   /* [max] the variables chosen … */
	uint64_t count;                     /* … and how many */
	strads_key *part;                   /* [max] those marked, in the order of the marks … */
	uint64_t marked;                    /* … and how many */
	bool narrow;                        /* these alone are drawn */
	uint32_t *permutation;              /* [max] scratch */
};

/* A set of at most `max` variables, 1 … 2^32 − 1, empty. Returns STRADS_OK, ERR_ARGUMENT or
 * ERR_MEMORY. Thread: any. */
STRADS_MUST_CHECK int strads_working_set_new(uint64_t max, struct strads_working_set **set);
void strads_working_set_delete(struct strads_working_set **set);

/* Bytes that such a set takes. Thread: any. */
size_t strads_working_set_bytes(uint64_t max);

/* An evaluation begins: nothing is known. What was chosen stays. Thread: any. */
void strads_working_set_clear(struct strads_working_set *set);

/* A variable with a coefficient, and one without: |g_j|. Thread: any. */
void strads_working_set_support(struct strads_working_set *set, strads_key key, float gradient);
void strads_working_set_violator(struct strads_working_set *set, strads_key key, float gradient);

/* Chooses: the support and growth − 1 times as many of the worst violators, but at least 300,
 * shuffled, as neighbours in a file are often correlated. Thread: any. */
void strads_working_set_choose(struct strads_working_set *set, uint64_t seed);

/* Marks a member, which is not marked yet. Thread: any. */
void strads_working_set_mark(struct strads_working_set *set, strads_key key);

/* From now on only the members that are marked are drawn. Thread: any. */
void strads_working_set_narrow(struct strads_working_set *set);

/* All members are drawn again, and none is marked; so it is also after a choice. Thread: any. */
void strads_working_set_widen(struct strads_working_set *set);

/* How many variables there are to be drawn. Thread: any. */
static inline uint64_t
strads_working_set_size(const struct strads_working_set *set)
{
	return set->narrow ? set->marked : set->count;
}

/* Block `draw` mod the number of blocks of at most `n` variables that they make: into keys [n].
 * Returns how many. Thread: any. */
uint32_t strads_working_set_draw(const struct strads_working_set *set, uint32_t n, uint64_t draw,
				 strads_key *keys);

#ifdef __cplusplus
}
#endif

#endif
