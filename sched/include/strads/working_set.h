/*
 * The working-set scheduler: the variables that are not 0 and the worst violators of optimality,
 * in blocks that keep their members until the set is chosen anew.
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
 * set about doubles the support. All ranks that are told the same choose the same. */
struct strads_working_set {
	uint64_t max;                       /* most variables in it */
	struct strads_candidates support;   /* of the evaluation under way, or the last */
	struct strads_candidates violators; /* likewise; its room is all that can be chosen */
	strads_key *list;                   /* [max] the variables chosen … */
	uint64_t count;                     /* … and how many */
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

/* Chooses: the support and as many of the worst violators, but at least 300, shuffled, as
 * neighbours in a file are often correlated. Thread: any. */
void strads_working_set_choose(struct strads_working_set *set, uint64_t seed);

/* Block `draw` mod the number of blocks of at most `n` variables that it makes: into keys [n].
 * Returns how many. Thread: any. */
uint32_t strads_working_set_draw(const struct strads_working_set *set, uint32_t n, uint64_t draw,
				 strads_key *keys);

#ifdef __cplusplus
}
#endif

#endif
