/*
 * MPI between single ranks: puts and gets with a flush, a message to and fro by send and receive
 * (the quickest that MPI has to tell a peer of a payload), and streams of puts and gets, flushed
 * every tx_depth operations. Ranks without a part wait in a barrier, where MPI makes progress.
 */
#include "mpi_side.h"

static int
pair_open(struct strads_bench *bench, void **context)
{
	struct strads_mpi *mpi;
	int status = strads_mpi_open(bench, &mpi);

	if (!status)
		*context = mpi;
	return status;
}

static void
put(struct strads_mpi *mpi, int peer, int bytes)
{
	MPI_Aint at = mpi->bench->options->what == STRADS_BENCH_FAN_IN
			  ? (MPI_Aint)((size_t)mpi->rank * mpi->bytes)
			  : 0;

	MPI_Put(mpi->from, bytes, MPI_BYTE, peer, at, bytes, MPI_BYTE, mpi->window);
}

static void
get(struct strads_mpi *mpi, int peer, int bytes)
{
	MPI_Get(mpi->to, bytes, MPI_BYTE, peer, 0, bytes, MPI_BYTE, mpi->window);
}

/* ---- One at a time ---- */

static int
run_single(struct strads_mpi *mpi, const struct strads_task *task, bool reads,
	   struct strads_samples *samples, struct strads_taken *taken)
{
	MPI_Barrier(MPI_COMM_WORLD);
	if (mpi->rank == 0) {
		struct strads_lap lap = strads_lap_start(mpi->bench, task, samples);

		for (uint64_t k = 0; k < task->count; k++) {
			if (reads)
				get(mpi, 1, (int)task->bytes);
			else
				put(mpi, 1, (int)task->bytes);
			MPI_Win_flush(1, mpi->window);
			strads_lap_done(&lap);
		}
		taken->elapsed_ns = strads_lap_elapsed(&lap);
	}
	MPI_Barrier(MPI_COMM_WORLD);
	return STRADS_OK;
}

static int
run_put(void *context, const struct strads_task *task, struct strads_samples *samples,
	struct strads_taken *taken)
{
	return run_single(context, task, false, samples, taken);
}

static int
run_get(void *context, const struct strads_task *task, struct strads_samples *samples,
	struct strads_taken *taken)
{
	return run_single(context, task, true, samples, taken);
}

static int
run_ping_pong(void *context, const struct strads_task *task, struct strads_samples *samples,
	      struct strads_taken *taken)
{
	struct strads_mpi *mpi = context;
	int bytes = (int)task->bytes, peer = 1 - mpi->rank;
	struct strads_lap lap;

	MPI_Barrier(MPI_COMM_WORLD);
	lap = strads_lap_start(mpi->bench, task, mpi->rank == 0 ? samples : NULL);
	for (uint64_t k = 0; mpi->rank < 2 && k < task->count; k++) {
		if (mpi->rank == 0)
			MPI_Send(mpi->from, bytes, MPI_BYTE, peer, 0, MPI_COMM_WORLD);
		MPI_Recv(mpi->to, bytes, MPI_BYTE, peer, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
		if (mpi->rank == 1)
			MPI_Send(mpi->from, bytes, MPI_BYTE, peer, 0, MPI_COMM_WORLD);
		strads_lap_done(&lap);
	}
	if (mpi->rank == 0)
		taken->elapsed_ns = strads_lap_elapsed(&lap);
	MPI_Barrier(MPI_COMM_WORLD);
	return STRADS_OK;
}

/* ---- Many under way ---- */

static void
stream(struct strads_mpi *mpi, const struct strads_task *task, int first, int last)
{
	uint64_t depth = mpi->bench->options->tx_depth, under_way = 0;
	bool reads = mpi->bench->options->what == STRADS_BENCH_GET_BW;

	for (uint64_t k = 0; k < task->count; k++) {
		for (int peer = first; peer <= last; peer++) {
			if (reads)
				get(mpi, peer, (int)task->bytes);
			else
				put(mpi, peer, (int)task->bytes);
			if (++under_way < depth)
				continue;
			MPI_Win_flush_all(mpi->window);
			under_way = 0;
		}
	}
	MPI_Win_flush_all(mpi->window);
}

static int
run_stream(void *context, const struct strads_task *task, struct strads_samples *samples,
	   struct strads_taken *taken)
{
	struct strads_mpi *mpi = context;
	int what = mpi->bench->options->what;
	bool both = mpi->bench->options->bidirectional;
	uint64_t start_ns;

	(void)samples;
	MPI_Barrier(MPI_COMM_WORLD);
	start_ns = strads_bench_now(mpi->bench);
	MPI_Barrier(MPI_COMM_WORLD);
	if (mpi->rank == 0 && what != STRADS_BENCH_FAN_IN)
		stream(mpi, task, 1, what == STRADS_BENCH_FAN_OUT ? mpi->size - 1 : 1);
	else if (mpi->rank > 0 && (what == STRADS_BENCH_FAN_IN || (both && mpi->rank == 1)))
		stream(mpi, task, 0, 0);
	MPI_Barrier(MPI_COMM_WORLD);
	if (mpi->rank == 0)
		taken->elapsed_ns = strads_bench_now(mpi->bench) - start_ns;
	return STRADS_OK;
}

#define PAIR(case, how)                                                                            \
	{                                                                                          \
		.what = (case), .name = "MPI", .open = pair_open, .run = (how),                    \
		.close = strads_mpi_delete                                                         \
	}

const struct strads_side strads_mpi_pair[] = {
    PAIR(STRADS_BENCH_PUT, run_put),
    PAIR(STRADS_BENCH_GET, run_get),
    PAIR(STRADS_BENCH_PUT_SIGNAL, run_ping_pong),
    PAIR(STRADS_BENCH_PUT_BW, run_stream),
    PAIR(STRADS_BENCH_GET_BW, run_stream),
    PAIR(STRADS_BENCH_RATE, run_stream),
    PAIR(STRADS_BENCH_FAN_IN, run_stream),
    PAIR(STRADS_BENCH_FAN_OUT, run_stream),
    {0},
};
