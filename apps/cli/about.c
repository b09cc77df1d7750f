#include "about.h"

#include "version.h"

#include <hdf5.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

json_t *
strads_about_versions(void)
{
	unsigned major = 0, minor = 0, release = 0;

	H5get_libversion(&major, &minor, &release);
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:o}", "strads", STRADS_VERSION, "build",
			 STRADS_BUILD_TYPE, "compiler", STRADS_BUILD_COMPILER, "libfabric",
			 STRADS_LIBFABRIC_VERSION, "jansson", jansson_version_str(), "hdf5",
			 json_sprintf("%u.%u.%u", major, minor, release));
}

json_t *
strads_about_host(void)
{
	struct utsname name;

	if (uname(&name))
		memset(&name, 0, sizeof name);
	return json_pack("{s:s, s:s, s:s, s:I}", "name", name.nodename, "kernel", name.release,
			 "machine", name.machine, "cores",
			 (json_int_t)sysconf(_SC_NPROCESSORS_ONLN));
}

static json_t *
limit(int resource)
{
	struct rlimit limit;

	if (getrlimit(resource, &limit) || limit.rlim_cur == RLIM_INFINITY)
		return json_null();
	return json_integer((json_int_t)limit.rlim_cur);
}

/* A number of /proc/meminfo, 0 if it is not there. */
static json_int_t
meminfo(const char *key)
{
	FILE *in = fopen("/proc/meminfo", "r");
	char line[128];
	long long value = 0;
	size_t n = strlen(key);

	if (!in)
		return 0;
	while (fgets(line, sizeof line, in)) {
		if (strncmp(line, key, n) == 0 && line[n] == ':') {
			sscanf(line + n + 1, "%lld", &value);
			break;
		}
	}
	fclose(in);
	return value;
}

json_t *
strads_about_limits(void)
{
	return json_pack("{s:o, s:o, s:I, s:I, s:I}", "memlock_bytes", limit(RLIMIT_MEMLOCK),
			 "open_files", limit(RLIMIT_NOFILE), "hugepages_total",
			 meminfo("HugePages_Total"), "hugepage_kib", meminfo("Hugepagesize"),
			 "memory_kib", meminfo("MemTotal"));
}
