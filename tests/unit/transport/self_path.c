/* The fabric of one rank: regions, operations on the own rank, and what is refused. */
#include "strads/transport.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

struct fixture {
	struct strads_fabric *fabric;
	struct strads_region *local, *readable, *writable, *both;
};

static struct strads_job *the_job; /* of this one-rank process */

static int
set_up(void **state)
{
	static struct fixture f;
	struct strads_fabric_options options = {.fabric = "auto"};

	f = (struct fixture){.fabric = NULL};
	assert_int_equal(strads_fabric_open(the_job, &options, &f.fabric), STRADS_OK);
	assert_int_equal(strads_region_new(f.fabric, STRADS_LOCAL, 4096, &f.local), STRADS_OK);
	assert_int_equal(strads_region_new(f.fabric, STRADS_REMOTE_READ, 100, &f.readable),
			 STRADS_OK);
	assert_int_equal(strads_region_new(f.fabric, STRADS_REMOTE_WRITE, 64, &f.writable),
			 STRADS_OK);
	assert_int_equal(
	    strads_region_new(f.fabric, STRADS_REMOTE_READ | STRADS_REMOTE_WRITE, 64, &f.both),
	    STRADS_OK);
	assert_int_equal(strads_fabric_wire(f.fabric), STRADS_OK);
	*state = &f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	strads_region_delete(&f->both);
	strads_region_delete(&f->writable);
	strads_region_delete(&f->readable);
	strads_region_delete(&f->local);
	strads_fabric_close(&f->fabric);
	assert_null(f->fabric);
	return 0;
}

static void
region_new__is_zeroed_and_page_aligned(void **state)
{
	struct fixture *f = *state;
	static const uint8_t zero[100];

	assert_int_equal((uintptr_t)strads_region_base(f->readable) % 4096, 0);
	assert_memory_equal(strads_region_base(f->readable), zero, sizeof zero);
	assert_int_equal(strads_region_bytes(f->readable, 0), 100);
	assert_int_equal(strads_region_bytes(f->readable, 1), 0);
	assert_int_equal(strads_region_bytes(f->readable, -1), 0);
}

static void
region_new__of_no_bytes_has_no_room(void **state)
{
	struct fixture *f = *state;
	struct strads_region *none;

	assert_int_equal(strads_region_new(f->fabric, STRADS_REMOTE_WRITE, 0, &none), STRADS_OK);
	assert_int_equal(strads_fabric_wire(f->fabric), STRADS_OK);
	assert_int_equal(strads_put_signal(f->fabric, 0, none, 0, NULL, 0, 1, NULL),
			 STRADS_ERR_BOUNDS);
	strads_region_delete(&none);
}

static void
region_new__refusal_names_size_and_limit(void **state)
{
	struct fixture *f = *state;
	struct strads_region *untouched = NULL;

	assert_int_equal(
	    strads_region_new(f->fabric, STRADS_REMOTE_READ, (size_t)1 << 60, &untouched),
	    STRADS_ERR_MEMORY);
	assert_null(untouched);
	assert_non_null(strstr(strads_error(), "1152921504606846976 bytes"));
	assert_non_null(strstr(strads_error(), " is "));
	assert_int_equal(strads_region_new(f->fabric, STRADS_REMOTE_READ, SIZE_MAX, &untouched),
			 STRADS_ERR_MEMORY);
	assert_int_equal(strads_region_new(f->fabric, (enum strads_access)4, 8, &untouched),
			 STRADS_ERR_ARGUMENT);
}

static void
put_then_get__returns_the_bytes(void **state)
{
	struct fixture *f = *state;
	struct strads_counter counter = {0};
	uint8_t *local = strads_region_base(f->local);

	memcpy(local, "some bytes", 10);
	assert_int_equal(strads_put(f->fabric, 0, f->both, 3, local, 10, &counter), STRADS_OK);
	assert_int_equal(strads_get(f->fabric, 0, f->both, 3, local + 501, 10, &counter),
			 STRADS_OK);
	assert_int_equal(strads_counter_wait(f->fabric, &counter), STRADS_OK);
	assert_int_equal(counter.posted, 2);
	assert_int_equal(counter.done, 2);
	assert_memory_equal(local + 501, "some bytes", 10);
	assert_int_equal(strads_flush(f->fabric, -1), STRADS_OK);
}

