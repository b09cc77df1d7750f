/*
 * Samplers: all give the bits of the plain one, which draws from the exact conditional.
 */
#include "strads/gibbs.h"

#include <math.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../../kernels/gibbs_simd.h"
#include "strads/random.h"

#define LINE 64

/* Documents with tokens of one word each, and what they are sampled with. */
struct fixture {
	struct strads_gibbs gibbs;
	struct strads_gibbs_docs docs;
	uint32_t documents, words;
	uint64_t tokens;       /* of each word */
	uint32_t *doc, *topic; /* [words][tokens] */
	uint32_t *count;       /* [words][K] */
};

static void *
lines(size_t n, size_t bytes)
{
	size_t all = (n * bytes / LINE + 1) * LINE;
	void *memory = aligned_alloc(LINE, all);

	assert_non_null(memory);
	return memset(memory, 0, all);
}

static void
docs_make(struct fixture *f, bool sparse)
{
	struct strads_gibbs_docs *docs = &f->docs;
	uint32_t n = f->documents;
	uint64_t room = (f->words * f->tokens + 15) / 16 * 16; /* of one: all tokens */

	docs->padded = strads_gibbs_padded(f->gibbs.topics);
	if (!sparse) {
		docs->dense = lines((size_t)n * docs->padded, sizeof *docs->dense);
		return;
	}
	docs->start = lines(n + 1, sizeof *docs->start);
	docs->n = lines(n, sizeof *docs->n);
	for (uint32_t d = 0; d <= n; d++)
		docs->start[d] = d * room;
	docs->topic = lines(n * room, sizeof *docs->topic);
	docs->count = lines(n * room, sizeof *docs->count);
}

static void
make(struct fixture *f, uint32_t topics, bool sparse, uint32_t documents, uint32_t words,
     uint64_t tokens)
{
	uint32_t padded = strads_gibbs_padded(topics);
	struct strads_gibbs *gibbs = &f->gibbs;

	*f = (struct fixture){.documents = documents, .words = words, .tokens = tokens};
	*gibbs = (struct strads_gibbs){.topics = topics, .beta = 0.05, .words_beta = 0.05 * words};
	gibbs->alpha = lines(padded, sizeof *gibbs->alpha);
	for (uint32_t k = 0; k < topics; k++)
		gibbs->alpha[k] = 0.1F * (float)(1 + k % 5);
	gibbs->total = lines(padded, sizeof *gibbs->total);
	gibbs->count = lines(padded, sizeof *gibbs->count);
	gibbs->listed = lines(padded, sizeof *gibbs->listed);
	gibbs->place = lines(padded, sizeof *gibbs->place);
	gibbs->word_part[0] = lines(padded / 16, sizeof *gibbs->word_part[0]);
	gibbs->word_part[1] = lines(padded / 256 + 1, sizeof *gibbs->word_part[1]);
	gibbs->share = lines(padded, sizeof *gibbs->share);
	gibbs->sums = lines(padded, sizeof *gibbs->sums);
	for (int l = 0; sparse && l < STRADS_GIBBS_LEVELS; l++)
		if (strads_gibbs_level(topics, l) > 0)
			gibbs->level[l] =
			    lines(strads_gibbs_level(topics, l), sizeof *gibbs->level[l]);
	docs_make(f, sparse);
	f->doc = lines(words * tokens, sizeof *f->doc);
	f->topic = lines(words * tokens, sizeof *f->topic);
	f->count = lines((size_t)words * topics, sizeof *f->count);
	memset(f->topic, 0xff, words * tokens * sizeof *f->topic);
	for (uint64_t i = 0; i < words * tokens; i++)
		f->doc[i] = (uint32_t)(strads_random(1, 0, i) % documents);
}

static void
give(struct fixture *f)
{
	free(f->count);
	free(f->topic);
	free(f->doc);
	free(f->docs.count);
	free(f->docs.topic);
	free(f->docs.n);
	free(f->docs.start);
	free(f->docs.dense);
	for (int l = 0; l < STRADS_GIBBS_LEVELS; l++)
		free(f->gibbs.level[l]);
	free(f->gibbs.sums);
	free(f->gibbs.share);
	free(f->gibbs.word_part[1]);
	free(f->gibbs.word_part[0]);
	free(f->gibbs.place);
	free(f->gibbs.listed);
	free(f->gibbs.count);
	free(f->gibbs.total);
	free(f->gibbs.alpha);
}

