#define TABLE        strads_normal_avx2
#define VECTOR_BYTES 32
#define TILE         4
#include "normal_simd_table.h"
