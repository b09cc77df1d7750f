#include "row.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A number of a row; NaN: there is none. */
typedef double column_value(const struct strads_bench_row *row);

struct column {
	const char *key;     /* in CSV and JSON */
	const char *heading; /* in the table */
	int width;
	column_value *value;
};

static int
by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double
quantile_of_repetitions(const struct strads_bench_row *row, double q)
{
	double sorted[STRADS_REPETITIONS_MAX];
	size_t n = (size_t)row->repetitions;

	if (n == 0)
		return NAN;
	memcpy(sorted, row->figure, n * sizeof *sorted);
	qsort(sorted, n, sizeof *sorted, by_value);
	return sorted[(size_t)(q * (double)(n - 1) + 0.5)];
}

double
strads_bench_row_median(const struct strads_bench_row *row)
{
	return quantile_of_repetitions(row, 0.5);
}

/* ---- The columns ---------------------------------------------------------------------------- */

static double
quantile_us(const struct strads_bench_row *row, double q)
{
	return strads_samples_quantile_us(row->samples, q);
}

static double
min_us(const struct strads_bench_row *row)
{
	return quantile_us(row, 0);
}

static double
p50_us(const struct strads_bench_row *row)
{
	return quantile_us(row, 0.5);
}

static double
p90_us(const struct strads_bench_row *row)
{
	return quantile_us(row, 0.9);
}

static double
p99_us(const struct strads_bench_row *row)
{
	return quantile_us(row, 0.99);
}

static double
p99_9_us(const struct strads_bench_row *row)
{
	return quantile_us(row, 0.999);
}

static double
max_us(const struct strads_bench_row *row)
{
	return quantile_us(row, 1);
}

static double
mean_us(const struct strads_bench_row *row)
{
	return strads_samples_mean_us(row->samples);
}

static double
per_second(const struct strads_bench_row *row)
{
	return row->seconds > 0 ? (double)row->iterations / row->seconds : NAN;
}

static double
best_of_repetitions(const struct strads_bench_row *row)
{
	return quantile_of_repetitions(row, 1);
}

static double
million_per_s(const struct strads_bench_row *row)
{
	return strads_bench_row_median(row) / (double)row->size;
}

static double
ratio(const struct strads_bench_row *row)
{
	return row->ratio;
}

static const struct column latency_columns[] = {
    {"min_us", "min us", 10, min_us},
    {"p50_us", "p50", 10, p50_us},
    {"p90_us", "p90", 10, p90_us},
    {"p99_us", "p99", 10, p99_us},
    {"p99_9_us", "p99.9", 10, p99_9_us},
    {"max_us", "max", 10, max_us},
    {"mean_us", "mean", 10, mean_us},
    {"per_second", "loops/s", 12, per_second},
    {"median_us", "median", 10, strads_bench_row_median},
    {"ratio", "ratio", 8, ratio},
    {0},
};

static const struct column bandwidth_columns[] = {
    {"best_mb_per_s", "best MB/s", 12, best_of_repetitions},
    {"mb_per_s", "median MB/s", 12, strads_bench_row_median},
    {"million_per_s", "M/s", 12, million_per_s},
    {"ratio", "ratio", 8, ratio},
    {0},
};

static const struct column share_columns[] = {
    {"core_percent", "% of a core", 12, strads_bench_row_median},
    {"worst_core_percent", "worst", 10, best_of_repetitions},
    {"ratio", "ratio", 8, ratio},
    {0},
};

static const struct column *
columns_of(const struct strads_bench_case *what)
{
	switch (what->kind) {
	case STRADS_BENCH_BANDWIDTH:
		return bandwidth_columns;
	case STRADS_BENCH_SHARE:
		return share_columns;
	default:
		return latency_columns;
	}
}

/* ---- Printing ------------------------------------------------------------------------------- */

void
strads_bench_row_heading(FILE *out, const struct strads_bench_case *what, bool csv)
{
	fprintf(out, csv ? "%s,side,iterations,batch" : "#%9s %-14s %10s %6s", what->quantity,
		"side", "iterations", "batch");
	for (const struct column *column = columns_of(what); column->key; column++) {
		if (csv)
			fprintf(out, ",%s", column->key);
		else
			fprintf(out, " %*s", column->width, column->heading);
	}
	fputc('\n', out);
}

