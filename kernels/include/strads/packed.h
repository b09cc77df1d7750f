/*
 * Sparse columns packed for passes over all of them: short row numbers where they fit, and columns
 * in an order of the maker's own, so that neighbours can be alike.
 */
#ifndef STRADS_PACKED_H
#define STRADS_PACKED_H

#include "strads/csc.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The entries of the column at position k are start[k] … start[k + 1] − 1. */
struct strads_packed {
	uint64_t cols;
	uint64_t entries; /* room for */
	uint64_t *start;  /* [cols + 1] */
	uint16_t *narrow; /* [entries] row numbers; NULL: they are in wide */
	uint32_t *wide;   /* [entries]; NULL: they are in narrow */
	double *value;    /* [entries] */
};

/* Room for `cols` columns of `entries` entries in all, in a matrix of `rows` rows. False: there is
 * no memory. The maker deletes, also after that. Thread: any. */
bool strads_packed_new(uint64_t rows, uint64_t cols, uint64_t entries,
		       struct strads_packed *packed);
void strads_packed_delete(struct strads_packed *packed);

/* Bytes that it takes. Thread: any. */
size_t strads_packed_bytes(uint64_t rows, uint64_t cols, uint64_t entries);

/* Writes scale·x_j for column j = `col` of x, whose rows are rows first_row … of the whole, from
 * entry `at` on; returns the entry behind it. Columns are appended in order, the caller sets start.
 * Thread: any. */
uint64_t strads_packed_append(struct strads_packed *packed, uint64_t at, const struct strads_csc *x,
			      uint64_t col, uint64_t first_row, double scale);

/* out[k] = xᵀv for the n columns at positions first … first + n − 1; v is as long as the matrix has
 * rows. The sum of a column is bracketed as strads_csc_dot does it. Thread: any. */
void strads_packed_dot(const struct strads_packed *packed, uint64_t first, size_t n,
		       const double *v, double *out);

#ifdef __cplusplus
}
#endif

#endif
