/*
 * A run of MPI's side alone, in processes that mpirun has started for it.
 */
#include "mpi_side.h"

#include "environment.h"
#include "measure.h"
#include "report.h"

#include <string.h>
#include <time.h>

extern const struct strads_side strads_mpi_pair[];
extern const struct strads_side strads_mpi_collective[];

static const struct strads_side *const sides[] = {strads_mpi_pair, strads_mpi_collective, NULL};

static int
mpi_share(void *context, const void *mine, size_t bytes, void *all)
{
	(void)context;
	MPI_Allgather(mine, (int)bytes, MPI_BYTE, all, (int)bytes, MPI_BYTE, MPI_COMM_WORLD);
	return STRADS_OK;
}

static uint64_t
mpi_now_ns(void *context)
{
	struct timespec now;

	(void)context;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void
mpi_give_up(void *context, int status)
{
	(void)context;
	(void)status;
	fprintf(stderr, "strads bench: %s\n", strads_error());
	MPI_Abort(MPI_COMM_WORLD, 1);
}

/* "Open MPI v4.1.4", without the rest. */
static void
name_library(char path[64])
{
	char version[MPI_MAX_LIBRARY_VERSION_STRING];
	int n;

	MPI_Get_library_version(version, &n);
	version[strcspn(version, ",\n")] = '\0';
	snprintf(path, 64, "%.63s", version);
}

static int
report(const struct strads_bench *bench, const struct strads_results *results, json_t *about)
{
	json_t *environment;
	int status;

	if (bench->team.rank != 0)
		return STRADS_OK;
	environment = strads_bench_environment(bench, "as mpirun bound", about);
	if (environment) {
		json_object_set_new(environment, "path", json_string(bench->path));
		json_object_set_new(environment, "signal", json_string("MPI_Send, MPI_Recv"));
		json_object_set_new(environment, "completion", json_string("MPI_Win_flush"));
		json_object_set_new(environment, "progress", json_string("in MPI's calls"));
	}
	status = strads_bench_report(bench, results, environment);
	json_decref(environment);
	return status;
}

int
strads_bench_run_mpi(const struct strads_bench_options *options, json_t *about)
{
	struct strads_bench bench = {
	    .options = options,
	    .what = strads_bench_case((enum strads_bench_what)options->what),
	    .team = {.share = mpi_share, .now_ns = mpi_now_ns, .give_up = mpi_give_up}};
	struct strads_results results = {.sizes = 0};
	int status;

	MPI_Init(NULL, NULL);
	MPI_Comm_rank(MPI_COMM_WORLD, &bench.team.rank);
	MPI_Comm_size(MPI_COMM_WORLD, &bench.team.size);
	name_library(bench.path);
	if (bench.team.size < 2)
		status = strads_fail(STRADS_ERR_INPUT, "--only-mpi takes at least 2 ranks under "
						       "mpirun");
	else
		status = strads_results_new(&bench, sides, &results);
	if (!status)
		status = strads_bench_measure(&bench, &results);
	if (!status)
		status = report(&bench, &results, about);
	strads_results_free(&results);
	MPI_Finalize();
	return bench.team.rank == 0 ? status : STRADS_OK;
}
