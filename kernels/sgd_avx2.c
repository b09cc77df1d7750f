/*
 * By eight lanes.
 */
#include "sgd_simd.h"

#include <immintrin.h>

#define TARGET    __attribute__((target("avx2,fma")))
#define VECTOR    __m256
#define LANES     8
#define SHORT     4 /* K = 25 … 40 */
#define ZERO      _mm256_setzero_ps
#define SET       _mm256_set1_ps
#define BROADCAST _mm256_broadcastss_ps
#define LOAD      _mm256_load_ps
#define STORE     _mm256_store_ps
#define MUL       _mm256_mul_ps
#define FMADD     _mm256_fmadd_ps
#define FNMADD    _mm256_fnmadd_ps

TARGET static inline __m256
fold(__m256 v)
{
	return v;
}

#include "sgd_avx.h"

const struct strads_sgd_simd *
strads_sgd_avx2(void)
{
	static const struct strads_sgd_simd simd = {.step = step, .squares = squares};

	return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? &simd : NULL;
}
