#include "command.h"

#include "../lda/coherence.h"
#include "clock.h"
#include "display.h"
#include "file.h"
#include "lda_assignments.h"
#include "lda_infer.h"
#include "lda_model.h"
#include "limits.h"
#include "log.h"
#include "run.h"
#include "run_record.h"

#include <math.h>
#include <stdlib.h>
#include <unistd.h>

/* Of each topic, the most frequent: those that its coherence is of. */
#define COHERENCE_WORDS 10

static const char *const outcomes[] = {
    [STRADS_LDA_DONE] = "done",
    [STRADS_LDA_LIMIT] = "limit",
};

/* What all ranks of the process start from. */
struct task {
	struct strads_lda_settings settings;
	struct strads_run *run;
};

/* One rank. Files, progress and results are rank 0's. */
struct session {
	struct task *task;
	struct strads_job *job;
	struct strads_fabric *fabric;
	bool root;
	double started_s;
	struct strads_log *log;
	struct strads_display display;
	struct strads_documents documents;
	struct strads_lda_model *model;
	enum strads_lda_outcome outcome;
	struct strads_lda_table words;   /* of rank 0, once they are known */
	struct strads_lda_topics topics; /* likewise */
	double *coherence;               /* [K], or NULL */
	struct strads_lda_result result;
};

static int
open_outputs(void *arg)
{
	struct session *session = arg;
	const struct strads_lda_settings *settings = &session->task->settings;
	const char *const names[] = {settings->model, settings->assignments, settings->log,
				     settings->data,  settings->vocabulary,  settings->stop_words};
	int status = strads_file_apart(names, 3, sizeof names / sizeof *names);

	if (!status && settings->model)
		status = strads_file_writable(settings->model, "model");
	if (!status && settings->assignments)
		status = strads_file_writable(settings->assignments, "assignments");
	return status ? status : strads_log_open(settings->log, &session->log);
}

static int
prepare(struct session *session)
{
	struct strads_lda_settings *settings = &session->task->settings;
	struct strads_option_group groups[STRADS_LDA_GROUPS + 1];
	int status;

	strads_lda_groups(settings, groups);
	status = strads_launch_begin(&settings->launch, session->job, groups, open_outputs, session,
				     &session->fabric);
	if (!status && session->root)
		strads_log_write(session->log,
				 strads_run_record_start(session->fabric, "strads lda", groups));
	strads_display_start(&session->display, STDERR_FILENO, settings->quiet || !session->root);
	return status;
}

static int
load(struct session *session)
{
	const struct strads_documents_options options =
	    strads_lda_settings_documents(&session->task->settings);
	struct strads_documents *documents = &session->documents;
	int status = strads_documents_read(session->fabric, &options, documents);

	if (status)
		return status;
	session->result.documents = documents->docs_total;
	session->result.empty = documents->empty_total;
	session->result.words = documents->words;
	session->result.tokens = documents->tokens_total;
	session->result.left_words = documents->left_words;
	session->result.left_tokens = documents->left_tokens_total;
	session->result.data_bytes = (documents->docs + UINT64_C(1)) * sizeof *documents->start +
				     documents->start[documents->docs] *
					 (sizeof *documents->word + sizeof *documents->count) +
				     strads_names_bytes(&documents->vocabulary);
	session->result.load_seconds = strads_clock_s() - session->started_s;
	return STRADS_OK;
}

static void
report(void *arg, const struct strads_lda_progress *progress, bool final)
{
	struct session *session = arg;
	char line[256];

	session->result.last = *progress;
	if (!session->root)
		return;
	strads_log_write(session->log, strads_lda_record_progress(progress));
	if (strads_display_is_due(&session->display, final))
		strads_display_line(&session->display, line,
				    strads_lda_record_line(progress, line, sizeof line - 1), final);
}

static int
fit(struct session *session)
{
	const struct strads_lda_options options = strads_lda_settings_fit(&session->task->settings);
	int status = strads_lda_fit(session->fabric, &session->documents, &options,
				    strads_run_stop(session->task->run), report, session,
				    &session->outcome, &session->model);

	if (status == STRADS_OK)
		session->result.status = outcomes[session->outcome];
	return status;
}

/* The words that stand out, and those that coherence goes by. */
static int
topics_make(struct session *session, struct strads_lda_topics *common)
{
	const struct strads_lda_settings *settings = &session->task->settings;
	uint32_t topics = (uint32_t)settings->topics;
	double beta = strads_lda_model_beta(session->model);
	int status = strads_lda_model_words(session->model, &session->words);

	if (status == STRADS_OK)
		status = strads_lda_topics_make(&session->words, topics, COHERENCE_WORDS, 1, beta,
						common);
	if (status == STRADS_OK && settings->top_words > 0)
		status =
		    strads_lda_topics_make(&session->words, topics, (uint32_t)settings->top_words,
					   settings->relevance, beta, &session->topics);
	return status;
}

