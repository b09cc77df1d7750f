/*
 * Coordinate descent on a weighted quadratic model, one column after the other, each at the cost of
 * its entries: for lists of many correlated columns, whose Gram matrix would take more than it
 * saves.
 *
 *   ½ Σ_i w_i(z_i − Σ_j x̂_ij β_j)² + λ‖β‖₁,   x̂_j = x_j − c_j
 *
 * known by its residual ρ = W(z − X̂β). The x_j stay sparse: an update by δ of column j takes δ·Wx_j
 * off the residual and gives back δc_j·w, of which only the factor is kept.
 */
#ifndef STRADS_DESCENT_H
#define STRADS_DESCENT_H

#include "strads/packed.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The model, and where the descent on it has come. */
struct strads_descent {
	const struct strads_packed *x;
	const double *weight; /* [rows] w ≥ 0 */
	double weight_sum;    /* Σw */
	double lambda;
	double *residual; /* [rows] ρ − κw … */
	double shift;     /* … κ … */
	double sum;       /* … and Σ(ρ − κw) */
};

/* A column that takes part. */
struct strads_descent_member {
	uint64_t at; /* its position in x */
	double beta;
	double centre;    /* c_j */
	double weighted;  /* x_jᵀw */
	double curvature; /* x̂_jᵀWx̂_j; 0: stays as it is */
};

/* How far a sweep found the members from optimal, each before its update. */
struct strads_descent_tally {
	double steepest; /* max |g_j|, g_j = x̂_jᵀρ */
	double l1;       /* Σ|β_j| */
	double slack;    /* Σ λ|β_j| − β_j·g_j */
};

/* Fills in `weighted` and `curvature` of n members; with `balanced` also `centre`, as the weighted
 * mean, which is what eliminating an intercept comes to. A curvature below 1e-12 of that of the
 * column as it is becomes 0. Thread: any. */
void strads_descent_prepare(const struct strads_descent *descent, bool balanced, size_t n,
			    struct strads_descent_member *member);

/* β_j ← S(g_j + h_jβ_j, λ)/h_j for the n members in turn, h_j being the curvature. Thread: any. */
struct strads_descent_tally strads_descent_sweep(struct strads_descent *descent, size_t n,
						 struct strads_descent_member *member);
struct strads_descent_tally strads_descent_sweep_reference(struct strads_descent *descent, size_t n,
							   struct strads_descent_member *member);

#ifdef __cplusplus
}
#endif

#endif
