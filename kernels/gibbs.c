#include "strads/gibbs.h"

#include "gibbs_simd.h"
#include "gibbs_steps.h"

#include <string.h>

size_t
strads_gibbs_level(uint32_t topics, int l)
{
	size_t n = topics;

	for (int i = 0; i < l; i++) {
		if (n <= STRADS_GIBBS_LANES)
			return 0;
		n = (n + STRADS_GIBBS_LANES - 1) / STRADS_GIBBS_LANES;
	}
	return (n + STRADS_GIBBS_LANES - 1) / STRADS_GIBBS_LANES * STRADS_GIBBS_LANES;
}

void
strads_gibbs_begin(struct strads_gibbs *gibbs, bool sparse)
{
	gibbs->levels = 0;
	if (!sparse)
		return;
	while (gibbs->levels < STRADS_GIBBS_LEVELS &&
	       strads_gibbs_level(gibbs->topics, gibbs->levels) > 0)
		gibbs->levels++;
	for (uint32_t k = 0; k < gibbs->topics; k++) {
		gibbs->level[0][k] = 1 / (gibbs->total[k] + gibbs->words_beta);
		gibbs->share[k] = (float)(gibbs->beta * gibbs->level[0][k]);
	}
	gibbs->all_sum = 0;
	for (uint32_t k = 0; k < gibbs->topics; k++)
		gibbs->all_sum += strads_gibbs_prior(gibbs, k);
	for (int l = 1; l < gibbs->levels; l++) {
		size_t below = strads_gibbs_level(gibbs->topics, l - 1) / STRADS_GIBBS_LANES;

		for (size_t i = 0; i < below; i++) {
			uint32_t first = (uint32_t)i * STRADS_GIBBS_LANES;
			double sum = 0;

			for (uint32_t j = first; j < first + STRADS_GIBBS_LANES; j++)
				sum += strads_gibbs_mass(gibbs, l - 1, j);
			gibbs->level[l][i] = sum;
		}
	}
}

void
strads_gibbs_sample(struct strads_gibbs *gibbs, struct strads_gibbs_docs *docs, uint64_t n,
		    const uint32_t *doc, uint32_t *topic, uint64_t random)
{
	strads_gibbs_sampler *sampler = strads_gibbs_sample_portable;

#ifdef __x86_64__
	if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
	    __builtin_cpu_supports("avx512vl"))
		sampler = strads_gibbs_sample_avx512;
	else if (__builtin_cpu_supports("avx2"))
		sampler = strads_gibbs_sample_avx2;
#endif
	sampler(gibbs, docs, n, doc, topic, random);
}

void
strads_gibbs_scatter(struct strads_gibbs *gibbs, struct strads_gibbs_docs *docs, uint64_t n,
		     const uint32_t *doc, uint32_t *topic, uint64_t random)
{
	for (uint64_t i = 0; i < n; i++) {
		topic[i] =
		    (uint32_t)strads_random_scale(strads_gibbs_random(random, i), gibbs->topics);
		strads_gibbs_doc_give(docs, doc[i], topic[i]);
		strads_gibbs_put(gibbs, topic[i], 1);
		gibbs->total[topic[i]]++;
	}
}

void
strads_gibbs_end(struct strads_gibbs *gibbs)
{
	for (uint32_t i = 0; i < gibbs->n_listed; i++) {
		uint32_t k = gibbs->listed[i];

		gibbs->count[k] = 0;
		gibbs->place[k] = 0;
		if (gibbs->levels > 0)
			gibbs->share[k] = (float)(gibbs->beta * gibbs->level[0][k]);
	}
	if (gibbs->levels > 0) {
		memset(gibbs->word_part[0], 0,
		       (gibbs->n_listed + 15) / 16 * sizeof *gibbs->word_part[0]);
		memset(gibbs->word_part[1], 0,
		       (gibbs->n_listed + 255) / 256 * sizeof *gibbs->word_part[1]);
	}
	gibbs->n_listed = 0;
}

uint32_t
strads_gibbs_doc_get(const struct strads_gibbs_docs *docs, uint32_t d, uint32_t k)
{
	uint32_t i;

	if (docs->dense)
		return docs->dense[(size_t)d * docs->padded + k];
	i = strads_gibbs_place(docs->topic + docs->start[d], docs->n[d], k);
	return i < docs->n[d] ? docs->count[docs->start[d] + i] : 0;
}
