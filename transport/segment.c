#include "fabric.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#define HUGE_PAGE ((size_t)2 << 20) /* that the kernel makes of ordinary ones, at least */

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

/* ---- Pages ---- */

/* A number of /proc/meminfo, "HugePages_Free:" say; 0 if it is not there. */
static uint64_t
meminfo(const char *key)
{
	FILE *in = fopen("/proc/meminfo", "re");
	size_t length = strlen(key);
	uint64_t value = 0;
	char line[128];

	if (!in)
		return 0;
	while (fgets(line, sizeof line, in)) {
		if (strncmp(line, key, length) == 0) {
			value = strtoull(line + length, NULL, 10);
			break;
		}
	}
	fclose(in);
	return value;
}

/* Bytes of a page of those that can be set aside, 0 if there is no such thing. */
static size_t
reserved_page(void)
{
	return (size_t)meminfo("Hugepagesize:") * 1024;
}

uint64_t
strads_segment_reserved_free(void)
{
	return (meminfo("HugePages_Free:") - meminfo("HugePages_Rsvd:")) * reserved_page();
}

static size_t
whole_pages(size_t bytes, size_t page)
{
	return page > 0 && bytes < SIZE_MAX / 2 ? (bytes + page - 1) / page * page : 0;
}

/* ---- Mapping ---- */

/* A descriptor of `bytes` of memory that cannot change its size any more, or an errno. */
static int
open_memory(size_t bytes, bool reserved, int *fd)
{
	int made =
	    memfd_create("strads", MFD_CLOEXEC | MFD_ALLOW_SEALING | (reserved ? MFD_HUGETLB : 0));
	int error;

	if (made < 0)
		return errno;
	if (ftruncate(made, (off_t)bytes) ||
	    fcntl(made, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW)) {
		error = errno;
		close(made);
		return error;
	}
	*fd = made;
	return 0;
}

/* Maps segment->length, all else of which is as it shall be; returns 0 or an errno. */
static int
map(struct strads_segment *segment, bool shared)
{
	int flags = shared ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS;
	int error = 0;
	void *at;

	segment->fd = -1;
	if (shared)
		error = open_memory(segment->length, segment->reserved, &segment->fd);
	else if (segment->reserved)
		flags |= MAP_HUGETLB;
	if (error)
		return error;
	at = mmap(NULL, segment->length, PROT_READ | PROT_WRITE, flags, segment->fd, 0);
	if (at == MAP_FAILED) {
		error = errno;
		if (segment->fd >= 0)
			close(segment->fd);
		return error;
	}
	segment->base = at;
	return 0;
}

/* Takes pages that were set aside, and touches them all: one that a container's limit denies is
 * refused here, where it would else kill later. */
static bool
map_reserved(struct strads_segment *segment, bool shared)
{
	size_t page = reserved_page();

	if (page == 0 || segment->bytes < page)
		return false;
	segment->length = whole_pages(segment->bytes, page);
	segment->reserved = true;
	if (segment->length > 0 && map(segment, shared) == 0) {
		if (madvise(segment->base, segment->length, MADV_POPULATE_WRITE) == 0 ||
		    errno == EINVAL) /* before Linux 5.14 */
			return true;
		strads_segment_unmap(segment);
	}
	segment->reserved = false;
	return false;
}

/* Takes ordinary pages. */
static int
map_ordinary(struct strads_segment *segment, bool shared)
{
	int error = ENOMEM;

	segment->length = whole_pages(segment->bytes, (size_t)sysconf(_SC_PAGESIZE));
	/* Beyond some of these limits the kernel does not refuse but kills. */
	if (segment->length > 0 && segment->length <= tightest(shared).bytes)
		error = map(segment, shared);
	if (error == EMFILE || error == ENFILE)
		return strads_fail(STRADS_ERR_MEMORY,
				   "cannot open memory for a region: %s; raise the limit with "
				   "`ulimit -n`",
				   strerror(error));
	return error ? refused(segment->bytes, shared, error) : STRADS_OK;
}

int
strads_segment_map(size_t bytes, bool shared, bool writable, enum strads_huge_pages pages,
		   struct strads_segment *segment)
{
	struct strads_segment made = {.bytes = bytes};
	int status;

	if (pages != STRADS_HUGE_RESERVED || !map_reserved(&made, shared)) {
		status = map_ordinary(&made, shared);
		if (status)
			return status;
		if (made.length >= HUGE_PAGE)
			(void)madvise(made.base, made.length,
				      pages == STRADS_HUGE_NONE ? MADV_NOHUGEPAGE : MADV_HUGEPAGE);
	}
	/* Kernels before 5.1 lack this seal; peers map read-only of their own accord as well. */
	if (shared && !writable)
		(void)fcntl(made.fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE);
	*segment = made;
	return STRADS_OK;
}

void
strads_segment_unmap(const struct strads_segment *segment)
{
	munmap(segment->base, segment->length);
	if (segment->fd >= 0)
		close(segment->fd);
}
