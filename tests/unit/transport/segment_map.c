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
	struct strads_segment segment;

	(void)state;
	assert_int_equal(strads_segment_map(BYTES, false, true, STRADS_HUGE_NONE, &segment),
			 STRADS_OK);
	assert_int_equal(segment.fd, -1);
	for (int i = 0; i < BYTES; i++)
		assert_int_equal(segment.base[i], 0);
	segment.base[BYTES - 1] = 1;
	strads_segment_unmap(&segment);
}

static void
segment_map__shared_is_seen_through_its_descriptor(void **state)
{
	struct strads_segment segment;
	uint8_t *view;

	(void)state;
	assert_int_equal(strads_segment_map(BYTES, true, true, STRADS_HUGE_NONE, &segment),
			 STRADS_OK);
	view = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, segment.fd, 0);
	assert_ptr_not_equal(view, MAP_FAILED);
	view[BYTES - 1] = 7;
	assert_int_equal(segment.base[BYTES - 1], 7);
	munmap(view, BYTES);
	strads_segment_unmap(&segment);
}

static void
segment_map__readable_cannot_be_mapped_for_writing(void **state)
{
	struct strads_segment segment;
	void *view;

	(void)state;
	assert_int_equal(strads_segment_map(BYTES, true, false, STRADS_HUGE_NONE, &segment),
			 STRADS_OK);
	if (!(fcntl(segment.fd, F_GET_SEALS) & F_SEAL_FUTURE_WRITE)) {
		strads_segment_unmap(&segment);
		skip(); /* the kernel is older than this seal */
	}
	assert_ptr_equal(mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, segment.fd, 0),
			 MAP_FAILED);
	assert_int_equal(errno, EPERM);
	view = mmap(NULL, BYTES, PROT_READ, MAP_SHARED, segment.fd, 0);
	assert_ptr_not_equal(view, MAP_FAILED);
	segment.base[0] = 3; /* the owner still writes */
	assert_int_equal(*(uint8_t *)view, 3);
	munmap(view, BYTES);
	strads_segment_unmap(&segment);
}

/* A peer that could shrink it would kill the owner by SIGBUS. */
static void
segment_map__shared_cannot_change_its_size(void **state)
{
	struct strads_segment segment;

	(void)state;
	assert_int_equal(strads_segment_map(BYTES, true, true, STRADS_HUGE_NONE, &segment),
			 STRADS_OK);
	assert_int_equal(ftruncate(segment.fd, 0), -1);
	assert_int_equal(ftruncate(segment.fd, 1 << 20), -1);
	strads_segment_unmap(&segment);
}

/* Where the kernel would send SIGXFSZ. */
static void
segment_map__beyond_the_file_size_limit_says_so(void **state)
{
	struct rlimit before, tight;
	struct strads_segment segment;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	tight = before;
	tight.rlim_cur = 4096;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
	assert_int_equal(strads_segment_map(BYTES, true, true, STRADS_HUGE_NONE, &segment),
			 STRADS_ERR_MEMORY);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_non_null(strstr(strads_error(), "10000 bytes"));
	assert_non_null(strstr(strads_error(), "file-size limit is 4096 bytes"));
	assert_non_null(strstr(strads_error(), "ulimit -f"));
}

static void
segment_map__without_descriptors_says_so(void **state)
{
	struct rlimit before, tight;
	struct strads_segment segment;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	tight = before;
	tight.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
	assert_int_equal(strads_segment_map(BYTES, true, true, STRADS_HUGE_NONE, &segment),
			 STRADS_ERR_MEMORY);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_non_null(strstr(strads_error(), "ulimit -n"));
}

static void
check_filled(const struct strads_segment *segment)
{
	segment->base[0] = 1;
	segment->base[segment->bytes - 1] = 2;
	assert_int_equal(segment->base[segment->bytes / 2], 0);
}

/* Without any set aside the segment is there all the same, and says so. */
static void
segment_map__reserved_pages_are_taken_as_far_as_they_go(void **state)
{
	const size_t bytes = ((size_t)4 << 20) + 5;

	(void)state;
	for (int shared = 0; shared < 2; shared++) {
		uint64_t before = strads_segment_reserved_free();
		struct strads_segment segment;

		assert_int_equal(
		    strads_segment_map(bytes, shared, true, STRADS_HUGE_RESERVED, &segment),
		    STRADS_OK);
		check_filled(&segment);
		assert_true(segment.length >= bytes);
		assert_int_equal(segment.reserved, before >= bytes + ((size_t)2 << 20));
		assert_int_equal(strads_segment_reserved_free(),
				 before - (segment.reserved ? segment.length : 0));
		strads_segment_unmap(&segment);
		assert_int_equal(strads_segment_reserved_free(), before);
	}
}

static void
segment_map__less_than_a_huge_page_is_not_worth_one(void **state)
{
	struct strads_segment segment;

	(void)state;
	assert_int_equal(strads_segment_map(BYTES, true, true, STRADS_HUGE_RESERVED, &segment),
			 STRADS_OK);
	assert_false(segment.reserved);
	assert_true(segment.length < 2 * BYTES);
	strads_segment_unmap(&segment);
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
	    cmocka_unit_test(segment_map__reserved_pages_are_taken_as_far_as_they_go),
	    cmocka_unit_test(segment_map__less_than_a_huge_page_is_not_worth_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
