#include "report.h"

#include "environment.h"

#include <errno.h>
#include <string.h>

static int
lines_of(const struct strads_results *results)
{
	return (results->sides + results->mpi) * results->sizes;
}

static const char *
unit_of(const struct strads_bench_case *what)
{
	switch (what->kind) {
	case STRADS_BENCH_LATENCY:
		return "microseconds";
	case STRADS_BENCH_BANDWIDTH:
		return "MB/s are 10^6 bytes a second";
	case STRADS_BENCH_SHARE:
		return "percent of a core";
	}
	return "";
}

static void
print_preface(FILE *out, const struct strads_bench *bench, const struct strads_results *results,
	      json_t *environment)
{
	const struct strads_bench_options *options = bench->options;

	fprintf(out, "# %s: %s; %s; %s\n", bench->what->name, bench->what->summary,
		bench->what->counted, unit_of(bench->what));
	fprintf(out, "# ranks: %d; repetitions: %d", bench->team.size, results->repetitions);
	if (options->iterations)
		fprintf(out, " of %llu iterations", (unsigned long long)options->iterations);
	else
		fprintf(out, " of %g s", options->duration_s);
	if (bench->what->kind == STRADS_BENCH_BANDWIDTH)
		fprintf(out, "; under way: %llu; %s", (unsigned long long)options->tx_depth,
			options->bidirectional ? "both ways" : "one way");
	fprintf(out, "%s\n", options->verify ? "; data verified" : "");
	strads_bench_environment_print(out, environment);
	if (results->sides + results->mpi > 1)
		fprintf(out, "# ratio: strads to that side, medians of the repetitions\n");
	if (bench->what->kind == STRADS_BENCH_LATENCY)
		fprintf(out, "# batch: operations to a sample, which is their mean; --batch 1 "
			     "clocks each\n");
}

static int
print_lines(FILE *out, const struct strads_bench *bench, const struct strads_results *results,
	    json_t *environment, bool csv)
{
	print_preface(out, bench, results, environment);
	strads_bench_row_heading(out, bench->what, csv);
	for (int size = 0; size < results->sizes; size++) {
		for (int at = size; at < lines_of(results); at += results->sizes)
			strads_bench_row_print(out, bench->what, &results->row[at], csv);
	}
	return STRADS_OK;
}

/* ---- JSON ----------------------------------------------------------------------------------- */

static json_t *
rows_json(const struct strads_bench *bench, const struct strads_results *results)
{
	json_t *all = json_array();

	for (int size = 0; all && size < results->sizes; size++) {
		for (int at = size; at < lines_of(results); at += results->sizes) {
			if (json_array_append_new(
				all, strads_bench_row_json(bench->what, &results->row[at],
							   bench->options->histogram))) {
				json_decref(all);
				return NULL;
			}
		}
	}
	return all;
}

static json_t *
settings_json(const struct strads_bench *bench)
{
	const struct strads_bench_options *options = bench->options;

	return json_pack("{s:s, s:I, s:f, s:I, s:b, s:b, s:i, s:i, s:I, s:I}", "fabric",
			 options->fabric ? options->fabric : "", "iterations",
			 (json_int_t)options->iterations, "duration_s", options->duration_s,
			 "tx_depth", (json_int_t)options->tx_depth, "bidirectional",
			 options->bidirectional, "verify", options->verify, "depth",
			 options->engine.depth, "schedulers", options->engine.schedulers,
			 "eager_bytes", (json_int_t)options->engine.eager_bytes, "chunk_bytes",
			 (json_int_t)options->engine.chunk_bytes);
}

/* Of a run at one size the numbers of its first side stand in the object itself, too. */
static int
print_json(FILE *out, const struct strads_bench *bench, const struct strads_results *results,
	   json_t *environment)
{
	json_t *rows = rows_json(bench, results);
	json_t *all = json_pack("{s:s, s:s, s:s, s:s, s:s, s:i, s:i, s:o, s:O, s:O}", "bench",
				bench->what->name, "summary", bench->what->summary, "counted",
				bench->what->counted, "unit", unit_of(bench->what), "quantity",
				bench->what->quantity, "ranks", bench->team.size, "repeated",
				results->repetitions, "settings", settings_json(bench),
				"environment", environment, "rows", rows);

	if (all && results->sizes == 1)
		json_object_update_missing(all, json_array_get(rows, 0));
	json_decref(rows);
	if (!all)
		return strads_fail(STRADS_ERR_MEMORY, "no memory for the results");
	json_dumpf(all, out, JSON_COMPACT | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(9));
	fputc('\n', out);
	json_decref(all);
	return STRADS_OK;
}

int
strads_bench_report(const struct strads_bench *bench, const struct strads_results *results,
		    json_t *environment)
{
	int format = bench->options->format, status;

	if (!environment)
		return strads_fail(STRADS_ERR_MEMORY, "no memory for the results");
	errno = 0;
	status = format == STRADS_BENCH_JSON
		     ? print_json(stdout, bench, results, environment)
		     : print_lines(stdout, bench, results, environment, format == STRADS_BENCH_CSV);
	if (!status && (fflush(stdout) || ferror(stdout)))
		status =
		    strads_fail(STRADS_ERR_IO, "cannot write the results: %s", strerror(errno));
	return status;
}
