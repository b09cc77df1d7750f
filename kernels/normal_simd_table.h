/*
 * The table of normal_simd.h by one instruction set: included where TABLE names it, VECTOR_BYTES is
 * the length of its vectors and TILE how many rows of sums its registers hold.
 */
#include "normal_simd.h"

#include <math.h>

#define REAL           float
#define FOR_REAL(name) name##_float
#include "normal_simd_real.h"
#undef REAL
#undef FOR_REAL
#define REAL           double
#define FOR_REAL(name) name##_double
#include "normal_simd_real.h"

static bool
factor(double *square, size_t stride, size_t first, size_t end, size_t columns, double least)
{
	for (size_t k = first; k < end; k++) {
		double *restrict row = square + k * stride;
		double scale;

		if (!(row[k] > least))
			return false;
		scale = 1 / sqrt(row[k]);
		for (size_t j = k; j < columns; j++)
			row[j] *= scale;
		for (size_t i = k + 1; i < end; i++) {
			double *restrict other = square + i * stride, u = row[i];

			for (size_t j = i; j < columns; j++)
				other[j] -= u * row[j];
		}
	}
	return true;
}

const struct strads_normal_simd TABLE = {
    .add_float = add_float,
    .add_double = add_double,
    .factor = factor,
    .dot_float = dot_float,
    .dot_double = dot_double,
};
