/*
 * Sparse matrices by columns, and the few column operations that coordinate descent lives on.
 *
 * Every optimised function stands beside a plain one (…_reference) that says what it computes;
 * they differ in rounding alone. Sums are bracketed by a fixed rule, so that the same input gives
 * the same bits.
 */
#ifndef STRADS_CSC_H
#define STRADS_CSC_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* rows × cols; the entries of column j are start[j] … start[j + 1] − 1, rows strictly ascending. */
struct strads_csc {
	uint32_t rows;
	uint64_t cols;
	uint64_t *start; /* [cols + 1] */
	uint32_t *row;   /* [start[cols]] */
	double *value;   /* [start[cols]] */
};

/* Nonzeros of column `col`. Thread: any. */
static inline uint64_t
strads_csc_entries(const struct strads_csc *x, uint64_t col)
{
	return x->start[col + 1] - x->start[col];
}

/* x_jᵀv for column j = `col`, v [rows]. Thread: any. */
double strads_csc_dot(const struct strads_csc *x, uint64_t col, const double *v);
double strads_csc_dot_reference(const struct strads_csc *x, uint64_t col, const double *v);

/* out[k] = x_jᵀv for the n columns j = cols[k]; hides the latency of short columns that lie apart.
 * The bits are those of strads_csc_dot. Thread: any. */
void strads_csc_dot_list(const struct strads_csc *x, const uint32_t *cols, size_t n,
			 const double *v, double *out);

/* The same for the n columns first … first + n − 1. Thread: any. */
void strads_csc_dot_range(const struct strads_csc *x, uint64_t first, size_t n, const double *v,
			  double *out);

/* v += a·x_j; returns the sum of the entries of x_j. Thread: any. */
double strads_csc_axpy(const struct strads_csc *x, uint64_t col, double a, double *v);
double strads_csc_axpy_reference(const struct strads_csc *x, uint64_t col, double a, double *v);

/* u += a·x_j and v −= a·Wx_j, W = diag(weight). u, v and weight [rows] do not overlap. Thread: any.
 */
void strads_csc_axpy_weighted(const struct strads_csc *x, uint64_t col, double a,
			      const double *weight, double *u, double *v);

/* Σ_i x_ij. Thread: any. */
double strads_csc_sum(const struct strads_csc *x, uint64_t col);

/* Σ_i (x_ij − mean)² over all rows, the zeros among them included, and Σ_i |x_ij|. Thread: any. */
void strads_csc_moments(const struct strads_csc *x, uint64_t col, double mean, double *square,
			double *absolute);

#ifdef __cplusplus
}
#endif

#endif