/* Samples the tokens of word w, whose counts are kept from one time to the next. */
static void
word_sample(struct fixture *f, strads_gibbs_sampler *sampler, uint32_t w, uint64_t random)
{
	uint32_t topics = f->gibbs.topics, *count = f->count + (size_t)w * topics;

	for (uint32_t k = 0; k < topics; k++)
		if (count[k] > 0)
			strads_gibbs_put(&f->gibbs, k, count[k]);
	sampler(&f->gibbs, &f->docs, f->tokens, f->doc + w * f->tokens, f->topic + w * f->tokens,
		random);
	memcpy(count, f->gibbs.count, topics * sizeof *count);
	strads_gibbs_end(&f->gibbs);
}

static void
sweep(struct fixture *f, strads_gibbs_sampler *sampler, uint64_t number)
{
	strads_gibbs_begin(&f->gibbs, !f->docs.dense);
	for (uint32_t w = 0; w < f->words; w++)
		word_sample(f, sampler, w, strads_random(7, number, w));
}

/* Every token is counted once in each table. */
static void
assert_counts(const struct fixture *f)
{
	uint32_t topics = f->gibbs.topics;

	for (uint32_t k = 0; k < topics; k++) {
		int32_t total = 0;

		for (uint32_t w = 0; w < f->words; w++) {
			uint32_t n = 0;

			for (uint64_t i = 0; i < f->tokens; i++)
				n += f->topic[w * f->tokens + i] == k;
			assert_int_equal(f->count[(size_t)w * topics + k], n);
			total += (int32_t)n;
		}
		assert_int_equal(f->gibbs.total[k], total);
	}
	for (uint32_t d = 0; d < f->documents; d++)
		for (uint32_t k = 0; k < topics; k++) {
			uint32_t n = 0;

			for (uint64_t i = 0; i < f->words * f->tokens; i++)
				n += f->doc[i] == d && f->topic[i] == k;
			assert_int_equal(strads_gibbs_doc_get(&f->docs, d, k), n);
		}
}

static const struct {
	const char *name;
	strads_gibbs_sampler *sampler;
} samplers[] = {
    {"any", strads_gibbs_sample},
    {"portable", strads_gibbs_sample_portable},
#ifdef __x86_64__
    {"avx2", strads_gibbs_sample_avx2},
    {"avx512", strads_gibbs_sample_avx512},
#endif
};

static bool
is_possible(const char *name)
{
#ifdef __x86_64__
	if (strcmp(name, "avx2") == 0)
		return __builtin_cpu_supports("avx2");
	if (strcmp(name, "avx512") == 0)
		return __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
		       __builtin_cpu_supports("avx512vl");
#endif
	(void)name;
	return true;
}

static void
strads_gibbs_sample__gives_the_bits_of_the_plain_one(void **state)
{
	static const uint32_t topics[] = {1, 2, 15, 16, 17, 100, 300, 5000};

	(void)state;
	for (size_t t = 0; t < sizeof topics / sizeof *topics; t++)
		for (int sparse = 0; sparse < 2; sparse++) {
			struct fixture expected;

			make(&expected, topics[t], sparse, 7, 20, 12);
			for (uint64_t s = 0; s < 4; s++)
				sweep(&expected, strads_gibbs_sample_plain, s);
			assert_counts(&expected);
			for (size_t i = 0; i < sizeof samplers / sizeof *samplers; i++) {
				struct fixture f;

				if (!is_possible(samplers[i].name))
					continue;
				make(&f, topics[t], sparse, 7, 20, 12);
				for (uint64_t s = 0; s < 4; s++)
					sweep(&f, samplers[i].sampler, s);
				if (memcmp(f.topic, expected.topic,
					   f.words * f.tokens * sizeof *f.topic) != 0)
					fail_msg("%s: %u topics, %s", samplers[i].name, topics[t],
						 sparse ? "sparse" : "dense");
				assert_counts(&f);
				give(&f);
			}
			give(&expected);
		}
}

