#include "command.h"

#include "../pairs/pairs.h"
#include "clock.h"
#include "fit_session.h"

#include <math.h>
#include <stdlib.h>

/* ---- The fit -------------------------------------------------------------------------------- */

/* A point that finds no memory is missing from the plot, no more. */
static void
keep_point(struct strads_fit_session *session, const struct strads_linear_progress *progress)
{
	if (session->points_count == session->points_room) {
		size_t room = session->points_room ? 2 * session->points_room : 64;
		struct strads_plot_point *more = realloc(session->points, room * sizeof *more);

		if (!more)
			return;
		session->points = more;
		session->points_room = room;
	}
	session->points[session->points_count++] = (struct strads_plot_point){
	    .seconds = progress->seconds,
	    .objective = progress->objective,
	    .gap = progress->gap,
	    .test_error = strads_fit_session_settings(session)->family == STRADS_LINEAR_LOGISTIC
			      ? progress->test_log_loss
			      : progress->test_mse,
	};
}

static void
report(void *arg, const struct strads_linear_progress *progress, bool final)
{
	struct strads_fit_session *session = arg;

	session->result.last = *progress;
	if (!session->root)
		return;
	strads_log_write(session->log, strads_fit_record_progress(
					   strads_fit_session_settings(session), progress));
	strads_display_show(&session->display, progress, final);
	if (strads_fit_session_settings(session)->plot)
		keep_point(session, progress);
}

/* Of a path, or of a fold of its cross-validation. */
static void
report_path(void *arg, int fold, const struct strads_linear_progress *progress, bool final)
{
	struct strads_fit_session *session = arg;
	double began = progress->point > 0 ? session->done_s : 0;

	if (fold < 0)
		session->result.last = *progress;
	if (progress->done)
		session->done_s = progress->seconds;
	if (!session->root)
		return;
	if (fold < 0)
		strads_log_write(session->log, strads_fit_record_progress(
						   strads_fit_session_settings(session), progress));
	if (progress->done)
		strads_log_write(session->log, strads_fit_record_lambda(
						   strads_fit_session_settings(session), fold,
						   progress, progress->seconds - began));
	strads_display_show(&session->display, progress, final);
}

static void
report_points(void *arg, const struct strads_linear_progress *progress, bool final)
{
	report_path(arg, -1, progress, final);
}

/* The model, and what is reported of it, are those of the point that was chosen. */
static void
take_point(struct strads_fit_session *session)
{
	struct strads_fit_path *path = &session->path;

	if (path->path.count == 0)
		return;
	strads_fit_path_choose(path,
			       (enum strads_cv_rule)strads_fit_session_settings(session)->cv_rule);
	session->model = path->path.point[path->chosen].model;
	session->result.last = path->path.point[path->chosen].at;
	session->result.path = path;
	for (uint64_t k = 0; session->root && k < path->cross.count; k++)
		strads_log_write(session->log, strads_fit_path_record_cv(path, k));
}

static int
fit_lasso_path(struct strads_fit_session *session, const struct strads_lasso_options *options)
{
	const struct strads_fit_settings *settings = strads_fit_session_settings(session);
	const struct strads_dataset *test = settings->test ? &session->test : NULL;
	const volatile int *stop = strads_run_stop(session->task->run);
	struct strads_fit_path *path = &session->path;
	int status;

	if (settings->cv > 0)
		status = strads_lasso_cross_validate(
		    session->fabric, &session->train, test, options, (uint32_t)settings->cv, stop,
		    report_path, session, &session->outcome, &path->path, &path->cross);
	else
		status =
		    strads_lasso_fit_path(session->fabric, &session->train, test, options, stop,
					  report_points, session, &session->outcome, &path->path);
	if (status == STRADS_OK)
		take_point(session);
	return status;
}

static void
audit(void *arg, uint64_t set, const strads_key *keys, uint32_t n, double worst)
{
	struct strads_fit_session *session = arg;

	strads_log_write(session->log, strads_fit_record_set(strads_fit_session_settings(session),
							     set, keys, n, worst));
}

