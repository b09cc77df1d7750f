/*
 * How the counts follow a token's topic. Internal to kernels/.
 */
#ifndef STRADS_GIBBS_STEPS_H
#define STRADS_GIBBS_STEPS_H

#include "strads/gibbs.h"
#include "strads/random.h"

/* Number i of the sequence that `random` starts (SplitMix64). */
static inline uint64_t
strads_gibbs_random(uint64_t random, uint64_t i)
{
	return strads_random_mix(random + (i + 1) * UINT64_C(0x9e3779b97f4a7c15));
}

/* Uniform in 0 … 1, of 24 bits and of 53. */
static inline float
strads_gibbs_uniform(uint64_t bits)
{
	return (float)(bits >> 40) * 0x1p-24F;
}

static inline double
strads_gibbs_uniform_wide(uint64_t bits)
{
	return (double)(bits >> 11) * 0x1p-53;
}

/* q_k for dense documents. */
static inline void
strads_gibbs_share(struct strads_gibbs *gibbs, uint32_t k)
{
	gibbs->share[k] = ((float)(int32_t)gibbs->count[k] + (float)gibbs->beta) /
			  ((float)gibbs->total[k] + (float)gibbs->words_beta);
}

static inline void
strads_gibbs_dense_take(struct strads_gibbs *gibbs, uint32_t k)
{
	gibbs->count[k]--;
	gibbs->total[k]--;
	strads_gibbs_share(gibbs, k);
}

static inline void
strads_gibbs_dense_give(struct strads_gibbs *gibbs, uint32_t k)
{
	strads_gibbs_put(gibbs, k, 1);
	gibbs->total[k]++;
	strads_gibbs_share(gibbs, k);
}

/* α_k / (n_k + Vβ). */
static inline double
strads_gibbs_prior(const struct strads_gibbs *gibbs, uint32_t k)
{
	return (double)gibbs->alpha[k] * gibbs->level[0][k];
}

/* What number i of a level stands for, in sums of α_k / (n_k + Vβ). */
static inline double
strads_gibbs_mass(const struct strads_gibbs *gibbs, int level, uint32_t i)
{
	return level == 0 ? strads_gibbs_prior(gibbs, i) : gibbs->level[level][i];
}

/* Adds to what the topic at a place of the list stands for in the sums over the word. */
static inline void
strads_gibbs_word_add(struct strads_gibbs *gibbs, uint32_t place, double more)
{
	gibbs->word_sum += more;
	gibbs->word_part[0][place / 16] += more;
	gibbs->word_part[1][place / 256] += more;
}

/* Adds `sign` to the counts of topic k; share, the sum over the word and the sums over all topics
 * follow. The topic is listed. */
static inline void
strads_gibbs_sparse_step(struct strads_gibbs *gibbs, uint32_t k, int32_t sign)
{
	double alpha = (double)gibbs->alpha[k], before = gibbs->level[0][k], after, change;
	uint32_t count = gibbs->count[k], at = k;

	gibbs->total[k] += sign;
	after = 1 / (gibbs->total[k] + gibbs->words_beta);
	strads_gibbs_word_add(gibbs, gibbs->place[k] - 1,
			      alpha * ((count + (uint32_t)sign) * after - count * before));
	gibbs->count[k] = count += (uint32_t)sign;
	gibbs->share[k] = (float)((count + gibbs->beta) * after);
	gibbs->level[0][k] = after;
	change = alpha * after - alpha * before;
	for (int l = 1; l < gibbs->levels; l++)
		gibbs->level[l][at /= STRADS_GIBBS_LANES] += change;
	gibbs->all_sum += change;
}

/* The list's place of topic k, or its length. */
static inline uint32_t
strads_gibbs_place(const uint32_t *topic, uint32_t n, uint32_t k)
{
	uint32_t i = 0;

	while (i < n && topic[i] != k)
		i++;
	return i;
}

