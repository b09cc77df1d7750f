/*
 * One rank of a command that fits a model: what it starts from (fit_inputs.c), the fit itself
 * (fit_command.c), and what becomes of it (fit_results.c). Files, progress and results are rank
 * 0's. Thread: owner.
 */
#ifndef STRADS_CLI_FIT_SESSION_H
#define STRADS_CLI_FIT_SESSION_H

#include "display.h"
#include "fit_record.h"
#include "log.h"
#include "plot.h"
#include "run.h"

/* What all ranks of the process start from. */
struct strads_fit_task {
	struct strads_fit_settings settings;
	struct strads_run *run;
};

struct strads_fit_session {
	struct strads_fit_task *task;
	struct strads_job *job;
	struct strads_fabric *fabric;
	bool root;
	double started_s;
	struct strads_log *log;
	struct strads_display display;
	struct strads_dataset train, test;
	double *weight;                   /* [train.x.cols] of the penalty, or NULL */
	struct strads_linear_model model; /* that of one λ, or a part of `path` */
	struct strads_fit_path path;
	double done_s; /* when the λ before was done with */
	enum strads_linear_outcome outcome;
	struct strads_fit_result result;
	uint64_t *peak_bytes;
	struct strads_plot_point *points;
	size_t points_count, points_room;
};

static inline const struct strads_fit_settings *
strads_fit_session_settings(const struct strads_fit_session *session)
{
	return &session->task->settings;
}

/* Finds that all ranks have the same settings, opens the log and the fabric, and looks whether the
 * other files can be written. Collective. Returns STRADS_OK, ERR_INPUT, ERR_IO, ERR_MEMORY, or what
 * opening the fabric returns. */
STRADS_MUST_CHECK int strads_fit_session_open(struct strads_fit_session *session);

/* Reads the data and the weights of the penalty. Collective. Returns as strads_dataset_read and
 * strads_factors_read; ERR_INPUT if all responses are 0 for want of a file. */
STRADS_MUST_CHECK int strads_fit_session_load(struct strads_fit_session *session);

/* Names the outcome of the fit; ERR_DIVERGED, after which there is no model, is a failure. */
STRADS_MUST_CHECK int strads_fit_session_judge(struct strads_fit_session *session);

/* Model, terms and memory: what the summary tells of. Collective. Returns STRADS_OK, ERR_IO,
 * ERR_MEMORY. */
STRADS_MUST_CHECK int strads_fit_session_harvest(struct strads_fit_session *session);

/* As strads_run_conclude, of the session `arg`: plot, the summary in the log and on stdout. All are
 * tried. Returns STRADS_OK, or the first that failed: ERR_IO, ERR_MEMORY. */
strads_run_conclude strads_fit_session_conclude;

/* Frees all that the session has, and closes the fabric. */
void strads_fit_session_close(struct strads_fit_session *session);

#endif
