/* Wire-up of the verbs provider and its end, whatever call fails on the way. */
#include "verbs_pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

static int
setup(void **state)
{
	(void)state;
	fake_reset();
	return 0;
}

static void
open__wires_two_ranks(void **state)
{
	struct strads_fabric_info info;
	struct verbs_pair pair;

	(void)state;
	verbs_pair_open(&pair);
	assert_int_equal(pair.status[0], STRADS_OK);
	assert_int_equal(pair.status[1], STRADS_OK);
	strads_fabric_query(pair.fabrics[0], 1, &info);
	assert_string_equal(info.path, "verbs:fake0:1");
	assert_true(info.passive_target);
	verbs_pair_close(&pair);
	assert_int_equal(fake.live, 0);
}

static void
open__two_ranks_of_a_host_take_two_adapters(void **state)
{
	struct strads_fabric_info info;
	struct verbs_pair pair;

	(void)state;
	fake.devices = 2;
	fake.ports[1][0].gids[0] = fake.ports[0][0].gids[0];
	verbs_pair_open(&pair);
	assert_int_equal(pair.status[0], STRADS_OK);
	assert_string_equal(pair.verbs[0]->port.name, "fake0");
	assert_string_equal(pair.verbs[1]->port.name, "fake1");
	assert_true(strads_fabric_query_provider(pair.fabrics[1], "verbs", &info));
	assert_string_equal(info.path, "verbs:fake1:1");
	assert_non_null(strstr(info.why, "GID 0; one of 2 ports"));
	assert_false(strads_fabric_query_provider(pair.fabrics[1], "ofi", &info));
	verbs_pair_close(&pair);
	assert_int_equal(fake.live, 0);
}

/* The N-th call fails, for every N: both ranks learn of it, with a sentence, and nothing is left.
 */
static void
open__any_call_may_fail(void **state)
{
	(void)state;
	for (int n = 1;; n++) {
		struct verbs_pair pair;

		fake_reset();
		fake.fail_at = n;
		verbs_pair_open(&pair);
		if (!fake.what) {
			assert_int_equal(pair.status[0], STRADS_OK);
			verbs_pair_close(&pair);
			assert_true(n > 30);
			break;
		}
		/* Without librdmacm connections are wired over the job. */
		if (strncmp(fake.what, "rdma_", 5) != 0) {
			assert_true(pair.status[0] < 0);
			assert_int_equal(pair.status[0], pair.status[1]);
			assert_true(pair.why[0][0] != '\0');
		}
		verbs_pair_close(&pair);
		assert_int_equal(fake.live, 0);
	}
}

static void
open__no_queue_pair_at_all_is_said(void **state)
{
	struct verbs_pair pair;

	(void)state;
	fake.attr.max_srq_wr = 2;
	verbs_pair_open(&pair);
	assert_int_equal(pair.status[0], STRADS_ERR_UNSUPPORTED);
	assert_non_null(strstr(pair.why[0], "2 shared receives"));
	verbs_pair_close(&pair);
	assert_int_equal(fake.live, 0);
}

static void
open__takes_what_the_adapter_can_send_inline(void **state)
{
	struct verbs_pair pair;

	(void)state;
	fake.inline_max = 40;
	verbs_pair_open(&pair);
	assert_int_equal(pair.status[0], STRADS_OK);
	assert_int_equal(verbs_pair_join(&pair, 0), STRADS_OK);
	assert_int_equal(pair.verbs[0]->inline_bytes, 32);
	verbs_pair_close(&pair);
	assert_int_equal(fake.live, 0);
}

static void
open__small_queues_make_small_windows(void **state)
{
	struct verbs_pair pair;

	(void)state;
	fake.attr.max_srq_wr = 7;
	fake.attr.max_cqe = 40;
	verbs_pair_open(&pair);
	assert_int_equal(pair.status[0], STRADS_OK);
	assert_int_equal(pair.verbs[0]->window, 5);
	assert_int_equal(pair.verbs[0]->depth, 32);
	verbs_pair_close(&pair);
	assert_int_equal(fake.live, 0);
}

