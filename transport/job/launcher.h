/*
 * What the environment says about the launcher that started this process (mpirun, srun).
 */
#ifndef STRADS_LAUNCHER_H
#define STRADS_LAUNCHER_H

#include <stdbool.h>

/* Whether a launcher has started this process as one of the ranks of a job. */
bool strads_launcher_present(void);

/* The name of the variable that tells this process its rank, or the number of ranks; NULL: no
 * launcher has set one. */
const char *strads_launcher_rank_variable(void);
const char *strads_launcher_size_variable(void);

/* Whether the launcher does not fit this binary's MPI, which sees `mpi_size` ranks; 0: it is not
 * initialised yet, and may be unable to. */
bool strads_launcher_misfit(int mpi_size);

/* Says so in one line (by one of the processes) and returns the exit code of this process. */
int strads_launcher_complain(int mpi_size);

#endif
