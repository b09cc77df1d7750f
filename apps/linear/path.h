/*
 * Models along a path of λs.
 */
#ifndef STRADS_LINEAR_PATH_H
#define STRADS_LINEAR_PATH_H

#include "linear.h"
#include "model.h"

/* The λs of a path. */
struct strads_linear_grid {
	uint64_t count; /* from λ_max down geometrically, each from the solution before, until the
			 * deviance is explained; 0: one λ, no path */
	double min_ratio; /* the last λ over λ_max; NaN: 0.01 with fewer rows than columns, else
			   * 1e-4 */
	const double *lambdas; /* [count] these instead, descending; all of them; or NULL */
};

/* One λ. All but the model is the same on all ranks. */
struct strads_linear_point {
	struct strads_linear_progress at; /* when it was done */
	double seconds;                   /* that it took */
	struct strads_linear_model model; /* on rank 0 */
};

/* By descending λ. */
struct strads_linear_path {
	uint64_t count;
	struct strads_linear_point *point; /* [count] */
};

void strads_linear_path_free(struct strads_linear_path *path);

#endif
