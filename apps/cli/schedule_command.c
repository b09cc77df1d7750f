#include "command.h"

#include "../bench/schedule.h"
#include "arguments.h"
#include "launch.h"
#include "run.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>

struct settings {
	struct strads_launch launch;
	uint64_t variables;
	uint64_t set_size;
	uint64_t sets;
	uint64_t seed;
	bool json;
};

struct task {
	struct settings settings;
	struct strads_run *run;
};

#define AT(field) .offset = offsetof(struct settings, field)

static const struct strads_option options[] = {
    {.name = "variables",
     .value = "J",
     .fallback = "1000000000000",
     .kind = STRADS_OPTION_UINT,
     .min = 1,
     .max = 0x1p53,
     AT(variables),
     .doc = "Variables; may also stand without --variables"},
    {.name = "set-size",
     .value = "N",
     .fallback = "512",
     .kind = STRADS_OPTION_UINT,
     .min = 1,
     .max = 65536,
     AT(set_size),
     .doc = "Variables updated together"},
    {.name = "sets",
     .value = "N",
     .fallback = "4000",
     .kind = STRADS_OPTION_UINT,
     .min = 10,
     .max = INFINITY,
     AT(sets),
     .doc = "Schedule sets"},
    {.name = "seed",
     .value = "N",
     .fallback = "1",
     .kind = STRADS_OPTION_UINT,
     AT(seed),
     .doc = "Seed of the schedule and of the response"},
    {.name = "json", .kind = STRADS_OPTION_FLAG, AT(json), .doc = "Print JSON"},
    {0},
};

static int
print(const struct settings *settings, const struct strads_bench_schedule_result *result)
{
	double sets = (double)settings->sets;

	if (settings->json) {
		json_t *all = json_pack(
		    "{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:f, s:f, s:f}", "variables",
		    (json_int_t)settings->variables, "sets", (json_int_t)settings->sets, "updates",
		    (json_int_t)result->updates, "touched", (json_int_t)result->touched,
		    "scheduler_bytes", (json_int_t)result->scheduler_bytes, "bytes",
		    (json_int_t)result->bytes, "messages", (json_int_t)result->messages,
		    "draw_ns_first", result->draw_ns[0], "draw_ns_last", result->draw_ns[1],
		    "seconds", result->seconds, "fall", result->fall);

		if (!all || json_dumpf(all, stdout, JSON_COMPACT))
			return strads_fail(STRADS_ERR_MEMORY, "no memory for the results");
		putchar('\n');
		json_decref(all);
	} else {
		printf("variables   %" PRIu64 ", of which %" PRIu64 " were touched in %" PRIu64
		       " updates\n",
		       settings->variables, result->touched, result->updates);
		printf("sent        %.1f bytes and %.3f messages a set\n",
		       (double)result->bytes / sets, (double)result->messages / sets);
		printf("scheduler   %.1f MiB\n", (double)result->scheduler_bytes / 1048576);
		printf("draw        %.0f ns a variable in the first tenth of the sets, %.0f ns in "
		       "the last\n",
		       result->draw_ns[0], result->draw_ns[1]);
		printf("took        %.3g s for %" PRIu64
		       " sets; |r|^2 fell to %.6f of what it was\n",
		       result->seconds, settings->sets, result->fall);
	}
	if (fflush(stdout) || ferror(stdout))
		return strads_fail(STRADS_ERR_IO, "cannot write the results");
	return STRADS_OK;
}

static int
schedule_rank(struct strads_job *job, void *arg)
{
	struct task *task = arg;
	const struct settings *settings = &task->settings;
	const struct strads_bench_schedule_options schedule = {.variables = settings->variables,
							       .set_size =
								   (uint32_t)settings->set_size,
							       .sets = settings->sets,
							       .seed = settings->seed,
							       .engine = settings->launch.engine};
	struct strads_bench_schedule_result result;
	struct strads_fabric *fabric = NULL;
	int status = strads_launch_open(&settings->launch, job, &fabric), code = STRADS_EXIT_DONE;

	if (!status)
		status = strads_bench_schedule(fabric, &schedule, &result);
	if (!status)
		status = strads_job_agree(job, strads_job_rank(job) == 0 ? print(settings, &result)
									 : STRADS_OK);
	if (status)
		code = strads_run_fail(task->run, job, status);
	strads_fabric_close(&fabric);
	return code;
}

int
strads_command_bench_schedule(int argc, char **argv)
{
	struct task task = {.run = NULL};
	const struct strads_option_group groups[] = {
	    {"Schedule:", options, &task.settings},
	    {"Ranks:", strads_launch_rank_options, &task.settings.launch},
	    strads_launch_path_group(&task.settings.launch),
	    {"Engine:", strads_launch_engine_options, &task.settings.launch},
	    {"Simulated network (--fabric sim):", strads_launch_sim_options, &task.settings.launch},
	    {0},
	};
	const struct strads_arguments arguments = {
	    .command = argv[0],
	    .about =
		"Measure what a schedule by priority costs over any number of variables, which "
		"are computed and not stored: least squares by coordinate descent.",
	    .positional = "variables",
	    .groups = groups,
	};
	int status = strads_arguments_parse(&arguments, argc, argv);

	if (!status)
		status = strads_launch_settle(&task.settings.launch);
	return strads_launch_command(&task.settings.launch, status, argv[0], schedule_rank, &task,
				     &task.run);
}
