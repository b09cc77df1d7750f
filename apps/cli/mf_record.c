#include "mf_record.h"

#include "log.h"
#include "run_record.h"

#include <inttypes.h>
#include <math.h>

/* What progress lines and the summary have in common. */
static json_t *
state(const char *event, const struct strads_mf_progress *progress)
{
	const double *cost = progress->cost;
	uint64_t bytes[STRADS_OPS];

	for (int op = 0; op < STRADS_OPS; op++)
		bytes[op] = (uint64_t)cost[STRADS_LINEAR_BYTES + op];
	return json_pack(
	    "{s:s, s:o, s:I, s:I, s:I, s:o, s:o, s:o, s:I, s:o, s:o}", "event", event, "seconds",
	    strads_log_number(progress->seconds), "iterations", (json_int_t)progress->iterations,
	    "sets", (json_int_t)progress->sets, "updates", (json_int_t)progress->updates,
	    "objective", strads_log_number(progress->objective), "train_rmse",
	    strads_log_number(progress->train_rmse), "test_rmse",
	    strads_log_number(progress->test_rmse), "test_unseen",
	    (json_int_t)progress->test_unseen, "bytes", strads_run_record_bytes(bytes),
	    "stage_seconds",
	    strads_run_record_stages(cost + STRADS_LINEAR_BUSY, cost + STRADS_LINEAR_STALL));
}

json_t *
strads_mf_record_progress(const struct strads_mf_progress *progress)
{
	return state("progress", progress);
}

json_t *
strads_mf_record_summary(const struct strads_mf_result *result,
			 const struct strads_mf_settings *settings)
{
	json_t *summary = state("summary", &result->last);
	json_t *rest = json_pack(
	    "{s:s, s:o, s:s, s:I, s:f, s:b, s:I, s:I, s:I, s:I, s:I, s:f, s:f, s:f, s:i, s:o, s:I, "
	    "s:o, s:o}",
	    "status", result->status, "error", strads_log_text(result->error), "algorithm",
	    strads_mf_algorithm_name(settings->algorithm), "factors", (json_int_t)settings->factors,
	    "lambda", settings->lambda, "biases", settings->biases, "users",
	    (json_int_t)result->users, "items", (json_int_t)result->items, "ratings",
	    (json_int_t)result->ratings, "replaced", (json_int_t)result->replaced, "test_ratings",
	    (json_int_t)result->test_ratings, "load_seconds", result->load_seconds,
	    "layout_seconds", result->last.layout_seconds, "total_seconds", result->total_seconds,
	    "ranks", result->ranks, "peak_bytes",
	    strads_run_record_peaks(result->peak_bytes, result->ranks), "memory_predicted_bytes",
	    (json_int_t)result->data_bytes + (json_int_t)result->last.memory_bytes, "model",
	    strads_log_text(settings->model), "log", strads_log_text(settings->log));

	if (!summary || !rest || json_object_update(summary, rest)) {
		json_decref(summary);
		summary = NULL;
	}
	json_decref(rest);
	return summary;
}

size_t
strads_mf_record_line(const struct strads_mf_progress *progress, char *line, size_t room)
{
	int n = snprintf(
	    line, room, "%8.2f s  iteration %" PRIu64 "  objective %.8g  training RMSE %.5f",
	    progress->seconds, progress->iterations, progress->objective, progress->train_rmse);
	size_t length = n < (int)room ? (size_t)n : room - 1;

	if (!isfinite(progress->test_rmse))
		return length;
	n = snprintf(line + length, room - length, "  held-out RMSE %.5f", progress->test_rmse);
	return length + (size_t)n < room ? length + (size_t)n : room - 1;
}

void
strads_mf_record_print(FILE *out, const struct strads_mf_result *result,
		       const struct strads_mf_settings *settings)
{
	const struct strads_mf_progress *last = &result->last;

	fprintf(out,
		"%s: %s after %" PRIu64 " iterations, %" PRIu64
		" updates, %.3g s (and %.3g s of loading) on %d rank%s\n",
		result->status, strads_mf_algorithm_name(settings->algorithm), last->iterations,
		last->updates, last->seconds, result->load_seconds, result->ranks,
		result->ranks == 1 ? "" : "s");
	fprintf(out, "data          %" PRIu64 " users, %" PRIu64 " items, %" PRIu64 " ratings\n",
		result->users, result->items, result->ratings);
	if (result->replaced > 0)
		fprintf(out, "              %" PRIu64 " replaced by a later one of the same pair\n",
			result->replaced);
	fprintf(out, "factors       %" PRIu64 "%s, lambda %.6g%s\n", settings->factors,
		settings->biases ? " and biases" : "", settings->lambda,
		settings->weighted ? " for each rating" : "");
	fprintf(out, "objective     %.10g\n", last->objective);
	fprintf(out, "training RMSE %.6f\n", last->train_rmse);
	if (result->test_ratings > 0)
		fprintf(out,
			"held-out RMSE %.6f on %" PRIu64 " ratings, %" PRIu64
			" of them of users or items never seen\n",
			last->test_rmse, result->test_ratings, last->test_unseen);
	if (settings->model)
		fprintf(out, "model         %s\n", settings->model);
	if (settings->log)
		fprintf(out, "log           %s\n", settings->log);
}
