#include "fabric.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#define HUGE_PAGE ((size_t)2 << 20)

/* A limit of the memory a process can have, and what to do about it. */
struct limit {
	size_t bytes;
	const char *what;
	const char *remedy;
};

static void
tighten(struct limit *limit, size_t bytes, const char *what, const char *remedy)
{
	if (bytes < limit->bytes)
		*limit = (struct limit){bytes, what, remedy};
}

static size_t
resource_bytes(int resource)
{
	struct rlimit limit;

	if (getrlimit(resource, &limit) || limit.rlim_cur == RLIM_INFINITY)
		return SIZE_MAX;
	return (size_t)limit.rlim_cur;
}

static size_t
physical_bytes(void)
{
	long pages = sysconf(_SC_PHYS_PAGES);
	long page = sysconf(_SC_PAGESIZE);

	return pages > 0 && page > 0 ? (size_t)pages * (size_t)page : SIZE_MAX;
}

/* What a container may use: beyond that it is killed, not refused. */
static size_t
container_bytes(void)
{
	int fd = open("/sys/fs/cgroup/memory.max", O_RDONLY | O_CLOEXEC);
	char text[32] = "";
	unsigned long long bytes;

	if (fd < 0)
		return SIZE_MAX;
	if (read(fd, text, sizeof text - 1) < 0)
		text[0] = '\0';
	close(fd);
	bytes = strtoull(text, NULL, 10); /* "max" reads as 0 */
	return bytes > 0 ? (size_t)bytes : SIZE_MAX;
}

/* The tightest of the limits on one segment that are known here. */
static struct limit
tightest(bool shared)
{
	struct limit limit = {SIZE_MAX, "the address space", "use smaller buffers"};

	tighten(&limit, physical_bytes(), "this host's memory",
		"use more hosts, or smaller buffers");
	tighten(&limit, container_bytes(), "this container's memory limit",
		"raise it, or use smaller buffers");
	tighten(&limit, resource_bytes(RLIMIT_AS), "the address-space limit",
		"raise it with `ulimit -v unlimited`");
	if (shared)
		tighten(&limit, resource_bytes(RLIMIT_FSIZE), "the file-size limit",
			"raise it with `ulimit -f unlimited`");
	else
		tighten(&limit, resource_bytes(RLIMIT_DATA), "the data limit",
			"raise it with `ulimit -d unlimited`");
	return limit;
}

static int
refused(size_t bytes, bool shared, int error)
{
	struct limit limit = tightest(shared);

	return strads_fail(STRADS_ERR_MEMORY,
			   "cannot allocate a region of %zu bytes (%s): %s is %zu bytes; %s", bytes,
			   strerror(error), limit.what, limit.bytes, limit.remedy);
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
			   : refused(bytes, true, errno);
	if (ftruncate(made, (off_t)bytes) ||
	    fcntl(made, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW)) {
		error = errno;
		close(made);
		return refused(bytes, true, error);
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

	/* Beyond some of these limits the kernel does not refuse but kills. */
	if (length == 0 || length > tightest(shared).bytes)
		return refused(bytes, shared, ENOMEM);
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
		return refused(bytes, shared, error);
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
