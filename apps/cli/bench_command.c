#include "command.h"

#include "about.h"
#include "../bench/probe.h"
#include "bench_options.h"
#include "run.h"

#include <stdio.h>
#include <string.h>

struct task {
	struct strads_bench_settings settings;
	struct strads_run *run;
	struct strads_probe *probe; /* its findings; NULL: something else is measured */
};

/* What the results say of this machine beside what the measurement knows. */
static json_t *
about(void)
{
	return json_pack("{s:o, s:o}", "host", strads_about_host(), "versions",
			 strads_about_versions());
}

static int
bench_rank(struct strads_job *job, void *arg)
{
	struct task *task = arg;
	struct strads_fabric *fabric = NULL;
	json_t *circumstances = strads_job_rank(job) == 0 ? about() : NULL;
	int status = strads_launch_open(&task->settings.launch, job, &fabric);
	int code = STRADS_EXIT_DONE;

	if (!status && task->probe)
		status = strads_probe_run(fabric, circumstances, task->probe);
	else if (!status)
		status = strads_bench_run(fabric, &task->settings.bench, circumstances);
	if (!status)
		status = strads_job_barrier(job);
	if (status)
		code = strads_run_fail(task->run, job, status);
	strads_fabric_close(&fabric);
	json_decref(circumstances);
	return code;
}

/* Under mpirun, in a process that stays MPI's. */
static int
run_mpi(struct task *task, const char *command)
{
	json_t *circumstances = about();
	int status = strads_bench_run_mpi(&task->settings.bench, circumstances);

	json_decref(circumstances);
	if (status)
		fprintf(stderr, "%s: %s\n", command, strads_error());
	return status ? STRADS_EXIT_FAILED : STRADS_EXIT_DONE;
}

static int
death_rank(struct strads_job *job, void *arg)
{
	struct task *task = arg;
	struct strads_fabric *fabric = NULL;

	if (strads_launch_open(&task->settings.launch, job, &fabric) == STRADS_OK)
		strads_probe_death(fabric, task->probe);
	strads_fabric_close(&fabric);
	return STRADS_EXIT_DONE;
}

/* The experiments; then one that a job does not survive, except under a launcher, which would end
 * all, and on the simulator; then, where rank 0 ran, the findings. */
static int
run_probe(struct task *task, const char *command)
{
	int code = strads_launch_run(&task->settings.launch, bench_rank, task);
	int status;

	if (code || !task->probe->filled)
		return code;
	if (task->probe->local)
		strads_launch_run(&task->settings.launch, death_rank, task);
	status = strads_probe_print(task->probe, task->settings.bench.format);
	if (status)
		fprintf(stderr, "%s: %s\n", command, strads_error());
	return status ? STRADS_EXIT_FAILED : STRADS_EXIT_DONE;
}

int
strads_command_bench(int argc, char **argv)
{
	struct task task = {.run = NULL};
	int status = strads_bench_settings_parse(&task.settings, argc, argv), code;

	if (status == STRADS_AGAIN)
		return strads_run_printed(argv[0]);
	if (status)
		return strads_run_refuse(argv[0]);
	if (task.settings.bench.only_mpi)
		return run_mpi(&task, argv[0]);
	if (strads_run_new(argv[0], &task.run)) {
		fprintf(stderr, "strads bench: %s\n", strads_error());
		return STRADS_EXIT_FAILED;
	}
	if (task.settings.bench.what == STRADS_BENCH_PROBE && strads_probe_new(&task.probe)) {
		fprintf(stderr, "strads bench: %s\n", strads_error());
		strads_run_delete(&task.run);
		return STRADS_EXIT_FAILED;
	}
	code = task.probe ? run_probe(&task, argv[0])
			  : strads_launch_run(&task.settings.launch, bench_rank, &task);
	strads_probe_delete(&task.probe);
	strads_run_delete(&task.run);
	return code;
}
