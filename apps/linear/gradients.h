/*
 * What an evaluation says of a range of columns: the largest gradient, ‖β‖₁, which variables have a
 * coefficient, and the worst violators among the others.
 */
#ifndef STRADS_LINEAR_GRADIENTS_H
#define STRADS_LINEAR_GRADIENTS_H

#include "screen.h"
#include "strads/working_set.h"

/* The commit of a range, under construction. */
struct strads_linear_gradients {
	void *commit;                        /* [strads_linear_gradients_max(n)] */
	struct strads_candidates *violators; /* scratch of a range; NULL: violators do not matter */
	float least;                         /* a violator's gradient is above this */
};

/* Over all ranges. */
struct strads_linear_tally {
	double gradient_max;
	double l1;
	uint64_t nonzeros;
};

/* Bytes of the commit of a range of `variables`. Thread: any. */
size_t strads_linear_gradients_max(uint32_t variables);

/* Begins the commit with room for `room` violators; adds position k of the range with its |g_k| and
 * β_k; ends it and returns its bytes. Thread: any. */
void strads_linear_gradients_begin(struct strads_linear_gradients *gradients, uint64_t room);
void strads_linear_gradients_add(struct strads_linear_gradients *gradients, uint32_t k,
				 double gradient, double beta);
size_t strads_linear_gradients_end(struct strads_linear_gradients *gradients);

/* Makes a commit part of the tally and, unless NULL, of the working set. Returns STRADS_OK or
 * ERR_PROTOCOL. Thread: any. */
STRADS_MUST_CHECK int strads_linear_gradients_sync(const struct strads_block *block,
						   const void *commit, size_t bytes,
						   const struct strads_linear_screen *screen,
						   struct strads_linear_tally *tally,
						   struct strads_working_set *working_set);

#endif