/* Four significant digits, but no fewer than all before the point. */
static void
print_number(FILE *out, int width, double value)
{
	double size = fabs(value);
	int decimals = size >= 1000 ? 0 : size >= 100 ? 1 : size >= 10 ? 2 : size >= 1 ? 3 : 4;

	if (isfinite(value))
		fprintf(out, " %*.*f", width, decimals, value);
	else
		fprintf(out, " %*s", width, "-");
}

void
strads_bench_row_print(FILE *out, const struct strads_bench_case *what,
		       const struct strads_bench_row *row, bool csv)
{
	fprintf(out, csv ? "%llu,%s,%llu,%llu" : "%10llu %-14s %10llu %6llu",
		(unsigned long long)row->size, row->side, (unsigned long long)row->iterations,
		(unsigned long long)row->batch);
	for (const struct column *column = columns_of(what); column->key; column++) {
		double value = column->value(row);

		if (!csv)
			print_number(out, column->width, value);
		else if (isfinite(value))
			fprintf(out, ",%.9g", value);
		else
			fputc(',', out);
	}
	fputc('\n', out);
}

/* ---- JSON ----------------------------------------------------------------------------------- */

static json_t *
number(double value)
{
	return isfinite(value) ? json_real(value) : json_null();
}

static json_t *
repetitions_json(const struct strads_bench_row *row)
{
	json_t *all = json_array();

	for (int i = 0; i < row->repetitions; i++)
		json_array_append_new(all, number(row->figure[i]));
	return all;
}

/* [[time in microseconds, samples], …], without the empty buckets. */
static json_t *
histogram_json(const struct strads_samples *samples)
{
	json_t *all = json_array();

	for (int i = 0; i < STRADS_SAMPLES_BUCKETS; i++) {
		if (samples->count[i])
			json_array_append_new(all, json_pack("[f, I]", strads_samples_bucket_us(i),
							     (json_int_t)samples->count[i]));
	}
	return all;
}

json_t *
strads_bench_row_json(const struct strads_bench_case *what, const struct strads_bench_row *row,
		      bool histogram)
{
	json_t *object = json_pack("{s:s, s:I, s:I, s:I, s:f, s:o}", "side", row->side, "size",
				   (json_int_t)row->size, "iterations", (json_int_t)row->iterations,
				   "batch", (json_int_t)row->batch, "seconds", row->seconds,
				   "repetitions", repetitions_json(row));

	for (const struct column *column = columns_of(what); object && column->key; column++)
		json_object_set_new(object, column->key, number(column->value(row)));
	if (object && histogram && what->kind == STRADS_BENCH_LATENCY)
		json_object_set_new(object, "histogram", histogram_json(row->samples));
	return object;
}

static int
take_histogram(const json_t *object, struct strads_samples *samples)
{
	double least = json_number_value(json_object_get(object, "min_us"));
	double most = json_number_value(json_object_get(object, "max_us"));
	json_t *all = json_object_get(object, "histogram"), *pair;
	size_t i;

	json_array_foreach(all, i, pair)
	{
		double us = json_number_value(json_array_get(pair, 0));
		json_int_t n = json_integer_value(json_array_get(pair, 1));

		if (!(us >= 0 && us < 1e12) || n <= 0)
			return strads_fail(STRADS_ERR_PROTOCOL,
					   "the other side's histogram is not one");
		us = us < least ? least : us > most ? most : us; /* a bucket's middle is neither */
		strads_samples_add(samples, (uint64_t)(us * 1e6 + 0.5), (uint64_t)n);
	}
	return STRADS_OK;
}

int
strads_bench_row_take(const json_t *object, struct strads_bench_row *row,
		      struct strads_samples *samples)
{
	const json_t *figure = json_array_get(json_object_get(object, "repetitions"), 0);

	if (!json_is_number(figure) || row->repetitions == STRADS_REPETITIONS_MAX)
		return strads_fail(STRADS_ERR_PROTOCOL, "the other side's results are none");
	row->figure[row->repetitions++] = json_number_value(figure);
	row->iterations += (uint64_t)json_integer_value(json_object_get(object, "iterations"));
	row->batch = (uint64_t)json_integer_value(json_object_get(object, "batch"));
	row->seconds += json_number_value(json_object_get(object, "seconds"));
	return take_histogram(object, samples);
}
