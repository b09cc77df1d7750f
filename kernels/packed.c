#include "strads/packed.h"

#include <stdlib.h>

static bool
is_narrow(uint64_t rows)
{
	return rows <= (uint64_t)UINT16_MAX + 1;
}

bool
strads_packed_new(uint64_t rows, uint64_t cols, uint64_t entries, struct strads_packed *packed)
{
	uint64_t room = entries ? entries : 1;

	*packed = (struct strads_packed){.cols = cols, .entries = entries};
	packed->start = calloc(cols + 1, sizeof *packed->start);
	packed->value = malloc(room * sizeof *packed->value);
	if (is_narrow(rows))
		packed->narrow = malloc(room * sizeof *packed->narrow);
	else
		packed->wide = malloc(room * sizeof *packed->wide);
	return packed->start && packed->value && (packed->narrow || packed->wide);
}

void
strads_packed_delete(struct strads_packed *packed)
{
	free(packed->start);
	free(packed->narrow);
	free(packed->wide);
	free(packed->value);
	*packed = (struct strads_packed){0};
}

size_t
strads_packed_bytes(uint64_t rows, uint64_t cols, uint64_t entries)
{
	size_t row = is_narrow(rows) ? sizeof(uint16_t) : sizeof(uint32_t);

	return (cols + 1) * sizeof(uint64_t) + entries * (row + sizeof(double));
}

uint64_t
strads_packed_append(struct strads_packed *packed, uint64_t at, const struct strads_csc *x,
		     uint64_t col, uint64_t first_row, double scale)
{
	for (uint64_t k = x->start[col]; k < x->start[col + 1]; k++, at++) {
		uint64_t row = first_row + x->row[k];

		if (packed->narrow)
			packed->narrow[at] = (uint16_t)row;
		else
			packed->wide[at] = (uint32_t)row;
		packed->value[at] = scale * x->value[k];
	}
	return at;
}

/* The dot products of n columns, by the width of their row numbers. */
#define DOT(row)                                                                                   \
	do {                                                                                       \
		for (size_t c = 0; c < n; c++, k = end) {                                          \
			double s0 = 0, s1 = 0, s2 = 0, s3 = 0;                                     \
                                                                                                   \
			end = start[c + 1];                                                        \
			/* Four sums: one alone would wait four cycles for each addition. */       \
			for (; k + 4 <= end; k += 4) {                                             \
				s0 += value[k] * v[(row)[k]];                                      \
				s1 += value[k + 1] * v[(row)[k + 1]];                              \
				s2 += value[k + 2] * v[(row)[k + 2]];                              \
				s3 += value[k + 3] * v[(row)[k + 3]];                              \
			}                                                                          \
			for (; k < end; k++)                                                       \
				s0 += value[k] * v[(row)[k]];                                      \
			out[c] = (s0 + s1) + (s2 + s3);                                            \
		}                                                                                  \
	} while (0)

void
strads_packed_dot(const struct strads_packed *packed, uint64_t first, size_t n, const double *v,
		  double *out)
{
	const uint64_t *start = packed->start + first;
	const double *value = packed->value;
	uint64_t k = start[0], end;

	if (packed->narrow)
		DOT(packed->narrow);
	else
		DOT(packed->wide);
}
