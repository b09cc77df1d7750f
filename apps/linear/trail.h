/*
 * A path of λs while it is being fitted: which λ comes next, and what a rank has of the models.
 */
#ifndef STRADS_LINEAR_TRAIL_H
#define STRADS_LINEAR_TRAIL_H

#include "linear.h"
#include "need.h"
#include "path.h"

/* What a rank has of the models: its nonzeros on the original scale, one λ after the other, by
 * ascending key. */
struct strads_linear_share {
	uint64_t *count; /* [λs] of nonzeros */
	uint64_t entries;
	uint64_t room;
	struct strads_linear_entry *entry; /* [room] */
};

struct strads_linear_entry {
	strads_key key;
	double value;
};

struct strads_linear_trail {
	struct strads_linear_grid grid;
	struct strads_linear_path path; /* the points done with; of the models the intercepts */
	struct strads_linear_share share;
};

/* Whether λs can be those of a grid: returns STRADS_OK or ERR_INPUT. Thread: any. */
STRADS_MUST_CHECK int strads_linear_grid_check(const struct strads_linear_grid *grid);

/* A trail over the grid for data of that size. Failure is need->status. Thread: any. */
void strads_linear_trail_take(const struct strads_linear_grid *grid, uint64_t rows, uint64_t cols,
			      struct strads_linear_need *need, struct strads_linear_trail *trail);
void strads_linear_trail_give(struct strads_linear_trail *trail);

/* The first λ. Returns STRADS_OK, ERR_INPUT (λ_max is 0). Thread: any. */
STRADS_MUST_CHECK int strads_linear_trail_first(const struct strads_linear_trail *trail,
						double lambda_max, double *lambda);

/* The λ after the present one, or that if it is the last. Thread: any. */
double strads_linear_trail_ahead(const struct strads_linear_trail *trail, double lambda_max,
				 double lambda);

/* Adds a coefficient to this rank's part of the present model, by ascending key. Returns STRADS_OK,
 * ERR_MEMORY. Thread: any. */
STRADS_MUST_CHECK int strads_linear_trail_add(struct strads_linear_trail *trail, strads_key key,
					      double value);

/* The present λ is done with, as `progress` has it. Thread: any. */
void strads_linear_trail_keep(struct strads_linear_trail *trail,
			      const struct strads_linear_progress *progress, double intercept);

/* Goes on to the next λ; false if there is none, or smaller ones would hardly fit better. Thread:
 * any. */
bool strads_linear_trail_next(const struct strads_linear_trail *trail, double lambda_max,
			      double *lambda);

/* Whether, at the finish of an evaluation in set `set`, another, the last by the number of sets (0:
 * no limit), may have been scheduled already. Thread: any. */
static inline bool
strads_linear_trail_end_in_flight(uint64_t set, uint64_t max_sets, int depth)
{
	return set + 1 < max_sets && max_sets <= set + (uint64_t)depth;
}

/* Collects the models of all λs done with on rank 0, by gets, in *path; later ranks own later keys.
 * With means of columns, not NULL, an intercept loses Σ β_j·μ_j. Collective. Returns as
 * strads_linear_model_gather. Thread: owner. */
STRADS_MUST_CHECK int strads_linear_trail_gather(struct strads_fabric *fabric,
						 struct strads_linear_trail *trail, uint64_t cols,
						 const double *mean,
						 struct strads_linear_path *path);

#endif
