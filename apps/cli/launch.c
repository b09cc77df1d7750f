#include "launch.h"

#include <assert.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

static_assert(sizeof(size_t) == sizeof(uint64_t), "sizes are options of 64 bits");

#define AT(field) .offset = offsetof(struct strads_launch, field)

const struct strads_option strads_launch_rank_options[] = {
    {.name = "job",
     .value = "KIND",
     .fallback = "auto",
     .kind = STRADS_OPTION_STRING,
     AT(job),
     .doc = "How ranks come together: local (started here), mpi (by mpirun or srun), tcp (each "
	    "started by hand; STRADS_ROOT, STRADS_RANK and STRADS_SIZE tell), self (one, this "
	    "process), sim, or auto: what the environment and --ranks call for"},
    {.name = "ranks",
     .value = "N",
     .fallback = "1",
     .kind = STRADS_OPTION_INT,
     .min = 1,
     .max = 4096,
     AT(ranks),
     .doc = "Processes to start on this host; a launcher (mpirun, srun) or STRADS_SIZE decides "
	    "otherwise"},
    {.name = "fabric",
     .value = "NAME",
     .fallback = "auto",
     .kind = STRADS_OPTION_STRING,
     AT(fabric),
     .doc = "auto (shared memory within a host, else an RDMA device, else libfabric; auto:N as if "
	    "each N ranks had a host), shm, verbs, verbs:DEVICE[:PORT[:GID]], ofi, ofi:PROVIDER, "
	    "or sim: all ranks in this process on a virtual clock"},
    {.name = "timeout",
     .value = "SECONDS",
     .fallback = "60",
     .kind = STRADS_OPTION_DOUBLE,
     .min = 0.001,
     .max = 86400,
     AT(timeout_s),
     .doc = "Longest wait for another rank before it counts as failed"},
    {0},
};

const struct strads_option strads_launch_engine_options[] = {
    {.name = "schedulers",
     .value = "N",
     .fallback = "1",
     .kind = STRADS_OPTION_INT,
     .min = 1,
     .max = 4096,
     AT(engine.schedulers),
     .doc = "Ranks that schedule, in turn"},
    {.name = "depth",
     .value = "N",
     .fallback = "2",
     .kind = STRADS_OPTION_INT,
     .min = 1,
     .max = 64,
     AT(engine.depth),
     .doc = "Schedule sets in flight"},
    {.name = "staleness",
     .value = "N",
     .fallback = "0",
     .kind = STRADS_OPTION_INT,
     .max = 63,
     AT(engine.staleness),
     .doc = "Each set is computed from a state that lacks exactly the N sets before it (stale "
	    "synchronous parallel), which must be less than the depth; 0: bulk synchronous"},
    {.name = "eager",
     .value = "BYTES",
     .fallback = "64K",
     .kind = STRADS_OPTION_SIZE,
     .max = INFINITY,
     AT(engine.eager_bytes),
     .doc = "Partial results up to this size travel with their signal; 0: all are read"},
    {.name = "chunk-bytes",
     .value = "BYTES",
     .fallback = "64K",
     .kind = STRADS_OPTION_SIZE,
     .min = 256,
     .max = 1 << 30,
     AT(engine.chunk_bytes),
     .doc = "Largest message and largest read; changes no result"},
    {.name = "fan-out",
     .value = "N",
     .fallback = "0",
     .kind = STRADS_OPTION_INT,
     .max = 4096,
     AT(engine.fan_out),
     .doc = "Arity of the trees by which sets and commits reach many ranks and partials come "
	    "back; as many as ranks: directly; 0: what suits the ranks and the sizes"},
    {.name = "memory",
     .value = "BYTES",
     .fallback = "256M",
     .kind = STRADS_OPTION_SIZE,
     .min = 65536,
     .max = INFINITY,
     AT(engine.memory_bytes),
     .doc = "Budget of a rank for rings and staging"},
    {0},
};

