#include "fit_session.h"

#include "../data/factors.h"
#include "clock.h"
#include "file.h"
#include "fit_options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int
open_outputs(void *arg)
{
	struct strads_fit_session *session = arg;
	const struct strads_fit_settings *settings = strads_fit_session_settings(session);
	const char *const names[] = {
	    settings->model,         settings->log,        settings->plot,
	    settings->data,          settings->response,   settings->test,
	    settings->test_response, settings->vocabulary, settings->penalty_factors};
	int status = strads_file_apart(names, 3, sizeof names / sizeof *names);

	if (!status && settings->model)
		status = strads_file_writable(settings->model, "model");
	if (!status && settings->plot)
		status = strads_file_writable(settings->plot, "plot");
	if (!status && settings->vocabulary && access(settings->vocabulary, R_OK))
		status = strads_fail(STRADS_ERR_IO, "cannot open the vocabulary %s: %s",
				     settings->vocabulary, strerror(errno));
	if (!status)
		status = strads_log_open(settings->log, &session->log);
	return status;
}

int
strads_fit_session_open(struct strads_fit_session *session)
{
	const struct strads_fit_settings *settings = strads_fit_session_settings(session);
	struct strads_option_group groups[STRADS_FIT_GROUPS + 1];
	int status;

	strads_fit_groups(&session->task->settings, groups);
	status = strads_launch_begin(&settings->launch, session->job, groups, open_outputs, session,
				     &session->fabric);
	if (!status && session->root)
		strads_log_write(session->log, strads_fit_record_start(session->fabric,
								       &session->task->settings));
	strads_display_start(&session->display, STDERR_FILENO, settings->quiet || !session->root);
	return status;
}

static uint64_t
dataset_bytes(const struct strads_dataset *dataset)
{
	const struct strads_csc *x = &dataset->x;
	uint64_t entries = x->start ? x->start[x->cols] : 0;

	return (x->cols + 1) * sizeof *x->start + entries * (sizeof *x->row + sizeof *x->value) +
	       x->rows * sizeof *dataset->y;
}

/* A MatrixMarket matrix has no response in it: without a file for that, all are 0. */
static int
check_response(struct strads_fit_session *session, const struct strads_dataset_options *options,
	       const struct strads_dataset *dataset, const char *option)
{
	unsigned char other = 0;
	void *all;
	int status;

	for (uint32_t i = 0; i < dataset->x.rows; i++)
		other |= dataset->y[i] != 0;
	status = strads_job_gather(session->job, STRADS_OK, &other, sizeof other, &all);
	if (status)
		return status;
	if (!memchr(all, 1, (size_t)strads_job_size(session->job)))
		status = strads_fail(STRADS_ERR_INPUT,
				     "%s: every response is 0, there is nothing to fit; of a "
				     "MatrixMarket matrix name the file of responses with %s",
				     options->data, option);
	free(all);
	return status;
}

static int
read_dataset(struct strads_fit_session *session, const struct strads_dataset_options *options,
	     const char *option, struct strads_dataset *dataset)
{
	int status = strads_dataset_read(session->fabric, options, dataset);

	if (status || options->response)
		return status;
	return check_response(session, options, dataset, option);
}

int
strads_fit_session_load(struct strads_fit_session *session)
{
	const struct strads_fit_settings *settings = strads_fit_session_settings(session);
	bool looked_at = settings->scheduler == STRADS_LINEAR_CHECKED ||
			 settings->scheduler == STRADS_LINEAR_SIGNALLING ||
			 settings->features == STRADS_FEATURES_PAIRS ||
			 settings->mode == STRADS_LASSO_SERVER;
	const struct strads_dataset_options train = {
	    .data = settings->data,
	    .response = settings->response,
	    .rows_per_rank = true,
	    .readable_by_peers = looked_at && strads_job_size(session->job) > 1};
	struct strads_dataset_options test = {.data = settings->test,
					      .response = settings->test_response};
	int status = read_dataset(session, &train, "--response", &session->train);

	if (!status && settings->test) {
		test.min_cols = test.max_cols = session->train.x.cols;
		status = read_dataset(session, &test, "--test-response", &session->test);
	}
	if (!status && settings->penalty_factors)
		status = strads_factors_read(session->fabric, settings->penalty_factors,
					     session->train.x.cols, &session->weight);
	session->result.rows = session->train.rows_total;
	session->result.cols = session->train.x.cols;
	session->result.entries = session->train.entries_total;
	session->result.test_rows = session->test.rows_total;
	session->result.data_bytes = dataset_bytes(&session->train) + dataset_bytes(&session->test);
	session->result.load_seconds = strads_clock_s() - session->started_s;
	return status;
}
