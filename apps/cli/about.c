#include "about.h"

#include "limits.h"
#include "version.h"

#include <hdf5.h>
#include <string.h>
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

json_t *
strads_about_limits(void)
{
	struct strads_limits limits;

	strads_limits_read(&limits);
	return strads_limits_json(&limits);
}
