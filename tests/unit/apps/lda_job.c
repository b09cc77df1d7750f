#include "lda_job.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "data_job.h"
#include "strads/random.h"

/* One rank's side. */
struct side {
	const struct lda_job *job;
	struct lda_result *result;
	int rank;
	volatile int stop;
};

struct lda_job
lda_job_defaults(enum strads_job_kind kind, int ranks, const char *data)
{
	struct lda_job job = {
	    .job = ranks_job(kind, ranks),
	    .fabric = "auto",
	    .documents = {.data = data, .bytes_min = 2, .share_max = 1},
	    .lda = {.topics = 5,
		    .alpha = 0.5,
		    .beta = 0.05,
		    .sweeps = 6,
		    .evaluate_every = 1,
		    .parts = 2,
		    .seed = 1,
		    .verify = true},
	    .stop_rank = -1,
	};

	strads_engine_defaults(&job.lda.engine);
	job.lda.engine.memory_bytes = (size_t)64 << 20;
	return job;
}

uint64_t
lda_job_hash(uint64_t document, uint64_t word, uint64_t count)
{
	/* Adds up over the entries of a word in a document. */
	return count * strads_random_mix(document * 1000003 + word + 1);
}

static void
documents_tell(const struct strads_documents *documents, struct lda_result *result)
{
	result->words = documents->words;
	result->docs_total = documents->docs_total;
	result->tokens_total = documents->tokens_total;
	result->empty_total = documents->empty_total;
	result->first = documents->first;
	result->docs = documents->docs;
	result->tokens = documents->tokens;
	for (uint32_t d = 0; d < documents->docs; d++)
		for (uint64_t e = documents->start[d]; e < documents->start[d + 1]; e++)
			result->content += lda_job_hash(documents->first + d, documents->word[e],
							documents->count[e]);
	if (documents->vocabulary.count > 0)
		snprintf(
		    result->last_word, sizeof result->last_word, "%.15s",
		    strads_names_word(&documents->vocabulary, documents->vocabulary.count - 1));
}

static void
report(void *arg, const struct strads_lda_progress *progress, bool final)
{
	struct side *side = arg;
	struct lda_result *result = side->result;

	if (result->evaluations < LDA_POINTS_MAX)
		result->point[result->evaluations] = *progress;
	result->evaluations++;
	result->finals += final;
	result->last = *progress;
	if (side->rank == side->job->stop_rank)
		side->stop = 1;
}

/* Copies the rows of a table of counts. */
static void
table_tell(const struct strads_lda_table *table, uint64_t first, uint64_t room,
	   uint32_t (*rows)[LDA_TOPICS_MAX])
{
	for (uint64_t i = 0; i < table->rows && first + i < room; i++)
		for (uint64_t e = table->start[i]; e < table->start[i + 1]; e++) {
			if (e > table->start[i])
				assert_true(table->topic[e] > table->topic[e - 1]);
			rows[first + i][table->topic[e]] = table->count[e];
		}
}

static int
model_tell(const struct lda_job *job, struct strads_lda_model *model, struct lda_result *result)
{
	struct strads_lda_table table;
	int status;

	if (job->lda.topics > LDA_TOPICS_MAX)
		return STRADS_OK;
	memcpy(result->total, strads_lda_model_totals(model),
	       job->lda.topics * sizeof *result->total);
	memcpy(result->alpha, strads_lda_model_alpha(model),
	       job->lda.topics * sizeof *result->alpha);
	result->beta = strads_lda_model_beta(model);
	status = strads_lda_model_words(model, &table);
	if (status != STRADS_OK)
		return status;
	table_tell(&table, 0, LDA_WORDS_MAX, result->word);
	strads_lda_table_free(&table);
	for (int r = 0; r < job->job.ranks; r++) {
		uint64_t first;

		status = strads_lda_model_documents(model, r, &first, &table);
		if (status != STRADS_OK)
			return status;
		table_tell(&table, first, LDA_DOCS_MAX, result->document);
		strads_lda_table_free(&table);
	}
	return STRADS_OK;
}

static int
fit(struct strads_fabric *fabric, const void *arg, void *left)
{
	const struct lda_job *job = arg;
	struct lda_result *result = left;
	struct strads_job *ranks = strads_fabric_job(fabric);
	struct side side = {.job = job, .result = result, .rank = strads_job_rank(ranks)};
	struct strads_documents documents = {0};
	struct strads_lda_model *model = NULL;
	int status = strads_documents_read(fabric, &job->documents, &documents);

	if (status == STRADS_OK)
		documents_tell(&documents, result);
	if (status == STRADS_OK && job->lda.topics > 0)
		status = strads_lda_fit(fabric, &documents, &job->lda, &side.stop, report, &side,
					&result->outcome, &model);
	if (status == STRADS_OK && model)
		status = strads_job_agree(ranks, side.rank == 0 ? model_tell(job, model, result)
								: STRADS_OK);
	strads_lda_model_delete(&model);
	strads_documents_free(&documents);
	return status;
}

int
lda_job_run(const struct lda_job *job, struct lda_result *results)
{
	return ranks_run(&job->job, job->fabric, fit, job, results, sizeof *results);
}

void
lda_job_assert(const struct lda_job *job, enum strads_lda_outcome outcome,
	       struct lda_result *results)
{
	ranks_assert(&job->job, job->fabric, fit, job, results, sizeof *results);
	for (int i = 0; i < job->job.ranks; i++) {
		const struct lda_result *r = &results[i], *first = &results[0];

		if (job->lda.topics == 0)
			continue;
		assert_int_equal(r->outcome, outcome);
		assert_int_equal(r->finals, 1);
		assert_int_equal(r->evaluations, first->evaluations);
		assert_memory_equal(&r->last.log_likelihood, &first->last.log_likelihood,
				    sizeof(double));
	}
}

const char *
lda_job_docword(const char *name, uint32_t docs, uint32_t words)
{
	size_t room = (size_t)docs * words * 32 + 64, have;
	char *text = malloc(room), *body = malloc(room);
	uint32_t entries = 0;
	const char *path;

	assert_true(text && body);
	have = 0;
	for (uint32_t i = 0; i < docs; i++) {
		uint32_t d = (i * 7 + 3) % docs; /* a permutation unless 7 divides docs */

		for (uint32_t w = 0; w < words; w++) {
			uint64_t random = strads_random(5, d, w);

			if (random % 10 >= (w % 3 == d % 3 ? 8u : 1u))
				continue;
			have += (size_t)snprintf(body + have, room - have, "%u %u %u\n", d + 1,
						 w + 1, 1 + (uint32_t)(random >> 40) % 4);
			entries++;
		}
	}
	room = (size_t)snprintf(text, room, "%u\n%u\n%u\n", docs, words, entries);
	memcpy(text + room, body, have);
	path = data_file(name, text, room + have);
	free(body);
	free(text);
	return path;
}

struct lda_result *
lda_results_new(void)
{
	struct lda_result *results = calloc(LDA_RANKS_MAX, sizeof *results);

	assert_non_null(results);
	return results;
}
