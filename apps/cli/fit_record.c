#include "fit_record.h"

#include "fit_options.h"
#include "log.h"
#include "run_record.h"

#include <inttypes.h>
#include <math.h>

/* From which state a set is computed: {"model": "SSP", "staleness": 2}. On a parameter server the
 * staleness is the most there may be. */
static json_t *
consistency(const struct strads_fit_settings *settings)
{
	int staleness = settings->launch.engine.staleness;

	const char *model = settings->mode == STRADS_LASSO_SERVER ? "bounded staleness"
			    : staleness                           ? "SSP"
								  : "BSP";

	return json_pack("{s:s, s:i}", "model", model, "staleness", staleness);
}

json_t *
strads_fit_record_start(struct strads_fabric *fabric, struct strads_fit_settings *settings)
{
	struct strads_option_group groups[STRADS_FIT_GROUPS + 1];
	json_t *line;

	strads_fit_groups(settings, groups);
	line = strads_run_record_start(fabric, strads_fit_command(settings), groups);
	if (line && json_object_set_new(line, "consistency", consistency(settings))) {
		json_decref(line);
		line = NULL;
	}
	return line;
}

/* What checking for dependency took, if it was done. */
static json_t *
checked(const struct strads_linear_progress *progress)
{
	const struct strads_linear_checked *c = &progress->checked;

	if (c->candidates == 0)
		return json_null();
	return json_pack("{s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f}", "candidates", c->candidates,
			 "chosen", c->chosen, "products", c->products, "seconds", c->seconds,
			 "columns", c->held, "hits", c->hits, "messages", c->messages, "bytes",
			 c->bytes);
}

/* What searching through computed variables took, if there are any. */
static json_t *
searched(const struct strads_linear_progress *progress)
{
	const struct strads_linear_searched *s = &progress->searched;

	if (s->variables == 0)
		return json_null();
	return json_pack("{s:f, s:f, s:f, s:f}", "variables", s->variables, "columns", s->columns,
			 "products", s->products, "seconds", s->seconds);
}

/* How well the model predicts, as its family measures it. */
static json_t *
errors(const struct strads_fit_settings *settings, const struct strads_linear_progress *progress)
{
	if (settings->family == STRADS_LINEAR_LOGISTIC)
		return json_pack("{s:o, s:o, s:o, s:o, s:o}", "train_log_loss",
				 strads_log_number(progress->train_log_loss), "train_accuracy",
				 strads_log_number(progress->train_accuracy), "test_log_loss",
				 strads_log_number(progress->test_log_loss),
				 "test_constant_log_loss",
				 strads_log_number(progress->test_constant_log_loss),
				 "test_accuracy", strads_log_number(progress->test_accuracy));
	return json_pack("{s:o, s:o, s:o}", "train_mse", strads_log_number(progress->train_mse),
			 "test_mse", strads_log_number(progress->test_mse), "test_mean_mse",
			 strads_log_number(progress->test_mean_mse));
}

/* The line with these too; NULL if one of them is. */
static json_t *
with_errors(json_t *line, const struct strads_fit_settings *settings,
	    const struct strads_linear_progress *progress)
{
	json_t *rest = errors(settings, progress);

	if (!line || !rest || json_object_update(line, rest)) {
		json_decref(line);
		line = NULL;
	}
	json_decref(rest);
	return line;
}

/* What progress lines and the summary have in common. */
static json_t *
state(const char *event, const struct strads_fit_settings *settings,
      const struct strads_linear_progress *progress)
{
	json_t *line = json_pack(
	    "{s:s, s:o, s:I, s:I, s:o, s:o, s:o, s:o, s:I, s:o, s:o, s:o, s:o}", "event", event,
	    "seconds", strads_log_number(progress->seconds), "sets", (json_int_t)progress->sets,
	    "updates", (json_int_t)progress->updates, "lambda", strads_log_number(progress->lambda),
	    "lambda_max", strads_log_number(progress->lambda_max), "objective",
	    strads_log_number(progress->objective), "gap", strads_log_number(progress->gap),
	    "nonzeros", (json_int_t)progress->nonzeros, "bytes",
	    strads_run_record_bytes(progress->bytes_sent), "stage_seconds",
	    strads_run_record_stages(progress->stage_seconds, progress->stage_stall_seconds),
	    "checked", checked(progress), "searched", searched(progress));

	return with_errors(line, settings, progress);
}

