#include "infer.h"

#include "mixture.h"

#include <stdlib.h>
#include <string.h>

#define UNKNOWN UINT64_MAX

struct inference {
	const struct strads_lda_known *known;
	const struct strads_documents *documents;
	const struct strads_lda_infer_options *options;
	struct strads_lda_mixture mixture;
	uint64_t *place; /* [words of the documents] row of the model's words, or UNKNOWN */
	float *share;    /* n_kw / (n_k + Vβ), as known->words.count */
	double *theta, *gain, *inverse; /* [K] */
	/* Of a document's entries. */
	uint64_t *bag_place;
	uint32_t *bag_all, *bag_fit, *bag_rest;
};

/* ---- Words -------------------------------------------------------------------------------- */

static int
words_compare(const struct strads_lda_known *known, const struct strads_documents *documents)
{
	bool model = known->vocabulary.count > 0, data = documents->vocabulary.count > 0;

	if (model && !data)
		return strads_fail(STRADS_ERR_INPUT,
				   "the model knows words, the documents have numbers: give the "
				   "words they stand for with --vocab");
	if (!model && data)
		return strads_fail(STRADS_ERR_INPUT,
				   "the model knows words by their numbers alone, the documents "
				   "have words: give documents with the same numbers");
	if (!model && documents->words > known->words.rows)
		return strads_fail(STRADS_ERR_INPUT,
				   "the documents have %llu words, the model %llu: their numbers "
				   "do not mean the same",
				   (unsigned long long)documents->words,
				   (unsigned long long)known->words.rows);
	return STRADS_OK;
}

/* The row of the model's words that word w of the documents is, or UNKNOWN. */
static uint64_t
place_find(const struct strads_lda_known *known, const struct strads_documents *documents,
	   uint64_t w)
{
	uint64_t row = w;
	uint32_t number;

	if (documents->vocabulary.count > 0) {
		const char *word = strads_names_word(&documents->vocabulary, w);

		if (!strads_names_find(&known->vocabulary, word, strlen(word), &number))
			return UNKNOWN;
		row = number;
	}
	return known->words.start[row] < known->words.start[row + 1] ? row : UNKNOWN;
}

/* ---- Documents ---------------------------------------------------------------------------- */

static int
document_infer(struct inference *inference, uint32_t d, strads_lda_take_shares *take, void *arg,
	       struct strads_lda_inferred *inferred)
{
	const struct strads_documents *documents = inference->documents;
	uint64_t first = documents->start[d], n = 0;
	int status;

	for (uint64_t e = first; e < documents->start[d + 1]; e++) {
		uint64_t place = inference->place[documents->word[e]];
		uint32_t count = documents->count[e];
		uint32_t half = strads_lda_mixture_half(inference->options->seed,
							documents->first + d, e - first, count);

		if (place == UNKNOWN) {
			inferred->unknown += count;
			continue;
		}
		inference->bag_place[n] = place;
		inference->bag_all[n] = count;
		inference->bag_fit[n] = half;
		inference->bag_rest[n++] = count - half;
		inferred->scored += count - half;
	}
	strads_lda_mixture_fit(
	    &inference->mixture,
	    &(struct strads_lda_bag){n, inference->bag_place, inference->bag_all},
	    inference->options->steps);
	status = take(arg, inference->theta);
	strads_lda_mixture_fit(
	    &inference->mixture,
	    &(struct strads_lda_bag){n, inference->bag_place, inference->bag_fit},
	    inference->options->steps);
	inferred->score += strads_lda_mixture_score(
	    &inference->mixture,
	    &(struct strads_lda_bag){n, inference->bag_place, inference->bag_rest});
	return status;
}

/* ---- All ---------------------------------------------------------------------------------- */

static void
mixture_make(struct inference *inference)
{
	const struct strads_lda_known *known = inference->known;
	double words_beta = known->beta * (double)known->words.rows, sum = 0;

	for (uint64_t w = 0; w < inference->documents->words; w++)
		inference->place[w] = place_find(known, inference->documents, w);
	for (uint64_t i = 0; i < known->words.start[known->words.rows]; i++)
		inference->share[i] = (float)(known->words.count[i] /
					      (known->total[known->words.topic[i]] + words_beta));
	for (uint32_t k = 0; k < known->topics; k++) {
		sum += known->alpha[k];
		inference->inverse[k] = 1 / (known->total[k] + words_beta);
	}
	inference->mixture = (struct strads_lda_mixture){
	    .topics = known->topics,
	    .alpha = known->alpha,
	    .alpha_sum = sum,
	    .beta = known->beta,
	    .inverse = inference->inverse,
	    .start = known->words.start,
	    .end = known->words.start + 1,
	    .topic = known->words.topic,
	    .share = inference->share,
	    .theta = inference->theta,
	    .gain = inference->gain,
	};
}

static int
inference_take(struct inference *inference)
{
	const struct strads_documents *documents = inference->documents;
	const struct strads_lda_known *known = inference->known;
	uint64_t longest = 1;

	for (uint32_t d = 0; d < documents->docs; d++) {
		uint64_t entries = documents->start[d + 1] - documents->start[d];

		longest = entries > longest ? entries : longest;
	}
	inference->place = malloc((documents->words + 1) * sizeof *inference->place);
	inference->share =
	    malloc((known->words.start[known->words.rows] + 1) * sizeof *inference->share);
	inference->theta = calloc(known->topics, sizeof *inference->theta);
	inference->gain = calloc(known->topics, sizeof *inference->gain);
	inference->inverse = calloc(known->topics, sizeof *inference->inverse);
	inference->bag_place = calloc(longest, sizeof *inference->bag_place);
	inference->bag_all = calloc(longest, sizeof *inference->bag_all);
	inference->bag_fit = calloc(longest, sizeof *inference->bag_fit);
	inference->bag_rest = calloc(longest, sizeof *inference->bag_rest);
	if (inference->place && inference->share && inference->theta && inference->gain &&
	    inference->inverse && inference->bag_place && inference->bag_all &&
	    inference->bag_fit && inference->bag_rest)
		return STRADS_OK;
	return strads_fail(STRADS_ERR_MEMORY, "no memory for the shares of %u topics",
			   known->topics);
}

static void
inference_give(struct inference *inference)
{
	free(inference->bag_rest);
	free(inference->bag_fit);
	free(inference->bag_all);
	free(inference->bag_place);
	free(inference->inverse);
	free(inference->gain);
	free(inference->theta);
	free(inference->share);
	free(inference->place);
}

int
strads_lda_infer(const struct strads_lda_known *known, const struct strads_documents *documents,
		 const struct strads_lda_infer_options *options, strads_lda_take_shares *take,
		 void *arg, struct strads_lda_inferred *inferred)
{
	struct inference inference = {.known = known, .documents = documents, .options = options};
	struct strads_lda_inferred all = {0};
	int status = words_compare(known, documents);

	if (status == STRADS_OK)
		status = inference_take(&inference);
	if (status == STRADS_OK)
		mixture_make(&inference);
	for (uint32_t d = 0; status == STRADS_OK && d < documents->docs; d++)
		status = document_infer(&inference, d, take, arg, &all);
	inference_give(&inference);
	if (status == STRADS_OK)
		*inferred = all;
	return status;
}

void
strads_lda_known_free(struct strads_lda_known *known)
{
	free(known->alpha);
	free(known->total);
	strads_lda_table_free(&known->words);
	strads_names_free(&known->vocabulary);
	*known = (struct strads_lda_known){0};
}
