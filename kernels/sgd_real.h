/*
 * The functions of strads/sgd.h in one precision; included once for each, with REAL, its name and
 * its square root.
 */

/* The rows of the tile's rating e. */
static inline REAL *
FOR_REAL(user_of)(const struct strads_sgd_shape *shape, const struct strads_sgd_tile *tile,
		  uint64_t e)
{
	return (REAL *)tile->users + (size_t)(tile->at[e] >> 16) * shape->stride;
}

static inline REAL *
FOR_REAL(item_of)(const struct strads_sgd_shape *shape, const struct strads_sgd_tile *tile,
		  uint64_t e)
{
	return (REAL *)tile->items + (size_t)(tile->at[e] & UINT16_MAX) * shape->stride;
}

static inline REAL
FOR_REAL(error)(uint32_t stride, REAL value, const REAL *w, const REAL *h)
{
	REAL even = 0, odd = 0;

	for (uint32_t k = 0; k < STRADS_SGD_FIRST; k += 2) {
		even += w[k] * h[k];
		odd += w[k + 1] * h[k + 1];
	}
	for (uint32_t k = STRADS_SGD_REST; k < stride; k += 2) {
		even += w[k] * h[k];
		odd += w[k + 1] * h[k + 1];
	}
	return value - (even + odd);
}

/* What the biases leave of an error without them. */
static inline REAL
FOR_REAL(left)(const struct strads_sgd_shape *shape, REAL error, const REAL *w, const REAL *h)
{
	return shape->biased ? error - (w[STRADS_SGD_BIAS] + h[STRADS_SGD_BIAS]) : error;
}

static inline void
FOR_REAL(move_bias)(REAL rate, REAL error, REAL *bias)
{
	REAL g = bias[2] * bias[0] - error;

	bias[0] -= rate / FOR_REAL(root)(bias[1]) * g;
	bias[1] += g * g;
}

/* Moves what is at from … end − 1 of both rows, `factors` of it more than zeros, whose steps shrink
 * by the sum of that number. */
static void
FOR_REAL(move)(uint32_t from, uint32_t end, uint32_t factors, int sum, REAL rate, REAL error,
	       REAL *w, REAL *h)
{
	REAL *sum_w = w + STRADS_SGD_SUMS + sum, *sum_h = h + STRADS_SGD_SUMS + sum;
	REAL step_w = rate / FOR_REAL(root)(*sum_w), step_h = rate / FOR_REAL(root)(*sum_h);
	REAL squares_w = 0, squares_h = 0;

	for (uint32_t k = from; k < end; k++) {
		REAL g = w[STRADS_SGD_LAMBDA] * w[k] - error * h[k];
		REAL f = h[STRADS_SGD_LAMBDA] * h[k] - error * w[k];

		squares_w += g * g;
		squares_h += f * f;
		w[k] -= step_w * g;
		h[k] -= step_h * f;
	}
	*sum_w += squares_w / (REAL)factors;
	*sum_h += squares_h / (REAL)factors;
}

static void
FOR_REAL(step)(const struct strads_sgd_shape *shape, const struct strads_sgd_tile *tile, REAL rate,
	       bool first_only)
{
	uint32_t factors = shape->factors, stride = shape->stride;
	uint32_t first = factors < STRADS_SGD_FIRST ? factors : STRADS_SGD_FIRST;

	for (uint64_t e = 0; e < tile->n; e++) {
		REAL *w = FOR_REAL(user_of)(shape, tile, e), *h = FOR_REAL(item_of)(shape, tile, e);
		REAL error = FOR_REAL(left)(
		    shape, FOR_REAL(error)(stride, ((const REAL *)tile->value)[e], w, h), w, h);

		if (shape->biased) {
			FOR_REAL(move_bias)(rate, error, w + STRADS_SGD_BIAS);
			FOR_REAL(move_bias)(rate, error, h + STRADS_SGD_BIAS);
		}
		FOR_REAL(move)(0, first, first, 0, rate, error, w, h);
		if (!first_only && factors > first)
			FOR_REAL(move)
		(STRADS_SGD_REST, stride, factors - first, 1, rate, error, w, h);
	}
}

static double
FOR_REAL(squares)(const struct strads_sgd_shape *shape, const struct strads_sgd_tile *tile)
{
	double squares = 0;

	for (uint64_t e = 0; e < tile->n; e++) {
		const REAL *w = FOR_REAL(user_of)(shape, tile, e);
		const REAL *h = FOR_REAL(item_of)(shape, tile, e);
		double error = FOR_REAL(left)(
		    shape, FOR_REAL(error)(shape->stride, ((const REAL *)tile->value)[e], w, h), w,
		    h);

		squares += error * error;
	}
	return squares;
}
