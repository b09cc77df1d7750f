#include "run_record.h"

#include "about.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static const char *const op_names[STRADS_OPS] = {
    [STRADS_OP_PUT] = "put",
    [STRADS_OP_PUT_SIGNAL] = "put_signal",
    [STRADS_OP_GET] = "get",
    [STRADS_OP_FETCH_ADD] = "fetch_add",
};

/* How many ranks this one reaches over each path: {"shm": 3, "ofi:tcp;ofi_rxm": 4}. */
static json_t *
paths(const struct strads_fabric *fabric, int size)
{
	json_t *counts = json_object();

	for (int peer = 0; counts && peer < size; peer++) {
		struct strads_fabric_info info;

		strads_fabric_query(fabric, peer, &info);
		json_int_t before = json_integer_value(json_object_get(counts, info.path));
		if (json_object_set_new(counts, info.path, json_integer(before + 1))) {
			json_decref(counts);
			return NULL;
		}
	}
	return counts;
}

static json_t *
wall_clock(void)
{
	char text[32];
	time_t now = time(NULL);
	struct tm utc;

	gmtime_r(&now, &utc);
	strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
	return json_string(text);
}

json_t *
strads_run_record_start(struct strads_fabric *fabric, const char *command,
			const struct strads_option_group *groups)
{
	struct strads_job *job = strads_fabric_job(fabric);

	return json_pack("{s:s, s:s, s:o, s:o, s:s, s:i, s:o, s:s, s:o, s:o, s:o}", "event",
			 "start", "command", command, "time", wall_clock(), "settings",
			 strads_options_json(groups), "job", strads_job_kind_name(job), "ranks",
			 strads_job_size(job), "paths", paths(fabric, strads_job_size(job)),
			 "notes", strads_fabric_notes(fabric), "versions", strads_about_versions(),
			 "host", strads_about_host(), "limits", strads_about_limits());
}

json_t *
strads_run_record_bytes(const uint64_t *bytes)
{
	json_t *all = json_object();

	for (int op = 0; op < STRADS_OPS; op++)
		json_object_set_new(all, op_names[op], json_integer((json_int_t)bytes[op]));
	return all;
}

json_t *
strads_run_record_stages(const double *busy, const double *stall)
{
	json_t *all = json_object();

	for (int stage = 0; stage < STRADS_STAGES; stage++)
		json_object_set_new(
		    all, strads_stage_name((enum strads_stage)stage),
		    json_pack("{s:f, s:f}", "busy", busy[stage], "stall", stall[stage]));
	return all;
}

json_t *
strads_run_record_peaks(const uint64_t *peak_bytes, int ranks)
{
	json_t *all = json_array();

	for (int rank = 0; peak_bytes && rank < ranks; rank++)
		json_array_append_new(all, json_integer((json_int_t)peak_bytes[rank]));
	return all;
}

static int
put_results(const json_t *summary, bool json, void (*print)(FILE *out, const void *arg),
	    const void *arg)
{
	if (json && !summary)
		return strads_fail(STRADS_ERR_MEMORY, "no memory for the summary");
	errno = 0;
	if (json) {
		json_dumpf(summary, stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
		putchar('\n');
	} else if (print) {
		print(stdout, arg);
	}
	if (fflush(stdout) || ferror(stdout))
		return strads_fail(STRADS_ERR_IO, "cannot write the results: %s", strerror(errno));
	return STRADS_OK;
}

int
strads_run_record_conclude(json_t *summary, struct strads_log **log, bool json,
			   void (*print)(FILE *out, const void *arg), const void *arg)
{
	int printed = put_results(summary, json, print, arg), logged;

	if (*log)
		strads_log_write(*log, json_incref(summary));
	logged = strads_log_close(log);
	json_decref(summary);
	return printed ? printed : logged;
}
