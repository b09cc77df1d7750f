/*
 * MPI's side beside ours: processes of MPI's own for each repetition, which are this binary again.
 */
#ifndef STRADS_BENCH_MPIRUN_H
#define STRADS_BENCH_MPIRUN_H

#include "measure.h"

/* One repetition of MPI's side at all sizes, into the last rows of `results`. It may take twenty
 * times as long as ours, `own_ns`, and the fabric's timeout. Collective: all ranks wait for it.
 * Returns STRADS_OK, ERR_UNSUPPORTED (no mpirun here), ERR_IO (it failed), ERR_TIMEOUT,
 * ERR_PROTOCOL. */
STRADS_MUST_CHECK int strads_mpirun_repeat(struct strads_bench *bench,
					   struct strads_results *results, uint64_t own_ns);

#endif
