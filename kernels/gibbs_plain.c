/*
 * What strads_gibbs_sample computes, one number after the other: its reference.
 */
#include "gibbs_steps.h"

#define LANES STRADS_GIBBS_LANES

/* P_l from S_l: in pairs, then pairs of pairs, as gibbs_lanes.h has it. */
static void
sum_up(float v[LANES])
{
	for (int step = 1; step < LANES; step *= 2)
		for (int l = LANES - 1; l >= step; l--)
			v[l] += v[l - step];
}

/* Which of n numbers, in lanes, x falls to; `weight` gives number i. `up` are the sums of lanes. */
static uint32_t
fall(const float *weight, uint32_t n, const float up[LANES], float x)
{
	uint32_t lane = 0, k = 0;
	float last[LANES] = {0}, rest, sum = 0;

	for (uint32_t i = 0; i < n; i++)
		last[i % LANES] += weight[i];
	for (int l = 0; l < LANES - 1; l++)
		lane += up[l] <= x;
	while (lane > 0 && !(last[lane] > 0))
		lane--;
	rest = lane > 0 ? x - up[lane - 1] : x;
	rest = rest < last[lane] ? rest : last[lane] * (1 - 0x1p-23F);
	for (k = lane; k < n; k += LANES) {
		sum += weight[k];
		if (sum > rest)
			break;
	}
	return k;
}

static float
sum_of(const float *weight, uint32_t n, float up[LANES])
{
	for (int l = 0; l < LANES; l++)
		up[l] = 0;
	for (uint32_t i = 0; i < n; i++)
		up[i % LANES] += weight[i];
	sum_up(up);
	return up[LANES - 1];
}

/* Draws topic k of document d with probability ∝ (n_dk + α_k) q_k; weight [K] to work in. */
static uint32_t
draw_dense(const struct strads_gibbs *gibbs, const uint16_t *row, uint64_t bits, float *weight)
{
	float up[LANES], total;

	for (uint32_t k = 0; k < gibbs->topics; k++)
		weight[k] = ((float)row[k] + gibbs->alpha[k]) * gibbs->share[k];
	total = sum_of(weight, gibbs->topics, up);
	return fall(weight, gibbs->topics, up, total * strads_gibbs_uniform(bits));
}

static uint32_t
draw_sparse(const struct strads_gibbs *gibbs, const struct strads_gibbs_docs *docs, uint32_t d,
	    uint64_t bits, float *weight)
{
	const uint32_t *topic = docs->topic + docs->start[d];
	const uint32_t *count = docs->count + docs->start[d];
	double all = gibbs->beta * gibbs->all_sum, word = gibbs->word_sum, here, x;
	float up[LANES];

	for (uint32_t i = 0; i < docs->n[d]; i++)
		weight[i] = (float)(int32_t)count[i] * gibbs->share[topic[i]];
	here = (double)sum_of(weight, docs->n[d], up);
	x = strads_gibbs_uniform_wide(bits) * (here + word + all);
	if (x < here)
		return topic[fall(weight, docs->n[d], up, (float)x)];
	if (x - here < word)
		return strads_gibbs_of_word(gibbs, x - here);
	return strads_gibbs_of_all(gibbs, (x - here - word) / gibbs->beta);
}

void
strads_gibbs_sample_plain(struct strads_gibbs *gibbs, struct strads_gibbs_docs *docs, uint64_t n,
			  const uint32_t *doc, uint32_t *topic, uint64_t random)
{
	strads_gibbs_word(gibbs, docs->dense);
	for (uint64_t i = 0; i < n; i++) {
		uint16_t *row = docs->dense ? docs->dense + (size_t)doc[i] * docs->padded : NULL;
		uint64_t bits = strads_gibbs_random(random, i);
		uint32_t k = topic[i];

		if (k != STRADS_GIBBS_NONE && row) {
			row[k]--;
			strads_gibbs_dense_take(gibbs, k);
		} else if (k != STRADS_GIBBS_NONE) {
			strads_gibbs_list_take(docs, doc[i],
					       strads_gibbs_place(docs->topic + docs->start[doc[i]],
								  docs->n[doc[i]], k));
			strads_gibbs_sparse_step(gibbs, k, -1);
		}
		k = row ? draw_dense(gibbs, row, bits, gibbs->sums)
			: draw_sparse(gibbs, docs, doc[i], bits, gibbs->sums);
		strads_gibbs_doc_give(docs, doc[i], k);
		if (row) {
			strads_gibbs_dense_give(gibbs, k);
		} else {
			strads_gibbs_put(gibbs, k, 0);
			strads_gibbs_sparse_step(gibbs, k, 1);
		}
		topic[i] = k;
	}
}
