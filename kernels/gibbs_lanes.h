/*
 * Drawing from many numbers at once, sixteen lanes wide: the inner loops of gibbs.c, for whichever
 * instruction set the including file names in TARGET; it may give shorter ways to compare lanes,
 * LANES_AT_MOST and LANES_EQUAL. All of them give the same bits: products and sums are rounded one
 * by one, in the order that is told here.
 *
 * Number 16 c + l of a row is in lane l. S_c is the vector of the lanes' sums of chunks 0 … c, and
 * P the sums of the lanes 0 … l of the last S. A draw x in 0 … P_15 falls into the first lane with
 * P_l > x, and there to the first chunk with S_c > x − P_(l−1).
 */
#include "strads/gibbs.h"

#include <string.h>

#define LANES STRADS_GIBBS_LANES
#define INNER TARGET static inline __attribute__((always_inline))

typedef float lanes_float __attribute__((vector_size(4 * LANES)));
typedef int32_t lanes_int __attribute__((vector_size(4 * LANES)));
typedef uint16_t lanes_short __attribute__((vector_size(2 * LANES)));

/* Lane l becomes the sum of lanes 0 … l. */
INNER void
sum_up(lanes_float *v)
{
	const lanes_float zero = {0};

	*v +=
	    __builtin_shufflevector(*v, zero, 16, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14);
	*v +=
	    __builtin_shufflevector(*v, zero, 16, 16, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13);
	*v +=
	    __builtin_shufflevector(*v, zero, 16, 16, 16, 16, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11);
	*v += __builtin_shufflevector(*v, zero, 16, 16, 16, 16, 16, 16, 16, 16, 0, 1, 2, 3, 4, 5, 6,
				      7);
}

/* So many of the first fifteen lanes are at most x. */
#ifndef LANES_AT_MOST
INNER uint32_t
lanes_at_most(const lanes_float *up, float x)
{
	lanes_int at_most = *up <= x; /* −1 or 0 */
	int32_t n = 0;

	for (int l = 0; l < LANES - 1; l++)
		n -= at_most[l];
	return (uint32_t)n;
}
#define LANES_AT_MOST lanes_at_most
#endif

/* A bit for each of sixteen numbers that is k. */
#ifndef LANES_EQUAL
INNER uint32_t
lanes_equal(const uint32_t *numbers, uint32_t k)
{
	uint32_t bits = 0;

	for (uint32_t l = 0; l < LANES; l++)
		bits |= (uint32_t)(numbers[l] == k) << l;
	return bits;
}
#define LANES_EQUAL lanes_equal
#endif

/* The place of topic k in a list of n, else n. Beyond its end there are zeros. */
INNER uint32_t
place_of(const uint32_t *topic, uint32_t n, uint32_t k)
{
	for (uint32_t i = 0; i < n; i += LANES) {
		uint32_t bits = LANES_EQUAL(topic + i, k);

		if (bits) {
			i += (uint32_t)__builtin_ctz(bits);
			return i < n ? i : n;
		}
	}
	return n;
}

/* The number that x falls to. `sums` [chunks][16]. Rounding may point to a lane of zeros, which is
 * passed over, or beyond the last number of a lane. */
INNER uint32_t
find(const lanes_float *up, const float *sums, uint32_t chunks, float x)
{
	const float *last = sums + (size_t)(chunks - 1) * LANES;
	uint32_t lane = LANES_AT_MOST(up, x), at = 0, n = chunks;
	float before[LANES + 1] __attribute__((aligned(64))), rest;

	before[0] = 0;
	memcpy(before + 1, up, sizeof *up);
	while (lane > 0 && !(last[lane] > 0))
		lane--;
	rest = x - before[lane];
	rest = rest < last[lane] ? rest : last[lane] * (1 - 0x1p-23F);
	while (n > 1) {
		uint32_t half = n / 2;

		at += sums[(size_t)(at + half - 1) * LANES + lane] <= rest ? half : 0;
		n -= half;
	}
	return at * LANES + lane;
}

/* Draws k with probability ∝ (row_k + α_k) share_k; u is uniform in 0 … 1. */
INNER uint32_t
draw_dense(const uint16_t *row, const float *share, const float *alpha, uint32_t chunks,
	   float *sums, float u)
{
	lanes_float sum = {0};

	for (uint32_t c = 0; c < chunks; c++) {
		lanes_short counts;
		lanes_float n, a, q;

		memcpy(&counts, row + (size_t)c * LANES, sizeof counts);
		memcpy(&a, alpha + (size_t)c * LANES, sizeof a);
		memcpy(&q, share + (size_t)c * LANES, sizeof q);
		n = __builtin_convertvector(__builtin_convertvector(counts, lanes_int),
					    lanes_float);
		sum += (n + a) * q;
		memcpy(sums + (size_t)c * LANES, &sum, sizeof sum);
	}
	sum_up(&sum);
	return find(&sum, sums, chunks, sum[LANES - 1] * u);
}

/* Σ_i count_i share[topic_i] over a list, lane by lane, into `sums` and `ups`; returns the total.
 */
INNER float
sum_sparse(const uint32_t *topic, const uint32_t *count, const float *share, uint32_t chunks,
	   float *sums, lanes_float *up)
{
	lanes_float sum = {0};

	for (uint32_t c = 0; c < chunks; c++) {
		float q[LANES] __attribute__((aligned(64)));
		lanes_int n;
		lanes_float shares;

		for (int l = 0; l < LANES; l++)
			q[l] = share[topic[c * LANES + (uint32_t)l]];
		memcpy(&n, count + (size_t)c * LANES, sizeof n);
		memcpy(&shares, q, sizeof shares);
		sum += __builtin_convertvector(n, lanes_float) * shares;
		memcpy(sums + (size_t)c * LANES, &sum, sizeof sum);
	}
	sum_up(&sum);
	*up = sum;
	return sum[LANES - 1];
}
