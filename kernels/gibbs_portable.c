#include "gibbs_simd.h"

#define TARGET
#define SAMPLE strads_gibbs_sample_portable
#include "gibbs_loop.h"
