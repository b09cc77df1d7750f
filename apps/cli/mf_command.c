#include "command.h"

#include "clock.h"
#include "display.h"
#include "file.h"
#include "limits.h"
#include "log.h"
#include "mf_model.h"
#include "run.h"
#include "run_record.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const outcomes[] = {
    [STRADS_MF_CONVERGED] = "converged",
    [STRADS_MF_STALLED] = "stalled",
    [STRADS_MF_LIMIT] = "limit",
    [STRADS_MF_DIVERGED] = "diverged",
};

/* What all ranks of the process start from. */
struct task {
	struct strads_mf_settings settings;
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
	struct strads_ratings ratings;
	struct strads_mf_model *model;
	enum strads_mf_outcome outcome;
	struct strads_mf_result result;
};

static int
open_outputs(void *arg)
{
	struct session *session = arg;
	const struct strads_mf_settings *settings = &session->task->settings;
	const char *const names[] = {settings->model, settings->log, settings->data,
				     settings->test};
	int status = strads_file_apart(names, 2, sizeof names / sizeof *names);

	if (!status && settings->model)
		status = strads_file_writable(settings->model, "model");
	return status ? status : strads_log_open(settings->log, &session->log);
}

static int
prepare(struct session *session)
{
	struct strads_mf_settings *settings = &session->task->settings;
	struct strads_option_group groups[STRADS_MF_GROUPS + 1];
	int status;

	strads_mf_groups(settings, groups);
	status = strads_launch_begin(&settings->launch, session->job, groups, open_outputs, session,
				     &session->fabric);
	if (!status && session->root)
		strads_log_write(session->log,
				 strads_run_record_start(session->fabric, "strads mf", groups));
	strads_display_start(&session->display, STDERR_FILENO, settings->quiet || !session->root);
	return status;
}

/* Of the ratings of one part and where they belong. */
static uint64_t
part_bytes(const struct strads_rank_one_rows *part)
{
	size_t entry = sizeof *part->col + (part->wide ? sizeof(double) : sizeof(float));

	if (!part->start)
		return 0;
	return (part->rows + 1) * sizeof *part->start + part->start[part->rows] * entry;
}

static int
load(struct session *session)
{
	const struct strads_mf_settings *settings = &session->task->settings;
	const struct strads_ratings_options options = {
	    .data = settings->data,
	    .test = settings->test,
	    .holdout = settings->holdout,
	    .seed = settings->seed,
	    .wide = settings->precision == STRADS_MF_DOUBLE,
	};
	const struct strads_ratings *ratings = &session->ratings;
	int status = strads_ratings_read(session->fabric, &options, &session->ratings);

	if (status)
		return status;
	session->result.users = ratings->users.count;
	session->result.items = ratings->items.count;
	session->result.ratings = ratings->train_total;
	session->result.replaced = ratings->replaced;
	session->result.test_ratings = ratings->test_total;
	session->result.data_bytes = part_bytes(&ratings->train) + part_bytes(&ratings->test) +
				     strads_names_bytes(&ratings->users) +
				     strads_names_bytes(&ratings->items);
	session->result.load_seconds = strads_clock_s() - session->started_s;
	return STRADS_OK;
}

static void
report(void *arg, const struct strads_mf_progress *progress, bool final)
{
	struct session *session = arg;
	char line[256];

	session->result.last = *progress;
	if (!session->root)
		return;
	strads_log_write(session->log, strads_mf_record_progress(progress));
	if (strads_display_is_due(&session->display, final))
		strads_display_line(&session->display, line,
				    strads_mf_record_line(progress, line, sizeof line - 1), final);
}

static int
fit(struct session *session)
{
	const struct strads_mf_options options = strads_mf_settings_fit(&session->task->settings);
	int status = strads_mf_fit(session->fabric, &session->ratings, &options,
				   strads_run_stop(session->task->run), report, session,
				   &session->outcome, &session->model);

	if (status)
		return status;
	session->result.status = outcomes[session->outcome];
	if (session->outcome != STRADS_MF_DIVERGED)
		return STRADS_OK;
	return strads_fail(STRADS_ERR_DIVERGED,
			   "the objective is not finite after %llu sets, no model is written; "
			   "scale the ratings or use --precision double",
			   (unsigned long long)session->result.last.sets);
}

/* Model and memory: what the summary tells of. */
static int
harvest(struct session *session)
{
	const struct strads_mf_settings *settings = &session->task->settings;
	int status = STRADS_OK;

	if (session->root && settings->model)
		status = strads_mf_model_save(settings, &session->result, &session->ratings,
					      session->model);
	status = strads_job_agree(session->job, status);
	return status ? status : strads_limits_peaks(session->job, &session->result.peak_bytes);
}

static void
print_results(FILE *out, const void *arg)
{
	const struct session *session = arg;

	strads_mf_record_print(out, &session->result, &session->task->settings);
}

static int
conclude(void *arg, const char *status, const char *error)
{
	struct session *session = arg;
	const struct strads_mf_settings *settings = &session->task->settings;

	session->result.error = error;
	if (error)
		session->result.status = status;
	strads_display_end(&session->display);
	session->result.total_seconds = strads_clock_s() - session->started_s;
	return strads_run_record_conclude(strads_mf_record_summary(&session->result, settings),
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
	strads_mf_model_delete(&session->model);
	strads_ratings_free(&session->ratings);
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
	    .result =
		{.ranks = strads_job_size(job),
		 .last = {.seconds = NAN, .objective = NAN, .train_rmse = NAN, .test_rmse = NAN}},
	};
	int code, status = compute(&session);

	code = strads_run_end(session.task->run, job, status, session.outcome == STRADS_MF_LIMIT,
			      conclude, &session);
	clean_up(&session);
	return code;
}

int
strads_command_mf(int argc, char **argv)
{
	struct task task = {0};
	int status = strads_mf_settings_parse(&task.settings, argc, argv);

	return strads_launch_command(&task.settings.launch, status, argv[0], fit_rank, &task,
				     &task.run);
}
