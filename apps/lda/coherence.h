/*
 * Whether the words of a topic occur together: coherence after Mimno, Wallach, Talley, Leenders,
 * McCallum: "Optimizing semantic coherence in topic models", EMNLP 2011, equation 1.
 */
#ifndef STRADS_LDA_COHERENCE_H
#define STRADS_LDA_COHERENCE_H

#include "lda.h"

/* Most words of a topic. */
#define STRADS_LDA_COHERENCE_WORDS 64

/* Stands for a word that a topic does not have. */
#define STRADS_LDA_NO_WORD UINT32_MAX

/* Of each topic, with words v_0, v_1, … by falling probability, value [K] becomes
 *
 *     Σ_{m ≥ 1} Σ_{l < m} log ((D(v_m, v_l) + 1) / D(v_l)),
 *
 * D counting the documents that have the word, or both, over all ranks; those held out by the
 * options do not count. NaN where a topic has fewer than two words. word [K][n] on one rank, NULL
 * on the others, n ≤ STRADS_LDA_COHERENCE_WORDS the same on all; a topic's words occur in documents
 * that count, and NO_WORD comes after them. Collective: all ranks succeed or fail together. Returns
 * STRADS_OK, ERR_MEMORY, or as strads_counts_sum. Thread: owner. */
STRADS_MUST_CHECK int strads_lda_coherence(struct strads_fabric *fabric,
					   const struct strads_documents *documents,
					   const struct strads_lda_options *options, uint32_t n,
					   const uint32_t *word, double *value);

#endif
