#define TABLE        strads_normal_portable
#define VECTOR_BYTES 16
#define TILE         2
#include "normal_simd_table.h"
