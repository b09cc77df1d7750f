/*
 * Collapsed Gibbs sampling for latent Dirichlet allocation, a word at a time (Griffiths, Steyvers,
 * PNAS 2004). A token of word w in document d takes topic k with probability proportional to
 *
 *     (n_dk + α_k) q_k,   q_k = (n_kw + β) / (n_k + Vβ),
 *
 * where the counts leave the token itself out.
 */
#ifndef STRADS_GIBBS_H
#define STRADS_GIBBS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define STRADS_GIBBS_LANES 16
#define STRADS_GIBBS_NONE  UINT32_MAX /* the topic of a token that has none yet */

/* Levels of sums over the topics, sixteen to one, of a sampler on sparse documents. */
#define STRADS_GIBBS_LEVELS 8

/* K rounded up so that rows are a whole number of cache lines. */
static inline uint32_t
strads_gibbs_padded(uint32_t topics)
{
	return (topics + 31) / 32 * 32;
}

/* How often each topic is in each document: either rows of all topics … */
struct strads_gibbs_docs {
	uint16_t *dense; /* [documents][padded], 64-byte aligned, or NULL */
	uint32_t padded;
	/* … or for each document a list of the topics it has, in no order: */
	uint64_t *start; /* [documents + 1] multiples of 16 */
	uint32_t *n;     /* [documents] topics of the list */
	uint32_t *topic; /* [start[documents]]; beyond the list 0 … */
	uint32_t *count; /* … and 0 */
};

/* What is sampled with. Arrays are the caller's, 64-byte aligned; of those marked (zero) the caller
 * zeroes them once. */
struct strads_gibbs {
	uint32_t topics; /* K, 1 … 2^24 */
	float *alpha;    /* [padded] α of each topic, then 0 */
	double beta;
	double words_beta; /* Vβ */
	int32_t *total;    /* [padded] n_k */
	uint32_t *count;   /* [padded] n_kw of the word at hand (zero) */
	uint32_t *listed;  /* [K] topics the word has or had, in the order in which they came … */
	uint32_t n_listed; /* … so many (zero) */
	uint32_t *place;   /* [padded] of each topic in it, plus 1; 0: not there (zero) */
	float *share;      /* [padded] q (zero) */
	float *sums;       /* [padded], of a row under way */
	/* Of sparse documents alone: 1 / (n_k + Vβ); above it sums, sixteen to one, of that times
	 * α_k. */
	double *level[STRADS_GIBBS_LEVELS]; /* [K rounded up to 16], then a sixteenth, … (zero) */
	int levels;
	double all_sum; /* Σ_k α_k / (n_k + Vβ) */
	/* Σ_k α_k n_kw / (n_k + Vβ) over the listed topics, and of each 16 and 256 of them. */
	double word_sum;
	double *word_part[2]; /* [padded / 16], [padded / 256 + 1] (zero) */
};

/* Numbers in level l of a sampler for sparse documents; 0: there is no such level. Thread: any. */
size_t strads_gibbs_level(uint32_t topics, int l);

/* To be called when `total`, `alpha` or β was written. Thread: any, as all below. */
void strads_gibbs_begin(struct strads_gibbs *gibbs, bool sparse);

/* Adds `count` > 0 to the topic of the word at hand. */
static inline void
strads_gibbs_put(struct strads_gibbs *gibbs, uint32_t topic, uint32_t count)
{
	gibbs->count[topic] += count;
	if (gibbs->place[topic] == 0) {
		gibbs->listed[gibbs->n_listed++] = topic;
		gibbs->place[topic] = gibbs->n_listed;
	}
}

/* Draws new topics for n tokens of the word whose counts were put, one after another: token i is in
 * document doc[i] and has topic[i], NONE if none yet. Counts follow: those of documents, of the
 * word and of all words. `random` starts a sequence of random numbers, one a token. */
void strads_gibbs_sample(struct strads_gibbs *gibbs, struct strads_gibbs_docs *docs, uint64_t n,
			 const uint32_t *doc, uint32_t *topic, uint64_t random);

/* The same by plain C: the bits of what strads_gibbs_sample does. */
void strads_gibbs_sample_plain(struct strads_gibbs *gibbs, struct strads_gibbs_docs *docs,
			       uint64_t n, const uint32_t *doc, uint32_t *topic, uint64_t random);

/* Gives all tokens, which have none yet, topics that follow from `random` alone, all as likely. */
void strads_gibbs_scatter(struct strads_gibbs *gibbs, struct strads_gibbs_docs *docs, uint64_t n,
			  const uint32_t *doc, uint32_t *topic, uint64_t random);

/* Forgets the word at hand. */
void strads_gibbs_end(struct strads_gibbs *gibbs);

/* The documents' side alone: how often document d has topic k, and one more. */
uint32_t strads_gibbs_doc_get(const struct strads_gibbs_docs *docs, uint32_t d, uint32_t k);

#ifdef __cplusplus
}
#endif

#endif
