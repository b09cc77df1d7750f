/*
 * MPI's side: the same patterns by MPI's operations, in processes that MPI keeps for itself. Left
 * out where there is no MPI.
 */
#ifndef STRADS_BENCH_MPI_SIDE_H
#define STRADS_BENCH_MPI_SIDE_H

#include "side.h"

#include <mpi.h>

/* One rank's window and buffers, of up to bench->bytes_max. */
struct strads_mpi {
	struct strads_bench *bench;
	int rank, size;
	size_t bytes;  /* of each buffer */
	size_t pieces; /* in the window: more than one where all write to rank 0 */
	uint8_t *from, *to;
	MPI_Win window;
	uint8_t *exposed;            /* the window's memory */
	int *counts, *displacements; /* [size], of collectives */
};

/* Collective. */
STRADS_MUST_CHECK int strads_mpi_open(struct strads_bench *bench, struct strads_mpi **mpi);

/* A side's close. */
void strads_mpi_delete(void *context);

#endif
