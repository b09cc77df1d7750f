/*
 * A matrix whose rows are split among the ranks, whole on every rank: what products of two columns
 * are computed from. It is small where they are many.
 */
#ifndef STRADS_PAIRS_BASE_H
#define STRADS_PAIRS_BASE_H

#include "../data/dataset.h"

struct strads_pairs_base {
	struct strads_csc x; /* all rows × all columns */
	double *y;           /* [x.rows] */
	bool borrowed;       /* the arrays of x are the data set's */
};

/* Reads what the other ranks have, one-sidedly. `train` is readable by peers unless there is one
 * rank, whose matrix is borrowed then. Collective. Returns STRADS_OK, ERR_ARGUMENT (peers cannot
 * read it), ERR_INPUT (2^32 rows or more), ERR_MEMORY, or as strads_get and strads_job_agree. The
 * caller frees. Thread: owner. */
STRADS_MUST_CHECK int strads_pairs_base_new(struct strads_fabric *fabric,
					    const struct strads_dataset *train,
					    struct strads_pairs_base *base);
void strads_pairs_base_free(struct strads_pairs_base *base);

/* Bytes of `x`. */
size_t strads_pairs_base_bytes(const struct strads_csc *x);

#endif
