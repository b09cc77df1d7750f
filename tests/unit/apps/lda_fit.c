/*
 * Sampling by rotation: the serial run of the plain sampler on one rank, the same tables and bits
 * however they travel, and what is reported.
 */
#include <math.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../share.h"
#include "data_job.h"
#include "lda_job.h"
#include "../../../apps/lda/rows.h"
#include "strads/gibbs.h"
#include "strads/random.h"

#define DOCS  40
#define WORDS 60

struct fixture {
	char path[512];
	struct lda_result *expected, *results;
};

static int
set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);

	assert_non_null(f);
	snprintf(f->path, sizeof f->path, "%s", lda_job_docword("docs", DOCS, WORDS));
	f->expected = lda_results_new();
	f->results = lda_results_new();
	*state = f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	free(f->expected);
	free(f->results);
	free(f);
	return 0;
}

/* ---- A serial run ------------------------------------------------------------------------- */

/* The documents of the file as tokens by word, in it by document. */
struct corpus {
	uint64_t start[WORDS + 1];
	uint32_t doc[DOCS * WORDS * 4], topic[DOCS * WORDS * 4];
	uint32_t times[WORDS][DOCS];
};

static void
corpus_read(const char *path, struct corpus *corpus)
{
	FILE *file = fopen(path, "r");
	unsigned d, w, n;

	assert_non_null(file);
	memset(corpus, 0, sizeof *corpus);
	assert_int_equal(fscanf(file, "%u %u %u", &d, &w, &n), 3);
	while (fscanf(file, "%u %u %u", &d, &w, &n) == 3)
		corpus->times[w - 1][d - 1] = n;
	fclose(file);
	for (w = 0; w < WORDS; w++) {
		uint64_t at = corpus->start[w];

		for (d = 0; d < DOCS; d++)
			for (n = 0; n < corpus->times[w][d]; n++)
				corpus->doc[at++] = d;
		corpus->start[w + 1] = at;
	}
	memset(corpus->topic, 0xff, sizeof corpus->topic);
}

static void
row_put(struct strads_gibbs *gibbs, const uint32_t *row)
{
	uint32_t topic[64], count[64], n;
	const uint32_t *next;

	assert_int_equal(strads_lda_row_read(row, row + 64, gibbs->topics, topic, count, &n, &next),
			 STRADS_OK);
	for (uint32_t i = 0; i < n; i++)
		strads_gibbs_put(gibbs, topic[i], count[i]);
}

/* Sweeps over all words in their order, on the counts of all documents, word by word with the
 * random numbers that a run of one rank takes. */
static void
serial_run(const struct strads_lda_options *options, struct corpus *corpus, bool sparse,
	   struct lda_result *result)
{
	uint32_t topics = options->topics;
	static _Alignas(64) uint16_t dense[DOCS * 64];
	static _Alignas(64) uint32_t list[2][DOCS * 64], listed[64], place[64], count[64], n[DOCS];
	static _Alignas(64) int32_t total[64];
	static _Alignas(64) float alpha[64], share[64], sums[64];
	static _Alignas(64) double level[2][64];
	static double word_part[2][4];
	static uint32_t row[WORDS][64];
	uint64_t start[DOCS + 1];
	struct strads_gibbs_docs docs = {.dense = sparse ? NULL : dense,
					 .padded = strads_gibbs_padded(topics),
					 .start = start,
					 .n = n,
					 .topic = list[0],
					 .count = list[1]};
	struct strads_gibbs gibbs = {.topics = topics,
				     .alpha = alpha,
				     .beta = options->beta,
				     .words_beta = options->beta * WORDS,
				     .total = total,
				     .count = count,
				     .listed = listed,
				     .place = place,
				     .word_part = {word_part[0], word_part[1]},
				     .share = share,
				     .sums = sums,
				     .level = {level[0], level[1]}};

	for (uint32_t k = 0; k < topics; k++)
		alpha[k] = (float)options->alpha;
	memset(dense, 0, sizeof dense);
	memset(list, 0, sizeof list);
	memset(n, 0, sizeof n);
	memset(total, 0, sizeof total);
	for (uint32_t d = 0; d <= DOCS; d++)
		start[d] = 64 * d;
	memset(result->word, 0, sizeof result->word);
	memset(row, 0, sizeof row);
	for (uint64_t s = 0; s < options->sweeps; s++) {
		strads_gibbs_begin(&gibbs, sparse);
		for (uint32_t w = 0; w < WORDS; w++) {
			uint64_t at = corpus->start[w], tokens = corpus->start[w + 1] - at;

			row_put(&gibbs, row[w]);
			strads_gibbs_sample_plain(&gibbs, &docs, tokens, corpus->doc + at,
						  corpus->topic + at,
						  strads_random(options->seed, w, s << 16));
			memcpy(result->word[w], count, topics * sizeof *count);
			(void)strads_lda_row_write(&gibbs, row[w]);
			strads_gibbs_end(&gibbs);
		}
	}
	memcpy(result->total, total, topics * sizeof *total);
	for (uint32_t d = 0; d < DOCS; d++)
		for (uint32_t k = 0; k < topics; k++)
			result->document[d][k] = strads_gibbs_doc_get(&docs, d, k);
}

