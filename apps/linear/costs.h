/*
 * What the ranks have spent and sent, as numbers that are summed over them.
 */
#ifndef STRADS_LINEAR_COSTS_H
#define STRADS_LINEAR_COSTS_H

#include "linear.h"

enum strads_linear_cost {
	STRADS_LINEAR_BYTES,                                   /* by kind of operation */
	STRADS_LINEAR_BUSY = STRADS_LINEAR_BYTES + STRADS_OPS, /* seconds by stage */
	STRADS_LINEAR_STALL = STRADS_LINEAR_BUSY + STRADS_STAGES,
	STRADS_LINEAR_COSTS = STRADS_LINEAR_STALL + STRADS_STAGES,
};

/* This rank's, so far: cost [STRADS_LINEAR_COSTS]. Thread: owner. */
void strads_linear_costs_read(const struct strads_fabric *fabric,
			      const struct strads_engine *engine, double *cost);

/* The sum over the ranks, into what is reported. Thread: any. */
void strads_linear_costs_tell(const double *cost, struct strads_linear_progress *progress);

#endif
