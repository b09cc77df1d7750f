#include "strads/csc.h"

/* Columns ahead whose start and whose first entries are fetched early. The entries need the start,
 * hence the two distances. */
#define START_AHEAD   24
#define ENTRIES_AHEAD 12

static inline double
dot(const uint32_t *row, const double *value, uint64_t n, const double *v)
{
	double s0 = 0, s1 = 0, s2 = 0, s3 = 0;
	uint64_t k = 0;

	/* Four sums: one alone would wait four cycles for each addition. */
	for (; k + 4 <= n; k += 4) {
		s0 += value[k] * v[row[k]];
		s1 += value[k + 1] * v[row[k + 1]];
		s2 += value[k + 2] * v[row[k + 2]];
		s3 += value[k + 3] * v[row[k + 3]];
	}
	for (; k < n; k++)
		s0 += value[k] * v[row[k]];
	return (s0 + s1) + (s2 + s3);
}

double
strads_csc_dot(const struct strads_csc *x, uint64_t col, const double *v)
{
	uint64_t start = x->start[col];

	return dot(x->row + start, x->value + start, x->start[col + 1] - start, v);
}

double
strads_csc_dot_reference(const struct strads_csc *x, uint64_t col, const double *v)
{
	double sum = 0;

	for (uint64_t k = x->start[col]; k < x->start[col + 1]; k++)
		sum += x->value[k] * v[x->row[k]];
	return sum;
}

void
strads_csc_dot_list(const struct strads_csc *x, const uint32_t *cols, size_t n, const double *v,
		    double *out)
{
	for (size_t k = 0; k < n; k++) {
		if (k + START_AHEAD < n)
			__builtin_prefetch(&x->start[cols[k + START_AHEAD]]);
		if (k + ENTRIES_AHEAD < n) {
			uint64_t ahead = x->start[cols[k + ENTRIES_AHEAD]];

			__builtin_prefetch(&x->row[ahead]);
			__builtin_prefetch(&x->value[ahead]);
		}
		out[k] = strads_csc_dot(x, cols[k], v);
	}
}

void
strads_csc_dot_range(const struct strads_csc *x, uint64_t first, size_t n, const double *v,
		     double *out)
{
	for (size_t k = 0; k < n; k++)
		out[k] = strads_csc_dot(x, first + k, v);
}

double
strads_csc_axpy(const struct strads_csc *x, uint64_t col, double a, double *v)
{
	const uint32_t *row = x->row + x->start[col];
	const double *value = x->value + x->start[col];
	uint64_t n = strads_csc_entries(x, col), k = 0;
	double s0 = 0, s1 = 0;

	/* Rows are distinct, so the updates are independent: let them overlap. */
	for (; k + 2 <= n; k += 2) {
		double v0 = v[row[k]], v1 = v[row[k + 1]];

		s0 += value[k];
		s1 += value[k + 1];
		v[row[k]] = v0 + a * value[k];
		v[row[k + 1]] = v1 + a * value[k + 1];
	}
	if (k < n) {
		s0 += value[k];
		v[row[k]] += a * value[k];
	}
	return s0 + s1;
}

double
strads_csc_axpy_reference(const struct strads_csc *x, uint64_t col, double a, double *v)
{
	double sum = 0;

	for (uint64_t k = x->start[col]; k < x->start[col + 1]; k++) {
		v[x->row[k]] += a * x->value[k];
		sum += x->value[k];
	}
	return sum;
}

void
strads_csc_axpy_weighted(const struct strads_csc *x, uint64_t col, double a, const double *weight,
			 double *u, double *v)
{
	for (uint64_t k = x->start[col]; k < x->start[col + 1]; k++) {
		uint32_t i = x->row[k];
		double moved = a * x->value[k];

		u[i] += moved;
		v[i] -= weight[i] * moved;
	}
}

double
strads_csc_sum(const struct strads_csc *x, uint64_t col)
{
	double sum = 0;

	for (uint64_t k = x->start[col]; k < x->start[col + 1]; k++)
		sum += x->value[k];
	return sum;
}

void
strads_csc_moments(const struct strads_csc *x, uint64_t col, double mean, double *square,
		   double *absolute)
{
	double zeros = (double)x->rows - (double)strads_csc_entries(x, col);
	double s = zeros * mean * mean, a = 0;

	for (uint64_t k = x->start[col]; k < x->start[col + 1]; k++) {
		double value = x->value[k], d = value - mean;

		s += d * d;
		a += value < 0 ? -value : value;
	}
	*square = s;
	*absolute = a;
}