const struct strads_option strads_launch_sim_options[] = {
    {.name = "sim-seed",
     .value = "N",
     .fallback = "1",
     .kind = STRADS_OPTION_UINT,
     AT(sim.seed),
     .doc = "Seed of delays, reordering and tearing"},
    {.name = "sim-latency",
     .value = "NS",
     .fallback = "1500",
     .kind = STRADS_OPTION_DOUBLE,
     .max = 1e12,
     AT(sim.latency_ns),
     .doc = "One-way latency"},
    {.name = "sim-overhead",
     .value = "NS",
     .fallback = "100",
     .kind = STRADS_OPTION_DOUBLE,
     .max = 1e12,
     AT(sim.overhead_ns),
     .doc = "Cost of posting an operation"},
    {.name = "sim-receive",
     .value = "NS",
     .fallback = "0",
     .kind = STRADS_OPTION_DOUBLE,
     .max = 1e12,
     AT(sim.receive_ns),
     .doc = "Cost of a signal at its target"},
    {.name = "sim-bandwidth",
     .value = "GB/S",
     .fallback = "12",
     .kind = STRADS_OPTION_DOUBLE,
     .max = 1e6,
     AT(sim.bytes_per_ns),
     .doc = "Per rank and direction; 0: unlimited"},
    {.name = "sim-jitter",
     .value = "NUMBER",
     .fallback = "0",
     .kind = STRADS_OPTION_DOUBLE,
     .max = 1e6,
     AT(sim.jitter),
     .doc = "Delays grow by up to this factor, at random"},
    {.name = "sim-compute",
     .value = "NUMBER",
     .fallback = "1",
     .kind = STRADS_OPTION_DOUBLE,
     .max = 1e6,
     AT(sim.compute_scale),
     .doc = "Computing takes this many times its declared cost"},
    {.name = "sim-tear",
     .kind = STRADS_OPTION_FLAG,
     AT(sim.tear),
     .doc = "Data without a signal arrive in pieces, in any order"},
    {.name = "sim-kill-rank",
     .value = "RANK",
     .fallback = "0",
     .kind = STRADS_OPTION_INT,
     .max = 4095,
     AT(sim.kill_rank),
     .doc = "With --sim-kill-at: the rank that dies"},
    {.name = "sim-kill-at",
     .value = "NS",
     .fallback = "0",
     .kind = STRADS_OPTION_UINT,
     AT(sim.kill_at_ns),
     .doc = "Virtual time of that death; 0: nobody dies"},
    {0},
};

struct strads_option_group
strads_launch_path_group(struct strads_launch *launch)
{
	for (int i = 0; i < STRADS_SETTINGS; i++) {
		const struct strads_setting *setting = strads_setting(i);

		launch->path_options[i] = (struct strads_option){.name = setting->name,
								 .variable = setting->variable,
								 .value = setting->value,
								 .fallback = setting->fallback,
								 .doc = setting->doc,
								 .kind = STRADS_OPTION_STRING,
								 AT(path_settings[i])};
	}
	launch->path_options[STRADS_SETTINGS] = (struct strads_option){0};
	return (struct strads_option_group){.title = "RDMA adapters and memory:",
					    .options = launch->path_options,
					    .settings = launch};
}

bool
strads_launch_reserves(const struct strads_launch *launch)
{
	for (int i = 0; i < STRADS_SETTINGS; i++) {
		const char *text = launch->path_settings[i];

		if (text && strcmp(strads_setting(i)->name, "huge-pages") == 0)
			return strcmp(text, "reserved") == 0;
	}
	return false;
}

static const struct {
	const char *name;
	enum strads_job_kind kind;
} jobs[] = {
    {"auto", STRADS_JOB_AUTO}, {"local", STRADS_JOB_LOCAL}, {"mpi", STRADS_JOB_MPI},
    {"tcp", STRADS_JOB_TCP},   {"self", STRADS_JOB_SELF},   {"sim", STRADS_JOB_SIM},
};

#define JOBS (sizeof jobs / sizeof jobs[0])

/* Its index in the table above, or JOBS. */
static size_t
find_job(const char *name)
{
	size_t i = 0;

	while (i < JOBS && strcmp(jobs[i].name, name) != 0)
		i++;
	return i;
}

static int
check_job(const struct strads_launch *launch)
{
	size_t found = find_job(launch->job);

	if (found == JOBS)
		return strads_fail(STRADS_ERR_INPUT,
				   "--job: '%s' is not one of auto, local, mpi, tcp, self, sim",
				   launch->job);
	if (jobs[found].kind != STRADS_JOB_AUTO && jobs[found].kind != STRADS_JOB_SIM &&
	    strcmp(launch->fabric, "sim") == 0)
		return strads_fail(STRADS_ERR_INPUT,
				   "--fabric sim simulates the ranks too: leave --job %s out",
				   launch->job);
	return STRADS_OK;
}

