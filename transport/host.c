#include "host.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* What a rank tells of where it runs. */
struct place {
	uint8_t boot[40]; /* the kernel's boot id: the same in all containers of one host */
	cpu_set_t processors;
	uint64_t nodes;
};

static void
own_place(struct place *place, struct strads_numa *numa)
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
	strads_numa_read(STRADS_NUMA_ROOT, &place->processors, numa);
	place->nodes = numa->nodes;
}

int
strads_seat_take(struct strads_job *job, struct strads_seat *seat)
{
	struct strads_seat made = {.index = 0};
	struct place mine;
	const struct place *place;
	cpu_set_t processors;
	void *all;
	int ranks = 0;
	int status;

	own_place(&mine, &made.numa);
	status = strads_job_gather(job, STRADS_OK, &mine, sizeof mine, &all);
	if (status)
		return status;
	processors = mine.processors;
	place = all;
	for (int rank = 0; rank < strads_job_size(job); rank++, place++) {
		if (memcmp(place->boot, mine.boot, sizeof mine.boot) != 0)
			continue;
		ranks++;
		made.index += rank < strads_job_rank(job) && place->nodes == mine.nodes;
		CPU_OR(&processors, &processors, &place->processors);
	}
	free(all);
	made.crowded = ranks > CPU_COUNT(&processors);
	*seat = made;
	return STRADS_OK;
}

uint64_t
strads_host_memlock(bool *exempt)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {{.effective = 0}};
	struct rlimit limit;

	*exempt =
	    syscall(SYS_capget, &header, data) == 0 && data[0].effective & (1u << CAP_IPC_LOCK);
	if (getrlimit(RLIMIT_MEMLOCK, &limit) || limit.rlim_cur == RLIM_INFINITY)
		return UINT64_MAX;
	return limit.rlim_cur;
}
