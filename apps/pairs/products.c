#include "products.h"

#include <math.h>

/* Covers the rounding of the sums in a bound. */
#define ROUNDING (1 + 1e-9)

void
strads_products_open(struct strads_products *products, const struct strads_csc *base, bool unit)
{
	*products = (struct strads_products){.base = base, .unit = unit};
	for (uint64_t e = 0; e < base->start[base->cols]; e++) {
		products->negative = products->negative || base->value[e] < 0;
		products->largest = fmax(products->largest, fabs(base->value[e]));
	}
}

uint64_t
strads_products_column(const struct strads_csc *x, strads_key key, uint32_t *row, double *value)
{
	uint64_t a = key / x->cols, b = key % x->cols, n = 0;
	uint64_t i = x->start[a], j = x->start[b];

	while (i < x->start[a + 1] && j < x->start[b + 1]) {
		if (x->row[i] == x->row[j]) {
			row[n] = x->row[i];
			value[n++] = x->value[i] * x->value[j];
		}
		if (x->row[i] < x->row[j]) {
			i++;
		} else if (x->row[i] > x->row[j]) {
			j++;
		} else {
			i++;
			j++;
		}
	}
	return n;
}

double
strads_products_scale(const struct strads_products *products, uint64_t n, const double *value)
{
	double square = 0;

	for (uint64_t k = 0; k < n; k++)
		square += value[k] * value[k];
	if (!(square > 0))
		return 0;
	return products->unit ? 1 / sqrt(square) : 1;
}

void
strads_products_bounds(const struct strads_products *products, const double *r, double *bound)
{
	const struct strads_csc *x = products->base;

	for (uint64_t a = 0; a < x->cols; a++) {
		double up = 0, down = 0;

		for (uint64_t e = x->start[a]; e < x->start[a + 1]; e++) {
			double part = products->unit ? r[x->row[e]] : x->value[e] * r[x->row[e]];
			double size = products->unit ? part * part : fabs(part);

			*(part > 0 ? &up : &down) += size;
		}
		bound[a] = products->negative ? up + down : fmax(up, down);
		bound[a] =
		    ROUNDING * (products->unit ? sqrt(bound[a]) : bound[a] * products->largest);
	}
}
