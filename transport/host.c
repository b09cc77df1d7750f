#include "fabric.h"

#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What a rank tells of where it runs. */
struct place {
	uint8_t boot[40]; /* the kernel's boot id: the same in all containers of one host */
	cpu_set_t processors;
};

static void
own_place(struct place *place)
{
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);

	memset(place, 0, sizeof *place);
	if (fd >= 0) {
		if (read(fd, place->boot, sizeof place->boot) < 0)
			memset(place->boot, 0, sizeof place->boot);
		close(fd);
	}
	if (sched_getaffinity(0, sizeof place->processors, &place->processors))
		CPU_ZERO(&place->processors);
}

int
strads_host_crowded(struct strads_job *job, bool *crowded)
{
	struct place mine;
	struct place *all = malloc((size_t)strads_job_size(job) * sizeof *all);
	cpu_set_t processors;
	int ranks = 0;
	int status;

	own_place(&mine);
	processors = mine.processors;
	status = strads_job_agree(
	    job, all ? STRADS_OK
		     : strads_fail(STRADS_ERR_MEMORY, "no memory to count ranks on this host"));
	if (!status)
		status = strads_job_allgather(job, &mine, sizeof mine, all);
	for (int rank = 0; all && !status && rank < strads_job_size(job); rank++) {
		if (memcmp(all[rank].boot, mine.boot, sizeof mine.boot) != 0)
			continue;
		ranks++;
		CPU_OR(&processors, &processors, &all[rank].processors);
	}
	free(all);
	if (!status)
		*crowded = ranks > CPU_COUNT(&processors);
	return status;
}
