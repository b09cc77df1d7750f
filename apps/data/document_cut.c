#include "document_cut.h"

#include "counts.h"
#include "stop_words.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LEFT_OUT UINT32_MAX

/* What is known of the words while some are left out. */
struct cut {
	const struct strads_documents_options *options;
	struct strads_documents *documents;
	uint64_t *frequency; /* [V] documents that have the word, over all ranks */
	uint32_t *number;    /* [V] last own document that has it, from 1; then its new number */
	struct strads_names stop;
};

static void
frequencies_count(struct cut *cut)
{
	const struct strads_documents *documents = cut->documents;

	for (uint32_t d = 0; d < documents->docs; d++)
		for (uint64_t e = documents->start[d]; e < documents->start[d + 1]; e++) {
			uint32_t w = documents->word[e];

			cut->frequency[w] += cut->number[w] != d + 1;
			cut->number[w] = d + 1;
		}
}

static bool
stays(const struct cut *cut, uint64_t w)
{
	const struct strads_names *vocabulary = &cut->documents->vocabulary;
	const char *word = vocabulary->count > 0 ? strads_names_word(vocabulary, w) : "";
	uint32_t number;

	return cut->frequency[w] >= cut->options->documents_min &&
	       (double)cut->frequency[w] <=
		   cut->options->share_max * (double)cut->documents->docs_total &&
	       !(*word && strads_names_find(&cut->stop, word, strlen(word), &number));
}

/* Numbers the words that stay, and makes the vocabulary theirs. */
static int
words_number(struct cut *cut, uint32_t lowest)
{
	struct strads_documents *documents = cut->documents;
	struct strads_names kept = {0};
	int status = STRADS_OK;

	for (uint64_t w = 0; status == STRADS_OK && w < documents->words; w++) {
		char digits[24];
		const char *word = digits;

		cut->number[w] = LEFT_OUT;
		if (!stays(cut, w))
			continue;
		if (documents->vocabulary.count > 0)
			word = strads_names_word(&documents->vocabulary, w);
		else
			snprintf(digits, sizeof digits, "%" PRIu64, w + lowest);
		status = strads_names_add(&kept, word, strlen(word), &cut->number[w]);
	}
	if (status != STRADS_OK) {
		strads_names_free(&kept);
		return status;
	}
	strads_names_free(&documents->vocabulary);
	documents->vocabulary = kept;
	documents->left_words = documents->words - kept.count;
	documents->words = kept.count;
	return STRADS_OK;
}

static void
entries_cut(const struct cut *cut)
{
	struct strads_documents *documents = cut->documents;
	uint64_t at = 0, from = 0;

	for (uint32_t d = 0; d < documents->docs; d++) {
		uint64_t end = documents->start[d + 1];

		for (; from < end; from++) {
			uint32_t number = cut->number[documents->word[from]];

			if (number == LEFT_OUT) {
				documents->left_tokens += documents->count[from];
				continue;
			}
			documents->word[at] = number;
			documents->count[at++] = documents->count[from];
		}
		documents->start[d + 1] = at;
	}
}

static int
cut_take(struct strads_fabric *fabric, struct cut *cut)
{
	uint64_t words = cut->documents->words;
	int status = STRADS_OK;

	cut->frequency = calloc(words + 1, sizeof *cut->frequency);
	cut->number = calloc(words + 1, sizeof *cut->number);
	if (!cut->frequency || !cut->number)
		status = strads_fail(STRADS_ERR_MEMORY, "no memory to choose among %llu words",
				     (unsigned long long)words);
	else
		frequencies_count(cut);
	status = strads_job_agree(strads_fabric_job(fabric), status);
	if (status == STRADS_OK && cut->options->stop_words)
		status = strads_stop_words_read(fabric, cut->options->stop_words, &cut->stop);
	return status == STRADS_OK ? strads_counts_sum(fabric, cut->frequency, words) : status;
}

int
strads_document_cut(struct strads_fabric *fabric, const struct strads_documents_options *options,
		    uint32_t lowest, struct strads_documents *documents)
{
	struct cut cut = {.options = options, .documents = documents};
	int status;

	if (!options->stop_words && options->documents_min == 0 && options->share_max >= 1)
		return STRADS_OK;
	if (options->stop_words && documents->vocabulary.count == 0)
		return strads_fail(STRADS_ERR_INPUT,
				   "%s has numbers for words: stop words need a vocabulary",
				   options->data);
	status = cut_take(fabric, &cut);
	if (status == STRADS_OK)
		status = strads_job_agree(strads_fabric_job(fabric), words_number(&cut, lowest));
	if (status == STRADS_OK)
		entries_cut(&cut);
	strads_names_free(&cut.stop);
	free(cut.number);
	free(cut.frequency);
	return status;
}
