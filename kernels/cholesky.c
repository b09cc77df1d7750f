#include "strads/cholesky.h"

#include <math.h>

/* Exchanges rows and columns k and p > k of the symmetric matrix; in the columns before k, those of
 * the factor. */
static void
exchange(size_t n, double *matrix, size_t k, size_t p)
{
	for (size_t j = 0; j < n; j++) {
		double held = matrix[k * n + j];

		matrix[k * n + j] = matrix[p * n + j];
		matrix[p * n + j] = held;
	}
	for (size_t i = k; i < n; i++) {
		double held = matrix[i * n + k];

		matrix[i * n + k] = matrix[i * n + p];
		matrix[i * n + p] = held;
	}
}

/* Column k of L, and what it leaves of the matrix: both triangles, as exchange moves whole rows. */
static void
eliminate(size_t n, double *matrix, size_t k)
{
	double root = sqrt(matrix[k * n + k]);

	matrix[k * n + k] = root;
	for (size_t i = k + 1; i < n; i++)
		matrix[i * n + k] /= root;
	for (size_t i = k + 1; i < n; i++)
		for (size_t j = k + 1; j < n; j++)
			matrix[i * n + j] -= matrix[i * n + k] * matrix[j * n + k];
}

size_t
strads_cholesky_factor(size_t n, double tolerance, double *matrix, size_t *pivot)
{
	double least = 0;

	for (size_t k = 0; k < n; k++)
		pivot[k] = k;
	for (size_t k = 0; k < n; k++) {
		size_t p = k, held = pivot[k];

		for (size_t i = k + 1; i < n; i++)
			p = matrix[i * n + i] > matrix[p * n + p] ? i : p;
		if (k == 0)
			least = tolerance * matrix[p * n + p];
		if (!(matrix[p * n + p] > least))
			return k;
		if (p != k)
			exchange(n, matrix, k, p);
		pivot[k] = pivot[p];
		pivot[p] = held;
		eliminate(n, matrix, k);
	}
	return n;
}

void
strads_cholesky_solve(size_t n, size_t rank, const double *factor, const size_t *pivot,
		      const double *b, double *x)
{
	for (size_t k = rank; k < n; k++)
		x[pivot[k]] = 0;
	/* Lz = b, then Lᵀx = z, in the order of the pivots. */
	for (size_t i = 0; i < rank; i++) {
		double sum = b[pivot[i]];

		for (size_t j = 0; j < i; j++)
			sum -= factor[i * n + j] * x[pivot[j]];
		x[pivot[i]] = sum / factor[i * n + i];
	}
	for (size_t i = rank; i-- > 0;) {
		double sum = x[pivot[i]];

		for (size_t j = i + 1; j < rank; j++)
			sum -= factor[j * n + i] * x[pivot[j]];
		x[pivot[i]] = sum / factor[i * n + i];
	}
}
