#include "mpi_side.h"

#include <stdlib.h>

#define PAGE 4096

static int
allocate(struct strads_mpi *mpi)
{
	mpi->from = aligned_alloc(PAGE, mpi->bytes);
	mpi->to = aligned_alloc(PAGE, mpi->bytes);
	mpi->counts = calloc((size_t)mpi->size, 2 * sizeof *mpi->counts);
	if (!mpi->from || !mpi->to || !mpi->counts)
		return strads_fail(STRADS_ERR_MEMORY, "no memory for MPI's side");
	for (size_t i = 0; i < mpi->bytes; i++)
		mpi->from[i] = mpi->to[i] = 0;
	mpi->displacements = mpi->counts + mpi->size;
	return STRADS_OK;
}

int
strads_mpi_open(struct strads_bench *bench, struct strads_mpi **out)
{
	struct strads_mpi *mpi = calloc(1, sizeof *mpi);
	bool fan_in = bench->options->what == STRADS_BENCH_FAN_IN;
	int variables = bench->options->what == STRADS_BENCH_ROUND ? sizeof(double) : 1;
	int status;

	if (!mpi)
		return strads_fail(STRADS_ERR_MEMORY, "no memory for MPI's side");
	mpi->bench = bench;
	mpi->rank = bench->team.rank;
	mpi->size = bench->team.size;
	mpi->bytes = (bench->bytes_max * (size_t)variables + PAGE - 1) / PAGE * PAGE;
	mpi->pieces = fan_in && mpi->rank == 0 ? (size_t)mpi->size : 1;
	mpi->window = MPI_WIN_NULL;
	status = allocate(mpi);
	if (status) {
		strads_mpi_delete(mpi);
		return status;
	}
	MPI_Win_allocate((MPI_Aint)(mpi->pieces * mpi->bytes), 1, MPI_INFO_NULL, MPI_COMM_WORLD,
			 &mpi->exposed, &mpi->window);
	MPI_Win_lock_all(0, mpi->window);
	*out = mpi;
	return STRADS_OK;
}

void
strads_mpi_delete(void *context)
{
	struct strads_mpi *mpi = context;

	if (mpi->window != MPI_WIN_NULL) {
		MPI_Win_unlock_all(mpi->window);
		MPI_Win_free(&mpi->window);
	}
	free(mpi->counts);
	free(mpi->to);
	free(mpi->from);
	free(mpi);
}
