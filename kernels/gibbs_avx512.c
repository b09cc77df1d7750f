#include "gibbs_simd.h"

#include <immintrin.h>

#define TARGET __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,popcnt")))
#define SAMPLE strads_gibbs_sample_avx512

/* So many of the first fifteen of sixteen floats are at most x. */
TARGET static inline uint32_t
lanes_at_most(const void *up, float x)
{
	__mmask16 at_most = _mm512_cmp_ps_mask(_mm512_loadu_ps(up), _mm512_set1_ps(x), _CMP_LE_OQ);

	return (uint32_t)__builtin_popcount(at_most & 0x7fffu);
}
#define LANES_AT_MOST lanes_at_most

/* A bit for each of sixteen numbers that is k. */
TARGET static inline uint32_t
lanes_equal(const void *numbers, uint32_t k)
{
	return _mm512_cmpeq_epi32_mask(_mm512_loadu_si512(numbers), _mm512_set1_epi32((int)k));
}
#define LANES_EQUAL lanes_equal

#include "gibbs_loop.h"
