#include "job/launcher.h"

#include <stdio.h>
#include <stdlib.h>

/* The number in the first of these variables that is set, or −1. */
static int
first_number(const char *const *names)
{
	for (; *names; names++) {
		const char *value = getenv(*names);
		if (value && *value)
			return atoi(value);
	}
	return -1;
}

static int
size_promised(void)
{
	static const char *const names[] = {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE",
					    "SLURM_STEP_NUM_TASKS", "SLURM_NTASKS", NULL};

	return first_number(names);
}

static int
rank_promised(void)
{
	static const char *const names[] = {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK",
					    "SLURM_PROCID", NULL};

	return first_number(names);
}

/* Whether a process manager has left word of how to reach it. */
static bool
manager_present(void)
{
	return getenv("OMPI_COMM_WORLD_SIZE") || getenv("PMIX_RANK") || getenv("PMI_RANK");
}

bool
strads_launcher_present(void)
{
	static const char *const tasks[] = {"SLURM_STEP_NUM_TASKS", "SLURM_NTASKS", NULL};

	return manager_present() || (getenv("SLURM_PROCID") && first_number(tasks) > 1);
}

bool
strads_launcher_misfit(int mpi_size)
{
	if (!strads_launcher_present())
		return false;
	if (mpi_size == 0)
		return !manager_present();
	return size_promised() > 0 && size_promised() != mpi_size;
}

int
strads_launcher_complain(int mpi_size)
{
	/* Every process finds out; the one that its launcher calls 0 speaks for all, and fails. */
	if (rank_promised() > 0)
		return 0;
	if (mpi_size == 0)
		fprintf(stderr,
			"strads: srun started %d tasks without PMIx, which MPI needs: start with "
			"`srun --mpi=pmix` or mpirun (or ask for a local job to ignore srun)\n",
			size_promised());
	else
		fprintf(
		    stderr,
		    "strads: the launcher started %d ranks but this binary's MPI sees %d: start "
		    "with the mpirun of the MPI it was built with, or with `srun --mpi=pmix`\n",
		    size_promised(), mpi_size);
	return 1;
}
