#include "bench.h"

#include "environment.h"
#include "measure.h"
#include "picture.h"
#include "pin.h"
#include "report.h"

#include <stdio.h>
#include <string.h>

/* ---- The team of a strads job --------------------------------------------------------------- */

static int
job_share(void *context, const void *mine, size_t bytes, void *all)
{
	return strads_job_allgather(strads_fabric_job(context), mine, bytes, all);
}

static uint64_t
job_now_ns(void *context)
{
	return strads_fabric_clock_ns(context);
}

static void
job_give_up(void *context, int status)
{
	strads_job_abort(strads_fabric_job(context), status);
}

static struct strads_team
team_of(struct strads_fabric *fabric)
{
	struct strads_job *job = strads_fabric_job(fabric);

	return (struct strads_team){.rank = strads_job_rank(job),
				    .size = strads_job_size(job),
				    .context = fabric,
				    .share = job_share,
				    .now_ns = job_now_ns,
				    .give_up = job_give_up};
}

/* ---- Options -------------------------------------------------------------------------------- */

int
strads_bench_check(const struct strads_bench_options *options)
{
	const struct strads_bench_case *what = strads_bench_case(options->what);

	if (options->size % what->step)
		return strads_fail(STRADS_ERR_INPUT,
				   "--size: %llu is no multiple of %zu, which %s needs",
				   (unsigned long long)options->size, what->step, what->name);
	if (options->plot && (options->what == STRADS_BENCH_PROBE || options->only_mpi ||
			      what->kind == STRADS_BENCH_SHARE))
		return strads_fail(STRADS_ERR_INPUT, "--plot: %s has no sizes to draw it against",
				   options->only_mpi ? "--only-mpi" : what->name);
	if (options->size && options->all)
		return strads_fail(STRADS_ERR_INPUT,
				   "--size and --all cannot both be given: leave one out");
	if (options->what == STRADS_BENCH_PROBE && (options->only_mpi || options->against))
		return strads_fail(STRADS_ERR_INPUT, "probe stands beside nothing else: leave "
						     "--against out");
	if (options->what == STRADS_BENCH_OVERLAP &&
	    (options->only_mpi || options->against == STRADS_BENCH_MPI))
		return strads_fail(STRADS_ERR_INPUT, "overlap has no counterpart in MPI");
	if (options->bidirectional && !(what->kind == STRADS_BENCH_BANDWIDTH && what->pair))
		return strads_fail(STRADS_ERR_INPUT,
				   "--bidirectional: %s has but one direction; put-bw, get-bw and "
				   "rate have two",
				   what->name);
	return STRADS_OK;
}

/* ---- A run ---------------------------------------------------------------------------------- */

/* What only the job and the fabric can tell. */
static int
check_here(const struct strads_bench *bench)
{
	if (bench->team.size < 2)
		return strads_fail(STRADS_ERR_INPUT,
				   "%s takes at least 2 ranks: give --ranks 2, or start it with "
				   "mpirun or srun",
				   bench->what->name);
	if (bench->options->against && strcmp(bench->path, "sim") == 0)
		return strads_fail(STRADS_ERR_INPUT,
				   "--against: nothing can be set beside the simulator's clock");
	if (bench->what->kind == STRADS_BENCH_SHARE && strcmp(bench->path, "sim") == 0)
		return strads_fail(STRADS_ERR_INPUT,
				   "%s: processor time means nothing on the simulator's clock",
				   bench->what->name);
	return STRADS_OK;
}

/* A picture is missed where there is no gnuplot, and no more. */
static int
draw(const struct strads_bench *bench, const struct strads_results *results)
{
	int status = strads_bench_draw(bench->options->plot, bench, results);

	if (status != STRADS_ERR_UNSUPPORTED)
		return status;
	fprintf(stderr, "strads bench: %s\n", strads_error());
	return STRADS_OK;
}

static int
report(const struct strads_bench *bench, const struct strads_results *results, const char *pinning,
       json_t *about)
{
	json_t *environment;
	int status;

	if (bench->team.rank != 0)
		return STRADS_OK;
	environment = strads_bench_environment(bench, pinning, about);
	status = strads_bench_report(bench, results, environment);
	json_decref(environment);
	return !status && bench->options->plot ? draw(bench, results) : status;
}

int
strads_bench_run(struct strads_fabric *fabric, const struct strads_bench_options *options,
		 json_t *about)
{
	struct strads_bench bench = {.options = options,
				     .what = strads_bench_case(options->what),
				     .team = team_of(fabric),
				     .fabric = fabric};
	struct strads_job *job = strads_fabric_job(fabric);
	struct strads_fabric_info info = {.path = ""};
	struct strads_results results = {.sizes = 0};
	char pinning[STRADS_PINNING_MAX];
	int status;

	if (bench.team.size > 1)
		strads_fabric_query(fabric, bench.team.rank == 0, &info);
	memcpy(bench.path, info.path, sizeof bench.path);
	status = check_here(&bench);
	if (!status)
		status = strads_results_new(&bench, strads_sides, &results);
	status = strads_job_agree(job, status);
	if (!status)
		status = strads_bench_pin(&bench.team,
					  options->pin && strcmp(bench.path, "sim") != 0, pinning);
	if (!status)
		status = strads_bench_measure(&bench, &results);
	if (!status)
		status = strads_job_agree(job, report(&bench, &results, pinning, about));
	strads_results_free(&results);
	return status;
}
