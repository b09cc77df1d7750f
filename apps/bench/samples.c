#include "samples.h"

#include <math.h>
#include <string.h>

#define SUB_BITS 7
#define SUBS     (UINT64_C(1) << SUB_BITS) /* buckets to a power of two */

/* Values below SUBS have a bucket each; above, the SUB_BITS bits after the leading one tell. */
static int
bucket_of(uint64_t ps)
{
	int octave;

	if (ps < SUBS)
		return (int)ps;
	octave = 63 - __builtin_clzll(ps) - SUB_BITS;
	return (int)(((uint64_t)octave << SUB_BITS) + (ps >> octave));
}

static double
bucket_ps(int bucket)
{
	int octave = (bucket >> SUB_BITS) - 1;

	if (octave <= 0)
		return bucket;
	return ldexp((double)(SUBS + ((uint64_t)bucket & (SUBS - 1))) + 0.5, octave);
}

double
strads_samples_bucket_us(int bucket)
{
	return bucket_ps(bucket) * 1e-6;
}

void
strads_samples_clear(struct strads_samples *samples)
{
	memset(samples, 0, sizeof *samples);
}

void
strads_samples_add(struct strads_samples *samples, uint64_t ps, uint64_t n)
{
	if (n == 0)
		return;
	if (samples->n == 0 || ps < samples->min_ps)
		samples->min_ps = ps;
	if (ps > samples->max_ps)
		samples->max_ps = ps;
	samples->n += n;
	samples->sum_ps += (double)ps * (double)n;
	samples->count[bucket_of(ps)] += n;
}

void
strads_samples_merge(struct strads_samples *samples, const struct strads_samples *from)
{
	if (from->n == 0)
		return;
	if (samples->n == 0 || from->min_ps < samples->min_ps)
		samples->min_ps = from->min_ps;
	if (from->max_ps > samples->max_ps)
		samples->max_ps = from->max_ps;
	samples->n += from->n;
	samples->sum_ps += from->sum_ps;
	for (int i = 0; i < STRADS_SAMPLES_BUCKETS; i++)
		samples->count[i] += from->count[i];
}

/* A bucket's middle may lie outside of what was seen. */
static double
within(const struct strads_samples *samples, double ps)
{
	if (ps < (double)samples->min_ps)
		return (double)samples->min_ps;
	return ps > (double)samples->max_ps ? (double)samples->max_ps : ps;
}

double
strads_samples_quantile_us(const struct strads_samples *samples, double q)
{
	double wanted = ceil(q * (double)samples->n);
	uint64_t rank = wanted < 1 ? 1 : (uint64_t)wanted, seen = 0;

	if (samples->n == 0)
		return NAN;
	if (rank == 1)
		return (double)samples->min_ps * 1e-6;
	for (int i = 0; i < STRADS_SAMPLES_BUCKETS; i++) {
		seen += samples->count[i];
		if (seen >= rank && rank < samples->n)
			return within(samples, bucket_ps(i)) * 1e-6;
	}
	return (double)samples->max_ps * 1e-6;
}

double
strads_samples_mean_us(const struct strads_samples *samples)
{
	return samples->n > 0 ? samples->sum_ps / (double)samples->n * 1e-6 : NAN;
}