/* What is left to one of many peers of a completion queue may be less than a window. */
static void
open__short_completion_queues_carry_put_signals(void **state)
{
	static const int entries[] = {8, 9, 130, 511, 514, 516, 520};

	(void)state;
	for (size_t i = 0; i < sizeof entries / sizeof entries[0]; i++) {
		struct verbs_pair pair;

		fake_reset();
		fake.attr.max_srq_wr = 1 << 20;
		fake.attr.max_cqe = entries[i];
		verbs_pair_open(&pair);
		assert_int_equal(pair.status[0], STRADS_OK);
		assert_int_equal(verbs_pair_join(&pair, 0), STRADS_OK);
		for (uint64_t value = 1; value <= 2000; value++) {
			/* Another word each time, so that each takes two requests. */
			size_t offset = value % 500 * 16;
			int status =
			    strads_put_signal(pair.fabrics[0], 1, pair.open[0], offset,
					      strads_region_base(pair.own[0]), 8, value, NULL);

			for (int turn = 0; turn < 100 && status == STRADS_AGAIN; turn++) {
				assert_int_equal(verbs_pair_turn(&pair, 1), STRADS_OK);
				assert_int_equal(verbs_pair_turn(&pair, 0), STRADS_OK);
				status = strads_put_signal(pair.fabrics[0], 1, pair.open[0], offset,
							   strads_region_base(pair.own[0]), 8,
							   value, NULL);
			}
			assert_int_equal(status, STRADS_OK);
		}
		assert_int_equal(fake.missing, 0);
		assert_int_equal(fake.overrun, 0);
		verbs_pair_close(&pair);
		assert_int_equal(fake.live, 0);
	}
}

static void
region__refused_registration_names_the_limit(void **state)
{
	struct rlimit before, small = {.rlim_cur = 65536};
	struct strads_region *region;
	struct verbs_pair pair;

	(void)state;
	verbs_pair_open(&pair);
	assert_int_equal(pair.status[0], STRADS_OK);
	assert_int_equal(getrlimit(RLIMIT_MEMLOCK, &before), 0);
	small.rlim_max = before.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &small), 0);
	fake.calls = 0;
	fake.fail_at = 1;
	assert_int_equal(strads_region_new(pair.fabrics[0], STRADS_LOCAL, 1 << 20, &region),
			 STRADS_ERR_MEMORY);
	assert_non_null(strstr(strads_error(), "1048576 bytes"));
	assert_non_null(strstr(strads_error(), "65536 bytes"));
	assert_non_null(strstr(strads_error(), "ulimit -l"));
	assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &before), 0);
	verbs_pair_close(&pair);
	assert_int_equal(fake.live, 0);
}

/* Takes the privilege to lock as much as one likes, or gives it back where it was there. */
static void
exempt(bool wanted)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
	uint32_t bit = 1u << CAP_IPC_LOCK;

	assert_int_equal(syscall(SYS_capget, &header, data), 0);
	data[0].effective =
	    wanted ? data[0].effective | (bit & data[0].permitted) : data[0].effective & ~bit;
	assert_int_equal(syscall(SYS_capset, &header, data), 0);
}

static void
memory_check__compares_with_the_limit(void **state)
{
	struct rlimit before, small = {.rlim_cur = 65536};

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_MEMLOCK, &before), 0);
	small.rlim_max = before.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &small), 0);
	exempt(false);
	assert_int_equal(strads_verbs_memory_check("fake0", 0), STRADS_OK);
	assert_int_equal(strads_verbs_memory_check("fake0", 65536), STRADS_OK);
	assert_int_equal(strads_verbs_memory_check("fake0", 1 << 20), STRADS_ERR_MEMORY);
	assert_non_null(strstr(strads_error(), "1048576 bytes with fake0"));
	assert_non_null(strstr(strads_error(), "65536 bytes"));
	assert_non_null(strstr(strads_error(), "ulimit -l"));
	exempt(true);
	assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &before), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(open__wires_two_ranks, setup),
	    cmocka_unit_test_setup(open__two_ranks_of_a_host_take_two_adapters, setup),
	    cmocka_unit_test_setup(open__any_call_may_fail, setup),
	    cmocka_unit_test_setup(open__no_queue_pair_at_all_is_said, setup),
	    cmocka_unit_test_setup(open__takes_what_the_adapter_can_send_inline, setup),
	    cmocka_unit_test_setup(open__small_queues_make_small_windows, setup),
	    cmocka_unit_test_setup(open__short_completion_queues_carry_put_signals, setup),
	    cmocka_unit_test_setup(region__refused_registration_names_the_limit, setup),
	    cmocka_unit_test_setup(memory_check__compares_with_the_limit, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
