#include "lda_infer.h"

#include "../data/fetch.h"
#include "../data/grow.h"
#include "../data/output.h"
#include "clock.h"
#include "file.h"
#include "lda_known.h"
#include "run_record.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

/* Lines of other ranks that are read at a time. */
#define WINDOW_BYTES ((size_t)1 << 20)

/* Most characters of a topic's share. */
#define SHARE_BYTES 48

struct share {
	uint32_t topic;
	double share;
};

/* One rank. Files and results are rank 0's. */
struct session {
	const struct strads_lda_settings *settings;
	struct strads_job *job;
	struct strads_fabric *fabric;
	bool root;
	double started_s;
	struct strads_log *log;
	struct strads_lda_known known;
	struct strads_documents documents;
	struct share *share; /* [K] of a document */
	char *lines;         /* of own documents */
	size_t bytes, room;
	struct strads_lda_inferred inferred; /* of all ranks, once they have told */
	const char *status, *error;
};

static int
open_outputs(void *arg)
{
	struct session *session = arg;
	const struct strads_lda_settings *settings = session->settings;
	const char *const names[] = {settings->output, settings->log,        settings->infer,
				     settings->data,   settings->vocabulary, settings->stop_words};
	int status = strads_file_apart(names, 2, sizeof names / sizeof *names);

	if (!status && settings->output)
		status = strads_file_writable(settings->output, "shares of topics");
	return status ? status : strads_log_open(settings->log, &session->log);
}

static int
prepare(struct session *session)
{
	const struct strads_lda_settings *settings = session->settings;
	struct strads_lda_settings shown = *settings;
	struct strads_option_group groups[STRADS_LDA_GROUPS + 1];
	int status;

	strads_lda_groups(&shown, groups);
	status = strads_launch_begin(&settings->launch, session->job, groups, open_outputs, session,
				     &session->fabric);
	if (!status && session->root)
		strads_log_write(session->log,
				 strads_run_record_start(session->fabric, "strads lda", groups));
	return status;
}

/* The model, on every rank, and this rank's documents. */
static int
load(struct session *session)
{
	const struct strads_documents_options options =
	    strads_lda_settings_documents(session->settings);
	int status = strads_lda_known_read(session->settings->infer, &session->known);

	if (!status) {
		session->share = calloc(session->known.topics, sizeof *session->share);
		if (!session->share)
			status = strads_fail(STRADS_ERR_MEMORY, "no memory for %u topics",
					     session->known.topics);
	}
	status = strads_job_agree(session->job, status);
	return status ? status
		      : strads_documents_read(session->fabric, &options, &session->documents);
}

/* ---- The lines ---------------------------------------------------------------------------- */

/* Larger shares first, of equal ones the lower topic. */
static int
by_share(const void *a, const void *b)
{
	const struct share *left = a, *right = b;

	if (left->share != right->share)
		return left->share > right->share ? -1 : 1;
	return (left->topic > right->topic) - (left->topic < right->topic);
}

/* Appends a line of the shares that are large enough. */
static int
shares_take(void *arg, const double *theta)
{
	struct session *session = arg;
	uint32_t n = 0;
	int status;

	for (uint32_t k = 0; k < session->known.topics; k++)
		if (theta[k] >= session->settings->share_min)
			session->share[n++] = (struct share){k, theta[k]};
	qsort(session->share, n, sizeof *session->share, by_share);
	status = strads_grow((void **)&session->lines, &session->room,
			     session->bytes + (size_t)n * SHARE_BYTES + 1, 1);
	if (status)
		return status;
	for (uint32_t i = 0; i < n; i++)
		session->bytes += (size_t)snprintf(
		    session->lines + session->bytes, SHARE_BYTES, "%s%" PRIu32 ":%.9g",
		    i > 0 ? " " : "", session->share[i].topic, session->share[i].share);
	session->lines[session->bytes++] = '\n';
	return STRADS_OK;
}

static int
rank_put(struct session *session, const struct strads_region *lines, int rank,
	 struct strads_region *window, struct strads_output *output)
{
	size_t bytes = strads_region_bytes(lines, rank) - 1;
	char *text = strads_region_base(window);
	int status = STRADS_OK;

	for (size_t at = 0; !status && at < bytes; at += WINDOW_BYTES) {
		size_t n = bytes - at < WINDOW_BYTES ? bytes - at : WINDOW_BYTES;

		status = strads_fetch(session->fabric, rank, lines, at, text, n);
		if (!status)
			strads_output_write(output, text, n);
	}
	return status ? status : output->status;
}

/* The lines of all ranks, one after the other. */
static int
lines_put(struct session *session, const struct strads_region *lines)
{
	struct strads_region *window = NULL;
	struct strads_output output;
	int closed, status = strads_output_open(&output, session->settings->output);

	if (status)
		return status;
	status = strads_region_new(session->fabric, STRADS_LOCAL, WINDOW_BYTES, &window);
	for (int r = 0; !status && r < strads_job_size(session->job); r++)
		status = rank_put(session, lines, r, window, &output);
	if (window)
		strads_region_delete(&window);
	closed = strads_output_close(&output, !status);
	return status ? status : closed;
}

