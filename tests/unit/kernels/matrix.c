#include "matrix.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>

#include <cmocka.h>

#include "strads/random.h"

double
matrix_number(uint64_t stream, uint64_t index)
{
	return (double)(strads_random(7, stream, index) >> 11) * 0x1p-52 - 1;
}

struct strads_csc
matrix_new(uint32_t rows, uint64_t cols, double density, uint64_t seed)
{
	struct strads_csc x = {.rows = rows, .cols = cols};
	size_t most = (size_t)rows * cols + 1;
	uint64_t at = 0;

	x.start = calloc(cols + 1, sizeof *x.start);
	x.row = calloc(most, sizeof *x.row);
	x.value = calloc(most, sizeof *x.value);
	assert_non_null(x.start);
	assert_non_null(x.row);
	assert_non_null(x.value);
	for (uint64_t j = 0; j < cols; j++) {
		for (uint32_t i = 0; i < rows; i++) {
			double chance = 0.5 + 0.5 * matrix_number(2 * seed, j * rows + i);

			if (j == 0 || (j > 1 && chance >= density))
				continue;
			x.row[at] = i;
			x.value[at++] = matrix_number(2 * seed + 1, j * rows + i);
		}
		x.start[j + 1] = at;
	}
	return x;
}

void
matrix_free(struct strads_csc *x)
{
	free(x->start);
	free(x->row);
	free(x->value);
}

double *
matrix_vector(size_t n, uint64_t seed)
{
	double *v = calloc(n + 1, sizeof *v);

	assert_non_null(v);
	for (size_t i = 0; i < n; i++)
		v[i] = matrix_number(1000 + seed, i);
	return v;
}
