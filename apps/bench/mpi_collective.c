/*
 * Rounds by MPI's collectives: keys by a broadcast, the sum of the partials at the owners by a
 * reduce-scatter, the new values by an all-gather; and what a rank costs that waits.
 */
#include "mpi_side.h"

#include <sys/resource.h>
#include <time.h>

#define SETTLING_NS  100000000
#define IDLE_LEAST_S 1.0

static int
collective_open(struct strads_bench *bench, void **context)
{
	struct strads_mpi *mpi;
	int status = strads_mpi_open(bench, &mpi);

	if (!status)
		*context = mpi;
	return status;
}

/* Splits n elements among the ranks. */
static void
split(struct strads_mpi *mpi, int n)
{
	for (int rank = 0, at = 0; rank < mpi->size; rank++) {
		mpi->counts[rank] = n / mpi->size + (rank < n % mpi->size);
		mpi->displacements[rank] = at;
		at += mpi->counts[rank];
	}
}

static void
broadcast(struct strads_mpi *mpi, int n)
{
	MPI_Bcast(mpi->rank == 0 ? mpi->from : mpi->to, n, MPI_UINT64_T, 0, MPI_COMM_WORLD);
}

static void
sum(struct strads_mpi *mpi)
{
	MPI_Reduce_scatter(mpi->from, mpi->to, mpi->counts, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
}

static void
gather(struct strads_mpi *mpi)
{
	MPI_Allgatherv(mpi->from, mpi->counts[mpi->rank], MPI_DOUBLE, mpi->to, mpi->counts,
		       mpi->displacements, MPI_DOUBLE, MPI_COMM_WORLD);
}

/* One set. A broadcast returns at its root before others have it: a barrier waits for them, as the
 * answers to a dispatched set do. */
static void
carry(struct strads_mpi *mpi, int n)
{
	switch (mpi->bench->options->what) {
	case STRADS_BENCH_DISPATCH:
		broadcast(mpi, n);
		MPI_Barrier(MPI_COMM_WORLD);
		break;
	case STRADS_BENCH_PULL:
		sum(mpi);
		break;
	case STRADS_BENCH_COMMIT:
		gather(mpi);
		break;
	default:
		broadcast(mpi, n);
		sum(mpi);
		gather(mpi);
		break;
	}
}

static int
run_sets(void *context, const struct strads_task *task, struct strads_samples *samples,
	 struct strads_taken *taken)
{
	struct strads_mpi *mpi = context;
	bool variables = mpi->bench->options->what == STRADS_BENCH_ROUND;
	int n = (int)(variables ? task->bytes : task->bytes / sizeof(double));
	struct strads_lap lap;

	split(mpi, n);
	carry(mpi, n);
	lap = strads_lap_start(mpi->bench, task, mpi->rank == 0 ? samples : NULL);
	for (uint64_t k = 0; k < task->count; k++) {
		carry(mpi, n);
		strads_lap_done(&lap);
	}
	taken->elapsed_ns = strads_lap_elapsed(&lap);
	MPI_Barrier(MPI_COMM_WORLD);
	return STRADS_OK;
}

/* ---- idle ---- */

static double
used_ns(void)
{
	struct rusage usage;

	if (getrusage(RUSAGE_SELF, &usage))
		return 0;
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e9 +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e3;
}

static void
doze(double ns)
{
	struct timespec left = {.tv_sec = (time_t)(ns * 1e-9)};

	left.tv_nsec = (long)(ns - (double)left.tv_sec * 1e9);
	while (nanosleep(&left, &left))
		;
}

/* Rank 0 sleeps; all others wait to hear from it, twice: for the time to settle, and after. */
static int
run_idle(void *context, const struct strads_task *task, struct strads_samples *samples,
	 struct strads_taken *taken)
{
	struct strads_mpi *mpi = context;
	double seconds = mpi->bench->options->duration_s, used = 0;
	uint64_t start_ns = 0;

	(void)task;
	(void)samples;
	MPI_Barrier(MPI_COMM_WORLD);
	for (int phase = 0; phase < 2; phase++) {
		start_ns = strads_bench_now(mpi->bench);
		used = used_ns();
		if (mpi->rank == 0)
			doze(phase == 0 ? SETTLING_NS
					: (seconds < IDLE_LEAST_S ? IDLE_LEAST_S : seconds) * 1e9);
		for (int peer = 1; mpi->rank == 0 && peer < mpi->size; peer++)
			MPI_Send(mpi->from, 1, MPI_BYTE, peer, 0, MPI_COMM_WORLD);
		if (mpi->rank > 0)
			MPI_Recv(mpi->to, 1, MPI_BYTE, 0, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
	}
	taken->elapsed_ns = strads_bench_now(mpi->bench) - start_ns;
	taken->share = (used_ns() - used) / (double)taken->elapsed_ns;
	return STRADS_OK;
}

#define COLLECTIVE(case, how)                                                                      \
	{                                                                                          \
		.what = (case), .name = "MPI", .open = collective_open, .run = (how),              \
		.close = strads_mpi_delete                                                         \
	}

const struct strads_side strads_mpi_collective[] = {
    COLLECTIVE(STRADS_BENCH_DISPATCH, run_sets), COLLECTIVE(STRADS_BENCH_PULL, run_sets),
    COLLECTIVE(STRADS_BENCH_COMMIT, run_sets),   COLLECTIVE(STRADS_BENCH_ROUND, run_sets),
    COLLECTIVE(STRADS_BENCH_IDLE, run_idle),     {0},
};
