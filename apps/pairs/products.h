/*
 * Columns that are computed, not stored: the products x_a∘x_b, a < b, of two columns of a matrix.
 * J columns have J(J − 1)/2 of them.
 */
#ifndef STRADS_PRODUCTS_H
#define STRADS_PRODUCTS_H

#include "strads/csc.h"
#include "strads/program.h"

struct strads_products {
	const struct strads_csc *base; /* all rows */
	bool unit;                     /* columns scaled to norm 1 */
	bool negative;                 /* a value below 0 exists */
	double largest;                /* max |x_ij| */
};

/* Borrows `base`. Thread: any. */
void strads_products_open(struct strads_products *products, const struct strads_csc *base,
			  bool unit);

/* How many there are, of J ≤ 2^32 columns. Thread: any. */
static inline uint64_t
strads_products_count(uint64_t cols)
{
	return cols % 2 ? (cols - 1) / 2 * cols : cols / 2 * (cols - 1);
}

/* The name of a product: a·J + b. Thread: any. */
static inline strads_key
strads_products_key(uint64_t cols, uint64_t a, uint64_t b)
{
	return a * cols + b;
}

/* Most entries that a product of column a can have. Thread: any. */
static inline uint64_t
strads_products_room(const struct strads_products *products, uint64_t a)
{
	return strads_csc_entries(products->base, a);
}

/* Raw entries of product `key` in the rows of x, which has the columns of the base: into row and
 * value [entries of the shorter of the two columns]. Returns how many. Thread: any. */
uint64_t strads_products_column(const struct strads_csc *x, strads_key key, uint32_t *row,
				double *value);

/* By what a product of these n values (over all rows) is multiplied: 1, or 1/‖x_a∘x_b‖; 0 for an
 * empty one. Thread: any. */
double strads_products_scale(const struct strads_products *products, uint64_t n,
			     const double *value);

/* bound[a] ≥ |(x_a∘x_b)ᵀr|, scaled, for every b; r [rows], bound [cols].
 *
 * With x ≥ 0 the positive part of r alone, or the negative alone, bounds the sum: for plain columns
 * |(x_a∘x_b)ᵀr| ≤ max(x_aᵀr⁺, x_aᵀr⁻)·max x_ib; for columns of norm 1, by Cauchy and Schwarz over
 * the rows of x_a, |(x_a∘x_b)ᵀr| / ‖x_a∘x_b‖ ≤ max(‖r⁺‖, ‖r⁻‖). Where values of both signs occur,
 * the two parts are taken together. Rounded up. Thread: any. */
void strads_products_bounds(const struct strads_products *products, const double *r, double *bound);

#endif
