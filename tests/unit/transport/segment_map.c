/* The memory of regions: what others can do to it, and how a refusal reads. */
#include "fabric.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>
#include <cmocka.h>

#define BYTES 10000

static void
segment_map__anonymous_is_zeroed_and_has_no_descriptor(void **state)
{
	uint8_t *base;
	int fd;

	(void)state;
	assert_int_equal(strads_segment_map(BYTES, false, true, &base, &fd), STRADS_OK);
	assert_int_equal(fd, -1);
	for (int i = 0; i < BYTES; i++)
		assert_int_equal(base[i], 0);
	base[BYTES - 1] = 1;
	strads_segment_unmap(base, BYTES, fd);
}

static void
segment_map__shared_is_seen_through_its_descriptor(void **state)
{
	uint8_t *base, *view;
	int fd;

	(void)state;
	assert_int_equal(strads_segment_map(BYTES, true, true, &base, &fd), STRADS_OK);
	view = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(view, MAP_FAILED);
	view[BYTES - 1] = 7;
	assert_int_equal(base[BYTES - 1], 7);
	munmap(view, BYTES);
	strads_segment_unmap(base, BYTES, fd);
}

static void
segment_map__readable_cannot_be_mapped_for_writing(void **state)
{
	uint8_t *base;
	void *view;
	int fd;

	(void)state;
	assert_int_equal(strads_segment_map(BYTES, true, false, &base, &fd), STRADS_OK);
	if (!(fcntl(fd, F_GET_SEALS) & F_SEAL_FUTURE_WRITE)) {
		strads_segment_unmap(base, BYTES, fd);
		skip(); /* the kernel is older than this seal */
	}
	assert_ptr_equal(mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), MAP_FAILED);
	assert_int_equal(errno, EPERM);
	view = mmap(NULL, BYTES, PROT_READ, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(view, MAP_FAILED);
	base[0] = 3; /* the owner still writes */
	assert_int_equal(*(uint8_t *)view, 3);
	munmap(view, BYTES);
	strads_segment_unmap(base, BYTES, fd);
}

/* A peer that could shrink it would kill the owner by SIGBUS. */
static void
segment_map__shared_cannot_change_its_size(void **state)
{
	uint8_t *base;
	int fd;

	(void)state;
	assert_int_equal(strads_segment_map(BYTES, true, true, &base, &fd), STRADS_OK);
	assert_int_equal(ftruncate(fd, 0), -1);
	assert_int_equal(ftruncate(fd, 1 << 20), -1);
	strads_segment_unmap(base, BYTES, fd);
}

/* Where the kernel would send SIGXFSZ. */
static void
segment_map__beyond_the_file_size_limit_says_so(void **state)
{
	struct rlimit before, tight;
	uint8_t *base;
	int fd;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	tight = before;
	tight.rlim_cur = 4096;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
	assert_int_equal(strads_segment_map(BYTES, true, true, &base, &fd), STRADS_ERR_MEMORY);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_non_null(strstr(strads_error(), "10000 bytes"));
	assert_non_null(strstr(strads_error(), "file-size limit is 4096 bytes"));
	assert_non_null(strstr(strads_error(), "ulimit -f"));
}

static void
segment_map__without_descriptors_says_so(void **state)
{
	struct rlimit before, tight;
	uint8_t *base;
	int fd;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	tight = before;
	tight.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
	assert_int_equal(strads_segment_map(BYTES, true, true, &base, &fd), STRADS_ERR_MEMORY);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_non_null(strstr(strads_error(), "ulimit -n"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(segment_map__anonymous_is_zeroed_and_has_no_descriptor),
	    cmocka_unit_test(segment_map__shared_is_seen_through_its_descriptor),
	    cmocka_unit_test(segment_map__readable_cannot_be_mapped_for_writing),
	    cmocka_unit_test(segment_map__shared_cannot_change_its_size),
	    cmocka_unit_test(segment_map__beyond_the_file_size_limit_says_so),
	    cmocka_unit_test(segment_map__without_descriptors_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
