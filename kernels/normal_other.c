#include "normal_simd.h"

const struct strads_normal_simd *
strads_normal_simd(void)
{
	return &strads_normal_portable;
}
