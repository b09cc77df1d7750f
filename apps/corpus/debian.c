#include "corpus.h"

#include "../data/grow.h"
#include "../data/output.h"
#include "packages.h"
#include "terms.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <xxhash.h>

#define HELD_OUT_EVERY 10
#define UNITS          10000000 /* values are written with 7 decimals */

struct corpus {
	const struct strads_corpus_options *options;
	struct strads_corpus_counts *counts;
	struct strads_packages packages;
	struct strads_words words;
	struct strads_tokens tokens;
	struct strads_terms terms;
	uint32_t *index; /* [terms.count] column from 1, 0: left out */
	double *idf;     /* [terms.count] */
	struct strads_bag bag;
	double *weight; /* of the bag's items */
	size_t weight_room;
};

static bool
is_held_out(const struct strads_package *package)
{
	return XXH64(package->name.at, package->name.bytes, 0) % HELD_OUT_EVERY == 0;
}

static int
corpus_tokenise(struct corpus *corpus)
{
	int status = STRADS_OK;

	for (size_t i = 0; i < corpus->packages.count && status == STRADS_OK; i++)
		status = strads_words_add(&corpus->words, &corpus->tokens,
					  corpus->packages.package[i].text);
	corpus->counts->words = corpus->tokens.count;
	corpus->counts->distinct_words = corpus->words.count;
	return status;
}

static int
document_bag(struct corpus *corpus, size_t document, bool add)
{
	const struct strads_tokens *tokens = &corpus->tokens;

	return strads_terms_bag(&corpus->terms, tokens->token + tokens->start[document],
				tokens->start[document + 1] - tokens->start[document],
				corpus->options->ngram_max, add, &corpus->bag);
}

/* Numbers the terms of the training documents and counts in how many each occurs. */
static int
corpus_count(struct corpus *corpus)
{
	for (size_t i = 0; i < corpus->packages.count; i++) {
		int status;

		if (is_held_out(&corpus->packages.package[i])) {
			corpus->counts->test++;
			continue;
		}
		corpus->counts->train++;
		status = document_bag(corpus, i, true);
		if (status != STRADS_OK)
			return status;
		for (size_t k = 0; k < corpus->bag.size; k++)
			corpus->terms.df[corpus->bag.item[k].term]++;
	}
	return STRADS_OK;
}

/* Columns for the terms frequent enough, and their idf = log((1 + n) / (1 + df)) + 1. */
static int
corpus_weigh(struct corpus *corpus)
{
	const struct strads_terms *terms = &corpus->terms;
	double n = (double)corpus->counts->train;
	uint32_t columns = 0;

	corpus->index = calloc((size_t)terms->count + 1, sizeof(*corpus->index));
	corpus->idf = calloc((size_t)terms->count + 1, sizeof(*corpus->idf));
	if (!corpus->index || !corpus->idf)
		return strads_fail(STRADS_ERR_MEMORY, "no memory for %u terms", terms->count);
	for (uint32_t t = 0; t < terms->count; t++)
		if (terms->df[t] >= corpus->options->min_df) {
			corpus->index[t] = ++columns;
			corpus->idf[t] = log((1.0 + n) / (1.0 + terms->df[t])) + 1.0;
		}
	corpus->counts->terms = columns;
	return columns ? STRADS_OK
		       : strads_fail(STRADS_ERR_INPUT,
				     "no term occurs in %llu training documents: lower the minimum",
				     (unsigned long long)corpus->options->min_df);
}

static int
part_open(struct strads_output *output, const char *folder, const char *name)
{
	char *path;
	int status;

	if (asprintf(&path, "%s/%s", folder, name) < 0)
		return strads_fail(STRADS_ERR_MEMORY, "no memory to write %s", name);
	status = strads_output_open(output, path);
	free(path);
	return status;
}

static int
vocabulary_write(const struct corpus *corpus)
{
	struct strads_output output;
	uint32_t word[3];
	int status = part_open(&output, corpus->options->out, "vocab.txt");

	if (status != STRADS_OK)
		return status;
	for (uint32_t t = 0; t < corpus->terms.count; t++) {
		int words = strads_terms_words(&corpus->terms, t, word);

		for (int k = 0; corpus->index[t] && k < words; k++) {
			struct strads_slice slice = strads_words_get(&corpus->words, word[k]);

			strads_output_write(&output, slice.at, slice.bytes);
			strads_output_write(&output, k + 1 < words ? " " : "\n", 1);
		}
	}
	return strads_output_close(&output, true);
}

