/*
 * Statistics of all columns of a matrix whose rows are split among the ranks, the same on every
 * rank; and the primitives of the sets that find them.
 *
 * Columns are standardised implicitly: x̃_j = (x_j − μ_j)·s_j with the raw, sparse x_j kept.
 */
#ifndef STRADS_LINEAR_COLUMNS_H
#define STRADS_LINEAR_COLUMNS_H

#include "linear.h"
#include "strads/csc.h"
#include "strads/program.h"

/* The arg of a block: what is found. */
enum strads_linear_phase { STRADS_LINEAR_MEANS, STRADS_LINEAR_SCALES };

struct strads_linear_columns {
	const struct strads_csc *x; /* own rows */
	uint32_t absent;            /* own rows that are held out: they have no values */
	uint64_t rows_total;
	enum strads_standardize standardize;
	bool centred;
	double *mean;  /* [cols] μ_j; NULL unless centred */
	double *scale; /* [cols] s_j; 0 for a constant (if centred) or empty column */
	float *bound;  /* [cols] |x̃_jᵀr| ≤ bound_j·max|r − r̄| */
	float *norm;   /* [cols] ‖x̃_j‖, rounded up; NULL: not asked for */
};

/* Sets that find the statistics: 1 or 2. */
static inline uint64_t
strads_linear_columns_sets(const struct strads_linear_columns *columns)
{
	return columns->centred ? 2 : 1;
}

/* The draft of block `index` of set `set`, of ranges of `range_max` columns; all but the kind. */
void strads_linear_columns_draft(const struct strads_linear_columns *columns, uint64_t set,
				 uint32_t index, uint32_t range_max,
				 struct strads_block_draft *draft);

/* The primitives, as in strads/program.h. */
size_t strads_linear_columns_elems(const struct strads_block *block);
size_t strads_linear_columns_commit_max(const struct strads_linear_columns *columns,
					uint32_t variables);
void strads_linear_columns_push(const struct strads_linear_columns *columns,
				const struct strads_block *block, double *partial);
size_t strads_linear_columns_pull(const struct strads_linear_columns *columns,
				  const struct strads_block *block, const double *sum,
				  void *commit);
int strads_linear_columns_sync(struct strads_linear_columns *columns,
			       const struct strads_block *block, const void *commit, size_t bytes);

#endif