/* p(z = k) of token 0 of word 0, which has no topic, up to a factor. */
static double
exact(const struct fixture *f, uint32_t k)
{
	const struct strads_gibbs *gibbs = &f->gibbs;

	return (strads_gibbs_doc_get(&f->docs, f->doc[0], k) + (double)gibbs->alpha[k]) *
	       (f->count[k] + gibbs->beta) / (gibbs->total[k] + gibbs->words_beta);
}

/* χ² of draws of token 0 of word 0 while all others stay. */
static double
chi_square(struct fixture *f, uint64_t draws)
{
	uint32_t topics = f->gibbs.topics;
	uint64_t *seen = calloc(topics, sizeof *seen);
	double *p = calloc(topics, sizeof *p), sum = 0, chi = 0;

	assert_true(seen && p);
	for (uint64_t i = 0; i < draws; i++) {
		uint32_t k = f->topic[0];

		strads_gibbs_begin(&f->gibbs, !f->docs.dense);
		for (uint32_t j = 0; j < topics; j++)
			if (f->count[j] > 0)
				strads_gibbs_put(&f->gibbs, j, f->count[j]);
		strads_gibbs_sample(&f->gibbs, &f->docs, 1, f->doc, f->topic,
				    strads_random(11, 0, i));
		strads_gibbs_end(&f->gibbs);
		f->count[k]--;
		f->count[f->topic[0]]++;
		seen[f->topic[0]]++;
	}
	/* The probabilities are those without the token. */
	f->count[f->topic[0]]--;
	f->gibbs.total[f->topic[0]]--;
	for (uint32_t k = 0; k < topics; k++) {
		double own = f->topic[0] == k ? 1 : 0, alpha = (double)f->gibbs.alpha[k];

		p[k] = (strads_gibbs_doc_get(&f->docs, f->doc[0], k) - own + alpha) /
		       (strads_gibbs_doc_get(&f->docs, f->doc[0], k) + alpha) * exact(f, k);
		sum += p[k];
	}
	for (uint32_t k = 0; k < topics; k++) {
		double expected = p[k] / sum * (double)draws;

		assert_true(expected > 5);
		chi += ((double)seen[k] - expected) * ((double)seen[k] - expected) / expected;
	}
	free(seen);
	free(p);
	return chi;
}

static void
strads_gibbs_sample__draws_from_the_exact_conditional(void **state)
{
	static const uint32_t topics[] = {3, 16, 40};

	(void)state;
	for (size_t t = 0; t < sizeof topics / sizeof *topics; t++)
		for (int sparse = 0; sparse < 2; sparse++) {
			struct fixture f;
			double k = topics[t] - 1, bound = k + 4 * sqrt(2 * k) + 10, chi;

			make(&f, topics[t], sparse, 3, 6, 15);
			for (uint64_t s = 0; s < 3; s++)
				sweep(&f, strads_gibbs_sample, s);
			chi = chi_square(&f, 200000);
			if (!(chi < bound))
				fail_msg("%u topics, %s: chi-square %g, at most %g is likely",
					 topics[t], sparse ? "sparse" : "dense", chi, bound);
			give(&f);
		}
}

static void
strads_gibbs_scatter__gives_all_topics_alike(void **state)
{
	(void)state;
	for (int sparse = 0; sparse < 2; sparse++) {
		struct fixture f;
		double chi = 0;

		make(&f, 10, sparse, 5, 1, 20000);
		strads_gibbs_begin(&f.gibbs, sparse);
		strads_gibbs_scatter(&f.gibbs, &f.docs, f.tokens, f.doc, f.topic, 3);
		memcpy(f.count, f.gibbs.count, 10 * sizeof *f.count);
		assert_counts(&f);
		for (int k = 0; k < 10; k++)
			chi += pow(f.gibbs.total[k] - 2000.0, 2) / 2000;
		assert_true(chi < 35);
		give(&f);
	}
}

/* ---- Geweke: "Getting it right: joint distribution tests of posterior simulators", JASA 2004 --
 */

#define G_TOPICS 3
#define G_WORDS  4
#define G_DOCS   3
#define G_TOKENS 6 /* of a document */
#define G_DRAWS  60000

/* All tokens: word and topic. */
struct joint {
	uint32_t word[G_DOCS][G_TOKENS], topic[G_DOCS][G_TOKENS];
	uint64_t drawn;
};

