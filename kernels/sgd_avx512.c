/*
 * By sixteen lanes.
 */
#include "sgd_simd.h"

#include <immintrin.h>

#define TARGET    __attribute__((target("avx512f,avx512dq,avx512vl,avx2,fma")))
#define VECTOR    __m512
#define LANES     16
#define SHORT     2 /* K = 25 … 40 */
#define ZERO      _mm512_setzero_ps
#define SET       _mm512_set1_ps
#define BROADCAST _mm512_broadcastss_ps
#define LOAD      _mm512_load_ps
#define STORE     _mm512_store_ps
#define MUL       _mm512_mul_ps
#define FMADD     _mm512_fmadd_ps
#define FNMADD    _mm512_fnmadd_ps

TARGET static inline __m256
fold(__m512 v)
{
	return _mm256_add_ps(_mm512_castps512_ps256(v), _mm512_extractf32x8_ps(v, 1));
}

#include "sgd_avx.h"

const struct strads_sgd_simd *
strads_sgd_avx512(void)
{
	static const struct strads_sgd_simd simd = {.step = step, .squares = squares};

	return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
		       __builtin_cpu_supports("avx512vl")
		   ? &simd
		   : NULL;
}
