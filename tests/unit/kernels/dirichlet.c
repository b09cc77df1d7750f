/*
 * The fixed point of Dirichlet parameters: against derivatives and maxima found by lgamma alone,
 * and parameters that counts were drawn with.
 */
#include "strads/dirichlet.h"

#include <math.h>
#include <stdarg.h>
#include <setjmp.h>
#include <string.h>

#include <cmocka.h>

#include "strads/random.h"

#define DOCS   150
#define TOPICS 4
#define TOKENS 60 /* of a document, at most */

/* Counts of the topics of documents, and how many documents have more than i tokens of each. */
struct fixture {
	uint32_t count[DOCS][TOPICS], above[TOPICS][TOKENS];
	uint64_t drawn;
};

static double
uniform(struct fixture *f)
{
	return (double)(strads_random(3, 0, f->drawn++) >> 11) * 0x1p-53;
}

/* Documents drawn by Pólya's urns. */
static void
make(struct fixture *f, const double *alpha)
{
	memset(f, 0, sizeof *f);
	for (uint32_t d = 0; d < DOCS; d++) {
		uint32_t tokens = TOKENS - d % 20;

		for (uint32_t i = 0; i < tokens; i++) {
			double all = i, x;
			uint32_t k = 0;

			for (uint32_t j = 0; j < TOPICS; j++)
				all += alpha[j];
			x = uniform(f) * all;
			while (k + 1 < TOPICS && x >= f->count[d][k] + alpha[k]) {
				x -= f->count[d][k] + alpha[k];
				k++;
			}
			f->above[k][f->count[d][k]++]++;
		}
	}
}

/* The logarithm of what every step makes larger. */
static double
posterior(const struct fixture *f, const double *alpha)
{
	double sum = 0, all = 0;

	for (int k = 0; k < TOPICS; k++) {
		all += alpha[k];
		sum += STRADS_DIRICHLET_SHAPE * log(alpha[k]) - STRADS_DIRICHLET_RATE * alpha[k];
	}
	for (int d = 0; d < DOCS; d++) {
		double n = 0;

		for (int k = 0; k < TOPICS; k++) {
			n += f->count[d][k];
			sum += lgamma(f->count[d][k] + alpha[k]) - lgamma(alpha[k]);
		}
		sum += lgamma(all) - lgamma(n + all);
	}
	return sum;
}

static void
step(const struct fixture *f, double *alpha)
{
	double all = 0, lengths = 0, next[TOPICS];

	for (int k = 0; k < TOPICS; k++)
		all += alpha[k];
	for (int d = 0; d < DOCS; d++) {
		double n = 0;

		for (int k = 0; k < TOPICS; k++)
			n += f->count[d][k];
		lengths += strads_digamma(n + all) - strads_digamma(all);
	}
	for (int k = 0; k < TOPICS; k++)
		next[k] = strads_dirichlet_step(
		    alpha[k], strads_dirichlet_gain(f->above[k], TOKENS, alpha[k]), lengths);
	memcpy(alpha, next, sizeof next);
}

/* The largest of one parameter while the others stay, by thirds. */
static void
climb(const struct fixture *f, double *alpha, int k)
{
	double low = 0.5 * alpha[k], high = 2 * alpha[k];

	while (high - low > 1e-7) {
		double third = (high - low) / 3, left, right;

		alpha[k] = low + third;
		left = posterior(f, alpha);
		alpha[k] = high - third;
		right = posterior(f, alpha);
		if (left < right)
			low += third;
		else
			high -= third;
	}
	alpha[k] = low;
}

static void
strads_digamma__is_the_derivative_of_lgamma(void **state)
{
	(void)state;
	assert_true(fabs(strads_digamma(1) + 0.57721566490153286) < 1e-13);
	assert_true(fabs(strads_digamma(0.5) + 1.9635100260214235) < 1e-13);
	for (double x = 1e-3; x < 1e7; x *= 1.7) {
		double h = 1e-4 * x, slope = (lgamma(x + h) - lgamma(x - h)) / (2 * h);

		assert_true(fabs(strads_digamma(x) - slope) < 1e-6 * (1 + fabs(slope)));
		assert_true(fabs(strads_digamma(x + 1) - strads_digamma(x) - 1 / x) <
			    1e-12 * (1 + 1 / x));
	}
}

static void
strads_dirichlet_gain__is_a_sum_of_differences(void **state)
{
	static const double alpha[TOPICS] = {0.3, 1.5, 0.02, 0.7};
	struct fixture f;

	(void)state;
	make(&f, alpha);
	for (int k = 0; k < TOPICS; k++) {
		double sum = 0;

		for (int d = 0; d < DOCS; d++)
			sum += strads_digamma(f.count[d][k] + alpha[k]) - strads_digamma(alpha[k]);
		assert_true(fabs(strads_dirichlet_gain(f.above[k], TOKENS, alpha[k]) / sum - 1) <
			    1e-10);
	}
}

static void
strads_dirichlet_step__goes_up_to_the_maximum(void **state)
{
	static const double truth[TOPICS] = {0.3, 1.5, 0.05, 0.7};
	double alpha[TOPICS] = {0.5, 0.5, 0.5, 0.5}, best[TOPICS], before;
	struct fixture f;

	(void)state;
	make(&f, truth);
	before = posterior(&f, alpha);
	for (int i = 0; i < 600; i++) {
		double now;

		step(&f, alpha);
		now = posterior(&f, alpha);
		assert_true(now >= before - 1e-9 * fabs(before));
		before = now;
	}
	memcpy(best, truth, sizeof best);
	for (int i = 0; i < 30; i++)
		for (int k = 0; k < TOPICS; k++)
			climb(&f, best, k);
	for (int k = 0; k < TOPICS; k++) {
		if (!(fabs(alpha[k] / best[k] - 1) < 1e-4))
			fail_msg("alpha %d is %g, the most likely one %g", k, alpha[k], best[k]);
		assert_true(fabs(log(alpha[k] / truth[k])) < 0.4);
	}
}

/* A topic that no document has keeps a parameter above 0. */
static void
strads_dirichlet_step__stays_above_zero(void **state)
{
	(void)state;
	assert_true(strads_dirichlet_step(0.5, 0, 1e6) > 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(strads_digamma__is_the_derivative_of_lgamma),
	    cmocka_unit_test(strads_dirichlet_gain__is_a_sum_of_differences),
	    cmocka_unit_test(strads_dirichlet_step__goes_up_to_the_maximum),
	    cmocka_unit_test(strads_dirichlet_step__stays_above_zero),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
