/*
 * Sparse matrices by columns, and the few column operations that coordinate descent lives on.
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

#ifdef __cplusplus
}
#endif

#endif
