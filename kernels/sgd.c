#include "strads/sgd.h"

#include "sgd_simd.h"

#include <math.h>

#define REAL           float
#define FOR_REAL(name) name##_float
#define root_float     sqrtf
#include "sgd_real.h"
#undef REAL
#undef FOR_REAL
#define REAL           double
#define FOR_REAL(name) name##_double
#define root_double    sqrt
#include "sgd_real.h"

/* The fastest there is for this shape, or NULL. */
static const struct strads_sgd_simd *
simd_for(const struct strads_sgd_shape *shape)
{
	const struct strads_sgd_simd *simd = shape->wide ? NULL : strads_sgd_avx512();

	return simd || shape->wide ? simd : strads_sgd_avx2();
}

void
strads_sgd_step(const struct strads_sgd_shape *shape, const struct strads_sgd_tile *tile,
		double rate, bool first_only)
{
	const struct strads_sgd_simd *simd = simd_for(shape);

	if (shape->wide)
		step_double(shape, tile, rate, first_only);
	else if (simd)
		simd->step(shape, tile, (float)rate, first_only);
	else
		step_float(shape, tile, (float)rate, first_only);
}

double
strads_sgd_squares(const struct strads_sgd_shape *shape, const struct strads_sgd_tile *tile)
{
	const struct strads_sgd_simd *simd = simd_for(shape);

	if (shape->wide)
		return squares_double(shape, tile);
	return simd ? simd->squares(shape, tile) : squares_float(shape, tile);
}
