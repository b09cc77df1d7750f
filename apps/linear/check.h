/*
 * What is checked before any linear model is fitted. All return STRADS_OK or ERR_INPUT, saying what
 * was given and what to give.
 */
#ifndef STRADS_LINEAR_CHECK_H
#define STRADS_LINEAR_CHECK_H

#include "../data/dataset.h"

/* λ, or, where that is NaN, its ratio to the smallest λ without nonzeros. */
STRADS_MUST_CHECK int strads_linear_check_lambda(double lambda, double ratio);

/* The relative gap to reach and the seconds to reach it in (0: no limit). */
STRADS_MUST_CHECK int strads_linear_check_stop(double tol, double time_limit_s);

/* Variables in a set, and passes over them. */
STRADS_MUST_CHECK int strads_linear_check_sets(uint32_t set_size, uint32_t passes);

/* Not empty, not too wide, as wide as `test`, which may be NULL. */
STRADS_MUST_CHECK int strads_linear_check_data(const struct strads_dataset *train,
					       const struct strads_dataset *test);

#endif
