#include "strads/rank_one.h"

#include "rank_one_simd.h"

#include <stddef.h>

#define REAL           float
#define FOR_REAL(name) name##_float
#include "rank_one_real.h"
#undef REAL
#undef FOR_REAL
#define REAL           double
#define FOR_REAL(name) name##_double
#include "rank_one_real.h"

void
strads_rank_one(const struct strads_rank_one_rows *rows, const struct strads_rank_one_pass *pass,
		uint32_t first, uint32_t end)
{
	if (rows->wide)
		pass_double(rows, pass, first, end);
	else if (!strads_rank_one_simd(rows, pass, first, end))
		pass_float(rows, pass, first, end);
}

void
strads_rank_one_follow(const struct strads_rank_one_rows *rows, const void *change,
		       const void *before, const void *after)
{
	if (rows->wide)
		follow_double(rows, change, before, after);
	else if (!strads_rank_one_follow_simd(rows, change, before, after))
		follow_float(rows, change, before, after);
}

double
strads_rank_one_squares(const struct strads_rank_one_rows *rows)
{
	uint64_t n = rows->start[rows->rows];

	return rows->wide ? squares_double(n, rows->residual) : squares_float(n, rows->residual);
}
