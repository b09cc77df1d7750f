/*
 * A whole pass in single precision, eight ratings at a time. What a column has, two floats side by
 * side, is one load of 64 bits and, in the sums, one store: gathers of the instruction set take no
 * fewer steps, and for scatters it has none. The columns of a row are different ones, so that no
 * sum is read before it is written.
 */
#include "rank_one_simd.h"

#include <immintrin.h>
#include <stddef.h>

#define AVX2 __attribute__((target("avx2,fma")))

/* So many of a row's h after the change are kept from one half of the pass for the other: reading
 * them again from columns takes half of the second half's loads. */
#define KEPT 2048

/* The two floats of column i, then those of column j. */
AVX2 static inline __m128
load_two(const float *pairs, uint32_t i, uint32_t j)
{
	__m128i low = _mm_loadl_epi64((const __m128i *)(pairs + 2 * (size_t)i));

	return _mm_loadh_pi(_mm_castsi128_ps(low), (const __m64 *)(pairs + 2 * (size_t)j));
}

/* Adds two floats to those of column i, and two to those of column j. */
AVX2 static inline void
add_two(float *pairs, uint32_t i, uint32_t j, __m128 more)
{
	__m128 sum = _mm_add_ps(load_two(pairs, i, j), more);

	_mm_storel_pi((__m64 *)(pairs + 2 * (size_t)i), sum);
	_mm_storeh_pi((__m64 *)(pairs + 2 * (size_t)j), sum);
}

/* h of eight columns before and after. */
AVX2 static inline __m256
load_change(const float *change, const uint32_t *col, __m256 *before)
{
	__m256 low =
	    _mm256_set_m128(load_two(change, col[4], col[5]), load_two(change, col[0], col[1]));
	__m256 high =
	    _mm256_set_m128(load_two(change, col[6], col[7]), load_two(change, col[2], col[3]));

	*before = _mm256_shuffle_ps(low, high, 0x88);
	return _mm256_shuffle_ps(low, high, 0xdd);
}

AVX2 static inline float
sum_eight(__m256 v)
{
	__m128 four = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
	__m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));

	return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

/* The first half of the pass on a row of n entries, but for the last subtraction; returns w_i and
 * keeps h [KEPT]. */
AVX2 static float
row_update(const struct strads_rank_one_pass *pass, uint64_t n, const uint32_t *col, float *r,
	   float w, float *kept)
{
	const float *change = pass->change;
	__m256 ups = _mm256_setzero_ps(), downs = ups, ws = _mm256_set1_ps(w);
	float up, down, ridge = (float)pass->lambda * (pass->weighted ? (float)n : 1);
	uint64_t e = 0;

	for (; e + 8 <= n; e += 8) {
		__m256 before, after = load_change(change, col + e, &before);
		__m256 left = _mm256_fmadd_ps(ws, before, _mm256_loadu_ps(r + e));

		_mm256_storeu_ps(r + e, left);
		if (e + 8 <= KEPT)
			_mm256_storeu_ps(kept + e, after);
		ups = _mm256_fmadd_ps(left, after, ups);
		downs = _mm256_fmadd_ps(after, after, downs);
	}
	up = sum_eight(ups);
	down = sum_eight(downs);
	for (; e < n; e++) {
		const float *h = change + 2 * (size_t)col[e];

		r[e] += w * h[0];
		up += r[e] * h[1];
		down += h[1] * h[1];
	}
	if (!pass->solve)
		return w;
	return ridge + down > 0 ? up / (ridge + down) : 0;
}

/* The last subtraction and the sums, by the h kept. */
AVX2 static void
row_subtract_sum(const struct strads_rank_one_pass *pass, uint64_t n, const uint32_t *col, float *r,
		 float w, float next, const float *kept)
{
	const float *change = pass->change;
	float *sums = pass->sums;
	__m256 ws = _mm256_set1_ps(w), nexts = _mm256_set1_ps(next);
	__m256 squares = _mm256_mul_ps(nexts, nexts);
	uint64_t e = 0;

	for (; e + 8 <= n; e += 8) {
		const uint32_t *c = col + e;
		__m256 before, after = e + 8 <= KEPT ? _mm256_loadu_ps(kept + e)
						     : load_change(change, c, &before);
		__m256 left = _mm256_fnmadd_ps(ws, after, _mm256_loadu_ps(r + e));
		__m256 products = _mm256_mul_ps(left, nexts);
		__m256 low = _mm256_unpacklo_ps(products, squares);
		__m256 high = _mm256_unpackhi_ps(products, squares);

		_mm256_storeu_ps(r + e, left);
		add_two(sums, c[0], c[1], _mm256_castps256_ps128(low));
		add_two(sums, c[2], c[3], _mm256_castps256_ps128(high));
		add_two(sums, c[4], c[5], _mm256_extractf128_ps(low, 1));
		add_two(sums, c[6], c[7], _mm256_extractf128_ps(high, 1));
	}
	for (; e < n; e++) {
		size_t at = 2 * (size_t)col[e];

		r[e] -= w * change[at + 1];
		sums[at] += r[e] * next;
		sums[at + 1] += next * next;
	}
}

static bool
has_instructions(void)
{
	return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

bool
strads_rank_one_simd(const struct strads_rank_one_rows *rows,
		     const struct strads_rank_one_pass *pass, uint32_t first, uint32_t end)
{
	const float *next = pass->next;
	float *w = pass->w, kept[KEPT];

	if (rows->wide || !pass->change || !next || !has_instructions())
		return false;
	for (uint32_t i = first; i < end; i++) {
		uint64_t begin = rows->start[i], n = rows->start[i + 1] - begin;
		const uint32_t *col = rows->col + begin;
		float *r = (float *)rows->residual + begin;

		w[i] = row_update(pass, n, col, r, w[i], kept);
		row_subtract_sum(pass, n, col, r, w[i], next[i], kept);
	}
	return true;
}

AVX2 static void
row_follow(const float *change, uint64_t n, const uint32_t *col, float *r, float before,
	   float after)
{
	__m256 befores = _mm256_set1_ps(before), afters = _mm256_set1_ps(after);
	uint64_t e = 0;

	for (; e + 8 <= n; e += 8) {
		__m256 h, g = load_change(change, col + e, &h);
		__m256 left = _mm256_fmadd_ps(befores, h, _mm256_loadu_ps(r + e));

		_mm256_storeu_ps(r + e, _mm256_fnmadd_ps(afters, g, left));
	}
	for (; e < n; e++) {
		const float *h = change + 2 * (size_t)col[e];

		r[e] += before * h[0] - after * h[1];
	}
}

bool
strads_rank_one_follow_simd(const struct strads_rank_one_rows *rows, const void *change,
			    const void *before, const void *after)
{
	const float *befores = before, *afters = after;

	if (rows->wide || !has_instructions())
		return false;
	for (uint32_t i = 0; i < rows->rows; i++) {
		uint64_t begin = rows->start[i], n = rows->start[i + 1] - begin;

		row_follow(change, n, rows->col + begin, (float *)rows->residual + begin,
			   befores[i], afters[i]);
	}
	return true;
}