static int
lines_write(struct session *session)
{
	struct strads_region *lines = NULL;
	int status =
	    strads_region_new(session->fabric, STRADS_REMOTE_READ, session->bytes + 1, &lines);

	if (!status && session->bytes > 0)
		memcpy(strads_region_base(lines), session->lines, session->bytes);
	status = strads_job_agree(session->job, status);
	if (!status)
		status = strads_fabric_wire(session->fabric);
	if (!status)
		status = strads_job_agree(session->job,
					  session->root ? lines_put(session, lines) : STRADS_OK);
	if (lines)
		strads_region_delete(&lines);
	return status;
}

/* ---- A rank from start to end --------------------------------------------------------------- */

static int
infer(struct session *session)
{
	const struct strads_lda_infer_options options = {
	    .steps = (uint32_t)session->settings->steps, .seed = session->settings->seed};
	struct strads_lda_inferred mine = {0}, *each;
	void *all = NULL;
	int status = strads_lda_infer(&session->known, &session->documents, &options, shares_take,
				      session, &mine);

	status = strads_job_gather(session->job, status, &mine, sizeof mine, &all);
	if (status)
		return status;
	each = all;
	for (int r = 0; r < strads_job_size(session->job); r++) {
		session->inferred.unknown += each[r].unknown;
		session->inferred.scored += each[r].scored;
		session->inferred.score += each[r].score;
	}
	free(all);
	return STRADS_OK;
}

static double
perplexity(const struct session *session)
{
	const struct strads_lda_inferred *inferred = &session->inferred;

	return inferred->scored > 0 ? exp(-inferred->score / (double)inferred->scored) : NAN;
}

static json_t *
summary(const struct session *session)
{
	const struct strads_lda_settings *settings = session->settings;
	const struct strads_documents *documents = &session->documents;

	return json_pack(
	    "{s:s, s:s, s:o, s:s, s:I, s:I, s:I, s:I, s:I, s:o, s:I, s:I, s:I, s:f, s:i, s:o, s:o}",
	    "event", "summary", "status", session->status, "error", strads_log_text(session->error),
	    "infer", settings->infer, "topics", (json_int_t)session->known.topics, "documents",
	    (json_int_t)documents->docs_total, "empty_documents",
	    (json_int_t)documents->empty_total, "tokens", (json_int_t)documents->tokens_total,
	    "unknown_tokens", (json_int_t)session->inferred.unknown, "perplexity",
	    strads_log_number(perplexity(session)), "scored_tokens",
	    (json_int_t)session->inferred.scored, "steps", (json_int_t)settings->steps, "seed",
	    (json_int_t)settings->seed, "total_seconds", strads_clock_s() - session->started_s,
	    "ranks", strads_job_size(session->job), "output", strads_log_text(settings->output),
	    "log", strads_log_text(settings->log));
}

static void
print_results(FILE *out, const void *arg)
{
	const struct session *session = arg;
	const struct strads_lda_settings *settings = session->settings;
	const struct strads_documents *documents = &session->documents;
	int ranks = strads_job_size(session->job);

	fprintf(out, "%s: %.3g s on %d rank%s\n", session->status,
		strads_clock_s() - session->started_s, ranks, ranks == 1 ? "" : "s");
	fprintf(out, "data          %" PRIu64 " documents, %" PRIu64 " tokens\n",
		documents->docs_total, documents->tokens_total);
	fprintf(out,
		"              %" PRIu64 " tokens of words that the model does not know are left "
		"out\n",
		session->inferred.unknown);
	fprintf(out, "topics        %" PRIu32 " of %s, by %" PRIu64 " steps\n",
		session->known.topics, settings->infer, settings->steps);
	fprintf(out,
		"perplexity    %.3f of %" PRIu64 " tokens, given the others; seed %" PRIu64 "\n",
		perplexity(session), session->inferred.scored, settings->seed);
	if (settings->output)
		fprintf(out, "output        %s\n", settings->output);
	if (settings->log)
		fprintf(out, "log           %s\n", settings->log);
}

static int
conclude(void *arg, const char *status, const char *error)
{
	struct session *session = arg;

	session->status = status ? status : "done";
	session->error = error;
	return strads_run_record_conclude(summary(session), &session->log, session->settings->json,
					  error ? NULL : print_results, session);
}

int
strads_lda_infer_rank(struct strads_job *job, void *arg)
{
	const struct strads_lda_infer_task *task = arg;
	struct session session = {
	    .settings = task->settings,
	    .job = job,
	    .root = strads_job_rank(job) == 0,
	    .started_s = strads_clock_s(),
	};
	int code, status = prepare(&session);

	if (!status)
		status = load(&session);
	if (!status)
		status = infer(&session);
	if (!status && session.settings->output)
		status = lines_write(&session);
	code = strads_run_end(task->run, job, status, false, conclude, &session);
	free(session.lines);
	free(session.share);
	strads_documents_free(&session.documents);
	strads_lda_known_free(&session.known);
	strads_fabric_close(&session.fabric);
	return code;
}
