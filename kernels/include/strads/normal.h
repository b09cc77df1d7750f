/*
 * Many small ridge regressions on rows of one table: the steps of alternating least squares. Zhou,
 * Wilkinson, Schreiber, Pan, "Large-scale parallel collaborative filtering for the Netflix prize",
 * AAIM 2008.
 */
#ifndef STRADS_NORMAL_H
#define STRADS_NORMAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The rows that problems choose from. If `biased`, the last number of a row is an offset: it is
 * taken off the value, and 1 stands for it in the row, so that the last unknown is an offset too.
 */
struct strads_normal_table {
	bool wide;        /* numbers and values are double, else float */
	bool biased;      /* see above */
	uint32_t columns; /* D ≥ 1 */
	const void *rows; /* [any][D] */
};

/* Minimise over x [D]: Σ_e (value_e − row_eᵀx)² + ridge·‖x‖², row_e being row index[e]. */
struct strads_normal_problem {
	uint64_t n;
	const uint32_t *index; /* [n] */
	const void *value;     /* [n] */
};

/* Memory to work in, for one number of columns. */
struct strads_normal;

/* NULL if there is no memory. The caller deletes; deleting nulls. Thread: any. */
struct strads_normal *strads_normal_new(uint32_t columns);
void strads_normal_delete(struct strads_normal **normal);

/* Bytes that it takes. Thread: any. */
size_t strads_normal_bytes(uint32_t columns);

/* Doubles of the sums of a problem: the upper triangle, row by row, of Σ zzᵀ where z is a row and
 * then its value. */
static inline size_t
strads_normal_sums(uint32_t columns)
{
	return ((size_t)columns + 1) * ((size_t)columns + 2) / 2;
}

/* Adds a problem's to `sums`. Products of floats are summed as floats, 128 at a time, the rest as
 * doubles. Thread: one per workspace. */
void strads_normal_add(struct strads_normal *normal, const struct strads_normal_table *table,
		       const struct strads_normal_problem *problem, double *sums);

/* The solution x [D] from the sums, ridge ≥ 0. Where it is not unique, one of them. Thread: one per
 * workspace. */
void strads_normal_solve(struct strads_normal *normal, const double *sums, double ridge, double *x);

/* The same from the problem itself. Of fewer rows than columns the smaller system is solved, as
 * many equations as rows: x = Xᵀ(XXᵀ + ridge·I)⁻¹·values. Thread: one per workspace. */
void strads_normal_fit(struct strads_normal *normal, const struct strads_normal_table *table,
		       const struct strads_normal_problem *problem, double ridge, double *x);

/* Σ_e (value_e − row_eᵀx)² at x [D], of the table's precision. Thread: any. */
double strads_normal_error(const struct strads_normal_table *table,
			   const struct strads_normal_problem *problem, const void *x);

#ifdef __cplusplus
}
#endif

#endif
