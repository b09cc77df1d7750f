#include "job/job.h"

#include <stdio.h>

int
strads_job_run_mpi(const struct strads_job_options *options, strads_rank_main *rank_main, void *arg)
{
	(void)options;
	(void)rank_main;
	(void)arg;
	fprintf(stderr, "strads: a job under mpirun or srun needs MPI, which this binary was built "
			"without: install libopenmpi-dev and build again, or see "
			"docs/jobs.md for jobs without it\n");
	return 1;
}
