/*
 * The loops over the tokens of a word, in the instruction set of the including file: it defines
 * TARGET, and SAMPLE as the function's name.
 */
#include "gibbs_lanes.h"
#include "gibbs_steps.h"

/* Rows are fetched so many tokens ahead. */
#define AHEAD 6

INNER void
fetch_dense(const struct strads_gibbs_docs *docs, uint32_t d)
{
	const uint16_t *row = docs->dense + (size_t)d * docs->padded;

	for (uint32_t k = 0; k < docs->padded; k += 32)
		__builtin_prefetch(row + k, 1);
}

/* Where a document's list is. */
INNER void
fetch_list(const struct strads_gibbs_docs *docs, uint32_t d)
{
	__builtin_prefetch(docs->start + d);
	__builtin_prefetch(docs->n + d, 1);
}

INNER void
fetch_sparse(const struct strads_gibbs_docs *docs, uint32_t d)
{
	const uint32_t *topic = docs->topic + docs->start[d];
	const uint32_t *count = docs->count + docs->start[d];

	for (uint32_t i = 0, n = docs->n[d]; i < n; i += LANES) {
		__builtin_prefetch(topic + i, 1);
		__builtin_prefetch(count + i, 1);
	}
}

TARGET static void
sample_dense(struct strads_gibbs *gibbs, const struct strads_gibbs_docs *docs, uint64_t n,
	     const uint32_t *doc, uint32_t *topic, uint64_t random)
{
	uint32_t chunks = (gibbs->topics + LANES - 1) / LANES;

	for (uint64_t i = 0; i < n; i++) {
		uint16_t *row = docs->dense + (size_t)doc[i] * docs->padded;
		float u = strads_gibbs_uniform(strads_gibbs_random(random, i));
		uint32_t k = topic[i];

		if (i + AHEAD < n)
			fetch_dense(docs, doc[i + AHEAD]);
		if (k != STRADS_GIBBS_NONE) {
			row[k]--;
			strads_gibbs_dense_take(gibbs, k);
		}
		k = draw_dense(row, gibbs->share, gibbs->alpha, chunks, gibbs->sums, u);
		row[k]++;
		strads_gibbs_dense_give(gibbs, k);
		topic[i] = k;
	}
}

/* Draws from what a document has, the word has, and all topics have. *place is that of the topic in
 * the document's list, or its end. */
INNER uint32_t
draw_sparse(const struct strads_gibbs *gibbs, const struct strads_gibbs_docs *docs, uint32_t d,
	    double u, uint32_t *place)
{
	const uint32_t *topic = docs->topic + docs->start[d];
	uint32_t n = docs->n[d], chunks = (n + LANES - 1) / LANES, k;
	lanes_float up;
	double here = (double)sum_sparse(topic, docs->count + docs->start[d], gibbs->share, chunks,
					 gibbs->sums, &up);
	double word = gibbs->word_sum;
	double x = u * (here + word + gibbs->beta * gibbs->all_sum);

	if (x < here) {
		*place = find(&up, gibbs->sums, chunks, (float)x);
		return topic[*place];
	}
	x -= here;
	k = x < word ? strads_gibbs_of_word(gibbs, x)
		     : strads_gibbs_of_all(gibbs, (x - word) / gibbs->beta);
	*place = place_of(topic, n, k);
	return k;
}

TARGET static void
sample_sparse(struct strads_gibbs *gibbs, struct strads_gibbs_docs *docs, uint64_t n,
	      const uint32_t *doc, uint32_t *topic, uint64_t random)
{
	for (uint64_t i = 0; i < n; i++) {
		double u = strads_gibbs_uniform_wide(strads_gibbs_random(random, i));
		uint32_t d = doc[i], k = topic[i], place;

		if (i + 2 * AHEAD < n)
			fetch_list(docs, doc[i + 2 * AHEAD]);
		if (i + AHEAD < n)
			fetch_sparse(docs, doc[i + AHEAD]);
		if (k != STRADS_GIBBS_NONE) {
			place = place_of(docs->topic + docs->start[d], docs->n[d], k);
			strads_gibbs_list_take(docs, d, place);
			strads_gibbs_sparse_step(gibbs, k, -1);
		}
		k = draw_sparse(gibbs, docs, d, u, &place);
		strads_gibbs_list_give(docs, d, k, place);
		strads_gibbs_put(gibbs, k, 0);
		strads_gibbs_sparse_step(gibbs, k, 1);
		topic[i] = k;
	}
}

TARGET void
SAMPLE(struct strads_gibbs *gibbs, struct strads_gibbs_docs *docs, uint64_t n, const uint32_t *doc,
       uint32_t *topic, uint64_t random)
{
	strads_gibbs_word(gibbs, docs->dense);
	if (docs->dense)
		sample_dense(gibbs, docs, n, doc, topic, random);
	else
		sample_sparse(gibbs, docs, n, doc, topic, random);
}
