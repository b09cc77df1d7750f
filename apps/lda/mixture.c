#include "mixture.h"

#include "strads/random.h"

#include <math.h>
#include <string.h>

/* Of the random numbers that halve documents: streams from here on, one a document. */
#define HALVES_STREAM (UINT64_C(3) << 62)

uint32_t
strads_lda_mixture_half(uint64_t seed, uint64_t document, uint64_t entry, uint32_t count)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < count; i++)
		n += strads_random(seed, HALVES_STREAM | document, entry << 32 | i) & 1;
	return n;
}

/* Σ_k θ_k φ_kw, given Σ_k θ_k / (n_k + Vβ). */
static double
probability(const struct strads_lda_mixture *mixture, uint64_t place, double theta_sum)
{
	double p = mixture->beta * theta_sum;

	for (uint64_t i = mixture->start[place]; i < mixture->end[place]; i++)
		p += mixture->theta[mixture->topic[i]] * (double)mixture->share[i];
	return p;
}

/* By eight sums of every eighth topic, which do not wait for each other. */
static double
theta_sum(const struct strads_lda_mixture *mixture)
{
	const double *theta = mixture->theta, *inverse = mixture->inverse;
	double sum[8] = {0};
	uint32_t k = 0;

	for (; k + 8 <= mixture->topics; k += 8)
		for (uint32_t i = 0; i < 8; i++)
			sum[i] += theta[k + i] * inverse[k + i];
	for (; k < mixture->topics; k++)
		sum[k % 8] += theta[k] * inverse[k];
	return ((sum[0] + sum[1]) + (sum[2] + sum[3])) + ((sum[4] + sum[5]) + (sum[6] + sum[7]));
}

/* One step to the fixed point. */
static void
theta_step(const struct strads_lda_mixture *mixture, const struct strads_lda_bag *bag)
{
	double all = theta_sum(mixture), smooth = 0, n = 0, scale;

	memset(mixture->gain, 0, mixture->topics * sizeof *mixture->gain);
	for (uint64_t e = 0; e < bag->n; e++) {
		uint64_t place = bag->place[e];
		double each;

		if (bag->count[e] == 0)
			continue;
		each = bag->count[e] / probability(mixture, place, all);
		smooth += each;
		n += bag->count[e];
		for (uint64_t i = mixture->start[place]; i < mixture->end[place]; i++)
			mixture->gain[mixture->topic[i]] += each * (double)mixture->share[i];
	}
	smooth *= mixture->beta;
	scale = 1 / (mixture->alpha_sum + n);
	for (uint32_t k = 0; k < mixture->topics; k++) {
		double gain = mixture->gain[k] + smooth * mixture->inverse[k];

		mixture->theta[k] = (mixture->alpha[k] + mixture->theta[k] * gain) * scale;
	}
}

void
strads_lda_mixture_fit(const struct strads_lda_mixture *mixture, const struct strads_lda_bag *bag,
		       uint32_t steps)
{
	for (uint32_t k = 0; k < mixture->topics; k++)
		mixture->theta[k] = 1.0 / mixture->topics;
	for (uint32_t i = 0; i < steps; i++)
		theta_step(mixture, bag);
}

double
strads_lda_mixture_score(const struct strads_lda_mixture *mixture, const struct strads_lda_bag *bag)
{
	double all = theta_sum(mixture), score = 0;

	for (uint64_t e = 0; e < bag->n; e++)
		if (bag->count[e] > 0)
			score += bag->count[e] * log(probability(mixture, bag->place[e], all));
	return score;
}
