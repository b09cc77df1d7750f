/*
 * The inner loops of strads/normal.h, by the instructions of a processor.
 *
 * A panel is up to STRADS_NORMAL_STEPS rows cut into blocks of one cache line: number j of row e
 * lies in line (j / N)·(STEPS + 1) + e, N numbers a line, so that a block's part of all rows is
 * contiguous and equal places of blocks do not fall on each other in a cache. A square is a matrix
 * of doubles, rows `stride` apart, a multiple of 16, of which the upper triangle counts.
 */
#ifndef STRADS_NORMAL_SIMD_H
#define STRADS_NORMAL_SIMD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STRADS_NORMAL_STEPS      128
#define STRADS_NORMAL_LINE_BYTES 64

struct strads_normal_simd {
	/* square ← square + scale·XᵀX, X the panel's first `steps` rows and `blocks` blocks. Blocks
	 * on the diagonal are written whole. */
	void (*add_float)(const float *panel, size_t steps, size_t blocks, double scale,
			  double *square, size_t stride);
	void (*add_double)(const double *panel, size_t steps, size_t blocks, double scale,
			   double *square, size_t stride);

	/* Rows first … end − 1 of the Cholesky factor U, square = UᵀU, `columns` wide, where those
	 * before have been taken off already. False: a pivot is not above `least`. */
	bool (*factor)(double *square, size_t stride, size_t first, size_t end, size_t columns,
		       double least);

	float (*dot_float)(size_t n, const float *a, const float *b);
	double (*dot_double)(size_t n, const double *a, const double *b);
};

extern const struct strads_normal_simd strads_normal_portable, strads_normal_avx2,
    strads_normal_avx512;

/* That of the processor at hand. Thread: any. */
const struct strads_normal_simd *strads_normal_simd(void);

#endif
