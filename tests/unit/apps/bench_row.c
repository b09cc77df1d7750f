/* A line of a benchmark's results: the table, CSV and JSON say the same; JSON can be read back. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "row.h"

static const struct strads_bench_case *
latency(void)
{
	return strads_bench_case(STRADS_BENCH_PUT_SIGNAL);
}

/* Three repetitions with medians 1, 3 and 2; a thousand samples of 1 … 1000 ns. */
static struct strads_bench_row
make_row(struct strads_samples *samples)
{
	for (uint64_t ns = 1; ns <= 1000; ns++)
		strads_samples_add(samples, ns * 1000, 1);
	return (struct strads_bench_row){.side = "strads",
					 .size = 64,
					 .iterations = 1000,
					 .batch = 1,
					 .seconds = 0.5,
					 .samples = samples,
					 .repetitions = 3,
					 .figure = {1, 3, 2},
					 .ratio = NAN};
}

static void
print(const struct strads_bench_row *row, bool csv, char *text, size_t bytes)
{
	FILE *out = fmemopen(text, bytes, "w");

	assert_non_null(out);
	strads_bench_row_heading(out, latency(), csv);
	strads_bench_row_print(out, latency(), row, csv);
	fclose(out);
}

/* Field `name` of the CSV's only line. */
static double
csv_field(const char *text, const char *name)
{
	char copy[2048], *heading, *line, *key, *value, *more[2];

	snprintf(copy, sizeof copy, "%s", text);
	heading = strtok_r(copy, "\n", &more[0]);
	line = strtok_r(NULL, "\n", &more[0]);
	while ((key = strsep(&heading, ",")) && (value = strsep(&line, ","))) {
		if (strcmp(key, name) == 0)
			return *value ? strtod(value, &more[1]) : NAN;
	}
	fail_msg("no %s in %s", name, text);
	return 0;
}

static void
row_print__table_csv_and_json_agree(void **state)
{
	static const char *const keys[] = {"min_us",  "p50_us",     "p90_us",
					   "p99_us",  "p99_9_us",   "max_us",
					   "mean_us", "per_second", "median_us"};
	struct strads_samples *samples = calloc(1, sizeof *samples);
	struct strads_bench_row row;
	char csv[2048] = "", table[2048] = "", *at;
	json_t *json;

	(void)state;
	assert_non_null(samples);
	row = make_row(samples);
	print(&row, true, csv, sizeof csv);
	print(&row, false, table, sizeof table);
	json = strads_bench_row_json(latency(), &row, false);
	at = strstr(table, "1000      1");
	assert_non_null(at);
	at += strlen("1000      1");
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
		double value = json_real_value(json_object_get(json, keys[i]));

		assert_true(fabs(csv_field(csv, keys[i]) - value) <= 1e-8 * value);
		assert_true(fabs(strtod(at, &at) - value) <= 1e-3 * value);
	}
	assert_true(fabs(csv_field(csv, "p50_us") - 0.5) < 0.005);
	assert_true(csv_field(csv, "median_us") == 2);
	assert_true(isnan(csv_field(csv, "ratio")));
	assert_true(json_is_null(json_object_get(json, "ratio")));
	assert_null(json_object_get(json, "histogram"));
	json_decref(json);
	free(samples);
}

static void
row_take__gives_back_what_json_said(void **state)
{
	struct strads_samples *samples = calloc(2, sizeof *samples), *taken = samples + 1;
	struct strads_bench_row row, other = {.repetitions = 0};
	json_t *json;

	(void)state;
	assert_non_null(samples);
	row = make_row(samples);
	json = strads_bench_row_json(latency(), &row, true);
	assert_int_equal(strads_bench_row_take(json, &other, taken), STRADS_OK);
	json_decref(json);
	assert_int_equal(other.repetitions, 1);
	assert_true(other.figure[0] == 1);
	assert_int_equal(other.iterations, 1000);
	assert_int_equal(taken->n, samples->n);
	for (double q = 0; q <= 1; q += 0.125) {
		double expected = strads_samples_quantile_us(samples, q);

		assert_true(fabs(strads_samples_quantile_us(taken, q) - expected) <=
			    0.005 * expected);
	}
	free(samples);
}

static void
row_take__refuses_what_is_no_row(void **state)
{
	static const char *const texts[] = {
	    "{}",
	    "{\"repetitions\": [\"a\"]}",
	    "{\"repetitions\": [1], \"histogram\": [[-1, 5]]}",
	    "{\"repetitions\": [1], \"histogram\": [[1, -5]]}",
	    "{\"repetitions\": [1], \"histogram\": [[1e300, 5]]}",
	    "{\"repetitions\": [1], \"histogram\": [7]}",
	};
	struct strads_samples *samples = calloc(1, sizeof *samples);

	(void)state;
	assert_non_null(samples);
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct strads_bench_row row = {.repetitions = 0};
		json_t *json = json_loads(texts[i], 0, NULL);

		assert_non_null(json);
		assert_int_equal(strads_bench_row_take(json, &row, samples), STRADS_ERR_PROTOCOL);
		json_decref(json);
	}
	free(samples);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(row_print__table_csv_and_json_agree),
	    cmocka_unit_test(row_take__gives_back_what_json_said),
	    cmocka_unit_test(row_take__refuses_what_is_no_row),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
