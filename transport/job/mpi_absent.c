#include "job/job.h"

#include <stdio.h>

int
strads_job_run_mpi(const struct strads_job_options *options, strads_rank_main *rank_main, void *arg)
{
	(void)options;
	(void)rank_main;
	(void)arg;
	fprintf(stderr,
		"strads: started by an MPI launcher, but this binary was built without MPI: "
		"install libopenmpi-dev and build again, or start it without a launcher\n");
	return 1;
}