static void
put_signal__writes_word_behind_payload(void **state)
{
	struct fixture *f = *state;
	uint64_t *local = strads_region_base(f->local);

	local[0] = 7;
	local[1] = 8;
	assert_int_equal(strads_put_signal(f->fabric, 0, f->writable, 8, local, 16, 42, NULL),
			 STRADS_OK);
	assert_int_equal(strads_signal_load(f->writable, 24), 42);
	assert_memory_equal((uint8_t *)strads_region_base(f->writable) + 8, local, 16);
}

static void
putv_then_getv__gathers_and_scatters(void **state)
{
	struct fixture *f = *state;
	struct strads_counter counter = {0};
	char *local = strads_region_base(f->local);
	const struct strads_piece from[] = {
	    {local, 2, 3, 5}, {local + 100, 0, 9, 1}, {local + 50, 4, 0, 0}};
	const struct strads_piece into[] = {{local + 200, 1, 0, 0}, {local + 300, 3, 3, 10}};

	memcpy(local, "ab...cd...ef", 12);
	memcpy(local + 50, "ghij", 4);
	memset(local + 300, '.', 30);
	assert_int_equal(strads_putv(f->fabric, 0, f->both, 1, from, 3, &counter), STRADS_OK);
	assert_memory_equal((char *)strads_region_base(f->both) + 1, "abcdefghij", 10);
	assert_int_equal(strads_getv(f->fabric, 0, f->both, 1, into, 2, &counter), STRADS_OK);
	assert_memory_equal(local + 200, "a", 1);
	assert_memory_equal(local + 300, "bcd.......efg.......hij.......", 30);
	assert_int_equal(counter.done, 2);
	assert_int_equal(strads_put_signalv(f->fabric, 0, f->writable, 0, into + 1, 1, 5, NULL),
			 STRADS_ERR_ARGUMENT);
}

static void
fetch_add__returns_the_old_value(void **state)
{
	struct fixture *f = *state;
	uint64_t *old = strads_region_base(f->local);

	assert_int_equal(strads_put_signal(f->fabric, 0, f->writable, 0, NULL, 0, 5, NULL),
			 STRADS_OK);
	assert_int_equal(strads_fetch_add(f->fabric, 0, f->writable, 0, 3, old, NULL), STRADS_OK);
	assert_int_equal(*old, 5);
	assert_int_equal(strads_signal_load(f->writable, 0), 8);
}

static void
operations__outside_the_region_are_refused(void **state)
{
	struct fixture *f = *state;
	struct strads_counter counter = {0};
	uint8_t *local = strads_region_base(f->local);

	assert_int_equal(strads_get(f->fabric, 0, f->readable, 100, local, 1, &counter),
			 STRADS_ERR_BOUNDS);
	assert_int_equal(strads_get(f->fabric, 0, f->readable, 0, local, 101, &counter),
			 STRADS_ERR_BOUNDS);
	assert_int_equal(strads_get(f->fabric, 0, f->readable, SIZE_MAX, local, 2, &counter),
			 STRADS_ERR_BOUNDS);
	assert_int_equal(strads_put(f->fabric, 0, f->writable, 60, local, 5, &counter),
			 STRADS_ERR_BOUNDS);
	assert_int_equal(strads_put_signal(f->fabric, 0, f->writable, 56, local, 8, 1, &counter),
			 STRADS_ERR_BOUNDS);
	assert_int_equal(
	    strads_put_signal(f->fabric, 0, f->writable, SIZE_MAX - 7, local, 8, 1, &counter),
	    STRADS_ERR_BOUNDS);
	assert_int_equal(
	    strads_put_signal(f->fabric, 0, f->writable, 0, local, SIZE_MAX - 7, 1, &counter),
	    STRADS_ERR_BOUNDS);
	assert_int_equal(
	    strads_fetch_add(f->fabric, 0, f->writable, 64, 1, (uint64_t *)local, &counter),
	    STRADS_ERR_BOUNDS);
	assert_int_equal(counter.posted, 0);
	assert_int_equal(strads_get(f->fabric, 0, f->readable, 100, local, 0, NULL), STRADS_OK);
}

