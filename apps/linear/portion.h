/*
 * A rank's portion of the whole columns: variables j ≡ rank mod P, the rows of all ranks together.
 *
 * The data are split by rows; a pass over all columns split so would cost every rank the overhead
 * of every column and end in as many partial results as there are columns. With whole columns each
 * rank looks at its own, against a residual that all ranks have, and there is nothing to add up.
 *
 * The columns lie in the order of a bound on their gradients, so that those that cannot matter are
 * the rear of the portion, and alike in length, as three quarters of a text's columns have one or
 * two entries.
 */
#ifndef STRADS_LINEAR_PORTION_H
#define STRADS_LINEAR_PORTION_H

#include "../data/dataset.h"
#include "columns.h"
#include "strads/packed.h"
#include "strads/program.h"

/* Positions 0 … count − 1 are this rank's columns. */
struct strads_linear_portion {
	int rank;
	int ranks;
	uint64_t *first_row; /* [ranks + 1] of the rows that each rank has */
	uint64_t count;
	struct strads_packed x; /* x_j·s_j at each position, once arranged */
	uint32_t *local;        /* [count] the column at a position: key = local·ranks + rank */
	uint32_t *position;     /* [count] where a column lies */
	float *bound;           /* [count] by position, nearly descending: of each group of
				 * neighbours within an eighth of a power of 2 */
	double *shift;          /* [count] μ_j·s_j by position; NULL unless centred */
	double *beta;           /* [count] coefficients by position */
	/* What the columns are made of, until they are arranged; and scratch for that. */
	uint32_t *head;
	struct strads_region *landed;
	size_t landed_bytes;
	struct strads_csc *part; /* [ranks] this rank's columns over each rank's rows */
};

/* Reads this rank's columns from the ranks that have their rows, one-sidedly. Collective. Returns
 * STRADS_OK, ERR_MEMORY, or as strads_job_gather, strads_fabric_wire and strads_get; in any case
 * strads_linear_portion_close afterwards. Thread: owner. */
STRADS_MUST_CHECK int strads_linear_portion_open(struct strads_fabric *fabric,
						 const struct strads_dataset *dataset, bool centred,
						 struct strads_linear_portion *portion);
void strads_linear_portion_close(struct strads_linear_portion *portion);

/* Bytes that it takes at most: packed, and what it is made of until then. */
size_t strads_linear_portion_bytes(const struct strads_linear_portion *portion);

/* Puts the columns in order, when their statistics are known: the same on all ranks. */
void strads_linear_portion_arrange(struct strads_linear_portion *portion,
				   const struct strads_linear_columns *columns);

static inline strads_key
strads_linear_portion_key(const struct strads_linear_portion *portion, uint64_t position)
{
	return (strads_key)portion->local[position] * (uint64_t)portion->ranks +
	       (uint64_t)portion->rank;
}

/* Whether this rank has the column, and where. A portion that was not opened has none. */
static inline bool
strads_linear_portion_find(const struct strads_linear_portion *portion, strads_key key,
			   uint64_t *position)
{
	if (portion->count == 0 || key % (uint64_t)portion->ranks != (uint64_t)portion->rank)
		return false;
	*position = portion->position[key / (uint64_t)portion->ranks];
	return true;
}

/* Columns of a rank: the keys ≡ rank mod ranks below cols. */
static inline uint64_t
strads_linear_portion_count(uint64_t cols, int rank, int ranks)
{
	uint64_t p = (uint64_t)ranks, r = (uint64_t)rank;

	return cols > r ? (cols - r - 1) / p + 1 : 0;
}

/* Block `index` of a set over all portions: a range of at most `range` positions of a rank's
 * portion, which that rank reduces; and of a set over all rows: a range of a rank's rows. All but
 * kind and arg. `cols`: of all portions together. Thread: any. */
void strads_linear_portion_draft_columns(const struct strads_linear_portion *portion, uint64_t cols,
					 uint64_t range, uint32_t index,
					 struct strads_block_draft *draft);
void strads_linear_portion_draft_rows(const struct strads_linear_portion *portion, uint64_t range,
				      uint32_t index, struct strads_block_draft *draft);

/* Columns before this position may have |x̃_jᵀr| > λ where no |r_i − r̄| exceeds `most`; those from
 * it on do not. */
uint64_t strads_linear_portion_reach(const struct strads_linear_portion *portion, double most,
				     double lambda);

#endif
