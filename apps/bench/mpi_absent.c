#include "bench.h"

int
strads_bench_run_mpi(const struct strads_bench_options *options, json_t *about)
{
	(void)options;
	(void)about;
	return strads_fail(STRADS_ERR_UNSUPPORTED, "this binary was built without MPI, which "
						   "--against mpi needs: install an MPI with its "
						   "headers and build it again");
}