json_t *
strads_fit_record_progress(const struct strads_fit_settings *settings,
			   const struct strads_linear_progress *progress)
{
	return state("progress", settings, progress);
}

json_t *
strads_fit_record_lambda(const struct strads_fit_settings *settings, int fold,
			 const struct strads_linear_progress *progress, double seconds)
{
	json_t *line = json_pack(
	    "{s:s, s:o, s:I, s:o, s:o, s:o, s:I, s:o, s:o, s:o}", "event", "lambda", "fold",
	    fold < 0 ? json_null() : json_integer(fold + 1), "point",
	    (json_int_t)progress->point + 1, "lambda", strads_log_number(progress->lambda), "ratio",
	    strads_log_number(progress->lambda / progress->lambda_max), "seconds",
	    strads_log_number(seconds), "nonzeros", (json_int_t)progress->nonzeros, "objective",
	    strads_log_number(progress->objective), "gap", strads_log_number(progress->gap),
	    "explained", strads_log_number(progress->explained));

	return with_errors(line, settings, progress);
}

json_t *
strads_fit_record_set(const struct strads_fit_settings *settings, uint64_t set,
		      const strads_key *keys, uint32_t n, double worst)
{
	uint64_t depth = (uint64_t)settings->launch.engine.depth;
	json_t *variables = json_array(), *in_flight = json_array();

	for (uint32_t i = 0; i < n; i++)
		json_array_append_new(variables, json_integer((json_int_t)keys[i] + 1));
	for (uint64_t t = set >= depth ? set - depth + 1 : 0; t < set; t++)
		json_array_append_new(in_flight, json_integer((json_int_t)t));
	return json_pack(
	    "{s:s, s:I, s:I, s:o, s:f, s:o}", "event", "set", "set", (json_int_t)set, "scheduler",
	    (json_int_t)(set % (uint64_t)settings->launch.engine.schedulers), "variables",
	    variables, "worst_correlation", worst, "in_flight", in_flight);
}

static json_t *
term_list(const struct strads_ranked_term *terms, size_t count)
{
	json_t *list = json_array();

	for (size_t k = 0; k < count; k++)
		json_array_append_new(list, json_pack("{s:o, s:I, s:f, s:f, s:f}", "term",
						      strads_log_text(terms[k].name), "index",
						      (json_int_t)terms[k].index + 1, "coefficient",
						      terms[k].coefficient, "share", terms[k].share,
						      "effect", terms[k].effect));
	return list;
}

json_t *
strads_fit_record_summary(const struct strads_fit_result *result,
			  const struct strads_fit_settings *settings)
{
	json_t *summary = state("summary", settings, &result->last);
	json_t *rest = json_pack(
	    "{s:s, s:o, s:I, s:I, s:I, s:I, s:f, s:f, s:i, s:o, s:I, s:o, s:o}", "status",
	    result->status, "error", strads_log_text(result->error), "rows",
	    (json_int_t)result->rows, "cols", (json_int_t)result->cols, "entries",
	    (json_int_t)result->entries, "test_rows", (json_int_t)result->test_rows, "load_seconds",
	    result->load_seconds, "total_seconds", result->total_seconds, "ranks", result->ranks,
	    "peak_bytes", strads_run_record_peaks(result->peak_bytes, result->ranks),
	    "memory_predicted_bytes",
	    (json_int_t)result->data_bytes + (json_int_t)result->last.memory_bytes, "model",
	    strads_log_text(settings->model), "log", strads_log_text(settings->log));
	int failed = !summary || !rest || json_object_update(summary, rest);

	if (!failed && settings->family == STRADS_LINEAR_LOGISTIC)
		failed =
		    json_object_set_new(summary, "test_auc", strads_log_number(result->test_auc));
	if (!failed && result->path)
		failed =
		    json_object_set_new(summary, "path",
					strads_fit_path_record_path(result->path)) ||
		    json_object_set_new(summary, "cv", strads_fit_path_record_folds(result->path));
	if (!failed && settings->vocabulary)
		failed = json_object_set_new(
		    summary, "terms",
		    json_pack("{s:o, s:o}", "positive",
			      term_list(result->terms.positive, result->terms.positive_count),
			      "negative",
			      term_list(result->terms.negative, result->terms.negative_count)));
	json_decref(rest);
	if (failed) {
		json_decref(summary);
		return NULL;
	}
	return summary;
}