static void
fit__one_rank_is_the_serial_run(void **state)
{
	struct fixture *f = *state;
	struct corpus *corpus = malloc(sizeof *corpus);

	assert_non_null(corpus);
	for (int sparse = 0; sparse < 2; sparse++) {
		struct lda_job job = lda_job_defaults(STRADS_JOB_SIM, 1, f->path);

		job.lda.sampler = sparse ? STRADS_LDA_SPARSE : STRADS_LDA_DENSE;
		job.lda.topics = 20;
		corpus_read(f->path, corpus);
		serial_run(&job.lda, corpus, sparse, f->expected);
		lda_job_assert(&job, STRADS_LDA_DONE, f->results);
		assert_memory_equal(f->results->total, f->expected->total,
				    sizeof f->expected->total);
		assert_memory_equal(f->results->word, f->expected->word, sizeof f->expected->word);
		for (uint32_t d = 0; d < DOCS; d++)
			for (uint32_t k = 0; k < job.lda.topics; k++)
				if (f->results->document[d][k] != f->expected->document[d][k])
					fail_msg("document %u has %u of topic %u, not %u", d,
						 f->results->document[d][k], k,
						 f->expected->document[d][k]);
	}
	free(corpus);
}

/* ---- What is reported --------------------------------------------------------------------- */

/* log p(w, z) from the tables, by the formula. */
static double
likelihood(const struct lda_job *job, const struct lda_result *result)
{
	double beta = result->beta, sum = 0;
	uint32_t topics = job->lda.topics;

	for (uint32_t d = 0; d < DOCS; d++) {
		double n = 0, all = 0;

		for (uint32_t k = 0; k < topics; k++) {
			double alpha = result->alpha[k];

			n += result->document[d][k];
			all += alpha;
			sum += lgamma(result->document[d][k] + alpha) - lgamma(alpha);
		}
		sum += lgamma(all) - lgamma(n + all);
	}
	for (uint32_t k = 0; k < topics; k++) {
		for (uint32_t w = 0; w < WORDS; w++)
			sum += lgamma(result->word[w][k] + beta) - lgamma(beta);
		sum += lgamma(WORDS * beta) - lgamma(result->total[k] + WORDS * beta);
	}
	return sum;
}

/* Tables that agree with each other and with the file, whatever the ranks. */
static void
assert_tables(const struct lda_job *job, const struct lda_result *result)
{
	uint64_t tokens = 0, nonzeros = 0;

	for (uint32_t k = 0; k < job->lda.topics; k++) {
		int64_t words = 0, documents = 0;

		for (uint32_t w = 0; w < WORDS; w++) {
			words += result->word[w][k];
			nonzeros += result->word[w][k] > 0;
		}
		for (uint32_t d = 0; d < DOCS; d++)
			documents += result->document[d][k];
		assert_int_equal(words, result->total[k]);
		assert_int_equal(documents, result->total[k]);
		tokens += (uint64_t)words;
	}
	assert_int_equal(tokens, result->tokens_total);
	assert_int_equal(nonzeros, result->last.word_nonzeros);
}

static void
fit__reports_the_likelihood_of_its_tables(void **state)
{
	struct fixture *f = *state;

	for (int ranks = 1; ranks <= 7; ranks += 2)
		for (int sampler = STRADS_LDA_DENSE; sampler <= STRADS_LDA_SPARSE; sampler++) {
			struct lda_job job = lda_job_defaults(STRADS_JOB_SIM, ranks, f->path);
			const struct strads_lda_progress *last = &f->results->last;
			double expected;

			if (!strads_test_takes((uint64_t)(ranks + sampler + 3)))
				continue;
			job.lda.sampler = (enum strads_lda_sampler)sampler;
			job.lda.start = (enum strads_lda_start)(ranks % 2);
			job.lda.parts = (uint32_t)ranks;
			job.lda.optimize_interval = (uint64_t)ranks % 4;
			lda_job_assert(&job, STRADS_LDA_DONE, f->results);
			assert_tables(&job, f->results);
			expected = likelihood(&job, f->results);
			assert_true(fabs(last->log_likelihood - expected) < 1e-9 * -expected);
			assert_int_equal(last->sweeps, 6);
			assert_int_equal(f->results->evaluations, 6);
			assert_true(ranks > 1 ? last->s_error > 0 && last->s_error < 2
					      : last->s_error == 0);
			assert_true(last->log_likelihood > f->results->point[0].log_likelihood);
		}
}

