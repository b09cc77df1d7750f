/*
 * Measures rounds: sets per second of a program that does next to nothing, so that what is left is
 * the engine and the fabric. One line per set size: variables in a set, median and best
 * microseconds per set over the repetitions, and where one set's time went on rank 0.
 */
#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "strads/engine.h"

#define REPETITIONS_MAX 99
#define SIZES_MAX       16

struct settings {
	struct strads_job_options job;
	struct strads_fabric_options fabric;
	struct strads_engine_options engine;
	uint32_t sizes[SIZES_MAX];
	int n_sizes;
	uint32_t blocks;
	uint64_t sets;
	int repetitions;
};

/* The measured program: a partial of one double per variable, a commit of as many. */
struct load {
	uint32_t variables; /* in a block */
	uint32_t blocks;    /* in a set */
	uint64_t sets;      /* in a run */
	uint64_t finished;
	double sum;
};

static int
load_schedule(void *state, uint64_t set, uint32_t index, struct strads_block_draft *draft)
{
	const struct load *load = state;

	draft->n = load->variables;
	for (uint32_t i = 0; i < draft->n; i++)
		draft->keys[i] = set + index + i;
	draft->last = index + 1 == load->blocks;
	return STRADS_OK;
}

static size_t
load_partial_elems(void *state, const struct strads_block *block)
{
	(void)state;
	return block->n;
}

static int
load_push(void *state, const struct strads_block *block, double *partial)
{
	(void)state;
	for (uint32_t i = 0; i < block->n; i++)
		partial[i] = (double)block->keys[i];
	return STRADS_OK;
}

static int
load_pull(void *state, const struct strads_block *block, const double *sum, void *commit,
	  size_t *commit_bytes)
{
	(void)state;
	*commit_bytes = block->n * sizeof *sum;
	memcpy(commit, sum, *commit_bytes);
	return STRADS_OK;
}

static int
load_sync(void *state, const struct strads_block *block, const void *commit, size_t commit_bytes)
{
	struct load *load = state;
	const double *values = commit;

	(void)block;
	if (commit_bytes)
		load->sum += values[0];
	return STRADS_OK;
}

static int
load_finish(void *state, const struct strads_block *last)
{
	struct load *load = state;

	(void)last;
	return ++load->finished % load->sets == 0 ? STRADS_STOP : STRADS_OK;
}

static struct strads_program
load_program(struct load *load)
{
	return (struct strads_program){.name = "load",
				       .state = load,
				       .block_max = load->variables ? load->variables : 1,
				       .set_blocks_max = load->blocks,
				       .partial_max = load->variables,
				       .commit_max = load->variables * sizeof(double),
				       .schedule = load_schedule,
				       .partial_elems = load_partial_elems,
				       .push = load_push,
				       .pull = load_pull,
				       .sync = load_sync,
				       .finish = load_finish};
}

static int
ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void
print_line(const struct load *load, const double *us, int n,
	   const struct strads_engine_stats *stats)
{
	printf("%9u %6u %9.2f %9.2f |", load->variables, load->blocks, us[n / 2], us[0]);
	for (int i = 0; i < STRADS_STAGES; i++)
		printf(" %s %.2f+%.2f", strads_stage_name((enum strads_stage)i),
		       (double)stats->stage[i].busy_ns / 1e3 / (double)stats->sets,
		       (double)stats->stage[i].stall_ns / 1e3 / (double)stats->sets);
	printf("\n");
	fflush(stdout);
}

/* One set size: the first run warms up. */
static int
measure(struct strads_job *job, struct strads_fabric *fabric, const struct settings *settings,
	uint32_t variables)
{
	struct load load = {
	    .variables = variables, .blocks = settings->blocks, .sets = settings->sets};
	struct strads_program program = load_program(&load);
	struct strads_engine_stats stats;
	struct strads_engine *engine;
	double us[REPETITIONS_MAX];
	int status = strads_engine_new(fabric, &program, &settings->engine, &engine);

	if (status != STRADS_OK)
		return status;
	for (int i = -1; i < settings->repetitions && status == STRADS_OK; i++) {
		uint64_t start = strads_fabric_clock_ns(fabric);

		status = strads_engine_run(engine);
		if (i >= 0)
			us[i] = (double)(strads_fabric_clock_ns(fabric) - start) / 1e3 /
				(double)settings->sets;
	}
	strads_engine_stats(engine, &stats);
	strads_engine_delete(&engine);
	if (status != STRADS_OK)
		return status;
	qsort(us, (size_t)settings->repetitions, sizeof *us, ascending);
	if (strads_job_rank(job) == 0)
		print_line(&load, us, settings->repetitions, &stats);
	return STRADS_OK;
}

