#define TABLE        strads_normal_avx512
#define VECTOR_BYTES 64
#define TILE         8
#include "normal_simd_table.h"
