#include "fabric.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#define HUGE_PAGE ((size_t)2 << 20)

static size_t
physical_bytes(void)
{
	long pages = sysconf(_SC_PHYS_PAGES);
	long page = sysconf(_SC_PAGESIZE);

	return pages > 0 && page > 0 ? (size_t)pages * (size_t)page : SIZE_MAX;
}

/* Says how much was wanted and which of the limits known here is the tightest. */
static int
refused(size_t bytes, int error)
{
	static const struct {
		int resource;
		const char *what, *remedy;
	} limits[] = {
	    {RLIMIT_AS, "the address-space limit", "raise it with `ulimit -v unlimited`"},
	    {RLIMIT_DATA, "the data limit", "raise it with `ulimit -d unlimited`"},
	    {RLIMIT_FSIZE, "the file-size limit", "raise it with `ulimit -f unlimited`"},
	};
	const char *what = "this host's memory";
	const char *remedy = "use more ranks on more hosts, or smaller buffers";
	size_t tightest = physical_bytes();

	for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
		struct rlimit limit;

		if (getrlimit(limits[i].resource, &limit) || limit.rlim_cur == RLIM_INFINITY ||
		    limit.rlim_cur >= tightest)
			continue;
		tightest = limit.rlim_cur;
		what = limits[i].what;
		remedy = limits[i].remedy;
	}
	return strads_fail(STRADS_ERR_MEMORY,
			   "cannot allocate a region of %zu bytes (%s): %s is %zu bytes; %s", bytes,
			   strerror(error), what, tightest, remedy);
}

static size_t
whole_pages(size_t bytes)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return (bytes + page - 1) / page * page;
}

/* A descriptor of `bytes` of memory that cannot change its size any more. */
static int
open_memory(size_t bytes, int *fd)
{
	int made = memfd_create("strads", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int error;

	if (made < 0)
		return errno == EMFILE || errno == ENFILE
			   ? strads_fail(STRADS_ERR_MEMORY,
					 "cannot open memory for a region: %s; raise the limit "
					 "with `ulimit -n`",
					 strerror(errno))
			   : refused(bytes, errno);
	if (ftruncate(made, (off_t)bytes) ||
	    fcntl(made, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW)) {
		error = errno;
		close(made);
		return refused(bytes, error);
	}
	*fd = made;
	return STRADS_OK;
}

int
strads_segment_map(size_t bytes, bool shared, bool writable, uint8_t **base, int *fd)
{
	size_t length = bytes < SIZE_MAX / 2 ? whole_pages(bytes) : 0;
	int backing = -1;
	void *at;

	if (length == 0 || length > physical_bytes())
		return refused(bytes, ENOMEM);
	if (shared) {
		int status = open_memory(length, &backing);

		if (status)
			return status;
	}
	at = mmap(NULL, length, PROT_READ | PROT_WRITE,
		  shared ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS, backing, 0);
	if (at == MAP_FAILED) {
		int error = errno;

		if (backing >= 0)
			close(backing);
		return refused(bytes, error);
	}
	/* Kernels before 5.1 lack this seal; peers map read-only of their own accord as well. */
	if (shared && !writable)
		(void)fcntl(backing, F_ADD_SEALS, F_SEAL_FUTURE_WRITE);
	if (length >= HUGE_PAGE)
		(void)madvise(at, length, MADV_HUGEPAGE);
	*base = at;
	*fd = backing;
	return STRADS_OK;
}

void
strads_segment_unmap(uint8_t *base, size_t bytes, int fd)
{
	munmap(base, whole_pages(bytes));
	if (fd >= 0)
		close(fd);
}
