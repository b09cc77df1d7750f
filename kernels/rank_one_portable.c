#include "rank_one_simd.h"

bool
strads_rank_one_simd(const struct strads_rank_one_rows *rows,
		     const struct strads_rank_one_pass *pass, uint32_t first, uint32_t end)
{
	(void)rows;
	(void)pass;
	(void)first;
	(void)end;
	return false;
}

bool
strads_rank_one_follow_simd(const struct strads_rank_one_rows *rows, const void *change,
			    const void *before, const void *after)
{
	(void)rows;
	(void)change;
	(void)before;
	(void)after;
	return false;
}
