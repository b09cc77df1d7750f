/*
 * Documents by a model that is there already: their shares of its topics, and how well it tells
 * their words.
 */
#ifndef STRADS_LDA_INFER_H
#define STRADS_LDA_INFER_H

#include "lda.h"

/* What a model knows. */
struct strads_lda_known {
	uint32_t topics;
	double *alpha;                  /* [K] > 0 */
	double beta;                    /* > 0 */
	int32_t *total;                 /* [K] n_k ≥ 0 */
	struct strads_lda_table words;  /* n_kw ≥ 1 */
	struct strads_names vocabulary; /* [words.rows], or empty */
};

void strads_lda_known_free(struct strads_lda_known *known);

struct strads_lda_infer_options {
	uint32_t steps; /* to the fixed point, see mixture.h; ≥ 1 */
	uint64_t seed;  /* of the halves of documents */
};

/* Of all documents of this rank. */
struct strads_lda_inferred {
	uint64_t unknown; /* tokens of words that the model has none of, which are left out */
	uint64_t scored;  /* tokens of the halves that are scored */
	double score;     /* Σ log p of these, given the other halves */
};

/* Takes the shares of this rank's next document: theta [K]. Returns STRADS_OK to go on. */
typedef int strads_lda_take_shares(void *arg, const double *theta);

/* Gives the shares of each of this rank's documents, of all their words; and completes each
 * document: half of its tokens, by a coin for each, tell the shares by which the others are scored.
 * Words are the model's by their text; where neither the model nor the data know that, by their
 * numbers. Not collective. Returns STRADS_OK, ERR_INPUT (only one of them knows the words, or
 * numbers beyond the model's), ERR_MEMORY, or what `take` returns. Thread: any. */
STRADS_MUST_CHECK int strads_lda_infer(const struct strads_lda_known *known,
				       const struct strads_documents *documents,
				       const struct strads_lda_infer_options *options,
				       strads_lda_take_shares *take, void *arg,
				       struct strads_lda_inferred *inferred);

#endif