/* What ranks read from each other is the words, each block once in a sub-round, about as many bytes
 * as in the end, and nothing of the documents. */
static void
fit__moves_words_alone(void **state)
{
	struct fixture *f = *state;
	struct lda_job job = lda_job_defaults(STRADS_JOB_SIM, 3, f->path);
	const int get = STRADS_LINEAR_BYTES + STRADS_OP_GET;

	lda_job_assert(&job, STRADS_LDA_DONE, f->results);
	for (int i = 2; i < 6; i++) {
		const struct strads_lda_progress *point = &f->results->point[i];
		double moved = point->cost[get] - point[-1].cost[get];

		if (!(fabs(moved / (3 * (double)point->word_bytes) - 1) < 0.1))
			fail_msg("%g bytes were read, 3 times the words are %g", moved,
				 3 * (double)point->word_bytes);
	}
}

static void
fit__evaluates_when_it_is_told(void **state)
{
	struct fixture *f = *state;
	const uint64_t expected[][2] = {{1, 7}, {2, 5}, {3, 4}, {6, 3}, {7, 2}, {50, 2}};

	for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
		struct lda_job job = lda_job_defaults(STRADS_JOB_SIM, 3, f->path);

		job.lda.sweeps = 7;
		job.lda.evaluate_every = expected[i][0];
		job.lda.engine.depth = 1 + (int)i % 4;
		lda_job_assert(&job, STRADS_LDA_DONE, f->results);
		assert_int_equal(f->results->evaluations, expected[i][1]);
		assert_int_equal(f->results->last.sweeps, 7);
	}
}

/* Whole documents are held out; those of the same kind as others are less of a surprise than they
 * would be if all words were as likely. */
static void
fit__scores_held_out_documents(void **state)
{
	struct fixture *f = *state;

	for (int ranks = 1; ranks <= 4; ranks += 3) {
		struct lda_job job = lda_job_defaults(STRADS_JOB_SIM, ranks, f->path);
		const struct strads_lda_progress *last = &f->results->last;

		job.lda.holdout = 0.2;
		job.lda.sweeps = 20;
		job.lda.evaluate_every = 20;
		lda_job_assert(&job, STRADS_LDA_DONE, f->results);
		assert_true(last->scored > 50);
		assert_true(last->perplexity > 1 && last->perplexity < 0.8 * WORDS);
		assert_true(last->perplexity < f->results->point[0].perplexity);
	}
}

static void
fit__stops_when_asked(void **state)
{
	struct fixture *f = *state;

	for (uint64_t every = 1; every <= 3; every++) {
		struct lda_job job = lda_job_defaults(STRADS_JOB_SIM, 3, f->path);
		const struct lda_result *result = f->results;

		job.stop_rank = 2;
		job.lda.sweeps = 1000;
		job.lda.evaluate_every = every;
		lda_job_assert(&job, STRADS_LDA_LIMIT, f->results);
		assert_true(result->last.sweeps < 10);
		assert_tables(&job, result);
		for (uint64_t i = 1; i < result->evaluations; i++)
			assert_true(result->point[i].sweeps > result->point[i - 1].sweeps);
	}
}

static void
fit__more_ranks_than_topics_words_or_documents(void **state)
{
	struct fixture *f = *state;
	struct lda_job job;

	(void)f;
	job = lda_job_defaults(STRADS_JOB_SIM, 8, lda_job_docword("few", 3, 4));
	job.lda.topics = 2;
	lda_job_assert(&job, STRADS_LDA_DONE, f->results);
	assert_int_equal(f->results->last.sweeps, 6);
}

/* ---- Bits --------------------------------------------------------------------------------- */

static void
assert_same_tables(const struct fixture *f)
{
	const struct lda_result *got = f->results, *expected = f->expected;

	assert_memory_equal(got->total, expected->total, sizeof got->total);
	assert_memory_equal(got->word, expected->word, sizeof got->word);
	assert_memory_equal(got->document, expected->document, sizeof got->document);
}