static int
rank_main(struct strads_job *job, void *arg)
{
	const struct settings *settings = arg;
	struct strads_fabric_info info;
	struct strads_fabric *fabric;
	int status = strads_fabric_open(job, &settings->fabric, &fabric);

	if (status == STRADS_OK && strads_job_rank(job) == 0) {
		strads_fabric_query(fabric, strads_job_size(job) - 1, &info);
		printf("# %d ranks, path to the last: %s\n", strads_job_size(job), info.path);
		printf("#variables blocks median_us   best_us | busy+stall us of rank 0 per set\n");
	}
	for (int i = 0; i < settings->n_sizes && status == STRADS_OK; i++)
		status = measure(job, fabric, settings, settings->sizes[i]);
	if (status == STRADS_OK) {
		status = strads_job_barrier(job);
		strads_fabric_close(&fabric);
	}
	if (status != STRADS_OK)
		fprintf(stderr, "round: rank %d: %s\n", strads_job_rank(job), strads_error());
	return status == STRADS_OK ? 0 : 1;
}

/* ---- Options ----------------------------------------------------------------------------- */

static const struct argp_option options[] = {
    {"ranks", 'n', "N", 0, "ranks (default 2)", 0},
    {"job", 'j', "KIND", 0, "local, sim, mpi or auto (default)", 0},
    {"fabric", 'f', "FABRIC", 0, "as for strads (default auto)", 0},
    {"variables", 'v', "LIST", 0, "variables in a block (default 1,64,512,4096)", 0},
    {"blocks", 'b', "N", 0, "blocks in a set (default 1)", 0},
    {"sets", 's', "N", 0, "sets in a run (default 20000)", 0},
    {"repetitions", 'r', "N", 0, "runs (default 7)", 0},
    {"depth", 'd', "N", 0, "sets in flight (default 2)", 0},
    {"schedulers", 'S', "N", 0, "ranks that schedule (default 1)", 0},
    {"eager", 'e', "BYTES", 0, "partials up to this travel with their signal (default 4096)", 0},
    {"chunk-bytes", 'c', "BYTES", 0, "largest message (default 65536)", 0},
    {0},
};

static int
job_kind(const char *name)
{
	static const struct {
		const char *name;
		enum strads_job_kind kind;
	} kinds[] = {{"auto", STRADS_JOB_AUTO},
		     {"local", STRADS_JOB_LOCAL},
		     {"sim", STRADS_JOB_SIM},
		     {"mpi", STRADS_JOB_MPI}};

	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (strcmp(name, kinds[i].name) == 0)
			return (int)kinds[i].kind;
	return -1;
}

static error_t
read_sizes(struct settings *settings, char *list, struct argp_state *state)
{
	char *rest = NULL;

	settings->n_sizes = 0;
	for (char *item = strtok_r(list, ",", &rest); item; item = strtok_r(NULL, ",", &rest)) {
		if (settings->n_sizes == SIZES_MAX)
			argp_error(state, "more than %d sizes", SIZES_MAX);
		settings->sizes[settings->n_sizes++] = (uint32_t)strtoul(item, NULL, 10);
	}
	return 0;
}

static error_t
read_option(int key, char *arg, struct argp_state *state)
{
	struct settings *settings = state->input;

	switch (key) {
	case 'n':
		settings->job.ranks = atoi(arg);
		break;
	case 'j':
		if (job_kind(arg) < 0)
			argp_error(state, "unknown job '%s'", arg);
		settings->job.kind = (enum strads_job_kind)job_kind(arg);
		break;
	case 'f':
		settings->fabric.fabric = arg;
		break;
	case 'v':
		return read_sizes(settings, arg, state);
	case 'b':
		settings->blocks = (uint32_t)strtoul(arg, NULL, 10);
		break;
	case 's':
		settings->sets = strtoull(arg, NULL, 10);
		break;
	case 'r':
		settings->repetitions = atoi(arg);
		break;
	case 'd':
		settings->engine.depth = atoi(arg);
		break;
	case 'S':
		settings->engine.schedulers = atoi(arg);
		break;
	case 'e':
		settings->engine.eager_bytes = strtoull(arg, NULL, 10);
		break;
	case 'c':
		settings->engine.chunk_bytes = strtoull(arg, NULL, 10);
		break;
	case ARGP_KEY_END:
		if (settings->sets == 0 || settings->blocks == 0 || settings->repetitions < 1 ||
		    settings->repetitions > REPETITIONS_MAX)
			argp_error(state,
				   "sets, blocks and repetitions (up to %d) must be positive",
				   REPETITIONS_MAX);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

int
main(int argc, char **argv)
{
	static const struct argp argp = {
	    .options = options,
	    .parser = read_option,
	    .doc = "Measures how many sets per second the engine carries over a fabric."};
	struct settings settings = {
	    .job = {.kind = STRADS_JOB_AUTO,
		    .ranks = 2,
		    .sim = {.latency_ns = 1500, .overhead_ns = 100, .bytes_per_ns = 12}},
	    .fabric = {.fabric = "auto"},
	    .sizes = {1, 64, 512, 4096},
	    .n_sizes = 4,
	    .blocks = 1,
	    .sets = 20000,
	    .repetitions = 7};

	strads_engine_defaults(&settings.engine);
	argp_parse(&argp, argc, argv, 0, NULL, &settings);
	return strads_job_run(&settings.job, rank_main, &settings);
}