/* ---- For people ----------------------------------------------------------------------------- */

static void
print_terms(FILE *out, const char *title, const struct strads_ranked_term *terms, size_t count)
{
	if (count == 0)
		return;
	fprintf(out, "\n%-40s %9s %9s %12s\n", title, "effect", "share", "coefficient");
	for (size_t k = 0; k < count; k++)
		fprintf(out, "  %-38s %+9.3f %7.2f %% %+12.4g\n", terms[k].name, terms[k].effect,
			terms[k].share * 100, terms[k].coefficient);
}

static void
print_squared(FILE *out, const struct strads_linear_progress *last)
{
	fprintf(out, "training MSE  %.6g\n", last->train_mse);
	if (isfinite(last->test_mse))
		fprintf(out, "held-out MSE  %.6g (predicting the mean: %.6g)\n", last->test_mse,
			last->test_mean_mse);
}

static void
print_logistic(FILE *out, const struct strads_fit_result *result)
{
	const struct strads_linear_progress *last = &result->last;

	fprintf(out, "training      log loss %.6g, accuracy %.4f\n", last->train_log_loss,
		last->train_accuracy);
	if (!isfinite(last->test_log_loss))
		return;
	fprintf(out, "held-out      log loss %.6g (predicting the share: %.6g), accuracy %.4f",
		last->test_log_loss, last->test_constant_log_loss, last->test_accuracy);
	if (isfinite(result->test_auc))
		fprintf(out, ", AUC %.4f", result->test_auc);
	putc('\n', out);
}

void
strads_fit_record_print(FILE *out, const struct strads_fit_result *result,
			const struct strads_fit_settings *settings)
{
	const struct strads_linear_progress *last = &result->last;

	fprintf(out,
		"%s: relative gap %.3g after %" PRIu64 " sets, %" PRIu64
		" updates, %.3g s (and %.3g s of loading) on %d rank%s\n",
		result->status, last->gap, last->sets, last->updates, last->seconds,
		result->load_seconds, result->ranks, result->ranks == 1 ? "" : "s");
	fprintf(out, "data          %" PRIu64 " rows, %" PRIu64 " columns, %" PRIu64 " entries\n",
		result->rows, result->cols, result->entries);
	if (last->searched.variables > 0)
		fprintf(out,
			"variables     %.0f products of two columns; %.0f columns searched last\n",
			last->searched.variables, last->searched.columns);
	fprintf(out, "lambda        %.9g (%.4g of the largest useful, %.9g)\n", last->lambda,
		last->lambda_max > 0 ? last->lambda / last->lambda_max : NAN, last->lambda_max);
	fprintf(out, "objective     %.12g\n", last->objective);
	fprintf(out, "nonzeros      %" PRIu64 "\n", last->nonzeros);
	if (settings->family == STRADS_LINEAR_LOGISTIC)
		print_logistic(out, result);
	else
		print_squared(out, last);
	if (settings->model)
		fprintf(out, "model         %s\n", settings->model);
	if (settings->log)
		fprintf(out, "log           %s\n", settings->log);
	if (settings->plot)
		fprintf(out, "plot          %s\n", settings->plot);
	if (result->path)
		strads_fit_path_print(out, result->path);
	if (settings->vocabulary) {
		print_terms(out, "Raises the response", result->terms.positive,
			    result->terms.positive_count);
		print_terms(out, "Lowers the response", result->terms.negative,
			    result->terms.negative_count);
		fputs("\neffect: what the term adds to the response where it occurs; share: of the "
		      "rows that have it\n",
		      out);
	}
}
