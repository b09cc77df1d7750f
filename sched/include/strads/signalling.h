/*
 * The signalling scheduler: a variable that changed signals those it interacts with, and those that
 * were signalled most come next.
 */
#ifndef STRADS_SIGNALLING_H
#define STRADS_SIGNALLING_H

#include "strads/graph.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The dynamic schedule of GraphLab (Low et al., UAI 2010), with the residual as the priority: by
 * how much the gradients of a variable may have changed since its last update, Σ |x̃_jᵀx̃_k|·|Δβ_j|
 * over the changes of others. At first all are queued; when the queue has run empty, all are queued
 * anew, so that none is forgotten for a signal too weak to be a number.
 *
 * Of S schedulers each has the variables k with k mod S = its own number. What is drawn is in
 * flight until its change is noted, and is not drawn again before. Deterministic: the same calls in
 * the same order give the same draws on every machine. */
struct strads_signalling;

struct strads_signalling_options {
	const struct strads_graph *graph; /* borrowed; says who has which variables */
	const double *scale; /* [variables] s_j of x̃_j = s_j·x_j, borrowed; NULL: 1 */
	uint64_t seed;       /* for the order of equals */
	bool joint; /* the members of a block were updated in sight of each other: they do not
		     * signal one another */
};

/* Returns STRADS_OK or ERR_MEMORY. Thread: any. */
STRADS_MUST_CHECK int strads_signalling_new(const struct strads_signalling_options *options,
					    struct strads_signalling **signalling);
void strads_signalling_delete(struct strads_signalling **signalling);

/* Takes up to n variables off the queue, into keys [n]; returns how many: fewer only if the others
 * of this scheduler are in flight or were not signalled. Thread: owner. */
uint32_t strads_signalling_draw(struct strads_signalling *signalling, uint32_t n, strads_key *keys);

/* The n variables of a block, whichever scheduler's, were updated and changed by change [n]: own
 * ones are no longer in flight, and their neighbours are signalled. A change that is not finite
 * counts as none. Thread: owner. */
void strads_signalling_note(struct strads_signalling *signalling, const strads_key *keys,
			    const double *change, uint32_t n);

/* Bytes it has, beside the graph. */
size_t strads_signalling_bytes(const struct strads_signalling_options *options);

#ifdef __cplusplus
}
#endif

#endif
