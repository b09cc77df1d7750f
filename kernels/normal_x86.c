#include "normal_simd.h"

const struct strads_normal_simd *
strads_normal_simd(void)
{
	if (__builtin_cpu_supports("avx512f"))
		return &strads_normal_avx512;
	if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
		return &strads_normal_avx2;
	return &strads_normal_portable;
}