static void
assert_same_bits(const struct lda_job *job, struct fixture *f)
{
	const struct lda_result *got = f->results, *expected = f->expected;

	lda_job_assert(job, STRADS_LDA_DONE, f->results);
	assert_int_equal(got->evaluations, expected->evaluations);
	for (uint64_t i = 0; i < got->evaluations; i++) {
		assert_memory_equal(&got->point[i].log_likelihood,
				    &expected->point[i].log_likelihood, sizeof(double));
		assert_memory_equal(&got->point[i].perplexity, &expected->point[i].perplexity,
				    sizeof(double));
	}
	assert_same_tables(f);
}

static void
bits__same_on_every_fabric(void **state)
{
	struct fixture *f = *state;

	for (int ranks = 1; ranks <= 3; ranks++)
		for (int sampler = STRADS_LDA_DENSE; sampler <= STRADS_LDA_SPARSE; sampler++) {
			struct lda_job job = lda_job_defaults(STRADS_JOB_SIM, ranks, f->path);

			if (!strads_test_takes((uint64_t)(3 * ranks + sampler)))
				continue;
			job.lda.sampler = (enum strads_lda_sampler)sampler;
			job.lda.holdout = 0.1;
			job.lda.optimize_interval = 2;
			lda_job_assert(&job, STRADS_LDA_DONE, f->expected);
			job.job.kind = STRADS_JOB_LOCAL;
			assert_same_bits(&job, f);
			if (ranks == 1 || !strads_fabric_has_provider("ofi"))
				continue;
			job.fabric = "ofi";
			assert_same_bits(&job, f);
		}
}

static void
bits__same_for_every_chunk_network_and_schedulers(void **state)
{
	struct fixture *f = *state;
	struct lda_job job = lda_job_defaults(STRADS_JOB_SIM, 4, f->path);

	job.lda.holdout = 0.1;
	job.lda.optimize_interval = 2;
	lda_job_assert(&job, STRADS_LDA_DONE, f->expected);
	job.lda.engine.chunk_bytes = 256;
	assert_same_bits(&job, f);
	job.lda.engine.eager_bytes = 0;
	assert_same_bits(&job, f);
	job.lda.engine.depth = 4;
	job.lda.engine.schedulers = 3;
	assert_same_bits(&job, f);
	job.job.sim.seed = 3;
	job.job.sim.jitter = 3;
	job.job.sim.tear = true;
	assert_same_bits(&job, f);
}

static void
bits__another_seed_gives_another_run(void **state)
{
	struct fixture *f = *state;
	struct lda_job job = lda_job_defaults(STRADS_JOB_SIM, 2, f->path);

	lda_job_assert(&job, STRADS_LDA_DONE, f->expected);
	job.lda.seed = 2;
	lda_job_assert(&job, STRADS_LDA_DONE, f->results);
	assert_true(f->results->last.log_likelihood != f->expected->last.log_likelihood);
}

/* ---- What is refused ---------------------------------------------------------------------- */

static void
assert_refused(struct fixture *f, const struct lda_job *job, int status, const char *sentence)
{
	assert_int_equal(lda_job_run(job, f->results), 0);
	for (int r = 0; r < job->job.ranks; r++) {
		assert_int_equal(f->results[r].end.status, status);
		if (!strstr(f->results[r].end.error, sentence))
			fail_msg("'%s', not '%s'", f->results[r].end.error, sentence);
	}
}

static void
fit__refuses_options_out_of_range(void **state)
{
	struct fixture *f = *state;
	const struct lda_job good = lda_job_defaults(STRADS_JOB_SIM, 2, f->path);
	struct lda_job job = good;

	job.lda.topics = STRADS_LDA_TOPICS_MAX + 1;
	assert_refused(f, &job, STRADS_ERR_INPUT, "topics: give 1 to");
	job = good;
	job.lda.alpha = 0;
	assert_refused(f, &job, STRADS_ERR_INPUT, "alpha is 0");
	job = good;
	job.lda.beta = INFINITY;
	assert_refused(f, &job, STRADS_ERR_INPUT, "beta inf");
	job = good;
	job.lda.engine.staleness = 1;
	assert_refused(f, &job, STRADS_ERR_INPUT, "a staleness of 1");
	job = good;
	job.lda.exchange_every = 3;
	assert_refused(f, &job, STRADS_ERR_INPUT, "a sweep has 2");
	job = good;
	job.lda.holdout = 0.9999999;
	assert_refused(f, &job, STRADS_ERR_INPUT, "every word is held out");
}

