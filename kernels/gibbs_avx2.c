#include "gibbs_simd.h"

#define TARGET __attribute__((target("avx2")))
#define SAMPLE strads_gibbs_sample_avx2
#include "gibbs_loop.h"
