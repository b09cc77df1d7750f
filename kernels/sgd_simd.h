/*
 * The functions of strads/sgd.h for rows of floats, by vector instructions of the processor.
 */
#ifndef STRADS_SGD_SIMD_H
#define STRADS_SGD_SIMD_H

#include "strads/sgd.h"

struct strads_sgd_simd {
	void (*step)(const struct strads_sgd_shape *shape, const struct strads_sgd_tile *tile,
		     float rate, bool first_only);
	double (*squares)(const struct strads_sgd_shape *shape, const struct strads_sgd_tile *tile);
};

/* What carries them out by eight lanes and by sixteen; NULL where the processor cannot, or this
 * library was built for another kind of processors. Thread: any. */
const struct strads_sgd_simd *strads_sgd_avx2(void);
const struct strads_sgd_simd *strads_sgd_avx512(void);

#endif
