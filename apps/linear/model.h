/*
 * A fitted model, and how it is collected from the ranks that own its parts.
 */
#ifndef STRADS_LINEAR_MODEL_H
#define STRADS_LINEAR_MODEL_H

#include "columns.h"
#include "strads/table.h"

/* On rank 0 only (elsewhere count 0): nonzero coefficients on the original scale, ascending by
 * index. */
struct strads_linear_model {
	uint64_t count;
	uint64_t cols;
	uint64_t base;   /* if not 0, index a·base + b is the product of columns a and b */
	uint64_t *index; /* [count], from 0 */
	double *value;   /* [count] */
	double intercept;
};

/* Collects on rank 0 the coefficients β that the ranks have of the standardised columns, each in
 * its `shard` (double [own keys of the table]), by gets: β_j·s_j, and the intercept
 * `offset` − Σ β_j·s_j·μ_j. Collective. Returns STRADS_OK, ERR_MEMORY, or as strads_get and
 * strads_job_agree; the caller frees with strads_linear_model_free. Thread: owner. */
STRADS_MUST_CHECK int strads_linear_model_gather(struct strads_fabric *fabric,
						 const struct strads_region *shard,
						 const struct strads_table *table,
						 const struct strads_linear_columns *columns,
						 double offset, struct strads_linear_model *model);
void strads_linear_model_free(struct strads_linear_model *model);

#endif
