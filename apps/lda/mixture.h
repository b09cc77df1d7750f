/*
 * A document's shares of topics, given the topics: θ is the fixed point, reached by so many steps
 * from equal shares, of
 *
 *     θ_k = (α_k + Σ_w c_w θ_k φ_kw / Σ_j θ_j φ_jw) / (Σα + Σ_w c_w),
 *
 * with c_w occurrences of word w and φ_kw = (n_kw + β) / (n_k + Vβ).
 */
#ifndef STRADS_LDA_MIXTURE_H
#define STRADS_LDA_MIXTURE_H

#include <stdint.h>

struct strads_lda_mixture {
	/* The topics, borrowed. */
	uint32_t topics;        /* K */
	const double *alpha;    /* [K] */
	double alpha_sum, beta; /* Σα, β */
	const double *inverse;  /* [K] 1 / (n_k + Vβ) */
	const uint64_t *start;  /* of the word at each place: its list … */
	const uint64_t *end;    /* … up to here, in the next two */
	const uint32_t *topic;  /* topics where n_kw > 0 */
	const float *share;     /* n_kw / (n_k + Vβ) of them */
	/* The document, the caller's. */
	double *theta, *gain; /* [K] */
};

/* Occurrences of words: count[i], which may be 0, of that at place[i]. */
struct strads_lda_bag {
	uint64_t n;
	const uint64_t *place;
	const uint32_t *count;
};

/* Makes theta that of the bag. steps ≥ 1; typically 20 to 100. Thread: any. */
void strads_lda_mixture_fit(const struct strads_lda_mixture *mixture,
			    const struct strads_lda_bag *bag, uint32_t steps);

/* Σ c_w log Σ_k θ_k φ_kw. Thread: any. */
double strads_lda_mixture_score(const struct strads_lda_mixture *mixture,
				const struct strads_lda_bag *bag);

/* How many of the `count` occurrences of entry `entry` of a document are in the half that is fitted
 * when a document is completed: each by a coin of its own. Thread: any. */
uint32_t strads_lda_mixture_half(uint64_t seed, uint64_t document, uint64_t entry, uint32_t count);

#endif
