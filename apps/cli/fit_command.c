#include "command.h"

#include "../data/factors.h"
#include "../pairs/pairs.h"
#include "display.h"
#include "file.h"
#include "fit_record.h"
#include "log.h"
#include "model.h"
#include "path_plot.h"
#include "plot.h"
#include "run.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>
#include <xxhash.h>

#define TERMS_SHOWN 15

/* What all ranks of the process start from. */
struct task {
	struct strads_fit_settings settings;
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

static double
now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static const struct strads_fit_settings *
settings_of(const struct session *session)
{
	return &session->task->settings;
}

/* ---- Before the run ------------------------------------------------------------------------- */

/* What would fail at the end of a long run shall fail now. */
static int
open_outputs(struct session *session)
{
	const struct strads_fit_settings *settings = settings_of(session);
	int status = STRADS_OK;

	if (settings->model)
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

/* Leaves out the settings of the paths, which may differ from host to host. */
static void
keep_shared(struct strads_option_group *groups, const struct strads_launch *launch)
{
	struct strads_option_group *kept = groups;

	for (const struct strads_option_group *g = groups; g->options; g++) {
		if (g->options != launch->path_options)
			*kept++ = *g;
	}
	*kept = (struct strads_option_group){0};
}

/* Ranks started by a launcher on several hosts may find other variables in their environment. */
static int
compare_settings(struct session *session)
{
	struct strads_option_group groups[STRADS_FIT_GROUPS + 1];
	int status = STRADS_OK;
	uint64_t mine = 0;
	const uint64_t *hash;
	json_t *values;
	char *text;
	void *all;

	strads_fit_groups(&session->task->settings, groups);
	keep_shared(groups, &session->task->settings.launch);
	values = strads_options_json(groups);
	text = values ? json_dumps(values, JSON_SORT_KEYS | JSON_COMPACT) : NULL;
	json_decref(values);
	if (text)
		mine = XXH3_64bits(text, strlen(text));
	else
		status = strads_fail(STRADS_ERR_MEMORY, "no memory to compare the settings");
	free(text);
	status = strads_job_gather(session->job, status, &mine, sizeof mine, &all);
	if (status)
		return status;
	hash = all;
	for (int rank = 1; !status && rank < strads_job_size(session->job); rank++) {
		if (hash[rank] != hash[0])
			status = strads_fail(STRADS_ERR_INPUT,
					     "the settings of ranks 0 and %d differ: give all the "
					     "same flags and STRADS_ variables",
					     rank);
	}
	free(all);
	return status;
}

static int
prepare(struct session *session)
{
	const struct strads_fit_settings *settings = settings_of(session);
	int status = compare_settings(session);

	if (!status)
		status = strads_job_agree(session->job,
					  session->root ? open_outputs(session) : STRADS_OK);
	if (!status)
		status = strads_launch_open(&settings->launch, session->job, &session->fabric);
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
check_response(struct session *session, const struct strads_dataset_options *options,
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
		status =
		    strads_fail(STRADS_ERR_INPUT,
				"%s: every response is 0; those of a MatrixMarket matrix are a "
				"file of their own, named with %s",
				options->data, option);
	free(all);
	return status;
}

static int
read_dataset(struct session *session, const struct strads_dataset_options *options,
	     const char *option, struct strads_dataset *dataset)
{
	int status = strads_dataset_read(session->fabric, options, dataset);

	if (status || options->response)
		return status;
	return check_response(session, options, dataset, option);
}

static int
load(struct session *session)
{
	const struct strads_fit_settings *settings = settings_of(session);
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
	session->result.load_seconds = now_s() - session->started_s;
	return status;
}

/* ---- The run -------------------------------------------------------------------------------- */

/* A point that finds no memory is missing from the plot, no more. */
static void
keep_point(struct session *session, const struct strads_linear_progress *progress)
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
	    .test_error = settings_of(session)->family == STRADS_LINEAR_LOGISTIC
			      ? progress->test_log_loss
			      : progress->test_mse,
	};
}

static void
report(void *arg, const struct strads_linear_progress *progress, bool final)
{
	struct session *session = arg;

	session->result.last = *progress;
	if (!session->root)
		return;
	strads_log_write(session->log, strads_fit_record_progress(settings_of(session), progress));
	strads_display_show(&session->display, progress, final);
	if (settings_of(session)->plot)
		keep_point(session, progress);
}

/* Of a path, or of a fold of its cross-validation. */
static void
report_path(void *arg, int fold, const struct strads_linear_progress *progress, bool final)
{
	struct session *session = arg;
	double began = progress->point > 0 ? session->done_s : 0;

	if (fold < 0)
		session->result.last = *progress;
	if (progress->done)
		session->done_s = progress->seconds;
	if (!session->root)
		return;
	if (fold < 0)
		strads_log_write(session->log,
				 strads_fit_record_progress(settings_of(session), progress));
	if (progress->done)
		strads_log_write(session->log, strads_fit_path_record_lambda(
						   fold, progress, progress->seconds - began));
	strads_display_show(&session->display, progress, final);
}

static void
report_points(void *arg, const struct strads_linear_progress *progress, bool final)
{
	report_path(arg, -1, progress, final);
}

/* The model, and what is reported of it, are those of the point that was chosen. */
static void
take_point(struct session *session)
{
	struct strads_fit_path *path = &session->path;

	if (path->path.count == 0)
		return;
	strads_fit_path_choose(path, (enum strads_cv_rule)settings_of(session)->cv_rule);
	session->model = path->path.point[path->chosen].model;
	session->result.last = path->path.point[path->chosen].at;
	session->result.path = path;
	for (uint64_t k = 0; session->root && k < path->cross.count; k++)
		strads_log_write(session->log, strads_fit_path_record_cv(path, k));
}

static int
fit_path(struct session *session, const struct strads_lasso_options *options)
{
	const struct strads_fit_settings *settings = settings_of(session);
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
	struct session *session = arg;

	strads_log_write(session->log,
			 strads_fit_record_set(settings_of(session), set, keys, n, worst));
}

static int
fit_lasso(struct session *session)
{
	const struct strads_fit_settings *settings = settings_of(session);
	const struct strads_dataset *test = settings->test ? &session->test : NULL;
	const volatile int *stop = strads_run_stop(session->task->run);
	struct strads_lasso_options options;

	strads_fit_settings_lasso(settings, &options);
	options.weight = session->weight;
	if (settings->audit && session->root) {
		options.audit = audit;
		options.audit_arg = session;
	}
	if (options.path > 0)
		return fit_path(session, &options);
	if (settings->features == STRADS_FEATURES_PAIRS)
		return strads_pairs_fit(session->fabric, &session->train, test, &options, stop,
					report, session, &session->outcome, &session->model);
	return strads_lasso_fit(session->fabric, &session->train, test, &options, stop, report,
				session, &session->outcome, &session->model);
}

static int
fit_logistic(struct session *session)
{
	const struct strads_fit_settings *settings = settings_of(session);
	struct strads_logistic_options options;
	struct strads_logistic_result result = {0};
	int status;

	strads_fit_settings_logistic(settings, &options);
	status = strads_logistic_fit(
	    session->fabric, &session->train, settings->test ? &session->test : NULL, &options,
	    strads_run_stop(session->task->run), report, session, &result, &session->model);
	if (status)
		return status;
	session->outcome = result.outcome;
	session->result.test_auc = result.test_auc;
	return STRADS_OK;
}

static int
fit(struct session *session)
{
	return settings_of(session)->family == STRADS_LINEAR_LOGISTIC ? fit_logistic(session)
								      : fit_lasso(session);
}

/* ---- After the run -------------------------------------------------------------------------- */

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

/* A diverged run leaves no model, and is a failure. */
static int
judge(struct session *session)
{
	session->result.status = outcome_name(session->outcome);
	if (session->outcome != STRADS_LINEAR_DIVERGED)
		return STRADS_OK;
	return strads_fail(STRADS_ERR_DIVERGED,
			   "the fit diverged (objective %.6g after %llu sets), no model is "
			   "written; %s",
			   session->result.last.objective,
			   (unsigned long long)session->result.last.sets,
			   settings_of(session)->family == STRADS_LINEAR_LOGISTIC
			       ? "scale the data, whose products are beyond all numbers"
			       : "use --set-update gram or a smaller --set-size");
}

static int
save_model(struct session *session)
{
	const struct strads_fit_settings *settings = settings_of(session);
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

/* The largest resident size of every rank, in rank order. */
static int
gather_peaks(struct session *session)
{
	struct rusage usage;
	uint64_t mine = 0;
	void *all;
	int status;

	if (getrusage(RUSAGE_SELF, &usage) == 0)
		mine = (uint64_t)usage.ru_maxrss * 1024;
	status = strads_job_gather(session->job, STRADS_OK, &mine, sizeof mine, &all);
	if (!status)
		session->result.peak_bytes = session->peak_bytes = all;
	return status;
}

/* Model, terms and memory: what the summary tells of. */
static int
harvest(struct session *session)
{
	const struct strads_fit_settings *settings = settings_of(session);
	int status = strads_job_agree(session->job, save_model(session));

	if (!status && settings->vocabulary)
		status =
		    strads_ranking_find(session->job, &session->train, &session->model,
					settings->vocabulary, TERMS_SHOWN, &session->result.terms);
	return status ? status : gather_peaks(session);
}

static const char *
error_name(const struct session *session)
{
	return settings_of(session)->family == STRADS_LINEAR_LOGISTIC ? "log loss" : "MSE";
}

static int
draw_plot(struct session *session)
{
	const char *path = settings_of(session)->plot;
	int status = STRADS_OK;

	if (path && session->result.path)
		status = strads_path_plot_draw(path, session->result.path);
	else if (path)
		status = strads_plot_draw(path, error_name(session), session->points,
					  session->points_count);
	if (status != STRADS_ERR_UNSUPPORTED)
		return status;
	fprintf(stderr, "%s: %s\n", strads_fit_command(settings_of(session)), strads_error());
	session->task->settings.plot = NULL; /* so that the results do not point to it */
	return STRADS_OK;
}

static int
print_results(const struct session *session, json_t *summary)
{
	const struct strads_fit_settings *settings = settings_of(session);

	if (settings->json && !summary)
		return strads_fail(STRADS_ERR_MEMORY, "no memory for the summary");
	errno = 0;
	if (settings->json) {
		json_dumpf(summary, stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
		putchar('\n');
	} else if (!session->result.error) {
		strads_fit_record_print(stdout, &session->result, settings);
	}
	if (fflush(stdout) || ferror(stdout))
		return strads_fail(STRADS_ERR_IO, "cannot write the results: %s", strerror(errno));
	return STRADS_OK;
}

/* Rank 0's last acts: plot, the summary in the log and on stdout. All are tried. */
static int
conclude(struct session *session)
{
	int drawn = session->result.error ? STRADS_OK : draw_plot(session), logged, printed;
	json_t *summary;

	strads_display_end(&session->display);
	session->result.total_seconds = now_s() - session->started_s;
	summary = strads_fit_record_summary(&session->result, settings_of(session));
	printed = print_results(session, summary);
	if (session->log)
		strads_log_write(session->log, json_incref(summary));
	logged = strads_log_close(&session->log);
	json_decref(summary);
	return drawn ? drawn : printed ? printed : logged;
}

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
		status = judge(session);
	if (!status)
		status = harvest(session);
	return status;
}

static void
clean_up(struct session *session)
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

static int
fit_rank(struct strads_job *job, void *arg)
{
	struct session session = {
	    .task = arg,
	    .job = job,
	    .root = strads_job_rank(job) == 0,
	    .started_s = now_s(),
	    .result = {.ranks = strads_job_size(job), .last = nothing_known(), .test_auc = NAN},
	};
	char error[1024];
	int status = compute(&session), concluded, code;

	if (status) {
		snprintf(error, sizeof error, "%s", strads_error());
		session.result.error = error;
		session.result.status = status == STRADS_ERR_DIVERGED ? "diverged" : "failed";
	}
	concluded = session.root ? conclude(&session) : STRADS_OK;
	if (status)
		status = strads_fail(status, "%s", error);
	else
		status = strads_job_agree(job, concluded);
	if (status)
		code = strads_run_fail(session.task->run, job, status);
	else
		code =
		    session.outcome == STRADS_LINEAR_LIMIT ? STRADS_EXIT_LIMIT : STRADS_EXIT_DONE;
	clean_up(&session);
	return code;
}

static int
fit_command(enum strads_linear_family family, int argc, char **argv)
{
	struct task task = {.settings.family = family};
	int status = strads_fit_settings_parse(&task.settings, argc, argv), code;

	if (status == STRADS_AGAIN)
		return fflush(stdout) ? STRADS_EXIT_FAILED : STRADS_EXIT_DONE;
	if (status)
		return strads_run_refuse(argv[0]);
	if (strads_run_new(argv[0], &task.run)) {
		fprintf(stderr, "%s: %s\n", strads_fit_command(&task.settings), strads_error());
		return STRADS_EXIT_FAILED;
	}
	code = strads_launch_run(&task.settings.launch, fit_rank, &task);
	strads_run_delete(&task.run);
	return code;
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
