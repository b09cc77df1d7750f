/*
 * The duality gap of the Lasso and the elastic net, from a handful of sums.
 */
#ifndef STRADS_GAP_H
#define STRADS_GAP_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The problem ½‖y − Xβ‖² + λ‖β‖₁ + ½λ·Σκ_jβ_j² at β, r = y − Xβ. With an intercept y and the
 * columns of X are centred, and so is r. It is the Lasso of (X, y) with a row √(λκ_j)e_jᵀ and a 0
 * below for each j (Zou, Hastie: "Regularization and variable selection via the elastic net", JRSS
 * B 67 (2005), lemma 1), of which the residual is r above −√(λκ_j)β_j, and the gradient g = Xᵀr −
 * λκ∘β. */
struct strads_gap_sums {
	double lambda;
	double r_square;     /* ‖r‖² */
	double r_y;          /* rᵀy */
	double l1;           /* ‖β‖₁ */
	double ridge;        /* Σκ_jβ_j² */
	double gradient_max; /* ‖g‖∞ */
};

/* The objective P(β). Thread: any. */
double strads_gap_objective(const struct strads_gap_sums *sums);

/* P(β) − D(θ) ≥ 0 at the dual point θ = r·min(1/λ, 1/‖g‖∞), where
 * D(θ) = ½‖y‖² − ½λ²‖θ − y/λ‖² (y, r with the rows below): an upper bound of P(β) − P(β*). For λ =
 * 0 the dual is feasible only where Xᵀθ = 0, and the bound is P(β) itself unless Xᵀr = 0. Thread:
 * any. */
double strads_gap(const struct strads_gap_sums *sums);

/* The same from the vectors: x dense, rows × cols by columns; y, beta. Scratch r [rows]. */
double strads_gap_reference(size_t rows, size_t cols, const double *x, const double *y,
			    const double *beta, double lambda, double *r);

#ifdef __cplusplus
}
#endif

#endif
