#include "lda.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "../data/counts.h"
#include "../linear/room.h"
#include "state.h"

static int
check_options(const struct strads_lda_options *options, int ranks)
{
	if (options->exchange_every > (uint64_t)ranks)
		return strads_fail(STRADS_ERR_INPUT,
				   "an exchange of replicas every %llu sub-rounds: a sweep has %d, "
				   "give at most so many",
				   (unsigned long long)options->exchange_every, ranks);
	if (options->topics < 1 || options->topics > STRADS_LDA_TOPICS_MAX)
		return strads_fail(STRADS_ERR_INPUT, "%u topics: give 1 to %u", options->topics,
				   STRADS_LDA_TOPICS_MAX);
	if (!(options->alpha > 0 && isfinite(options->alpha)) ||
	    !(options->beta > 0 && isfinite(options->beta)))
		return strads_fail(STRADS_ERR_INPUT,
				   "alpha is %g and beta %g: give numbers above 0", options->alpha,
				   options->beta);
	if (options->sweeps < 1 || options->evaluate_every < 1 || options->parts < 1)
		return strads_fail(STRADS_ERR_INPUT,
				   "%llu sweeps, an evaluation every %llu, %u parts of a block: "
				   "give at least 1 of each",
				   (unsigned long long)options->sweeps,
				   (unsigned long long)options->evaluate_every, options->parts);
	if (!(options->holdout >= 0 && options->holdout < 1) || !(options->time_limit_s >= 0))
		return strads_fail(STRADS_ERR_INPUT,
				   "a share of %g held out and a time limit of %g s: give a share "
				   "of at least 0, below 1, and a time of at least 0",
				   options->holdout, options->time_limit_s);
	if (options->engine.staleness > 0)
		return strads_fail(STRADS_ERR_INPUT,
				   "a staleness of %d: a block is sampled from the counts that the "
				   "rank before it has left, give 0",
				   options->engine.staleness);
	return STRADS_OK;
}

/* How often each word occurs in the documents that are not held out, over all ranks: [V], to be
 * freed by the caller; and how many tokens there are. */
static int
words_count(struct strads_lda *lda, uint64_t **count)
{
	const struct strads_documents *documents = lda->documents;
	struct strads_job *job = strads_fabric_job(lda->fabric);
	uint64_t *new = calloc(documents->words, sizeof *new);
	int status = STRADS_OK;

	if (!new)
		status = strads_fail(STRADS_ERR_MEMORY, "no memory to count %llu words",
				     (unsigned long long)documents->words);
	for (uint32_t d = 0; new &&d < documents->docs; d++) {
		if (strads_lda_is_held(&lda->options, documents->first + d))
			continue;
		for (uint64_t e = documents->start[d]; e < documents->start[d + 1]; e++) {
			new[documents->word[e]] += documents->count[e];
			lda->tokens += documents->count[e];
		}
	}
	status = strads_job_agree(job, status);
	if (status == STRADS_OK)
		status = strads_counts_sum(lda->fabric, new, documents->words);
	for (uint64_t w = 0; status == STRADS_OK && new &&w < documents->words; w++)
		lda->tokens_total += new[w];
	if (status == STRADS_OK && lda->tokens_total == 0)
		status =
		    strads_fail(STRADS_ERR_INPUT, "every word is held out: give a smaller share");
	if (status == STRADS_OK && lda->tokens_total > INT32_MAX)
		status =
		    strads_fail(STRADS_ERR_INPUT, "%llu tokens: topics are counted up to 2^31 - 1",
				(unsigned long long)lda->tokens_total);
	if (status == STRADS_OK)
		*count = new;
	else
		free(new);
	return status;
}

/* Runs the program on an engine of its own. */
static int
run(struct strads_lda *lda)
{
	const struct strads_engine_options *options = &lda->options.engine;
	struct strads_program program;
	int status;

	strads_lda_program(lda, &program);
	status = strads_engine_new(lda->fabric, &program, options, &lda->engine);
	if (status)
		return status;
	lda->rounds_ns = strads_fabric_clock_ns(lda->fabric);
	status = strads_engine_run(lda->engine);
	strads_engine_delete(&lda->engine);
	return status;
}

/* What this rank will allocate, into progress.memory_bytes. Refused where the engine's budget or
 * the host's memory is too small. */
static int
predict(struct strads_lda *lda)
{
	const struct strads_lda_options *options = &lda->options;
	struct strads_linear_need need = {.bytes = lda->progress.memory_bytes, .dry = true};
	struct strads_program program;
	size_t engine_bytes;
	char what[64];
	int status = strads_lda_state_take(lda, &need);

	if (status != STRADS_OK)
		return status;
	strads_lda_program(lda, &program);
	engine_bytes = strads_engine_memory(&program, &options->engine, lda->ranks);
	strads_linear_count(&need, 1, engine_bytes);
	strads_linear_count(&need, 1, strads_lda_model_bytes(lda));
	if (options->assignments)
		strads_linear_count(&need, lda->tokens + 1, sizeof(struct strads_lda_token));
	lda->progress.memory_bytes = need.bytes;
	snprintf(what, sizeof what, "sampling %u topics", options->topics);
	status = strads_linear_budget_check(what, engine_bytes, options->engine.memory_bytes,
					    "ask for fewer topics");
	if (status != STRADS_OK)
		return status;
	return strads_linear_room_check(strads_fabric_job(lda->fabric), what, need.bytes,
					"ask for fewer topics");
}

static int
allocate(struct strads_lda *lda)
{
	struct strads_linear_need need = {.what = "sampling topics"};
	int status = strads_lda_model_wire(lda->model);

	if (status != STRADS_OK)
		return status;
	status = strads_lda_state_take(lda, &need);
	status = strads_job_agree(strads_fabric_job(lda->fabric), status);
	/* What is read in an exchange of replicas is made known. */
	return status == STRADS_OK ? strads_fabric_wire(lda->fabric) : status;
}

static int
fit(struct strads_lda *lda)
{
	uint64_t *count = NULL;
	int status = words_count(lda, &count);

	if (status == STRADS_OK)
		status = strads_lda_model_new(lda, count, &lda->model);
	if (status != STRADS_OK)
		return status;
	status = strads_lda_state_plan(lda);
	if (status == STRADS_OK)
		status = predict(lda);
	if (status == STRADS_OK)
		status = allocate(lda);
	if (status == STRADS_OK)
		status = run(lda);
	if (status == STRADS_OK)
		status = strads_lda_model_keep(lda);
	strads_lda_state_give(lda);
	return status;
}

int
strads_lda_fit(struct strads_fabric *fabric, const struct strads_documents *documents,
	       const struct strads_lda_options *options, const volatile int *stop,
	       strads_lda_report *report, void *arg, enum strads_lda_outcome *outcome,
	       struct strads_lda_model **model)
{
	struct strads_job *job = strads_fabric_job(fabric);
	struct strads_lda lda = {
	    .options = *options,
	    .fabric = fabric,
	    .documents = documents,
	    .stop = stop,
	    .report = report,
	    .report_arg = arg,
	    .start_ns = strads_fabric_clock_ns(fabric),
	    .rank = strads_job_rank(job),
	    .ranks = strads_job_size(job),
	    .final_set = UINT64_MAX,
	};
	int status = check_options(options, lda.ranks);

	if (status == STRADS_OK)
		status = fit(&lda);
	if (status) {
		strads_lda_model_delete(&lda.model);
		return status;
	}
	*outcome = lda.outcome;
	*model = lda.model;
	return STRADS_OK;
}