/* The bag's weights tf · idf, and their Euclidean norm. */
static int
row_weigh(struct corpus *corpus, double *norm)
{
	const struct strads_bag *bag = &corpus->bag;
	double sum = 0.0;
	int status = strads_grow((void **)&corpus->weight, &corpus->weight_room, bag->size,
				 sizeof(*corpus->weight));

	if (status != STRADS_OK)
		return status;
	for (size_t k = 0; k < bag->size; k++) {
		corpus->weight[k] = bag->item[k].count * corpus->idf[bag->item[k].term];
		sum += corpus->weight[k] * corpus->weight[k];
	}
	*norm = sqrt(sum);
	return STRADS_OK;
}

static int
row_write(struct corpus *corpus, struct strads_output *output, size_t document, uint64_t *entries)
{
	const struct strads_package *package = &corpus->packages.package[document];
	double kib = package->installed_kib > 1 ? (double)package->installed_kib : 1.0, norm = 1.0;
	int status = document_bag(corpus, document, false);

	if (status == STRADS_OK)
		status = row_weigh(corpus, &norm);
	if (status != STRADS_OK)
		return status;
	strads_output_printf(output, "%.6f", log2(kib));
	for (size_t k = 0; k < corpus->bag.size; k++) {
		uint32_t index = corpus->index[corpus->bag.item[k].term];
		uint64_t units = (uint64_t)(corpus->weight[k] / norm * UNITS + 0.5);
		char *to = strads_output_room(output);

		if (!index || !units)
			continue;
		*to++ = ' ';
		to = strads_output_digits(to, index);
		*to++ = ':';
		strads_output_wrote(output, strads_output_fraction(to, units, UNITS));
		++*entries;
	}
	strads_output_write(output, "\n", 1);
	return STRADS_OK;
}

/* One of the two parts: rows and names. */
static int
part_write(struct corpus *corpus, bool held_out, const char *rows_name, const char *names_name,
	   uint64_t *entries)
{
	struct strads_output rows = {0}, names;
	int status = part_open(&rows, corpus->options->out, rows_name), closed;

	if (status != STRADS_OK)
		return status;
	status = part_open(&names, corpus->options->out, names_name);
	if (status != STRADS_OK)
		goto close_rows;
	for (size_t i = 0;
	     i < corpus->packages.count && status == STRADS_OK && rows.status == STRADS_OK; i++) {
		const struct strads_package *package = &corpus->packages.package[i];

		if (is_held_out(package) != held_out)
			continue;
		status = row_write(corpus, &rows, i, entries);
		strads_output_write(&names, package->name.at, package->name.bytes);
		strads_output_write(&names, "\n", 1);
	}
	closed = strads_output_close(&names, status == STRADS_OK);
	status = status != STRADS_OK ? status : closed;
close_rows:
	closed = strads_output_close(&rows, status == STRADS_OK);
	return status != STRADS_OK ? status : closed;
}

/* The description on one line. */
static void
text_write(struct strads_output *output, struct strads_slice text)
{
	for (size_t at = 0, end; at < text.bytes; at = end) {
		const char *newline = memchr(text.at + at, '\n', text.bytes - at);

		end = newline ? (size_t)(newline - text.at) + 1 : text.bytes;
		strads_output_write(output, text.at + at, end - at - (newline != NULL));
		if (end < text.bytes)
			strads_output_write(output, " ", 1);
	}
	strads_output_write(output, "\n", 1);
}

/* All descriptions, and the packages they are of. */
static int
documents_write(const struct corpus *corpus)
{
	struct strads_output texts, names;
	int status = part_open(&texts, corpus->options->out, "documents.txt"), closed;

	if (status != STRADS_OK)
		return status;
	status = part_open(&names, corpus->options->out, "documents.names");
	if (status != STRADS_OK)
		goto close_texts;
	for (size_t i = 0; i < corpus->packages.count; i++) {
		const struct strads_package *package = &corpus->packages.package[i];

		text_write(&texts, package->text);
		strads_output_write(&names, package->name.at, package->name.bytes);
		strads_output_write(&names, "\n", 1);
	}
	status = strads_output_close(&names, true);
close_texts:
	closed = strads_output_close(&texts, status == STRADS_OK);
	return status != STRADS_OK ? status : closed;
}