/* A table of 10^6 documents by 2^20 topics is beyond any host. */
static void
fit__refuses_what_memory_cannot_hold(void **state)
{
	static const char text[] = "1000000\n2\n2\n1 1 3\n1000000 2 4\n";
	struct fixture *f = *state;
	struct lda_job job =
	    lda_job_defaults(STRADS_JOB_SIM, 2, data_file("many", text, sizeof text - 1));

	job.lda.topics = STRADS_LDA_TOPICS_MAX;
	job.lda.sampler = STRADS_LDA_DENSE;
	assert_refused(f, &job, STRADS_ERR_MEMORY, "ask for fewer topics");
	job.lda.sampler = STRADS_LDA_SPARSE;
	job.lda.engine.memory_bytes = 1 << 16;
	assert_refused(f, &job, STRADS_ERR_MEMORY, "give --memory");
}

/* ---- Stale replicas ----------------------------------------------------------------------- */

/* Replicas that are exchanged after every sub-round are those of the rotation. */
static void
replicas__exchanged_at_once_are_exact(void **state)
{
	struct fixture *f = *state;

	for (int ranks = 1; ranks <= 4; ranks++) {
		struct lda_job job = lda_job_defaults(STRADS_JOB_SIM, ranks, f->path);

		/* Of lists the order counts, and a row of changes does not always keep it. */
		job.lda.sampler = STRADS_LDA_DENSE;
		lda_job_assert(&job, STRADS_LDA_DONE, f->expected);
		job.lda.mode = STRADS_LDA_REPLICAS;
		job.lda.exchange_every = 1;
		lda_job_assert(&job, STRADS_LDA_DONE, f->results);
		assert_same_tables(f);
	}
}

/* Whatever the period, all tables agree once replicas are exchanged; in between they are off. */
static void
replicas__agree_after_an_exchange(void **state)
{
	struct fixture *f = *state;

	for (int ranks = 1; ranks <= 5; ranks += 2)
		for (int every = 0; every <= ranks; every += 2) {
			struct lda_job job = lda_job_defaults(STRADS_JOB_SIM, ranks, f->path);
			const struct strads_lda_progress *last = &f->results->last;
			double expected;

			job.lda.mode = STRADS_LDA_REPLICAS;
			job.lda.exchange_every = (uint64_t)every;
			job.lda.sampler = every ? STRADS_LDA_SPARSE : STRADS_LDA_DENSE;
			job.lda.start = (enum strads_lda_start)(every % 4 / 2);
			job.lda.engine.depth = 1 + ranks;
			lda_job_assert(&job, STRADS_LDA_DONE, f->results);
			assert_tables(&job, f->results);
			expected = likelihood(&job, f->results);
			assert_true(fabs(last->log_likelihood - expected) < 1e-9 * -expected);
			assert_int_equal(last->sweeps, 6);
			assert_true(ranks > 1 ? last->replica_error > 0 && last->replica_error < 2
					      : last->replica_error == 0);
			assert_true(last->log_likelihood > f->results->point[0].log_likelihood);
		}
}

static void
replicas__same_bits_on_every_fabric(void **state)
{
	struct fixture *f = *state;
	struct lda_job job = lda_job_defaults(STRADS_JOB_SIM, 3, f->path);

	job.lda.mode = STRADS_LDA_REPLICAS;
	lda_job_assert(&job, STRADS_LDA_DONE, f->expected);
	job.job.sim.seed = 3;
	job.job.sim.jitter = 3;
	job.job.sim.tear = true;
	assert_same_bits(&job, f);
	job.job.kind = STRADS_JOB_LOCAL;
	assert_same_bits(&job, f);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(fit__one_rank_is_the_serial_run),
	    TEST(fit__reports_the_likelihood_of_its_tables),
	    TEST(fit__moves_words_alone),
	    TEST(fit__evaluates_when_it_is_told),
	    TEST(fit__scores_held_out_documents),
	    TEST(fit__stops_when_asked),
	    TEST(fit__more_ranks_than_topics_words_or_documents),
	    TEST(bits__same_on_every_fabric),
	    TEST(bits__same_for_every_chunk_network_and_schedulers),
	    TEST(bits__another_seed_gives_another_run),
	    TEST(replicas__exchanged_at_once_are_exact),
	    TEST(replicas__agree_after_an_exchange),
	    TEST(replicas__same_bits_on_every_fabric),
	    TEST(fit__refuses_options_out_of_range),
	    TEST(fit__refuses_what_memory_cannot_hold),
	};

	return cmocka_run_group_tests(tests, NULL, data_folder_remove);
}
