/*
 * What the environment says about the launcher that started this process (mpirun, srun).
 */
#ifndef STRADS_LAUNCHER_H
#define STRADS_LAUNCHER_H

#include <stdbool.h>

/* Whether a launcher has started this process as one of the ranks of a job. */
bool strads_launcher_present(void);

/* Whether the launcher does not fit this binary's MPI, which sees `mpi_size` ranks; 0: it is not
 * initialised yet, and may be unable to. */
bool strads_launcher_misfit(int mpi_size);

/* Says so in one line (by one of the processes) and returns the exit code of this process. */
int strads_launcher_complain(int mpi_size);

#endif
