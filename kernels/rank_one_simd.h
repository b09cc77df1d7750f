/*
 * The passes of strads/rank_one.h by vector instructions of the processor at hand.
 */
#ifndef STRADS_RANK_ONE_SIMD_H
#define STRADS_RANK_ONE_SIMD_H

#include "strads/rank_one.h"

/* As strads_rank_one and strads_rank_one_follow, if the processor has the instructions and there
 * are such for these numbers; else return false, and nothing is done. Thread: any. */
bool strads_rank_one_simd(const struct strads_rank_one_rows *rows,
			  const struct strads_rank_one_pass *pass, uint32_t first, uint32_t end);
bool strads_rank_one_follow_simd(const struct strads_rank_one_rows *rows, const void *change,
				 const void *before, const void *after);

#endif
