#include "sgd_simd.h"

#include <stddef.h>

const struct strads_sgd_simd *
strads_sgd_avx2(void)
{
	return NULL;
}

const struct strads_sgd_simd *
strads_sgd_avx512(void)
{
	return NULL;
}
