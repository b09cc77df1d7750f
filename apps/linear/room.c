#include "room.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "strads/transport.h"

#define GIB 0x1p30

/* What a rank tells the others: two ranks of one boot are on one host. */
struct told {
	char boot[40];
	uint64_t bytes;
};

/* The number behind `key` in a file of lines, or that it begins with if `key` is empty; UINT64_MAX
 * where there is none. */
static uint64_t
read_number(const char *name, const char *key)
{
	FILE *in = fopen(name, "re");
	size_t length = strlen(key);
	uint64_t value = UINT64_MAX;
	char line[128], *end;

	if (!in)
		return value;
	while (fgets(line, sizeof line, in)) {
		unsigned long long number;

		if (strncmp(line, key, length) != 0)
			continue;
		number = strtoull(line + length, &end, 10);
		if (end > line + length)
			value = number;
		break;
	}
	fclose(in);
	return value;
}

uint64_t
strads_linear_room(void)
{
	static const char *const limits[] = {"/sys/fs/cgroup/memory.max",
					     "/sys/fs/cgroup/memory/memory.limit_in_bytes"};
	uint64_t room = read_number("/proc/meminfo", "MemAvailable:");

	room = room < UINT64_MAX / 1024 ? room * 1024 : UINT64_MAX;
	for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
		uint64_t limit = read_number(limits[i], "");

		room = limit < room ? limit : room;
	}
	return room;
}

static void
read_boot(char *boot, size_t room)
{
	FILE *in = fopen("/proc/sys/kernel/random/boot_id", "re");

	if (!in)
		return;
	if (!fgets(boot, (int)room, in))
		boot[0] = 0;
	fclose(in);
}

/* What the ranks of this one's host need together. */
static uint64_t
host_sum(const struct told *all, int ranks, const struct told *mine, int *here)
{
	uint64_t sum = 0;

	*here = 0;
	for (int r = 0; r < ranks; r++) {
		if (memcmp(all[r].boot, mine->boot, sizeof mine->boot) != 0)
			continue;
		++*here;
		if (__builtin_add_overflow(sum, all[r].bytes, &sum))
			sum = UINT64_MAX;
	}
	return sum;
}

int
strads_linear_budget_check(const char *what, size_t bytes, size_t budget, const char *advice)
{
	if (bytes <= budget)
		return STRADS_OK;
	return strads_fail(STRADS_ERR_MEMORY,
			   "%s: sums over the ranks need %zu bytes, the budget is %zu: give "
			   "--memory, or %s",
			   what, bytes, budget, advice);
}

int
strads_linear_room_check(struct strads_job *job, const char *what, uint64_t bytes,
			 const char *advice)
{
	struct told mine = {.bytes = bytes};
	uint64_t room = strads_linear_room(), sum;
	void *all;
	int status, here;

	read_boot(mine.boot, sizeof mine.boot);
	status = strads_job_gather(job, STRADS_OK, &mine, sizeof mine, &all);
	if (status)
		return status;
	sum = host_sum(all, strads_job_size(job), &mine, &here);
	free(all);
	if (sum > room)
		status = strads_fail(STRADS_ERR_MEMORY,
				     "%s needs %.3g GiB on this rank and %.3g GiB on the %d of its "
				     "host, which has %.3g GiB left: %s, or take more hosts",
				     what, (double)bytes / GIB, (double)sum / GIB, here,
				     (double)room / GIB, advice);
	return strads_job_agree(job, status);
}
