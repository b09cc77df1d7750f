/*
 * Small Lasso problems, and a serial solver of its own to compare with.
 */
#ifndef STRADS_TEST_LASSO_PROBLEM_H
#define STRADS_TEST_LASSO_PROBLEM_H

#include <stdbool.h>
#include <stdint.h>

#include "../../../apps/lasso/lasso.h"

/* Dense, by columns. */
struct lasso_problem {
	uint32_t rows;
	uint32_t cols;
	double *x; /* [cols][rows] */
	double *y; /* [rows] */
};

/* Random columns, each entry there with probability `density`, with means of up to 1; neighbouring
 * columns share the part `correlation` of their entries; y from a few of them and noise. Column 1
 * is constant, column 2 empty, column 4 equal to column 3, where there are as many. The caller
 * frees. */
struct lasso_problem lasso_problem_new(uint32_t rows, uint32_t cols, double density,
				       double correlation, uint64_t seed);
void lasso_problem_free(struct lasso_problem *problem);

/* Rows first … end − 1 of the problem as a rank's data set. The caller frees with
 * strads_dataset_free. Returns STRADS_OK or ERR_MEMORY. */
int lasso_problem_rows(const struct lasso_problem *problem, uint32_t first, uint32_t end,
		       struct strads_dataset *dataset);

/* The whole data set as a problem. The caller frees. */
struct lasso_problem lasso_problem_of(const struct strads_dataset *dataset);

/* The columns standardised explicitly, centred if there is an intercept or the standardisation asks
 * for it; and the response. */
struct lasso_explicit {
	double *x;      /* [cols][rows] */
	double *r;      /* [rows] y, less its mean with an intercept */
	double *mean;   /* [cols] taken off */
	double *factor; /* [cols] by which a column was multiplied then; 0: it does not vary */
	double *square; /* [cols] ‖x_j‖² of the result */
	double y_mean;  /* taken off */
};

/* The caller frees with lasso_explicit_free. */
struct lasso_explicit lasso_explicit_new(const struct lasso_problem *problem,
					 enum strads_standardize standardize, bool intercept);
void lasso_explicit_free(struct lasso_explicit *columns);

/* λ·Σ w_j(α|β_j| + ½(1 − α)β_j²). */
struct lasso_penalty {
	double l1_ratio;      /* α */
	const double *weight; /* [cols] or NULL: all 1 */
};

/* What a solver found, on the original scale, and what holds for it. */
struct lasso_solution {
	double *beta; /* [cols] */
	double intercept;
	double lambda_max;
	double objective;
};

/* Cyclic coordinate descent over columns standardised explicitly, until nothing moves. `lambda`
 * NaN: `ratio` of λ_max. The caller frees beta. */
struct lasso_solution lasso_problem_solve(const struct lasso_problem *problem,
					  enum strads_standardize standardize, bool intercept,
					  double lambda, double ratio);
struct lasso_solution lasso_problem_solve_penalty(const struct lasso_problem *problem,
						  enum strads_standardize standardize,
						  bool intercept, struct lasso_penalty penalty,
						  double lambda, double ratio);

/* By how much, relative to λ, the coefficients violate |x̃_jᵀr − λw_j(1 − α)β_j| ≤ λw_jα (equal,
 * with the sign of β_j, where β_j ≠ 0). */
double lasso_problem_violation(const struct lasso_problem *problem,
			       enum strads_standardize standardize, bool intercept,
			       struct lasso_penalty penalty, double lambda, const double *beta,
			       double constant);

#endif
