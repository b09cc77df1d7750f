#include "lda_topics.h"

#include "../lda/coherence.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

/* Enters a word into the n best of a topic: those that are less move back. */
static void
enter(uint32_t *word, double *relevance, uint32_t n, uint32_t w, double r)
{
	uint32_t at = n;

	while (at > 0 && relevance[at - 1] < r)
		at--;
	for (uint32_t i = n; i-- > at + 1;) {
		word[i] = word[i - 1];
		relevance[i] = relevance[i - 1];
	}
	if (at < n) {
		word[at] = w;
		relevance[at] = r;
	}
}

/* log n_w. */
static double
frequency_log(const struct strads_lda_table *words, uint64_t w)
{
	uint64_t n = 0;

	for (uint64_t e = words->start[w]; e < words->start[w + 1]; e++)
		n += words->count[e];
	return n > 0 ? log((double)n) : 0;
}

int
strads_lda_topics_make(const struct strads_lda_table *words, uint32_t topics, uint32_t n,
		       double lambda, double beta, struct strads_lda_topics *made)
{
	struct strads_lda_topics new = {.topics = topics, .n = n};
	size_t places = (size_t)topics * n;

	new.word = calloc(places, sizeof *new.word);
	new.relevance = calloc(places, sizeof *new.relevance);
	if (!new.word || !new.relevance) {
		strads_lda_topics_free(&new);
		return strads_fail(STRADS_ERR_MEMORY, "no memory for %u words of %u topics", n,
				   topics);
	}
	for (size_t i = 0; i < places; i++) {
		new.word[i] = STRADS_LDA_NO_WORD;
		new.relevance[i] = -INFINITY;
	}
	for (uint64_t w = 0; w < words->rows; w++) {
		double frequency = lambda < 1 ? frequency_log(words, w) : 0;

		for (uint64_t e = words->start[w]; e < words->start[w + 1]; e++) {
			size_t first = (size_t)words->topic[e] * n;

			enter(new.word + first, new.relevance + first, n, (uint32_t)w,
			      log(words->count[e] + beta) - (1 - lambda) * frequency);
		}
	}
	*made = new;
	return STRADS_OK;
}

void
strads_lda_topics_print(FILE *out, const struct strads_lda_topics *topics, const int32_t *total,
			const double *coherence, const struct strads_names *vocabulary)
{
	double tokens = 0;

	for (uint32_t k = 0; k < topics->topics; k++)
		tokens += total[k];
	for (uint32_t k = 0; k < topics->topics; k++) {
		fprintf(out, "topic %4" PRIu32 " %5.2f %% %8.2f ", k, 100 * total[k] / tokens,
			coherence[k]);
		for (uint32_t i = 0; i < topics->n; i++) {
			size_t at = (size_t)k * topics->n + i;

			if (topics->word[at] == STRADS_LDA_NO_WORD)
				break;
			if (topics->word[at] < vocabulary->count)
				fprintf(out, " %s",
					strads_names_word(vocabulary, topics->word[at]));
			else
				fprintf(out, " %" PRIu32, topics->word[at]);
		}
		putc('\n', out);
	}
}

void
strads_lda_topics_free(struct strads_lda_topics *topics)
{
	free(topics->relevance);
	free(topics->word);
	*topics = (struct strads_lda_topics){0};
}
