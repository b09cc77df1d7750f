/*
 * Hyperparameters that are estimated: the steps by their formulas, and what documents were drawn
 * with.
 */
#include <math.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "data_job.h"
#include "lda_job.h"
#include "strads/random.h"

#define DOCS  40
#define WORDS 60

struct fixture {
	struct lda_result *results;
};

static int
set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);

	assert_non_null(f);
	f->results = lda_results_new();
	*state = f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	free(f->results);
	free(f);
	return 0;
}

/* ---- Steps -------------------------------------------------------------------------------- */

/* ψ(n + a) − ψ(a). */
static double
rise(double n, double a)
{
	double sum = 0;

	for (double i = 0; i < n; i++)
		sum += 1 / (a + i);
	return sum;
}

/* Twenty steps of the fixed point from the tables, by the formulas. */
static void
reference_estimate(const struct lda_job *job, const struct lda_result *result, double *alpha,
		   double *beta)
{
	for (uint32_t k = 0; k < job->lda.topics; k++)
		alpha[k] = job->lda.alpha;
	*beta = job->lda.beta;
	for (int step = 0; step < 20; step++) {
		double all = 0, below = 1, above = 1e-3, next[LDA_TOPICS_MAX];

		for (uint32_t k = 0; k < job->lda.topics; k++)
			all += alpha[k];
		for (uint32_t d = 0; d < DOCS; d++) {
			double n = 0;

			for (uint32_t k = 0; k < job->lda.topics; k++)
				n += result->document[d][k];
			below += rise(n, all);
		}
		for (uint32_t k = 0; k < job->lda.topics; k++) {
			next[k] = 1e-3;
			for (uint32_t d = 0; d < DOCS; d++)
				next[k] += alpha[k] * rise(result->document[d][k], alpha[k]);
			alpha[k] = next[k] / below;
		}
		below = 1;
		for (uint32_t k = 0; k < job->lda.topics; k++) {
			below += WORDS * rise(result->total[k], WORDS * *beta);
			for (uint32_t w = 0; w < WORDS; w++)
				above += *beta * rise(result->word[w][k], *beta);
		}
		*beta = above / below;
	}
}

static void
fit__estimates_the_hyperparameters_of_its_tables(void **state)
{
	struct fixture *f = *state;
	const char *path = lda_job_docword("docs", DOCS, WORDS);

	for (int ranks = 1; ranks <= 4; ranks += 3)
		for (int sampler = STRADS_LDA_DENSE; sampler <= STRADS_LDA_SPARSE; sampler++) {
			struct lda_job job = lda_job_defaults(STRADS_JOB_SIM, ranks, path);
			const struct lda_result *result = f->results;
			double alpha[LDA_TOPICS_MAX], beta;

			job.lda.sampler = (enum strads_lda_sampler)sampler;
			job.lda.holdout = 0.1;
			job.lda.optimize_interval = 3;
			job.lda.optimize_burn_in = 4;
			job.lda.engine.depth = ranks;
			lda_job_assert(&job, STRADS_LDA_DONE, f->results);
			assert_int_equal(result->evaluations, 6);
			assert_true(result->point[4].beta == job.lda.beta);
			reference_estimate(&job, result, alpha, &beta);
			assert_true(fabs(result->beta / beta - 1) < 1e-9);
			assert_true(result->last.beta == result->beta);
			for (uint32_t k = 0; k < job.lda.topics; k++)
				if (!(fabs(result->alpha[k] / alpha[k] - 1) < 1e-9))
					fail_msg("%d ranks: alpha of topic %u is %g, not %g", ranks,
						 k, result->alpha[k], alpha[k]);
		}
}

/* ---- Recovery ----------------------------------------------------------------------------- */

#define DRAWN_DOCS   200
#define DRAWN_TOPICS 3
#define DRAWN_WORDS  10 /* of a topic, which no other has */
#define DRAWN_TOKENS 50 /* of a document */

/* Documents whose topics are drawn from α by Pólya's urns. */
static const char *
drawn_documents(const double *alpha)
{
	size_t room = (size_t)DRAWN_DOCS * DRAWN_TOKENS * 24 + 64, have;
	char *text = malloc(room);
	const char *path;
	uint64_t drawn = 0;

	assert_non_null(text);
	have = (size_t)snprintf(text, room, "%d\n%d\n%d\n", DRAWN_DOCS, DRAWN_TOPICS * DRAWN_WORDS,
				DRAWN_DOCS * DRAWN_TOKENS);
	for (int d = 0; d < DRAWN_DOCS; d++) {
		double share[DRAWN_TOPICS];

		memcpy(share, alpha, sizeof share);
		for (int i = 0; i < DRAWN_TOKENS; i++) {
			uint64_t random = strads_random(9, 0, drawn++);
			double x = (double)(random >> 11) * 0x1p-53, all = 0;
			int k = 0;

			for (int j = 0; j < DRAWN_TOPICS; j++)
				all += share[j];
			for (x *= all; k + 1 < DRAWN_TOPICS && x >= share[k]; k++)
				x -= share[k];
			share[k]++;
			have += (size_t)snprintf(text + have, room - have, "%d %d 1\n", d + 1,
						 k * DRAWN_WORDS + (int)(random % DRAWN_WORDS) + 1);
		}
	}
	path = data_file("drawn", text, have);
	free(text);
	return path;
}

static int
by_value(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

static void
fit__recovers_the_alpha_that_documents_were_drawn_with(void **state)
{
	static const double truth[DRAWN_TOPICS] = {0.1, 0.4, 1.2};
	struct fixture *f = *state;
	struct lda_job job = lda_job_defaults(STRADS_JOB_SIM, 2, drawn_documents(truth));

	job.lda.topics = DRAWN_TOPICS;
	job.lda.beta = 1;
	job.lda.sweeps = 40;
	job.lda.evaluate_every = 40;
	job.lda.verify = false;
	job.lda.optimize_interval = 2;
	job.lda.optimize_burn_in = 10;
	lda_job_assert(&job, STRADS_LDA_DONE, f->results);
	qsort(f->results->alpha, DRAWN_TOPICS, sizeof(double), by_value);
	for (int k = 0; k < DRAWN_TOPICS; k++)
		if (!(fabs(log(f->results->alpha[k] / truth[k])) < 0.5))
			fail_msg("alpha is %g, of %g", f->results->alpha[k], truth[k]);
	/* Words of other topics are never in one: a smaller beta than at first. */
	assert_true(f->results->beta < 0.5);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(fit__estimates_the_hyperparameters_of_its_tables),
	    TEST(fit__recovers_the_alpha_that_documents_were_drawn_with),
	};

	return cmocka_run_group_tests(tests, NULL, data_folder_remove);
}
