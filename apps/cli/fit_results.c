#include "fit_session.h"

#include "clock.h"
#include "limits.h"
#include "model.h"
#include "path_plot.h"
#include "run_record.h"

#include <stdlib.h>

#define TERMS_SHOWN 15

static const char *
outcome_name(enum strads_linear_outcome outcome)
{
	switch (outcome) {
	case STRADS_LINEAR_CONVERGED:
		return "converged";
	case STRADS_LINEAR_LIMIT:
		return "limit";
	case STRADS_LINEAR_DIVERGED:
		return "diverged";
	}
	return "failed";
}

int
strads_fit_session_judge(struct strads_fit_session *session)
{
	session->result.status = outcome_name(session->outcome);
	if (session->outcome != STRADS_LINEAR_DIVERGED)
		return STRADS_OK;
	return strads_fail(STRADS_ERR_DIVERGED,
			   "the fit diverged (objective %.6g after %llu sets), no model is "
			   "written; %s",
			   session->result.last.objective,
			   (unsigned long long)session->result.last.sets,
			   strads_fit_session_settings(session)->family == STRADS_LINEAR_LOGISTIC
			       ? "scale the data, whose products are beyond all numbers"
			       : "use --set-update gram or a smaller --set-size");
}

static int
save_model(struct strads_fit_session *session)
{
	const struct strads_fit_settings *settings = strads_fit_session_settings(session);
	const struct strads_model_about about = {
	    .lambda = session->result.last.lambda,
	    .objective = session->result.last.objective,
	    .gap = session->result.last.gap,
	    .status = session->result.status,
	    .family = settings->family,
	    .path = session->result.path,
	};

	if (!session->root || !settings->model)
		return STRADS_OK;
	return strads_model_save(settings->model, &session->model, &about);
}

int
strads_fit_session_harvest(struct strads_fit_session *session)
{
	const struct strads_fit_settings *settings = strads_fit_session_settings(session);
	int status = strads_job_agree(session->job, save_model(session));

	if (!status && settings->vocabulary)
		status =
		    strads_ranking_find(session->job, &session->train, &session->model,
					settings->vocabulary, TERMS_SHOWN, &session->result.terms);
	if (!status)
		status = strads_limits_peaks(session->job, &session->peak_bytes);
	session->result.peak_bytes = session->peak_bytes;
	return status;
}

static const char *
error_name(const struct strads_fit_session *session)
{
	return strads_fit_session_settings(session)->family == STRADS_LINEAR_LOGISTIC ? "log loss"
										      : "MSE";
}

static int
draw_plot(struct strads_fit_session *session)
{
	const char *path = strads_fit_session_settings(session)->plot;
	int status = STRADS_OK;

	if (path && session->result.path)
		status = strads_path_plot_draw(path, session->result.path);
	else if (path)
		status = strads_plot_draw(path, error_name(session), session->points,
					  session->points_count);
	if (status != STRADS_ERR_UNSUPPORTED)
		return status;
	fprintf(stderr, "%s: %s\n", strads_fit_command(strads_fit_session_settings(session)),
		strads_error());
	session->task->settings.plot = NULL; /* so that the results do not point to it */
	return STRADS_OK;
}

static void
print_results(FILE *out, const void *arg)
{
	const struct strads_fit_session *session = arg;

	strads_fit_record_print(out, &session->result, strads_fit_session_settings(session));
}

int
strads_fit_session_conclude(void *arg, const char *status, const char *error)
{
	struct strads_fit_session *session = arg;
	const struct strads_fit_settings *settings = strads_fit_session_settings(session);
	int drawn, concluded;

	session->result.error = error;
	if (error)
		session->result.status = status;
	drawn = error ? STRADS_OK : draw_plot(session);
	strads_display_end(&session->display);
	session->result.total_seconds = strads_clock_s() - session->started_s;
	concluded = strads_run_record_conclude(
	    strads_fit_record_summary(&session->result, settings), &session->log, settings->json,
	    error ? NULL : print_results, session);
	return drawn ? drawn : concluded;
}

void
strads_fit_session_close(struct strads_fit_session *session)
{
	strads_ranking_free(&session->result.terms);
	free(session->peak_bytes);
	free(session->points);
	free(session->weight);
	if (!session->result.path)
		strads_linear_model_free(&session->model);
	strads_fit_path_free(&session->path);
	strads_dataset_free(&session->test);
	strads_dataset_free(&session->train);
	strads_fabric_close(&session->fabric);
}
