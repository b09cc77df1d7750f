/*
 * Small logistic regressions, and a serial solver of its own to compare with.
 */
#ifndef STRADS_TEST_LOGISTIC_PROBLEM_H
#define STRADS_TEST_LOGISTIC_PROBLEM_H

#include "lasso_job.h"

/* The columns of lasso_problem_new, labels ±1 by chance, more likely what a few of them say. The
 * caller frees with lasso_problem_free. */
struct lasso_problem logistic_problem_new(uint32_t rows, uint32_t cols, double density,
					  double correlation, uint64_t seed);

/* Options of a fit to 1e-10 of λ_max/10 with small sets. */
struct strads_logistic_options logistic_defaults(void);

/* Coordinate descent on the bound of each coordinate's curvature, ‖x_j‖²/4, over columns
 * standardised explicitly, until nothing moves. `lambda` NaN: `ratio` of λ_max. The caller frees
 * beta. */
struct lasso_solution logistic_problem_solve(const struct lasso_problem *problem,
					     enum strads_standardize standardize, bool intercept,
					     double lambda, double ratio);

/* The margin of row i. */
double logistic_problem_margin(const struct lasso_problem *problem, const double *beta,
			       double constant, size_t i);

/* By how much, relative to λ, the coefficients violate |x̃_jᵀr| ≤ λ (equal, with the sign of β_j,
 * where β_j ≠ 0), and an intercept Σr = 0. */
double logistic_problem_violation(const struct lasso_problem *problem,
				  enum strads_standardize standardize, bool intercept,
				  double lambda, const double *beta, double constant);

#endif
