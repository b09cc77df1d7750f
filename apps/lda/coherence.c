#include "coherence.h"

#include "../data/counts.h"
#include "state.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Topics whose words are counted in one go through the documents. */
#define BATCH 4096

struct batch {
	const struct strads_documents *documents;
	const struct strads_lda_options *options;
	uint32_t topics, n;
	uint64_t *word;  /* [BATCH][n] a word, plus 1; 0: none */
	uint64_t *count; /* [BATCH][n (n + 1) / 2] documents that have words m and l ≤ m */
	/* Which places, topic · n + m, each word has: place[first[w]] … */
	uint32_t *first; /* [V + 2] */
	uint32_t *place; /* [BATCH · n] */
	/* Of a document: the topics it has words of, and which words, a bit each. */
	uint32_t found;
	uint32_t *topic; /* [BATCH] */
	uint64_t *words; /* [BATCH] */
};

static size_t
pair(uint32_t m, uint32_t l)
{
	return (size_t)m * (m + 1) / 2 + l;
}

static int
batch_take(struct batch *batch)
{
	size_t n = batch->n;

	batch->word = calloc(BATCH * n + 1, sizeof *batch->word);
	batch->count = calloc(BATCH * pair(batch->n, 0) + 1, sizeof *batch->count);
	batch->first = calloc(batch->documents->words + 2, sizeof *batch->first);
	batch->place = calloc(BATCH * n + 1, sizeof *batch->place);
	batch->topic = calloc(BATCH, sizeof *batch->topic);
	batch->words = calloc(BATCH, sizeof *batch->words);
	if (batch->word && batch->count && batch->first && batch->place && batch->topic &&
	    batch->words)
		return STRADS_OK;
	return strads_fail(STRADS_ERR_MEMORY, "no memory to count which words occur together");
}

static void
batch_give(struct batch *batch)
{
	free(batch->words);
	free(batch->topic);
	free(batch->place);
	free(batch->first);
	free(batch->count);
	free(batch->word);
}

/* Sorts the places of the batch by word. */
static void
places_sort(struct batch *batch)
{
	uint64_t words = batch->documents->words;
	uint32_t places = batch->topics * batch->n;

	memset(batch->first, 0, (words + 2) * sizeof *batch->first);
	for (uint32_t i = 0; i < places; i++)
		if (batch->word[i] > 0)
			batch->first[batch->word[i] + 1]++;
	for (uint64_t w = 0; w < words; w++)
		batch->first[w + 2] += batch->first[w + 1];
	for (uint32_t i = 0; i < places; i++)
		if (batch->word[i] > 0)
			batch->place[batch->first[batch->word[i]]++] = i;
}

static void
document_look(struct batch *batch, uint32_t d)
{
	const struct strads_documents *documents = batch->documents;

	for (uint64_t e = documents->start[d]; e < documents->start[d + 1]; e++) {
		const uint32_t *first = batch->first + documents->word[e];

		for (uint32_t i = first[0]; i < first[1]; i++) {
			uint32_t k = batch->place[i] / batch->n, m = batch->place[i] % batch->n;

			if (batch->words[k] == 0)
				batch->topic[batch->found++] = k;
			batch->words[k] |= UINT64_C(1) << m;
		}
	}
}

static void
document_count(struct batch *batch, uint32_t d)
{
	document_look(batch, d);
	for (; batch->found > 0; batch->found--) {
		uint32_t k = batch->topic[batch->found - 1];
		uint64_t *count = batch->count + k * pair(batch->n, 0);

		for (uint64_t left = batch->words[k]; left; left &= left - 1) {
			uint32_t m = (uint32_t)__builtin_ctzll(left);
			uint64_t upto = batch->words[k] & (UINT64_MAX >> (63 - m));

			for (; upto; upto &= upto - 1)
				count[pair(m, (uint32_t)__builtin_ctzll(upto))]++;
		}
		batch->words[k] = 0;
	}
}

static double
topic_value(const struct batch *batch, uint32_t k)
{
	const uint64_t *word = batch->word + (size_t)k * batch->n;
	const uint64_t *count = batch->count + k * pair(batch->n, 0);
	double sum = 0;

	if (batch->n < 2 || word[1] == 0)
		return NAN;
	for (uint32_t m = 1; m < batch->n && word[m] > 0; m++)
		for (uint32_t l = 0; l < m; l++)
			sum += log(((double)count[pair(m, l)] + 1) / (double)count[pair(l, l)]);
	return sum;
}

/* The topics of one batch, whose words [topics][n] one rank tells. */
static int
batch_run(struct strads_fabric *fabric, struct batch *batch, const uint32_t *word, double *value)
{
	const struct strads_documents *documents = batch->documents;
	size_t places = (size_t)batch->topics * batch->n, pairs = pair(batch->n, 0);
	int status;

	for (size_t i = 0; i < places; i++)
		batch->word[i] = word && word[i] != STRADS_LDA_NO_WORD ? word[i] + UINT64_C(1) : 0;
	status = strads_counts_sum(fabric, batch->word, places);
	if (status != STRADS_OK)
		return status;
	places_sort(batch);
	memset(batch->count, 0, batch->topics * pairs * sizeof *batch->count);
	for (uint32_t d = 0; d < documents->docs; d++)
		if (!strads_lda_is_held(batch->options, documents->first + d))
			document_count(batch, d);
	status = strads_counts_sum(fabric, batch->count, batch->topics * pairs);
	for (uint32_t k = 0; status == STRADS_OK && k < batch->topics; k++)
		value[k] = topic_value(batch, k);
	return status;
}

int
strads_lda_coherence(struct strads_fabric *fabric, const struct strads_documents *documents,
		     const struct strads_lda_options *options, uint32_t n, const uint32_t *word,
		     double *value)
{
	struct batch batch = {.documents = documents, .options = options, .n = n};
	int status = strads_job_agree(strads_fabric_job(fabric), batch_take(&batch));

	for (uint32_t k = 0; status == STRADS_OK && k < options->topics; k += batch.topics) {
		uint32_t left = options->topics - k;

		batch.topics = left < BATCH ? left : BATCH;
		status = batch_run(fabric, &batch, word ? word + (size_t)k * n : NULL, value + k);
	}
	batch_give(&batch);
	return status;
}
