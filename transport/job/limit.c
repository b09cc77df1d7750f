#include "job/limit.h"

#include <sys/resource.h>

#define REST 64

void
strads_limit_descriptors(int needed)
{
	struct rlimit limit;
	rlim_t wanted = (rlim_t)needed + REST;

	if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur >= wanted)
		return;
	limit.rlim_cur = wanted < limit.rlim_max ? wanted : limit.rlim_max;
	/* Where it may not be raised, what needs a descriptor says so. */
	setrlimit(RLIMIT_NOFILE, &limit);
}