static void
operations__against_the_access_class_are_refused(void **state)
{
	struct fixture *f = *state;
	uint8_t *local = strads_region_base(f->local);

	assert_int_equal(strads_get(f->fabric, 0, f->writable, 0, local, 8, NULL),
			 STRADS_ERR_ACCESS);
	assert_int_equal(strads_put(f->fabric, 0, f->readable, 0, local, 8, NULL),
			 STRADS_ERR_ACCESS);
	assert_int_equal(strads_put_signal(f->fabric, 0, f->readable, 0, local, 8, 1, NULL),
			 STRADS_ERR_ACCESS);
	assert_int_equal(strads_fetch_add(f->fabric, 0, f->readable, 0, 1, (uint64_t *)local, NULL),
			 STRADS_ERR_ACCESS);
	assert_int_equal(strads_get(f->fabric, 0, f->local, 0, local, 8, NULL), STRADS_ERR_ACCESS);
}

static void
operations__with_bad_arguments_are_refused(void **state)
{
	struct fixture *f = *state;
	uint64_t outside[2] = {0};
	uint8_t *local = strads_region_base(f->local);
	struct strads_region *unwired;

	assert_int_equal(strads_put(f->fabric, 1, f->writable, 0, local, 8, NULL),
			 STRADS_ERR_ARGUMENT);
	assert_int_equal(strads_put(f->fabric, -1, f->writable, 0, local, 8, NULL),
			 STRADS_ERR_ARGUMENT);
	assert_int_equal(strads_put(f->fabric, 0, f->writable, 0, outside, 8, NULL),
			 STRADS_ERR_ARGUMENT);
	assert_int_equal(strads_put(f->fabric, 0, f->writable, 0, local + 4090, 8, NULL),
			 STRADS_ERR_ARGUMENT);
	assert_int_equal(strads_put_signal(f->fabric, 0, f->writable, 4, local, 8, 1, NULL),
			 STRADS_ERR_ARGUMENT);
	assert_int_equal(strads_put_signal(f->fabric, 0, f->writable, 8, local, 4, 1, NULL),
			 STRADS_ERR_ARGUMENT);
	assert_int_equal(strads_fetch_add(f->fabric, 0, f->writable, 4, 1, (uint64_t *)local, NULL),
			 STRADS_ERR_ARGUMENT);
	assert_int_equal(strads_flush(f->fabric, 1), STRADS_ERR_ARGUMENT);
	assert_int_equal(strads_region_new(f->fabric, STRADS_REMOTE_WRITE, 64, &unwired),
			 STRADS_OK);
	assert_int_equal(strads_put(f->fabric, 0, unwired, 0, local, 8, NULL), STRADS_ERR_ARGUMENT);
	strads_region_delete(&unwired);
}

static void
fabric_open__unknown_name_lists_the_known(void **state)
{
	struct strads_fabric_options options = {.fabric = "pigeon"};
	struct strads_fabric *untouched = NULL;

	(void)state;
	assert_int_equal(strads_fabric_open(the_job, &options, &untouched), STRADS_ERR_ARGUMENT);
	assert_null(untouched);
	assert_non_null(strstr(strads_error(), "pigeon"));
	assert_non_null(strstr(strads_error(), "auto"));
}

static void
fabric_wait__returns_by_its_deadline(void **state)
{
	struct fixture *f = *state;
	struct strads_fabric_stats stats;
	uint64_t until = strads_fabric_clock_ns(f->fabric) + 1000000000;

	while (strads_fabric_clock_ns(f->fabric) < until) {
		assert_int_equal(strads_fabric_progress(f->fabric), STRADS_OK);
		strads_fabric_wait(f->fabric, until);
	}
	strads_fabric_awake(f->fabric);
	strads_fabric_stats(f->fabric, &stats);
	assert_true(stats.sleeps > 0); /* a second outlasts the yields of a busy machine */
}

