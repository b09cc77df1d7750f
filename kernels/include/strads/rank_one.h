/*
 * Passes over a sparse matrix of residuals by rows, for coordinate descent on R ≈ Σ_k w_k h_kᵀ one
 * factor k at a time. Yu, Hsieh, Si, Dhillon, "Scalable coordinate descent approaches to parallel
 * matrix factorization for recommender systems", ICDM 2012.
 */
#ifndef STRADS_RANK_ONE_H
#define STRADS_RANK_ONE_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Entries of row i: start[i] … start[i + 1] − 1, each column at most once. Reals are double where
 * `wide`, else float. */
struct strads_rank_one_rows {
	bool wide;
	uint32_t rows;
	const uint64_t *start; /* [rows + 1] */
	const uint32_t *col;   /* [entries] */
	void *residual;        /* [entries] r_ij = a_ij − Σ_k w_ik h_kj */
};

/* What one pass does to each row i in turn, w and h being of one factor. Either half may be left
 * out: the first with `change` NULL, the second with `next` NULL.
 *
 *     r_ij ← r_ij + w_i h_j (h before it changed)
 *     w_i  ← Σ_j r_ij h_j / (ridge + Σ_j h_j²) (h after), if `solve`
 *     r_ij ← r_ij − w_i h_j (h after)
 *
 *     sums_j += (r_ij w'_i, w'_i²), w' being `next`, of this or another factor */
struct strads_rank_one_pass {
	const void *change; /* [cols][2] h_j before and after */
	void *w;            /* [rows] */
	bool solve;
	double lambda;    /* ≥ 0: the ridge of a row … */
	bool weighted;    /* … or of each entry of it */
	const void *next; /* [rows]; may be w */
	void *sums;       /* [cols][2] */
};

/* Carries out the pass on rows first … end − 1. Sums are taken in the precision of the reals: for
 * many entries of a column call it for fewer rows at a time. Thread: any. */
void strads_rank_one(const struct strads_rank_one_rows *rows,
		     const struct strads_rank_one_pass *pass, uint32_t first, uint32_t end);

/* r_ij ← r_ij + before_i h_j − after_i h'_j on all rows, (h, h') being `change`; before and after
 * [rows]. What a pass does to the residuals of entries that it does not fit. Thread: any. */
void strads_rank_one_follow(const struct strads_rank_one_rows *rows, const void *change,
			    const void *before, const void *after);

/* Σ r_ij² over all entries, in double. Thread: any. */
double strads_rank_one_squares(const struct strads_rank_one_rows *rows);

#ifdef __cplusplus
}
#endif

#endif