static double
uniform(struct joint *joint)
{
	return (double)(strads_random(23, 1, joint->drawn++) >> 11) * 0x1p-53;
}

/* Of p [n], up to a factor. */
static uint32_t
draw(struct joint *joint, const double *p, uint32_t n)
{
	double sum = 0, x;
	uint32_t k = 0;

	for (uint32_t i = 0; i < n; i++)
		sum += p[i];
	x = uniform(joint) * sum;
	while (k + 1 < n && x >= p[k])
		x -= p[k++];
	return k;
}

/* Topics, and words, one after the other from how often those before were (Pólya's urns). */
static void
prior_draw(struct joint *joint, const float *alpha, double beta)
{
	double total[G_TOPICS] = {0}, count[G_TOPICS][G_WORDS] = {{0}};

	for (int d = 0; d < G_DOCS; d++) {
		double here[G_TOPICS] = {0};

		for (int i = 0; i < G_TOKENS; i++) {
			double p[G_TOPICS], q[G_WORDS];
			uint32_t k;

			for (int j = 0; j < G_TOPICS; j++)
				p[j] = here[j] + (double)alpha[j];
			k = joint->topic[d][i] = draw(joint, p, G_TOPICS);
			for (int w = 0; w < G_WORDS; w++)
				q[w] = count[k][w] + beta;
			joint->word[d][i] = draw(joint, q, G_WORDS);
			here[k]++;
			total[k]++;
			count[k][joint->word[d][i]]++;
		}
	}
}

/* New words for the topics there are: together, again by urns. */
static void
words_draw(struct joint *joint, double beta)
{
	double count[G_TOPICS][G_WORDS] = {{0}};

	for (int d = 0; d < G_DOCS; d++)
		for (int i = 0; i < G_TOKENS; i++) {
			double q[G_WORDS], *of = count[joint->topic[d][i]];

			for (int w = 0; w < G_WORDS; w++)
				q[w] = of[w] + beta;
			joint->word[d][i] = draw(joint, q, G_WORDS);
			of[joint->word[d][i]]++;
		}
}

/* The tables of topics and documents, from the topics there are. */
static void
tables_count(const struct joint *joint, struct fixture *f)
{
	memset(f->gibbs.total, 0, G_TOPICS * sizeof *f->gibbs.total);
	for (uint32_t d = 0; d < G_DOCS; d++) {
		uint32_t count[G_TOPICS] = {0}, n = 0;

		for (int i = 0; i < G_TOKENS; i++)
			count[joint->topic[d][i]]++;
		for (uint32_t k = 0; k < G_TOPICS; k++) {
			f->gibbs.total[k] += (int32_t)count[k];
			if (f->docs.dense) {
				f->docs.dense[d * f->docs.padded + k] = (uint16_t)count[k];
			} else if (count[k] > 0) {
				f->docs.topic[f->docs.start[d] + n] = k;
				f->docs.count[f->docs.start[d] + n++] = count[k];
			}
		}
		for (uint32_t i = n; !f->docs.dense && i < G_TOPICS; i++) {
			f->docs.topic[f->docs.start[d] + i] = 0;
			f->docs.count[f->docs.start[d] + i] = 0;
		}
		if (!f->docs.dense)
			f->docs.n[d] = n;
	}
}

/* New topics for the words there are: a sweep of the sampler. */
static void
topics_draw(struct joint *joint, struct fixture *f)
{
	uint32_t *at[G_DOCS * G_TOKENS];

	tables_count(joint, f);
	strads_gibbs_begin(&f->gibbs, !f->docs.dense);
	for (uint32_t w = 0; w < G_WORDS; w++) {
		uint64_t n = 0;

		for (uint32_t d = 0; d < G_DOCS; d++)
			for (int i = 0; i < G_TOKENS; i++) {
				if (joint->word[d][i] != w)
					continue;
				at[n] = &joint->topic[d][i];
				f->doc[n] = d;
				f->topic[n++] = joint->topic[d][i];
				strads_gibbs_put(&f->gibbs, joint->topic[d][i], 1);
			}
		strads_gibbs_sample(&f->gibbs, &f->docs, n, f->doc, f->topic,
				    strads_random(29, 2, joint->drawn++));
		strads_gibbs_end(&f->gibbs);
		for (uint64_t i = 0; i < n; i++)
			*at[i] = f->topic[i];
	}
}

