/*
 * The logistic loss of labels y = ±1 and margins m, and the duality gap of L1-regularised logistic
 * regression.
 *
 *   P(β, b) = Σ_i log(1 + exp(−y_i m_i)) + λ‖β‖₁,   m = Xβ + b
 *
 * With p_i = 1/(1 + exp(y_i m_i)) the negative gradient in m is r_i = y_i p_i and the curvature
 * p_i(1 − p_i) ≤ 1/4.
 */
#ifndef STRADS_LOGLOSS_H
#define STRADS_LOGLOSS_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* log(1 + exp(−z)), exact to rounding for every z, NaN for NaN. Thread: any. */
double strads_logloss(double z);

/* Sums over rows at some margins. */
struct strads_logloss_sums {
	double loss;     /* Σ log(1 + exp(−y m)) */
	double positive; /* Σ p over rows with y = +1 … */
	double negative; /* … and with y = −1 */
	double right;    /* rows with y m > 0; those with m = 0 count half */
};

/* Adds the sums of n rows at the margins m + alpha·move. `move` may be NULL (zeros). Thread: any.
 */
void strads_logloss_add(size_t n, const double *y, const double *m, double alpha,
			const double *move, struct strads_logloss_sums *sums);
void strads_logloss_add_reference(size_t n, const double *y, const double *m, double alpha,
				  const double *move, struct strads_logloss_sums *sums);

/* r_i = y_i p_i of n rows, and w_i, the largest curvature p(1 − p) at margins no more than `reach`
 * ≥ 0 from m_i: with reach = 0 that of m_i itself. A model with these weights lies above the loss
 * for moves of up to `reach`. Thread: any. */
void strads_logloss_derive(size_t n, const double *y, const double *m, double reach, double *r,
			   double *w);

/* Sums over the rows of a dual point θ_i = y_i t_i, 0 ≤ t_i ≤ 1. */
struct strads_logloss_dual {
	double entropy;   /* Σ −t log t − (1 − t) log(1 − t), which is D(θ) */
	double slope;     /* Σ t log((1 − t)/t), which is d/ds D(sθ) at s = 1 */
	double curvature; /* Σ t/(1 − t) */
	double sum;       /* Σ θ */
};

/* Makes θ_i = r_i·(y_i > 0 ? positive : negative), both factors in (0, 1], and adds to the sums.
 * Thread: any. */
void strads_logloss_dual_add(size_t n, const double *r, double positive, double negative,
			     double *theta, struct strads_logloss_dual *dual);

/* With an intercept a dual point must sum to 0, which the residuals of an inexact fit do not: the
 * class with the larger sum is scaled down to the other's. Factors for strads_logloss_dual_add, 1
 * and 1 where they sum to 0 already. Thread: any. */
void strads_logloss_balance(const struct strads_logloss_sums *sums, double *positive,
			    double *negative);

/* What the gap is made of. */
struct strads_logloss_gap_sums {
	double lambda;
	double loss;
	double l1;                       /* ‖β‖₁ */
	double gradient_max;             /* ‖Xᵀθ‖∞ of the dual point below */
	struct strads_logloss_dual dual; /* in the box, and summing to 0 with an intercept */
};

/* P. Thread: any. */
double strads_logloss_objective(const struct strads_logloss_gap_sums *sums);

/* An upper bound of P − P*. The dual of Koh, Kim, Boyd ("An interior-point method for large-scale
 * l1-regularized logistic regression", JMLR 8, 2007, section 2): maximise D(θ) subject to
 * ‖Xᵀθ‖∞ ≤ λ, 0 ≤ y_iθ_i ≤ 1 and, with an intercept, Σθ = 0. Feasible is sθ,
 * s = min(1, λ/‖Xᵀθ‖∞), and P − D(sθ) is the gap. D(sθ) is bounded from below without another look
 * at the rows: D is concave along sθ and 0 at s = 0, hence D(sθ) ≥ s·D(θ); and by Taylor's theorem
 * about s = 1, where |D″| ≤ Σ t/(1 − t)/s between s and 1,
 *
 *   D(sθ) ≥ D(θ) − (1 − s)·slope − (1 − s)²·curvature/(2s).
 *
 * The larger bound counts. It is D(sθ) itself for s = 1, and off by O((1 − s)²) near it. For λ = 0
 * the bound is P unless Xᵀθ = 0. Thread: any. */
double strads_logloss_gap(const struct strads_logloss_gap_sums *sums);

/* The radius in which all dual optima lie about sθ if its gap is `gap`: sqrt(gap/2), as D is
 * strongly concave with constant 4. Every j with s|x_jᵀθ| + ‖x_j‖·radius < λ has β_j = 0 in every
 * optimum. (Ndiaye, Fercoq, Gramfort, Salmon: "Gap safe screening rules for sparsity enforcing
 * penalties", JMLR 18, 2017.) With an intercept ‖x_j‖ may be that of the centred column, as both
 * points sum to 0. Thread: any. */
double strads_logloss_radius(double gap);

/* Objective and exact gap P − D(sθ) from the vectors: x dense, rows × cols by columns; with an
 * intercept θ balanced. Scratch r [rows]. Thread: any. */
double strads_logloss_gap_reference(size_t rows, size_t cols, const double *x, const double *y,
				    const double *beta, double intercept, bool balanced,
				    double lambda, double *r, double *objective);

#ifdef __cplusplus
}
#endif

#endif
