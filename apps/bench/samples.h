/*
 * A distribution of times in bounded memory: a histogram of 128 buckets to the power of two, so
 * that a percentile is wrong by at most 0.4 %; least, greatest and mean are exact.
 */
#ifndef STRADS_BENCH_SAMPLES_H
#define STRADS_BENCH_SAMPLES_H

#include <stdint.h>

#define STRADS_SAMPLES_BUCKETS 7424 /* values below 2⁶⁴ */

/* Times in picoseconds. All zero: empty. */
struct strads_samples {
	uint64_t n;
	uint64_t min_ps, max_ps;
	double sum_ps;
	uint64_t count[STRADS_SAMPLES_BUCKETS];
};

void strads_samples_clear(struct strads_samples *samples);

/* Adds `n` samples of the same time. */
void strads_samples_add(struct strads_samples *samples, uint64_t ps, uint64_t n);

/* Adds all of `from`. */
void strads_samples_merge(struct strads_samples *samples, const struct strads_samples *from);

/* The least time that at least the fraction q of the samples does not exceed, q in [0, 1]; NaN
 * without samples. In microseconds, as the mean. */
double strads_samples_quantile_us(const struct strads_samples *samples, double q);
double strads_samples_mean_us(const struct strads_samples *samples);

/* The middle of a bucket. */
double strads_samples_bucket_us(int bucket);

#endif
