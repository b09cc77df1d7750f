/*
 * Small Gram matrices: the inner products of a few columns, and coordinate descent on the small
 * problem they make.
 */
#ifndef STRADS_GRAM_H
#define STRADS_GRAM_H

#include "strads/csc.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Numbers in the packed lower triangle of an n × n matrix: element (a, b), b ≤ a, lies at
 * a(a + 1)/2 + b. */
static inline size_t
strads_gram_packed(size_t n)
{
	return n * (n + 1) / 2;
}

/* Scratch for strads_gram_add of up to `columns` columns; a tile of rows at a time, so that its
 * size depends on neither the rows nor the entries. */
struct strads_gram_scratch;

/* NULL if there is no memory. The caller deletes; deleting nulls. Thread: any. */
struct strads_gram_scratch *strads_gram_scratch_new(size_t columns);
void strads_gram_scratch_delete(struct strads_gram_scratch **scratch);

/* Adds x_aᵀWx_b for every pair of the n columns cols[] to `packed` [n(n + 1)/2], W = diag(weight)
 * [rows] or, for NULL, the identity. The cost is Σ_i c_i²/2, c_i being the entries of row i in
 * these columns. Thread: one per scratch. */
void strads_gram_add(const struct strads_csc *x, const uint64_t *cols, size_t n,
		     const double *weight, struct strads_gram_scratch *scratch, double *packed);
void strads_gram_add_reference(const struct strads_csc *x, const uint64_t *cols, size_t n,
			       const double *weight, double *packed);

/* The Gram matrix of the columns (x_a − mean_a)·scale_a from that of the raw columns:
 * full[a·n + b] = (packed(a, b) − rows·mean_a·mean_b)·scale_a·scale_b, both triangles.
 * `mean` may be NULL (zeros). A diagonal below 1e-12 of its uncentred value becomes 0. Thread:
 * any. */
void strads_gram_standardize(size_t n, const double *packed, double rows, const double *mean,
			     const double *scale, double *full);

/* The same with weights: x̃_aᵀWx̃_b of the columns x̃_a = (x_a − centre_a)·scale_a, from those of the
 * raw columns, sum_a = x_aᵀw and total = Σw. With centre_a = sum_a/total it is the Gram matrix left
 * when an intercept is eliminated. A diagonal below 1e-12 of its uncentred value becomes 0. Thread:
 * any. */
void strads_gram_standardize_weighted(size_t n, const double *packed, double total,
				      const double *sum, const double *centre, const double *scale,
				      double *full);

/* What a coordinate descent on a Gram matrix is told and tells. */
struct strads_gram_problem {
	size_t n;
	const double *gram; /* [n·n] */
	double lambda;
	uint32_t passes;  /* at most; typically 1–10 */
	double tolerance; /* stop after a pass that gained less than this part of the first one's
			   * gain; 0: all passes */
};

/* Cyclic coordinate descent: β_j ← S(g_j + G_jj β_j, λ)/G_jj and g ← g − G_j·Δβ_j, for
 * j = 0 … n − 1, again and again. On entry `beta` [n] is β and `gradient` [n] is X_Sᵀr, on return
 * both are those after the last pass. Coordinates with G_jj = 0 stay. Returns by how much the
 * objective fell. Friedman, Hastie, Tibshirani: "Regularization paths for generalized linear models
 * via coordinate descent", J. Stat. Softw. 33 (2010), section 2.2. Thread: any. */
double strads_gram_descend(const struct strads_gram_problem *problem, double *beta,
			   double *gradient);
double strads_gram_descend_reference(const struct strads_gram_problem *problem, double *beta,
				     double *gradient);

#ifdef __cplusplus
}
#endif

#endif
