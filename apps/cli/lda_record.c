#include "lda_record.h"

#include "log.h"
#include "run_record.h"

#include <inttypes.h>
#include <math.h>

/* What progress lines and the summary have in common. */
static json_t *
state(const char *event, const struct strads_lda_progress *progress)
{
	const double *cost = progress->cost;
	uint64_t bytes[STRADS_OPS];

	for (int op = 0; op < STRADS_OPS; op++)
		bytes[op] = (uint64_t)cost[STRADS_LINEAR_BYTES + op];
	return json_pack(
	    "{s:s, s:o, s:I, s:I, s:o, s:o, s:o, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:I, s:I, s:I, "
	    "s:o, s:o}",
	    "event", event, "seconds", strads_log_number(progress->seconds), "sweeps",
	    (json_int_t)progress->sweeps, "sets", (json_int_t)progress->sets, "log_likelihood",
	    strads_log_number(progress->log_likelihood), "log_likelihood_per_token",
	    strads_log_number(progress->likelihood_token), "heldout_perplexity",
	    strads_log_number(progress->perplexity), "heldout_tokens", (json_int_t)progress->scored,
	    "heldout_unknown", (json_int_t)progress->unknown, "tokens_per_second",
	    strads_log_number(progress->tokens_per_second), "alpha_sum",
	    strads_log_number(progress->alpha_sum), "beta", strads_log_number(progress->beta),
	    "s_error", strads_log_number(progress->s_error), "replica_error",
	    strads_log_number(progress->replica_error), "word_nonzeros",
	    (json_int_t)progress->word_nonzeros, "document_nonzeros",
	    (json_int_t)progress->document_nonzeros, "word_bytes", (json_int_t)progress->word_bytes,
	    "bytes", strads_run_record_bytes(bytes), "stage_seconds",
	    strads_run_record_stages(cost + STRADS_LINEAR_BUSY, cost + STRADS_LINEAR_STALL));
}

json_t *
strads_lda_record_progress(const struct strads_lda_progress *progress)
{
	return state("progress", progress);
}

json_t *
strads_lda_record_summary(const struct strads_lda_result *result,
			  const struct strads_lda_settings *settings)
{
	json_t *summary = state("summary", &result->last);
	json_t *rest = json_pack(
	    "{s:s, s:o, s:I, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:f, s:f, s:i, s:o, s:I, "
	    "s:o, s:o, s:o}",
	    "status", result->status, "error", strads_log_text(result->error), "topics",
	    (json_int_t)settings->topics, "alpha",
	    strads_log_number(result->last.alpha_sum / (double)settings->topics), "documents",
	    (json_int_t)result->documents, "empty_documents", (json_int_t)result->empty, "words",
	    (json_int_t)result->words, "tokens", (json_int_t)result->tokens, "left_out_words",
	    (json_int_t)result->left_words, "left_out_tokens", (json_int_t)result->left_tokens,
	    "coherence", strads_log_number(result->coherence), "load_seconds", result->load_seconds,
	    "total_seconds", result->total_seconds, "ranks", result->ranks, "peak_bytes",
	    strads_run_record_peaks(result->peak_bytes, result->ranks), "memory_predicted_bytes",
	    (json_int_t)result->data_bytes + (json_int_t)result->last.memory_bytes, "model",
	    strads_log_text(settings->model), "assignments", strads_log_text(settings->assignments),
	    "log", strads_log_text(settings->log));

	if (!summary || !rest || json_object_update(summary, rest)) {
		json_decref(summary);
		summary = NULL;
	}
	json_decref(rest);
	return summary;
}

size_t
strads_lda_record_line(const struct strads_lda_progress *progress, char *line, size_t room)
{
	int n = snprintf(line, room,
			 "%8.2f s  sweep %" PRIu64 "  log likelihood %.5f a token  %.3g tokens/s",
			 progress->seconds, progress->sweeps, progress->likelihood_token,
			 progress->tokens_per_second);
	size_t length = n < (int)room ? (size_t)n : room - 1;

	if (!isfinite(progress->perplexity))
		return length;
	n = snprintf(line + length, room - length, "  perplexity %.1f", progress->perplexity);
	return length + (size_t)n < room ? length + (size_t)n : room - 1;
}

void
strads_lda_record_print(FILE *out, const struct strads_lda_result *result,
			const struct strads_lda_settings *settings)
{
	const struct strads_lda_progress *last = &result->last;

	fprintf(out, "%s: %" PRIu64 " sweeps, %.3g s (and %.3g s of loading) on %d rank%s\n",
		result->status, last->sweeps, last->seconds, result->load_seconds, result->ranks,
		result->ranks == 1 ? "" : "s");
	fprintf(out, "data          %" PRIu64 " documents, %" PRIu64 " words, %" PRIu64 " tokens\n",
		result->documents, result->words, result->tokens);
	if (result->empty > 0)
		fprintf(out, "              %" PRIu64 " documents are empty\n", result->empty);
	if (result->left_tokens > 0)
		fprintf(out,
			"              %" PRIu64 " words with %" PRIu64 " tokens are left out\n",
			result->left_words, result->left_tokens);
	fprintf(out, "topics        %" PRIu64 ", alpha %.6g%s, beta %.6g\n", settings->topics,
		last->alpha_sum / (double)settings->topics,
		settings->optimize_interval > 0 ? " on average" : "", last->beta);
	fprintf(out, "likelihood    %.6f a token (log p(w, z))\n", last->likelihood_token);
	if (last->scored > 0 || last->unknown > 0)
		fprintf(out,
			"perplexity    %.3f of %" PRIu64 " held-out tokens; %" PRIu64
			" of words that no other document has are left out\n",
			last->perplexity, last->scored, last->unknown);
	if (isfinite(result->coherence))
		fprintf(out, "coherence     %.2f, the mean of the topics\n", result->coherence);
	fprintf(out, "s-error       %.3g\n", last->s_error);
	if (settings->mode == STRADS_LDA_REPLICAS)
		fprintf(out, "replica error %.3g\n", last->replica_error);
	if (settings->model)
		fprintf(out, "model         %s\n", settings->model);
	if (settings->assignments)
		fprintf(out, "assignments   %s\n", settings->assignments);
	if (settings->log)
		fprintf(out, "log           %s\n", settings->log);
}