#define G_STATISTICS 4

/* How unevenly topics, documents' topics and topics' words are spread, and how often topic 0 is. */
static void
statistics(const struct joint *joint, double value[G_STATISTICS])
{
	double total[G_TOPICS] = {0}, count[G_TOPICS][G_WORDS] = {{0}};

	memset(value, 0, G_STATISTICS * sizeof *value);
	for (int d = 0; d < G_DOCS; d++) {
		double here[G_TOPICS] = {0};

		for (int i = 0; i < G_TOKENS; i++) {
			here[joint->topic[d][i]]++;
			total[joint->topic[d][i]]++;
			count[joint->topic[d][i]][joint->word[d][i]]++;
		}
		for (int k = 0; k < G_TOPICS; k++)
			value[1] += here[k] * here[k];
	}
	value[3] = total[0];
	for (int k = 0; k < G_TOPICS; k++) {
		value[0] += total[k] * total[k];
		for (int w = 0; w < G_WORDS; w++)
			value[2] += count[k][w] * count[k][w];
	}
}

/* Means of the statistics and the errors of these, by batches as draws may hang together. */
#define G_BATCH 500
static void
means(bool successive, struct fixture *f, double mean[G_STATISTICS], double error[G_STATISTICS])
{
	struct joint joint = {.drawn = successive ? UINT64_C(1) << 40 : 0};
	double batch[G_STATISTICS] = {0}, squares[G_STATISTICS] = {0};
	int batches = G_DRAWS / G_BATCH;

	memset(mean, 0, G_STATISTICS * sizeof *mean);
	prior_draw(&joint, f->gibbs.alpha, f->gibbs.beta);
	for (int i = 0; i < G_DRAWS; i++) {
		double value[G_STATISTICS];

		if (successive) {
			topics_draw(&joint, f);
			words_draw(&joint, f->gibbs.beta);
		} else {
			prior_draw(&joint, f->gibbs.alpha, f->gibbs.beta);
		}
		statistics(&joint, value);
		for (int s = 0; s < G_STATISTICS; s++) {
			batch[s] += value[s] / G_BATCH;
			if (i % G_BATCH != G_BATCH - 1)
				continue;
			mean[s] += batch[s] / batches;
			squares[s] += batch[s] * batch[s] / batches;
			batch[s] = 0;
		}
	}
	for (int s = 0; s < G_STATISTICS; s++)
		error[s] = sqrt((squares[s] - mean[s] * mean[s]) / (batches - 1));
}

/* Draws from the prior, and those by turns of words given topics and topics given words, have the
 * same distribution. */
static void
strads_gibbs_sample__passes_gewekes_test(void **state)
{
	static const float alpha[G_TOPICS] = {0.7F, 0.2F, 1.3F};
	double mean[2][G_STATISTICS], error[2][G_STATISTICS];
	struct fixture f;

	(void)state;
	for (int sparse = 0; sparse < 2; sparse++) {
		make(&f, G_TOPICS, sparse, G_DOCS, G_WORDS, G_DOCS * G_TOKENS);
		memcpy(f.gibbs.alpha, alpha, sizeof alpha);
		f.gibbs.beta = 0.4;
		f.gibbs.words_beta = 0.4 * G_WORDS;
		for (int successive = 0; successive < 2; successive++)
			means(successive, &f, mean[successive], error[successive]);
		for (int s = 0; s < G_STATISTICS; s++) {
			double z = (mean[1][s] - mean[0][s]) / hypot(error[0][s], error[1][s]);

			if (!(fabs(z) < 4))
				fail_msg("%s, statistic %d: %g by turns, %g from the prior: z = %g",
					 sparse ? "sparse" : "dense", s, mean[1][s], mean[0][s], z);
		}
		give(&f);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(strads_gibbs_sample__gives_the_bits_of_the_plain_one),
	    cmocka_unit_test(strads_gibbs_sample__draws_from_the_exact_conditional),
	    cmocka_unit_test(strads_gibbs_scatter__gives_all_topics_alike),
	    cmocka_unit_test(strads_gibbs_sample__passes_gewekes_test),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
