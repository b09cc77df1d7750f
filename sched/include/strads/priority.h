/*
 * The priority scheduler: variables that moved most are drawn most often.
 */
#ifndef STRADS_PRIORITY_H
#define STRADS_PRIORITY_H

#include "strads/program.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Draws variables for sets with P(j) ∝ |Δ_j| + η, where Δ_j is the last change of variable j (Lee
 * et al., NIPS 2014, section 3), in O(log T) steps a draw, T the variables drawn so far. Those that
 * were never drawn have one mass together, so that memory follows T (about 60 bytes each) and not
 * the number of variables. What is drawn is in flight until its change is noted or it is released,
 * and is not drawn again before.
 *
 * Of S schedulers each has the variables j with j mod S = its own number, so that no two draw the
 * same one and none needs to know what the others do.
 *
 * Deterministic: the same calls in the same order give the same draws on every machine. */
struct strads_priority;

struct strads_priority_options {
	uint64_t variables; /* J ≥ 1: keys 0 … J − 1 */
	bool offered;       /* only those are drawn that strads_priority_offer was told of */
	int scheduler;      /* 0 … schedulers − 1 */
	int schedulers;     /* S ≥ 1 */
	uint64_t seed;
	double fresh; /* share of draws among variables never drawn, while there are any; 0 … 1 */
	double uniform; /* share of the others that are drawn uniformly instead of by |Δ_j|; 0 … 1,
			 * the η of P(j) is uniform / (1 − uniform) · mean |Δ| */
};

/* Returns STRADS_OK, ERR_ARGUMENT (an option out of range) or ERR_MEMORY. Thread: any. */
STRADS_MUST_CHECK int strads_priority_new(const struct strads_priority_options *options,
					  struct strads_priority **priority);
void strads_priority_delete(struct strads_priority **priority);

/* Variables that may be drawn from now on, as never updated if they are new; those of other
 * schedulers are passed over. Only with `offered`. Returns STRADS_OK or ERR_MEMORY. Thread: owner.
 */
STRADS_MUST_CHECK int strads_priority_offer(struct strads_priority *priority,
					    const strads_key *keys, uint64_t n);

/* Draws up to `n` distinct variables into keys [n]; *drawn is how many: fewer than n only when all
 * others of this scheduler are in flight. `draw` names the random numbers: another one for every
 * call. Returns STRADS_OK or ERR_MEMORY. Thread: owner. */
STRADS_MUST_CHECK int strads_priority_draw(struct strads_priority *priority, uint64_t draw,
					   uint32_t n, strads_key *keys, uint32_t *drawn);

/* Variable `key` was updated and changed by `change`: no longer in flight. Of a key that this
 * scheduler never drew, nothing is noted. A change that is not finite counts as none. */
void strads_priority_note(struct strads_priority *priority, strads_key key, double change);

/* Variable `key` was drawn and not scheduled: drawn no later than before. */
void strads_priority_release(struct strads_priority *priority, strads_key key);

/* Variables drawn or offered at least once, and bytes allocated. */
uint64_t strads_priority_touched(const struct strads_priority *priority);
size_t strads_priority_bytes(const struct strads_priority *priority);

/* Bytes once all variables of such a scheduler have been drawn. */
size_t strads_priority_most_bytes(const struct strads_priority_options *options);

#ifdef __cplusplus
}
#endif

#endif
