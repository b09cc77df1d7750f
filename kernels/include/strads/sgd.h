/*
 * Stochastic gradient steps of a matrix factorization: one rating after the other moves the row of
 * its user and that of its item,
 *
 *     e = a − w·h,   g = λ_w w − e h,   f = λ_h h − e w
 *     w ← w − η g / √G_w,   h ← h − η f / √G_h
 *
 * where each row has two sums G, 1 at first, to which every step adds the mean of g²: one for the
 * first STRADS_SGD_FIRST factors, one for the others. With biases e = a − b − c − w·h, and b of the
 * user and c of the item move likewise, by a λ and a sum of their own: g = λ_b b − e.
 *
 * Chin, Zhuang, Juan, Lin: "A learning-rate schedule for stochastic gradient methods to matrix
 * factorization", PAKDD 2015.
 */
#ifndef STRADS_SGD_H
#define STRADS_SGD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Factors whose steps shrink by a sum of their own. */
#define STRADS_SGD_FIRST 8

/* Places in a row: the first factors from 0 on, the others from STRADS_SGD_REST on, and between
 * them the two sums and λ of the row, and of its bias value, sum and λ. All else is 0, and stays
 * so.
 */
#define STRADS_SGD_SUMS   8 /* of the first, of the others */
#define STRADS_SGD_LAMBDA 10
#define STRADS_SGD_BIAS   11 /* value, sum, λ */
#define STRADS_SGD_REST   16

/* Rows of users and items alike, each [stride] reals: double where `wide`, else float. A row begins
 * on a cache line. */
struct strads_sgd_shape {
	bool wide;
	bool biased;
	uint32_t factors; /* K ≥ 1 */
	uint32_t stride;  /* strads_sgd_stride(K) */
};

/* Reals in a row of K factors. Thread: any. */
static inline uint32_t
strads_sgd_stride(uint32_t factors)
{
	uint32_t rest = factors > STRADS_SGD_FIRST ? factors - STRADS_SGD_FIRST : 0;

	return STRADS_SGD_REST + (rest + 15) / 16 * 16;
}

/* Place of factor k. Thread: any. */
static inline uint32_t
strads_sgd_place(uint32_t k)
{
	return k < STRADS_SGD_FIRST ? k : k - STRADS_SGD_FIRST + STRADS_SGD_REST;
}

/* Ratings of a few users and items, whose rows follow each other. */
struct strads_sgd_tile {
	uint64_t n;
	const uint32_t *at; /* [n] number of the user's row << 16 | that of the item's */
	const void *value;  /* [n] reals a */
	void *users;        /* [rows][stride] */
	void *items;        /* [rows][stride] */
};

/* A step for each rating of the tile, in order; `rate` is η, typically 0.1. With `first_only` the
 * other factors stay as they are. Thread: any. */
void strads_sgd_step(const struct strads_sgd_shape *shape, const struct strads_sgd_tile *tile,
		     double rate, bool first_only);

/* Σ e² over the tile. Thread: any. */
double strads_sgd_squares(const struct strads_sgd_shape *shape, const struct strads_sgd_tile *tile);

#ifdef __cplusplus
}
#endif

#endif