static int
counts_write(const struct corpus *corpus)
{
	const struct strads_corpus_counts *counts = corpus->counts;
	const struct {
		const char *name;
		uint64_t value;
	} line[] = {
	    {"packages_listed", counts->packages},
	    {"without_installed_size", counts->without_size},
	    {"without_description", counts->without_text},
	    {"repeated", counts->repeated},
	    {"documents", counts->documents},
	    {"train_documents", counts->train},
	    {"test_documents", counts->test},
	    {"words", counts->words},
	    {"distinct_words", counts->distinct_words},
	    {"terms", counts->terms},
	    {"train_entries", counts->train_entries},
	    {"test_entries", counts->test_entries},
	    {"ngram_max", (uint64_t)corpus->options->ngram_max},
	    {"min_df", corpus->options->min_df},
	};
	struct strads_output output;
	int status = part_open(&output, corpus->options->out, "corpus.json");

	if (status != STRADS_OK)
		return status;
	strads_output_printf(&output,
			     "{\n"
			     "  \"response\": \"log2 of Installed-Size in KiB\",\n"
			     "  \"features\": \"tf-idf of English package descriptions, rows of "
			     "norm 1\",\n"
			     "  \"held_out\": \"XXH64(package name) divisible by %d\",\n",
			     HELD_OUT_EVERY);
	for (size_t i = 0; i < sizeof(line) / sizeof(line[0]); i++)
		strads_output_printf(&output, "  \"%s\": %llu%s\n", line[i].name,
				     (unsigned long long)line[i].value,
				     i + 1 < sizeof(line) / sizeof(line[0]) ? "," : "");
	strads_output_printf(&output, "}\n");
	return strads_output_close(&output, true);
}

static int
options_check(const struct strads_corpus_options *options)
{
	if (options->ngram_max < 1 || options->ngram_max > 3)
		return strads_fail(STRADS_ERR_ARGUMENT, "terms can have 1 to 3 words, not %d",
				   options->ngram_max);
	if (options->min_df < 1)
		return strads_fail(STRADS_ERR_ARGUMENT,
				   "the least number of documents of a term is 1 or more");
	if (mkdir(options->out, 0777) < 0 && errno != EEXIST)
		return strads_fail(STRADS_ERR_IO, "cannot make the folder %s: %s", options->out,
				   strerror(errno));
	return STRADS_OK;
}

static int
corpus_write(struct corpus *corpus)
{
	struct strads_corpus_counts *counts = corpus->counts;
	int status = vocabulary_write(corpus);

	if (status == STRADS_OK)
		status =
		    part_write(corpus, false, "train.svm", "train.names", &counts->train_entries);
	if (status == STRADS_OK)
		status = part_write(corpus, true, "test.svm", "test.names", &counts->test_entries);
	if (status == STRADS_OK)
		status = documents_write(corpus);
	return status != STRADS_OK ? status : counts_write(corpus);
}

static void
corpus_free(struct corpus *corpus)
{
	strads_packages_free(&corpus->packages);
	strads_words_free(&corpus->words);
	strads_tokens_free(&corpus->tokens);
	strads_terms_free(&corpus->terms);
	strads_bag_free(&corpus->bag);
	free(corpus->index);
	free(corpus->idf);
	free(corpus->weight);
}

int
strads_corpus_debian(const struct strads_corpus_options *options,
		     struct strads_corpus_counts *counts)
{
	struct strads_corpus_counts made = {0};
	struct corpus corpus = {.options = options, .counts = &made};
	int status = options_check(options);

	if (status != STRADS_OK)
		return status;
	status = strads_packages_read(options->lists, &corpus.packages, &made);
	if (status == STRADS_OK)
		status = corpus_tokenise(&corpus);
	if (status == STRADS_OK)
		status = corpus_count(&corpus);
	if (status == STRADS_OK)
		status = corpus_weigh(&corpus);
	if (status == STRADS_OK)
		status = corpus_write(&corpus);
	corpus_free(&corpus);
	if (status == STRADS_OK)
		*counts = made;
	return status;
}
