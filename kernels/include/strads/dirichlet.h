/*
 * Fitting the parameters α of a Dirichlet distribution to counts that were drawn from shares that
 * it gave (Minka, "Estimating a Dirichlet distribution", 2000, equation 55): the fixed point of
 *
 *     α_k = (α_k Σ_d [ψ(n_dk + α_k) − ψ(α_k)] + s) / (Σ_d [ψ(N_d + Σα) − ψ(Σα)] + r),
 *
 * where every step makes the counts, and a prior ∝ α_k^s exp(−r α_k) of each parameter, more
 * likely.
 */
#ifndef STRADS_DIRICHLET_H
#define STRADS_DIRICHLET_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The prior, which keeps parameters above 0 that have no counts: nearly flat. */
#define STRADS_DIRICHLET_SHAPE 1e-3 /* s */
#define STRADS_DIRICHLET_RATE  1.0  /* r */

/* ψ(x) of x > 0, to about 1e-13. Thread: any, as all below. */
double strads_digamma(double x);

/* Σ_d [ψ(n_d + a) − ψ(a)] = Σ_i above[i] / (a + i), where above[i], i < n, of the counts n_d exceed
 * i. */
double strads_dirichlet_gain(const uint32_t *above, uint64_t n, double a);

/* One step: the new parameter, where the sum above the line is `gain` and that below is `lengths`.
 */
double strads_dirichlet_step(double a, double gain, double lengths);

#ifdef __cplusplus
}
#endif

#endif
