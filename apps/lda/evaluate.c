/*
 * Sets of kind EVALUATE: how likely the topics are, what held-out documents say, and whether to go
 * on.
 */
#include "state.h"

#include <math.h>
#include <string.h>

int
strads_lda_evaluate_push(struct strads_lda *lda, double *partial)
{
	int status = strads_lda_held_push(lda, partial);

	if (status == STRADS_OK)
		status = strads_lda_likelihood_words(lda, partial);
	if (status != STRADS_OK)
		return status;
	strads_lda_likelihood_documents(lda, partial);
	partial[STRADS_LDA_ERROR] = lda->error;
	partial[STRADS_LDA_REPLICA_ERROR] = lda->replicas.error;
	partial[STRADS_LDA_STOPS] = lda->stop && *lda->stop ? 1 : 0;
	strads_linear_costs_read(lda->fabric, lda->engine, partial + STRADS_LDA_COST);
	return STRADS_OK;
}

int
strads_lda_evaluate_sync(struct strads_lda *lda, const void *commit, size_t bytes)
{
	if (bytes != sizeof lda->sum)
		return strads_fail(STRADS_ERR_PROTOCOL, "%zu bytes for an evaluation", bytes);
	memcpy(lda->sum, commit, bytes);
	return STRADS_OK;
}

static void
progress_make(struct strads_lda *lda, uint64_t sets)
{
	struct strads_lda_progress *progress = &lda->progress;
	const double *sum = lda->sum;
	double tokens = (double)lda->tokens_total;

	progress->seconds = (double)(strads_fabric_clock_ns(lda->fabric) - lda->start_ns) * 1e-9;
	progress->sweeps = lda->sweeps;
	progress->sets = sets;
	progress->log_likelihood = sum[STRADS_LDA_DOCUMENT_LIKELIHOOD] +
				   sum[STRADS_LDA_WORD_LIKELIHOOD] +
				   strads_lda_likelihood_topics(lda);
	progress->likelihood_token = progress->log_likelihood / tokens;
	progress->scored = (uint64_t)sum[STRADS_LDA_HELD_SCORED];
	progress->unknown = (uint64_t)sum[STRADS_LDA_HELD_UNKNOWN];
	progress->perplexity = NAN;
	if (progress->scored > 0)
		progress->perplexity =
		    exp(-sum[STRADS_LDA_HELD_LIKELIHOOD] / sum[STRADS_LDA_HELD_SCORED]);
	progress->tokens_per_second =
	    lda->sampled_ns > 0 ? (double)lda->sampled_tokens / ((double)lda->sampled_ns * 1e-9)
				: NAN;
	progress->alpha_sum = lda->prior.alpha_sum;
	progress->beta = lda->prior.beta;
	progress->s_error =
	    sum[STRADS_LDA_ERROR] / (lda->ranks * tokens) / (double)lda->error_rounds;
	progress->replica_error =
	    sum[STRADS_LDA_REPLICA_ERROR] / (lda->ranks * tokens) / (double)lda->error_rounds;
	progress->word_nonzeros = (uint64_t)sum[STRADS_LDA_WORD_NONZEROS];
	progress->document_nonzeros = (uint64_t)sum[STRADS_LDA_DOCUMENT_NONZEROS];
	progress->word_bytes = (uint64_t)sum[STRADS_LDA_WORD_BYTES];
	memcpy(progress->cost, sum + STRADS_LDA_COST, sizeof progress->cost);
}

int
strads_lda_evaluate_finish(struct strads_lda *lda, const struct strads_block *last)
{
	bool over = last->arg;

	lda->stopping = lda->stopping || lda->sum[STRADS_LDA_STOPS] > 0;
	progress_make(lda, last->set + 1);
	lda->outcome = lda->sweeps >= lda->options.sweeps ? STRADS_LDA_DONE : STRADS_LDA_LIMIT;
	if (lda->report)
		lda->report(lda->report_arg, &lda->progress, over);
	lda->error = 0;
	lda->replicas.error = 0;
	lda->error_rounds = 0;
	lda->sampled_ns = 0;
	lda->sampled_tokens = 0;
	lda->rounds_ns = strads_fabric_clock_ns(lda->fabric);
	return over ? STRADS_STOP : STRADS_OK;
}
