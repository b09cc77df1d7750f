/*
 * One line of the results: a side at a size. How lines are printed is a table of columns, the same
 * for the table, for CSV and for JSON.
 */
#ifndef STRADS_BENCH_ROW_H
#define STRADS_BENCH_ROW_H

#include "bench.h"
#include "samples.h"

#include <stdio.h>

#define STRADS_REPETITIONS_MAX 99

struct strads_bench_row {
	const char *side;
	uint64_t size;
	uint64_t iterations;
	uint64_t batch; /* operations to a sample */
	const struct strads_samples *samples;
	double seconds; /* that the iterations took */
	int repetitions;
	/* Of each: p50 (the mean where operations overlap) in microseconds, megabytes (10⁶ bytes) a
	 * second, or percent of a core. */
	double figure[STRADS_REPETITIONS_MAX];
	double ratio; /* strads' median figure to this side's; NaN for strads */
};

/* The median over the repetitions; NaN without any. */
double strads_bench_row_median(const struct strads_bench_row *row);

/* The table's and the CSV's heading, and a line each. */
void strads_bench_row_heading(FILE *out, const struct strads_bench_case *what, bool csv);
void strads_bench_row_print(FILE *out, const struct strads_bench_case *what,
			    const struct strads_bench_row *row, bool csv);

/* The line as an object; a new reference, NULL without memory. */
json_t *strads_bench_row_json(const struct strads_bench_case *what,
			      const struct strads_bench_row *row, bool histogram);

/* What strads_bench_row_json with the histogram wrote, of another process: adds its samples to
 * *samples and its repetition to *row. Returns STRADS_OK, ERR_PROTOCOL. */
STRADS_MUST_CHECK int strads_bench_row_take(const json_t *object, struct strads_bench_row *row,
					    struct strads_samples *samples);

#endif