/* On all ranks. */
static int
coherence_find(struct session *session, const struct strads_lda_topics *common)
{
	const struct strads_lda_options options = strads_lda_settings_fit(&session->task->settings);
	double sum = 0;
	uint32_t n = 0;
	int status = STRADS_OK;

	session->coherence = calloc(options.topics, sizeof *session->coherence);
	if (!session->coherence)
		status = strads_fail(STRADS_ERR_MEMORY, "no memory for %u topics", options.topics);
	status = strads_job_agree(session->job, status);
	if (status == STRADS_OK)
		status = strads_lda_coherence(session->fabric, &session->documents, &options,
					      COHERENCE_WORDS, common->word, session->coherence);
	for (uint32_t k = 0; status == STRADS_OK && session->coherence && k < options.topics; k++)
		if (isfinite(session->coherence[k])) {
			sum += session->coherence[k];
			n++;
		}
	session->result.coherence = n > 0 ? sum / n : NAN;
	return status;
}

static int
model_save(struct session *session)
{
	const struct strads_lda_saved saved = {
	    .settings = &session->task->settings,
	    .result = &session->result,
	    .vocabulary = &session->documents.vocabulary,
	    .words = &session->words,
	    .coherence = session->coherence,
	    .model = session->model,
	};

	return strads_lda_model_save(&saved);
}

static int
harvest(struct session *session)
{
	const struct strads_lda_settings *settings = &session->task->settings;
	struct strads_lda_topics common = {0};
	int status = STRADS_OK;

	if (settings->model || settings->top_words > 0) {
		status = strads_job_agree(
		    session->job, session->root ? topics_make(session, &common) : STRADS_OK);
		if (status == STRADS_OK)
			status = coherence_find(session, &common);
		strads_lda_topics_free(&common);
	}
	if (status == STRADS_OK && settings->model)
		status =
		    strads_job_agree(session->job, session->root ? model_save(session) : STRADS_OK);
	if (status == STRADS_OK && settings->assignments)
		status = strads_job_agree(
		    session->job, session->root ? strads_lda_assignments_save(session->model,
									      session->result.ranks,
									      settings->assignments)
						: STRADS_OK);
	return status ? status : strads_limits_peaks(session->job, &session->result.peak_bytes);
}

static void
print_results(FILE *out, const void *arg)
{
	const struct session *session = arg;

	strads_lda_record_print(out, &session->result, &session->task->settings);
	if (session->topics.n > 0)
		strads_lda_topics_print(out, &session->topics,
					strads_lda_model_totals(session->model), session->coherence,
					&session->documents.vocabulary);
}

static int
conclude(void *arg, const char *status, const char *error)
{
	struct session *session = arg;
	const struct strads_lda_settings *settings = &session->task->settings;

	session->result.error = error;
	if (error)
		session->result.status = status;
	strads_display_end(&session->display);
	session->result.total_seconds = strads_clock_s() - session->started_s;
	return strads_run_record_conclude(strads_lda_record_summary(&session->result, settings),
					  &session->log, settings->json,
					  error ? NULL : print_results, session);
}

/* ---- A rank from start to end --------------------------------------------------------------- */

static int
compute(struct session *session)
{
	int status = prepare(session);

	if (!status)
		status = load(session);
	if (!status)
		status = fit(session);
	if (!status)
		status = harvest(session);
	return status;
}

static void
clean_up(struct session *session)
{
	free(session->result.peak_bytes);
	free(session->coherence);
	strads_lda_topics_free(&session->topics);
	strads_lda_table_free(&session->words);
	strads_lda_model_delete(&session->model);
	strads_documents_free(&session->documents);
	strads_fabric_close(&session->fabric);
}

static int
fit_rank(struct strads_job *job, void *arg)
{
	struct session session = {
	    .task = arg,
	    .job = job,
	    .root = strads_job_rank(job) == 0,
	    .started_s = strads_clock_s(),
	    .result = {.ranks = strads_job_size(job),
		       .last = {.seconds = NAN,
				.log_likelihood = NAN,
				.likelihood_token = NAN,
				.perplexity = NAN,
				.tokens_per_second = NAN,
				.alpha_sum = NAN,
				.beta = NAN,
				.s_error = NAN,
				.replica_error = NAN},
		       .coherence = NAN},
	};
	int code, status = compute(&session);

	code = strads_run_end(session.task->run, job, status, session.outcome == STRADS_LDA_LIMIT,
			      conclude, &session);
	clean_up(&session);
	return code;
}

int
strads_command_lda(int argc, char **argv)
{
	struct task task = {0};
	struct strads_lda_infer_task infer = {.settings = &task.settings};
	int status = strads_lda_settings_parse(&task.settings, argc, argv);

	if (task.settings.infer)
		return strads_launch_command(&task.settings.launch, status, argv[0],
					     strads_lda_infer_rank, &infer, &infer.run);
	return strads_launch_command(&task.settings.launch, status, argv[0], fit_rank, &task,
				     &task.run);
}
