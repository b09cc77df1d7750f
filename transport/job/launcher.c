#include "job/launcher.h"

#include <stdio.h>
#include <stdlib.h>

/* The first of these variables that is set, or NULL. */
static const char *
first_set(const char *const *names)
{
	for (; *names; names++) {
		const char *value = getenv(*names);
		if (value && *value)
			return *names;
	}
	return NULL;
}

const char *
strads_launcher_size_variable(void)
{
	static const char *const names[] = {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE",
					    "SLURM_STEP_NUM_TASKS", "SLURM_NTASKS", NULL};

	return first_set(names);
}

const char *
strads_launcher_rank_variable(void)
{
	static const char *const names[] = {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK",
					    "SLURM_PROCID", NULL};

	return first_set(names);
}

/* The number in a variable, or −1 without one. */
static int
number(const char *name)
{
	const char *value = name ? getenv(name) : NULL;

	return value ? atoi(value) : -1;
}

static int
size_promised(void)
{
	return number(strads_launcher_size_variable());
}

static int
rank_promised(void)
{
	return number(strads_launcher_rank_variable());
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

	return manager_present() || (getenv("SLURM_PROCID") && number(first_set(tasks)) > 1);
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
			"`srun --mpi=pmix` or mpirun, or let tasks meet by themselves: --job "
			"tcp\n",
			size_promised());
	else
		fprintf(
		    stderr,
		    "strads: the launcher started %d ranks but this binary's MPI sees %d: start "
		    "with the mpirun of the MPI it was built with, or with `srun --mpi=pmix`\n",
		    size_promised(), mpi_size);
	return 1;
}
