#include "limits.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/statvfs.h>

static void
read_limit(int resource, uint64_t *soft, uint64_t *hard)
{
	struct rlimit limit;

	if (getrlimit(resource, &limit))
		return;
	*soft = limit.rlim_cur == RLIM_INFINITY ? STRADS_LIMIT_NONE : limit.rlim_cur;
	*hard = limit.rlim_max == RLIM_INFINITY ? STRADS_LIMIT_NONE : limit.rlim_max;
}

static void
read_meminfo(struct strads_limits *limits)
{
	const struct {
		const char *key;
		uint64_t *value;
	} rows[] = {{"HugePages_Total:", &limits->hugepages_total},
		    {"HugePages_Free:", &limits->hugepages_free},
		    {"Hugepagesize:", &limits->hugepage_kib},
		    {"MemTotal:", &limits->memory_kib}};
	FILE *in = fopen("/proc/meminfo", "re");
	char line[128];

	if (!in)
		return;
	while (fgets(line, sizeof line, in)) {
		for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
			size_t length = strlen(rows[i].key);

			if (strncmp(line, rows[i].key, length) == 0)
				*rows[i].value = strtoull(line + length, NULL, 10);
		}
	}
	fclose(in);
}

void
strads_limits_read(struct strads_limits *limits)
{
	struct statvfs shm;

	*limits = (struct strads_limits){0};
	read_limit(RLIMIT_MEMLOCK, &limits->memlock_bytes, &limits->memlock_hard_bytes);
	read_limit(RLIMIT_NOFILE, &limits->open_files, &limits->open_files_hard);
	read_meminfo(limits);
	if (statvfs("/dev/shm", &shm) == 0) {
		limits->shm_bytes = (uint64_t)shm.f_blocks * shm.f_frsize;
		limits->shm_free_bytes = (uint64_t)shm.f_bavail * shm.f_frsize;
	}
}

static json_t *
amount(uint64_t value)
{
	return value == STRADS_LIMIT_NONE ? json_null() : json_integer((json_int_t)value);
}

json_t *
strads_limits_json(const struct strads_limits *limits)
{
	return json_pack(
	    "{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "memlock_bytes",
	    amount(limits->memlock_bytes), "memlock_hard_bytes", amount(limits->memlock_hard_bytes),
	    "open_files", amount(limits->open_files), "open_files_hard",
	    amount(limits->open_files_hard), "hugepages_total", amount(limits->hugepages_total),
	    "hugepages_free", amount(limits->hugepages_free), "hugepage_kib",
	    amount(limits->hugepage_kib), "shm_bytes", amount(limits->shm_bytes), "shm_free_bytes",
	    amount(limits->shm_free_bytes), "memory_kib", amount(limits->memory_kib));
}

int
strads_limits_peaks(struct strads_job *job, uint64_t **peak_bytes)
{
	struct rusage usage;
	uint64_t mine = 0;
	void *all;
	int status;

	if (getrusage(RUSAGE_SELF, &usage) == 0)
		mine = (uint64_t)usage.ru_maxrss * 1024;
	status = strads_job_gather(job, STRADS_OK, &mine, sizeof mine, &all);
	if (status == STRADS_OK)
		*peak_bytes = all;
	return status;
}