/* One more of topic k, whose place in the list of document d is i, its end if it is new. */
static inline void
strads_gibbs_list_give(struct strads_gibbs_docs *docs, uint32_t d, uint32_t k, uint32_t i)
{
	docs->topic[docs->start[d] + i] = k;
	docs->count[docs->start[d] + i]++;
	docs->n[d] += i == docs->n[d];
}

/* One less of the topic at place i of document d's list: if none is left, the last one closes the
 * gap. */
static inline void
strads_gibbs_list_take(struct strads_gibbs_docs *docs, uint32_t d, uint32_t i)
{
	uint32_t *topic = docs->topic + docs->start[d], *count = docs->count + docs->start[d];
	uint32_t last;

	if (--count[i] > 0)
		return;
	last = --docs->n[d];
	topic[i] = topic[last];
	count[i] = count[last];
	topic[last] = 0;
	count[last] = 0;
}

/* One more of topic k in document d. */
static inline void
strads_gibbs_doc_give(struct strads_gibbs_docs *docs, uint32_t d, uint32_t k)
{
	if (docs->dense)
		docs->dense[(size_t)d * docs->padded + k]++;
	else
		strads_gibbs_list_give(
		    docs, d, k, strads_gibbs_place(docs->topic + docs->start[d], docs->n[d], k));
}

/* Goes on from number `at` of `sum` to the one that x falls to, no further than `end`; x is what is
 * left of it. */
static inline uint32_t
strads_gibbs_walk(const double *sum, uint32_t at, uint32_t end, double *x)
{
	while (at < end && *x >= sum[at])
		*x -= sum[at++];
	return at;
}

/* The topic of the word that x < word_sum falls to. */
static inline uint32_t
strads_gibbs_of_word(const struct strads_gibbs *gibbs, double x)
{
	uint32_t last = gibbs->n_listed - 1, at, end;

	at = 16 * strads_gibbs_walk(gibbs->word_part[1], 0, last / 256, &x);
	end = at + 15 < last / 16 ? at + 15 : last / 16;
	at = 16 * strads_gibbs_walk(gibbs->word_part[0], at, end, &x);
	end = at + 15 < last ? at + 15 : last;
	for (; at < end; at++) {
		uint32_t k = gibbs->listed[at];

		x -= gibbs->count[k] * strads_gibbs_prior(gibbs, k);
		if (x < 0)
			break;
	}
	/* Rounding may lead to a topic that the word has no more. */
	while (at > 0 && gibbs->count[gibbs->listed[at]] == 0)
		at--;
	return gibbs->listed[at];
}

/* The topic that x < all_sum falls to. */
static inline uint32_t
strads_gibbs_of_all(const struct strads_gibbs *gibbs, double x)
{
	uint32_t at = 0;

	for (int l = gibbs->levels - 1; l >= 0; l--) {
		uint32_t first = at * STRADS_GIBBS_LANES, last = first + STRADS_GIBBS_LANES - 1;

		for (at = first; at < last && x >= strads_gibbs_mass(gibbs, l, at); at++)
			x -= strads_gibbs_mass(gibbs, l, at);
		while (at > first && !(strads_gibbs_mass(gibbs, l, at) > 0))
			at--;
	}
	return at;
}

/* Makes the shares those of the word at hand. */
static inline void
strads_gibbs_word(struct strads_gibbs *gibbs, bool dense)
{
	if (dense) {
		for (uint32_t k = 0; k < gibbs->topics; k++)
			strads_gibbs_share(gibbs, k);
		return;
	}
	gibbs->word_sum = 0;
	for (uint32_t i = 0; i < gibbs->n_listed; i++) {
		uint32_t k = gibbs->listed[i];

		strads_gibbs_word_add(gibbs, i, gibbs->count[k] * strads_gibbs_prior(gibbs, k));
		gibbs->share[k] = (float)((gibbs->count[k] + gibbs->beta) * gibbs->level[0][k]);
	}
}

#endif
