/*
 * What an evaluation says of a range of columns: the largest gradient, the penalty, which variables
 * have a coefficient, and the worst violators among the others.
 */
#ifndef STRADS_LINEAR_GRADIENTS_H
#define STRADS_LINEAR_GRADIENTS_H

#include <math.h>

#include "strads/working_set.h"

/* The commit: this, then an entry for each of the support and of the violators. */
struct strads_linear_range_sums {
	double gradient_max;
	double l1;
	double ridge;
	uint32_t support;
	uint32_t violators;
};

struct strads_linear_range_entry {
	uint32_t key;
	float gradient;
};

/* A commit being written. */
struct strads_linear_gradients {
	struct strads_linear_range_sums *sums;
	struct strads_linear_range_entry *entry;
	struct strads_candidates *violators; /* scratch of a range; NULL: they do not matter */
	double least;                        /* a violator's gradient is above this */
};

/* Over all ranges. */
struct strads_linear_tally {
	double gradient_max;
	double l1;    /* ‖β‖₁ */
	double ridge; /* of an elastic net, else 0 */
	uint64_t nonzeros;
};

/* Bytes of the commit of a range of `variables`. Thread: any. */
size_t strads_linear_gradients_max(uint32_t variables);

/* Begins a commit for the working set `list` (NULL: none is kept), whose candidates have gradients
 * above `least`. `scratch` has room for a range. Thread: any. */
struct strads_linear_gradients strads_linear_gradients_begin(void *commit,
							     const struct strads_working_set *list,
							     struct strads_candidates *scratch,
							     double least);

/* Adds a variable: |g_j|, β_j and its part of the ridge. Thread: any. */
static inline void
strads_linear_gradients_add(struct strads_linear_gradients *gradients, strads_key key,
			    double gradient, double beta, double ridge)
{
	struct strads_linear_range_sums *sums = gradients->sums;

	sums->gradient_max = gradient > sums->gradient_max ? gradient : sums->gradient_max;
	sums->l1 += fabs(beta);
	sums->ridge += ridge;
	if (beta != 0)
		gradients->entry[sums->support++] =
		    (struct strads_linear_range_entry){(uint32_t)key, (float)gradient};
	else if (gradients->violators && gradient > gradients->least)
		strads_candidates_add(gradients->violators, key, (float)gradient);
}

/* Puts the violators behind the support; returns the bytes of the commit. Thread: any. */
size_t strads_linear_gradients_end(struct strads_linear_gradients *gradients);

/* Makes a commit part of the tally and, unless NULL, of the working set. `cols`: variables there
 * are. Returns STRADS_OK or ERR_PROTOCOL. Thread: any. */
STRADS_MUST_CHECK int strads_linear_gradients_sync(const struct strads_block *block,
						   const void *commit, size_t bytes, uint64_t cols,
						   struct strads_linear_tally *tally,
						   struct strads_working_set *list);

#endif
