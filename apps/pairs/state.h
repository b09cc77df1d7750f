/*
 * What one rank holds while it fits a Lasso over products, and how the files of this folder share
 * it.
 */
#ifndef STRADS_PAIRS_STATE_H
#define STRADS_PAIRS_STATE_H

#include "pairs.h"

#include "base.h"
#include "search.h"

/* The response, the same on every rank. */
struct strads_pairs_response {
	double mean;   /* ȳ */
	double offset; /* taken off y before fitting: ȳ with an intercept, else 0 */
	double square; /* Σ(y − ȳ)² */
};

/* The products that are not 0, the same on every rank. */
struct strads_pairs_model {
	uint64_t count;
	strads_key *key; /* [count] ascending */
	double *value;   /* [count] on the original scale */
	double intercept;
	double l1; /* Σ|β_ab| of the standardised columns */
};

struct strads_pairs {
	struct strads_lasso_options options;
	struct strads_fabric *fabric;
	struct strads_job *job;
	const struct strads_dataset *train;
	const struct strads_dataset *test; /* or NULL */
	const volatile int *stop;          /* or NULL */
	uint64_t start_ns;

	struct strads_pairs_base base;
	struct strads_products products;
	struct strads_pairs_search search;
	struct strads_working_set *chosen;
	struct strads_pairs_response response;
	struct strads_pairs_model model;
	double *r;       /* [rows of the base] y − Xβ − b */
	uint32_t *row;   /* [rows of the base] scratch for one product … */
	double *value;   /* … of any rank's rows */
	double test_sse; /* over own rows */

	double lambda;
	double inner_tol; /* relative gap of the problem restricted to what was found */
	/* Of all fits and searches so far. */
	uint64_t sets, updates;
	double stage_seconds[STRADS_STAGES], stage_stall_seconds[STRADS_STAGES];
	struct strads_linear_checked checked;
	struct strads_linear_progress inner; /* the last of the present fit */
};

/* ---- found.c ------------------------------------------------------------------------------ */

/* Fits the products in `chosen` and makes the result the model, and r and test_sse what it leaves.
 * Collective. Returns as strads_lasso_fit. */
STRADS_MUST_CHECK int strads_pairs_found_fit(struct strads_pairs *pairs,
					     enum strads_linear_outcome *outcome);

/* r and test_sse of the model. Returns STRADS_OK or ERR_MEMORY. */
STRADS_MUST_CHECK int strads_pairs_residual(struct strads_pairs *pairs);

#endif