static int
fit_lasso(struct strads_fit_session *session)
{
	const struct strads_fit_settings *settings = strads_fit_session_settings(session);
	const struct strads_dataset *test = settings->test ? &session->test : NULL;
	const volatile int *stop = strads_run_stop(session->task->run);
	struct strads_lasso_options options;

	strads_fit_settings_lasso(settings, &options);
	options.weight = session->weight;
	if (settings->audit && session->root) {
		options.audit = audit;
		options.audit_arg = session;
	}
	if (options.path.count > 0)
		return fit_lasso_path(session, &options);
	if (settings->features == STRADS_FEATURES_PAIRS)
		return strads_pairs_fit(session->fabric, &session->train, test, &options, stop,
					report, session, &session->outcome, &session->model);
	return strads_lasso_fit(session->fabric, &session->train, test, &options, stop, report,
				session, &session->outcome, &session->model);
}

static int
fit_logistic(struct strads_fit_session *session)
{
	const struct strads_fit_settings *settings = strads_fit_session_settings(session);
	const struct strads_dataset *test = settings->test ? &session->test : NULL;
	const volatile int *stop = strads_run_stop(session->task->run);
	struct strads_logistic_options options;
	struct strads_logistic_result result = {0};
	int status;

	strads_fit_settings_logistic(settings, &options);
	if (options.path.count > 0)
		status =
		    strads_logistic_fit_path(session->fabric, &session->train, test, &options, stop,
					     report_points, session, &result, &session->path.path);
	else
		status = strads_logistic_fit(session->fabric, &session->train, test, &options, stop,
					     report, session, &result, &session->model);
	if (status)
		return status;
	take_point(session);
	session->outcome = result.outcome;
	session->result.test_auc = result.test_auc;
	return STRADS_OK;
}

static int
fit(struct strads_fit_session *session)
{
	return strads_fit_session_settings(session)->family == STRADS_LINEAR_LOGISTIC
		   ? fit_logistic(session)
		   : fit_lasso(session);
}

/* ---- A rank from start to end --------------------------------------------------------------- */

/* What is known of a fit before its first evaluation. */
static struct strads_linear_progress
nothing_known(void)
{
	return (struct strads_linear_progress){
	    .seconds = NAN,
	    .lambda = NAN,
	    .lambda_max = NAN,
	    .objective = NAN,
	    .gap = NAN,
	    .train_mse = NAN,
	    .test_mse = NAN,
	    .test_mean_mse = NAN,
	    .train_log_loss = NAN,
	    .train_accuracy = NAN,
	    .test_log_loss = NAN,
	    .test_constant_log_loss = NAN,
	    .test_accuracy = NAN,
	};
}

static int
compute(struct strads_fit_session *session)
{
	int status = strads_fit_session_open(session);

	if (!status)
		status = strads_fit_session_load(session);
	if (!status)
		status = fit(session);
	if (!status)
		status = strads_fit_session_judge(session);
	if (!status)
		status = strads_fit_session_harvest(session);
	return status;
}

static int
fit_rank(struct strads_job *job, void *arg)
{
	struct strads_fit_task *task = arg;
	struct strads_fit_session session = {
	    .task = task,
	    .job = job,
	    .root = strads_job_rank(job) == 0,
	    .started_s = strads_clock_s(),
	    .path = {.family = task->settings.family},
	    .result = {.ranks = strads_job_size(job), .last = nothing_known(), .test_auc = NAN},
	};
	int code, status = compute(&session);

	code =
	    strads_run_end(session.task->run, job, status, session.outcome == STRADS_LINEAR_LIMIT,
			   strads_fit_session_conclude, &session);
	strads_fit_session_close(&session);
	return code;
}

static int
fit_command(enum strads_linear_family family, int argc, char **argv)
{
	struct strads_fit_task task = {.settings.family = family};
	int status = strads_fit_settings_parse(&task.settings, argc, argv);

	return strads_launch_command(&task.settings.launch, status, argv[0], fit_rank, &task,
				     &task.run);
}

int
strads_command_lasso(int argc, char **argv)
{
	return fit_command(STRADS_LINEAR_SQUARED, argc, argv);
}

int
strads_command_logistic(int argc, char **argv)
{
	return fit_command(STRADS_LINEAR_LOGISTIC, argc, argv);
}
