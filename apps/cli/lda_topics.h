/*
 * The words that stand out in each topic.
 */
#ifndef STRADS_CLI_LDA_TOPICS_H
#define STRADS_CLI_LDA_TOPICS_H

#include "../lda/lda.h"

#include <stdio.h>

struct strads_lda_topics {
	uint32_t topics, n; /* K, words of each at most */
	uint32_t *word;     /* [K][n]; STRADS_LDA_NO_WORD: there is no further one */
	double
	    *relevance; /* [K][n] of these, falling, but for what is the same in all of a topic */
};

/* The n most relevant words of each topic, of those it has (Sievert, Shirley: "LDAvis: a method for
 * visualizing and interpreting topics", 2014): by
 *
 *     λ log φ_kw + (1 − λ) log (φ_kw / p_w),    φ_kw = (n_kw + β) / (n_k + Vβ), p_w = n_w / N,
 *
 * of equal ones the lower number first. lambda 0 … 1; 1: the most frequent ones. Returns STRADS_OK,
 * ERR_MEMORY. Thread: any. */
STRADS_MUST_CHECK int strads_lda_topics_make(const struct strads_lda_table *words, uint32_t topics,
					     uint32_t n, double lambda, double beta,
					     struct strads_lda_topics *made);

/* A line for each topic: its number, its share of the tokens, its coherence, its words; numbers
 * from 0 where vocabulary has none. total, coherence [K]. */
void strads_lda_topics_print(FILE *out, const struct strads_lda_topics *topics,
			     const int32_t *total, const double *coherence,
			     const struct strads_names *vocabulary);

void strads_lda_topics_free(struct strads_lda_topics *topics);

#endif
