/*
 * Least squares from a small Gram matrix that may be singular.
 */
#ifndef STRADS_CHOLESKY_H
#define STRADS_CHOLESKY_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Factors the positive semidefinite matrix G = `matrix` [n·n] in place: with the rows and columns
 * in the order `pivot` [n] (written), G = LLᵀ, L lower triangular and kept in the lower triangle.
 * Pivots are the largest remaining diagonals; what is left below `tolerance` (typically 1e-10)
 * times the first is taken for rounding. Returns the rank found. Higham, "Accuracy and Stability of
 * Numerical Algorithms", section 10.3. Thread: any. */
size_t strads_cholesky_factor(size_t n, double tolerance, double *matrix, size_t *pivot);

/* A solution x [n] of Gx = b [n], for b in the range of G: 0 in the coordinates beyond `rank`,
 * which depend on the others. x and b must not overlap. Thread: any. */
void strads_cholesky_solve(size_t n, size_t rank, const double *factor, const size_t *pivot,
			   const double *b, double *x);

#ifdef __cplusplus
}
#endif

#endif
