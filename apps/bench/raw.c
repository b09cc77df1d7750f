#include "raw.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int
strads_raw_pause(struct strads_bench *bench, struct strads_raw_wait *wait)
{
	uint64_t now = strads_bench_now(bench);
	uint64_t patience_ns = strads_fabric_timeout_ms(bench->fabric) * 1000000;

	if (wait->deadline_ns == 0)
		wait->deadline_ns = now + patience_ns;
	else if (now >= wait->deadline_ns)
		return strads_fail(STRADS_ERR_TIMEOUT,
				   "the other rank did nothing for %llu ms; --timeout raises the "
				   "deadline",
				   (unsigned long long)(patience_ns / 1000000));
	sched_yield();
	return strads_job_check(strads_fabric_job(bench->fabric));
}

int
strads_raw_one_host(struct strads_bench *bench, bool *one)
{
	char mine[64] = "";
	void *all;
	int status;

	gethostname(mine, sizeof mine - 1);
	status =
	    strads_job_gather(strads_fabric_job(bench->fabric), STRADS_OK, mine, sizeof mine, &all);
	if (status)
		return status;
	*one = memcmp(all, (const char *)all + sizeof mine, sizeof mine) == 0;
	free(all);
	return STRADS_OK;
}