static void
signal_wait__ends_with_the_signal_or_the_deadline(void **state)
{
	struct strads_fabric_options options = {.fabric = "auto", .timeout_ms = 20};
	struct strads_fabric *hasty;
	struct strads_region *words;

	(void)state;
	assert_int_equal(strads_fabric_open(the_job, &options, &hasty), STRADS_OK);
	assert_int_equal(strads_region_new(hasty, STRADS_REMOTE_WRITE, 64, &words), STRADS_OK);
	assert_int_equal(strads_fabric_wire(hasty), STRADS_OK);
	assert_int_equal(strads_put_signal(hasty, 0, words, 8, NULL, 0, 5, NULL), STRADS_OK);
	assert_int_equal(strads_signal_wait(hasty, words, 8, 4), STRADS_OK);
	assert_int_equal(strads_signal_wait(hasty, words, 8, 5), STRADS_OK);
	assert_int_equal(strads_signal_wait(hasty, words, 8, 6), STRADS_ERR_TIMEOUT);
	assert_non_null(strstr(strads_error(), "signal 6"));
	strads_region_delete(&words);
	strads_fabric_close(&hasty);
}

/* Seven is there, and nine will not be. */
static void
signal_glance__tells_whether_any_has_come(void **state)
{
	struct fixture *f = *state;
	struct strads_signal signals[] = {{.region = f->writable, .offset = 0, .value = 9},
					  {.region = f->writable, .offset = 8, .value = 7}};

	assert_int_equal(strads_put_signal(f->fabric, 0, f->writable, 8, NULL, 0, 7, NULL),
			 STRADS_OK);
	assert_int_equal(strads_signal_glance(f->fabric, signals, 2), STRADS_OK);
	assert_int_equal(strads_signal_glance(f->fabric, signals, 1), STRADS_AGAIN);
	assert_int_equal(strads_signal_glance(f->fabric, signals, 0), STRADS_AGAIN);
}

static void
fabric_stats__leave_out_the_own_rank(void **state)
{
	struct fixture *f = *state;
	struct strads_fabric_stats stats;

	assert_int_equal(
	    strads_put(f->fabric, 0, f->writable, 0, strads_region_base(f->local), 8, NULL),
	    STRADS_OK);
	strads_fabric_stats(f->fabric, &stats);
	assert_int_equal(stats.operations[STRADS_OP_PUT], 0);
	assert_int_equal(stats.registered_bytes, 4096 + 100 + 64 + 64);
}

static void
fabric_query__calls_the_own_rank_self(void **state)
{
	struct fixture *f = *state;
	struct strads_fabric_info info;

	strads_fabric_query(f->fabric, 0, &info);
	assert_string_equal(info.path, "self");
	assert_true(info.fetch_add);
	strads_fabric_query(f->fabric, 7, &info);
	assert_string_equal(info.path, "");
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

static int
rank_main(struct strads_job *job, void *arg)
{
	const struct CMUnitTest tests[] = {
	    CASE(region_new__is_zeroed_and_page_aligned),
	    CASE(region_new__of_no_bytes_has_no_room),
	    CASE(region_new__refusal_names_size_and_limit),
	    CASE(put_then_get__returns_the_bytes),
	    CASE(put_signal__writes_word_behind_payload),
	    CASE(putv_then_getv__gathers_and_scatters),
	    CASE(fetch_add__returns_the_old_value),
	    CASE(operations__outside_the_region_are_refused),
	    CASE(operations__against_the_access_class_are_refused),
	    CASE(operations__with_bad_arguments_are_refused),
	    CASE(fabric_open__unknown_name_lists_the_known),
	    CASE(fabric_wait__returns_by_its_deadline),
	    CASE(signal_wait__ends_with_the_signal_or_the_deadline),
	    CASE(signal_glance__tells_whether_any_has_come),
	    CASE(fabric_stats__leave_out_the_own_rank),
	    CASE(fabric_query__calls_the_own_rank_self),
	};

	(void)arg;
	the_job = job;
	return cmocka_run_group_tests(tests, NULL, NULL);
}

int
main(void)
{
	struct strads_job_options options = {.kind = STRADS_JOB_SELF};

	return strads_job_run(&options, rank_main, NULL);
}
