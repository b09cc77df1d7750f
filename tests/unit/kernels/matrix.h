/*
 * Random sparse matrices for the tests of the kernels.
 */
#ifndef STRADS_TEST_MATRIX_H
#define STRADS_TEST_MATRIX_H

#include "strads/csc.h"

/* Uniform in [−1, 1): a function of (stream, index). */
double matrix_number(uint64_t stream, uint64_t index);

/* rows × cols, each entry there with probability `density`; column 0 is empty and column 1 full if
 * there are so many. The caller frees with matrix_free. */
struct strads_csc matrix_new(uint32_t rows, uint64_t cols, double density, uint64_t seed);
void matrix_free(struct strads_csc *x);

/* [n] numbers of matrix_number. The caller frees. */
double *matrix_vector(size_t n, uint64_t seed);

#endif
