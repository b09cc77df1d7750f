/*
 * The loops of gibbs_loop.h by instruction set; all give the same bits.
 */
#ifndef STRADS_GIBBS_SIMD_H
#define STRADS_GIBBS_SIMD_H

#include "strads/gibbs.h"

typedef void strads_gibbs_sampler(struct strads_gibbs *gibbs, struct strads_gibbs_docs *docs,
				  uint64_t n, const uint32_t *doc, uint32_t *topic,
				  uint64_t random);

strads_gibbs_sampler strads_gibbs_sample_portable;

/* Only where the processor is of that kind. */
strads_gibbs_sampler strads_gibbs_sample_avx2, strads_gibbs_sample_avx512;

#endif