int
strads_launch_settle(struct strads_launch *launch)
{
	static const char *const names[] = {"auto", "shm", "verbs", "ofi", "sim", NULL};
	bool known = (strncmp(launch->fabric, "ofi:", 4) == 0 && launch->fabric[4]) ||
		     (strncmp(launch->fabric, "verbs:", 6) == 0 && launch->fabric[6]) ||
		     (strncmp(launch->fabric, "auto:", 5) == 0 && launch->fabric[5]);
	int status;

	for (int i = 0; names[i]; i++)
		known = known || strcmp(launch->fabric, names[i]) == 0;
	if (!known)
		return strads_fail(
		    STRADS_ERR_INPUT,
		    "--fabric: '%s' is not one of auto, shm, verbs, verbs:DEVICE, ofi, "
		    "ofi:PROVIDER, sim; "
		    "see `strads info`",
		    launch->fabric);
	status = check_job(launch);
	if (!status)
		status = strads_settings_check(launch->path_settings);
	launch->engine.timeout_ms = (uint64_t)(launch->timeout_s * 1e3);
	return status;
}

/* The hash of all settings that ranks must share. Returns STRADS_OK, ERR_MEMORY. */
static int
settings_hash(const struct strads_launch *launch, const struct strads_option_group *groups,
	      uint64_t *hash)
{
	json_t *shared = json_object();
	char *text = NULL;

	for (const struct strads_option_group *g = groups; shared && g->options; g++) {
		const struct strads_option_group one[2] = {*g, {0}};
		json_t *values =
		    g->options == launch->path_options ? json_object() : strads_options_json(one);

		if (!values || json_object_update(shared, values)) {
			json_decref(shared);
			shared = NULL;
		}
		json_decref(values);
	}
	text = shared ? json_dumps(shared, JSON_SORT_KEYS | JSON_COMPACT) : NULL;
	json_decref(shared);
	if (!text)
		return strads_fail(STRADS_ERR_MEMORY, "no memory to compare the settings");
	*hash = XXH3_64bits(text, strlen(text));
	free(text);
	return STRADS_OK;
}

/* Finds that all ranks have the same settings, those of the paths apart. */
static int
compare(const struct strads_launch *launch, struct strads_job *job,
	const struct strads_option_group *groups)
{
	uint64_t mine = 0;
	int status = settings_hash(launch, groups, &mine);
	const uint64_t *hash;
	void *all;

	status = strads_job_gather(job, status, &mine, sizeof mine, &all);
	if (status)
		return status;
	hash = all;
	for (int rank = 1; !status && rank < strads_job_size(job); rank++) {
		if (hash[rank] != hash[0])
			status = strads_fail(STRADS_ERR_INPUT,
					     "the settings of ranks 0 and %d differ: give all the "
					     "same flags and STRADS_ variables",
					     rank);
	}
	free(all);
	return status;
}

int
strads_launch_command(const struct strads_launch *launch, int parsed, const char *command,
		      strads_rank_main *rank_main, void *arg, struct strads_run **run)
{
	int code;

	if (parsed == STRADS_AGAIN)
		return strads_run_printed(command);
	if (parsed)
		return strads_run_refuse(command);
	if (strads_run_new(command, run)) {
		fprintf(stderr, "%s: %s\n", command, strads_error());
		return STRADS_EXIT_FAILED;
	}
	code = strads_launch_run(launch, rank_main, arg);
	strads_run_delete(run);
	return code;
}

int
strads_launch_run(const struct strads_launch *launch, strads_rank_main *rank_main, void *arg)
{
	bool simulated = strcmp(launch->fabric, "sim") == 0;
	const struct strads_job_options options = {
	    .kind = simulated ? STRADS_JOB_SIM : jobs[find_job(launch->job)].kind,
	    .ranks = launch->ranks,
	    .timeout_ms = (uint64_t)(launch->timeout_s * 1e3),
	    .sim = launch->sim,
	};

	return strads_job_run(&options, rank_main, arg);
}

int
strads_launch_open(const struct strads_launch *launch, struct strads_job *job,
		   struct strads_fabric **fabric)
{
	const struct strads_fabric_options options = {.fabric = launch->fabric,
						      .settings = launch->path_settings,
						      .memory_bytes = launch->engine.memory_bytes};
	int status = strads_fabric_open(job, &options, fabric);

	if (!status && strads_job_rank(job) == 0)
		fputs(strads_fabric_notes(*fabric), stderr);
	return status;
}

int
strads_launch_begin(const struct strads_launch *launch, struct strads_job *job,
		    const struct strads_option_group *groups, strads_launch_outputs *open_outputs,
		    void *arg, struct strads_fabric **fabric)
{
	int status = compare(launch, job, groups);

	if (!status)
		status = strads_job_agree(job, strads_job_rank(job) == 0 ? open_outputs(arg)
									 : STRADS_OK);
	return status ? status : strads_launch_open(launch, job, fabric);
}
