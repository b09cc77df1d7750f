/*
 * Which columns need no look because the dual point has not moved far enough since the last one:
 * |x̃_jᵀθ'| ≤ |x̃_jᵀθ| + ‖x̃_j‖·‖θ' − θ‖. What is left out is known to be below the limit, so that
 * nothing is lost; the nearer a fit is to its end, or the next λ of a path to the one before, the
 * less there is to look at.
 */
#ifndef STRADS_LINEAR_DRIFT_H
#define STRADS_LINEAR_DRIFT_H

#include "need.h"
#include "portion.h"

struct strads_linear_drift {
	double travelled; /* Σ‖θ_t − θ_{t−1}‖ over all evaluations so far */
	float *norm;      /* [portion count] ‖x̃_j‖ by position, rounded up */
	float *since;     /* [portion count] no more than what had been travelled at the last look,
			   * less |x̃_jᵀθ|/‖x̃_j‖ then; −infinity: never looked at */
};

/* Allocates for `count` columns; failure is need->status. Thread: any. */
void strads_linear_drift_take(struct strads_linear_drift *drift, uint64_t count,
			      struct strads_linear_need *need);
void strads_linear_drift_give(struct strads_linear_drift *drift);

/* No column has been looked at. The portion is arranged, the columns have norms. Thread: any. */
void strads_linear_drift_start(struct strads_linear_drift *drift,
			       const struct strads_linear_portion *portion,
			       const struct strads_linear_columns *columns);

/* Whether |x̃_jᵀθ| < limit for sure, of the column at a position. Thread: any. */
static inline bool
strads_linear_drift_below(const struct strads_linear_drift *drift, uint64_t position, double limit)
{
	return (drift->travelled - (double)drift->since[position]) * (double)drift->norm[position] <
	       limit;
}

/* The column at a position has been looked at: |x̃_jᵀθ| = gradient. Thread: any. */
void strads_linear_drift_note(struct strads_linear_drift *drift, uint64_t position,
			      double gradient);

#endif
