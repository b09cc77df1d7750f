/*
 * The functions of strads/sgd.h for floats; included once for each instruction set, with
 * TARGET (the attribute), VECTOR, LANES, the names of its instructions, fold (the sum of a vector's
 * halves, down to eight lanes), and SHORT, so many vectors of a row that both rows stay in
 * registers from the error to the step if their number is known to the compiler.
 */
#define INLINE TARGET static inline __attribute__((always_inline))

/* The sum of eight numbers. */
INLINE float
sum_of(__m256 eight)
{
	__m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
	__m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));

	return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

/* The four sums of eight numbers each. */
INLINE __m128
sums_of(__m256 a, __m256 b, __m256 c, __m256 d)
{
	__m256 halves = _mm256_hadd_ps(_mm256_hadd_ps(a, b), _mm256_hadd_ps(c, d));

	return _mm_add_ps(_mm256_castps256_ps128(halves), _mm256_extractf128_ps(halves, 1));
}

INLINE float
error_of(uint32_t vectors, float value, const float *w, const float *h)
{
	__m256 first = _mm256_mul_ps(_mm256_load_ps(w), _mm256_load_ps(h));
	VECTOR rest = ZERO();

	for (uint32_t v = 0; v < vectors; v++)
		rest = FMADD(LOAD(w + STRADS_SGD_REST + v * LANES),
			     LOAD(h + STRADS_SGD_REST + v * LANES), rest);
	return value - sum_of(_mm256_add_ps(first, fold(rest)));
}

INLINE void
move_bias(float rate, float error, float *bias)
{
	float g = bias[2] * bias[0] - error;

	bias[0] -= rate / _mm_cvtss_f32(_mm_sqrt_ss(_mm_set_ss(bias[1]))) * g;
	bias[1] += g * g;
}

/* A step of both rows, whose steps, of the first factors and the others of w, then of h, are
 * `steps`; returns Σ g² of each of the four. */
INLINE __m128
move(uint32_t vectors, float error, __m128 steps, float *w, float *h)
{
	__m256 w8 = _mm256_load_ps(w), h8 = _mm256_load_ps(h), e8 = _mm256_set1_ps(error);
	__m256 g8 =
	    _mm256_fnmadd_ps(e8, h8, _mm256_mul_ps(_mm256_broadcast_ss(w + STRADS_SGD_LAMBDA), w8));
	__m256 f8 =
	    _mm256_fnmadd_ps(e8, w8, _mm256_mul_ps(_mm256_broadcast_ss(h + STRADS_SGD_LAMBDA), h8));
	VECTOR ridge_w = SET(w[STRADS_SGD_LAMBDA]), ridge_h = SET(h[STRADS_SGD_LAMBDA]);
	VECTOR step_w = BROADCAST(_mm_permute_ps(steps, 1));
	VECTOR step_h = BROADCAST(_mm_permute_ps(steps, 3));
	VECTOR errors = SET(error), squares_w = ZERO(), squares_h = ZERO();

	_mm256_store_ps(w, _mm256_fnmadd_ps(_mm256_broadcastss_ps(steps), g8, w8));
	_mm256_store_ps(h,
			_mm256_fnmadd_ps(_mm256_broadcastss_ps(_mm_permute_ps(steps, 2)), f8, h8));
	for (uint32_t v = 0; v < vectors; v++) {
		float *w_at = w + STRADS_SGD_REST + v * LANES;
		float *h_at = h + STRADS_SGD_REST + v * LANES;
		VECTOR ws = LOAD(w_at), hs = LOAD(h_at);
		VECTOR g = FNMADD(errors, hs, MUL(ridge_w, ws));
		VECTOR f = FNMADD(errors, ws, MUL(ridge_h, hs));

		squares_w = FMADD(g, g, squares_w);
		squares_h = FMADD(f, f, squares_h);
		STORE(w_at, FNMADD(step_w, g, ws));
		STORE(h_at, FNMADD(step_h, f, hs));
	}
	return sums_of(_mm256_mul_ps(g8, g8), fold(squares_w), _mm256_mul_ps(f8, f8),
		       fold(squares_h));
}

/* What each square counts in the mean over its factors; 0 for factors that stay. */
INLINE __m128
shares_of(uint32_t factors, bool first_only)
{
	float first = 1 / (float)(factors < STRADS_SGD_FIRST ? factors : STRADS_SGD_FIRST);
	float rest =
	    first_only || factors <= STRADS_SGD_FIRST ? 0 : 1 / (float)(factors - STRADS_SGD_FIRST);

	return _mm_setr_ps(first, rest, first, rest);
}

/* Of the vectors behind the first eight factors the first `moved` are moved: all or none. */
INLINE void
step_all(const struct strads_sgd_shape *shape, const struct strads_sgd_tile *tile, float rate,
	 uint32_t vectors, uint32_t moved, bool biased)
{
	const float *value = tile->value;
	__m128 shares = shares_of(shape->factors, moved == 0), rates = _mm_set1_ps(rate);

	for (uint64_t e = 0; e < tile->n; e++) {
		float *w = (float *)tile->users + (size_t)(tile->at[e] >> 16) * shape->stride;
		float *h = (float *)tile->items + (size_t)(tile->at[e] & 0xffff) * shape->stride;
		__m128 low = _mm_castsi128_ps(_mm_loadl_epi64((__m128i *)(w + STRADS_SGD_SUMS)));
		__m128 sums = _mm_loadh_pi(low, (__m64 *)(h + STRADS_SGD_SUMS));
		__m128 steps = _mm_div_ps(rates, _mm_sqrt_ps(sums));
		float error = error_of(vectors, value[e], w, h);

		if (biased) {
			error -= w[STRADS_SGD_BIAS] + h[STRADS_SGD_BIAS];
			move_bias(rate, error, w + STRADS_SGD_BIAS);
			move_bias(rate, error, h + STRADS_SGD_BIAS);
		}
		sums = _mm_fmadd_ps(move(moved, error, steps, w, h), shares, sums);
		_mm_storel_pi((__m64 *)(w + STRADS_SGD_SUMS), sums);
		_mm_storeh_pi((__m64 *)(h + STRADS_SGD_SUMS), sums);
	}
}

TARGET static void
step(const struct strads_sgd_shape *shape, const struct strads_sgd_tile *tile, float rate,
     bool first_only)
{
	uint32_t vectors = (shape->stride - STRADS_SGD_REST) / LANES;

	if (first_only)
		step_all(shape, tile, rate, vectors, 0, shape->biased);
	else if (shape->biased)
		step_all(shape, tile, rate, vectors, vectors, true);
	else if (vectors == SHORT)
		step_all(shape, tile, rate, SHORT, SHORT, false);
	else
		step_all(shape, tile, rate, vectors, vectors, false);
}

TARGET static double
squares(const struct strads_sgd_shape *shape, const struct strads_sgd_tile *tile)
{
	uint32_t vectors = (shape->stride - STRADS_SGD_REST) / LANES;
	const float *value = tile->value, *users = tile->users, *items = tile->items;
	double sum = 0;

	for (uint64_t e = 0; e < tile->n; e++) {
		const float *w = users + (size_t)(tile->at[e] >> 16) * shape->stride;
		const float *h = items + (size_t)(tile->at[e] & 0xffff) * shape->stride;
		double error = error_of(vectors, value[e], w, h);

		if (shape->biased)
			error -= w[STRADS_SGD_BIAS] + h[STRADS_SGD_BIAS];
		sum += error * error;
	}
	return sum;
}
