/* Which adapter, port and address the verbs provider takes. */
#include "verbs/verbs.h"
#include "verbs_fake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t link_local[16] = {0xfe, 0x80, [15] = 1};
static const uint8_t ipv6[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 1};

static int
setup(void **state)
{
	static const char *const names[] = {"DEVICE",  "PORT", "GID",           "MTU",
					    "TIMEOUT", "PKEY", "SERVICE_LEVEL", "RETRIES"};

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		char name[64];

		snprintf(name, sizeof name, "STRADS_VERBS_%s", names[i]);
		unsetenv(name);
	}
	fake_reset();
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	return fake.live;
}

static int
open_port(const char *argument, struct strads_verbs_port *port)
{
	struct strads_verbs_settings settings;

	assert_int_equal(strads_verbs_settings_read(argument, &settings), STRADS_OK);
	return strads_verbs_port_open(&settings, port);
}

static void
add_gid(int device, int port, int index, uint32_t type, const uint8_t *raw)
{
	struct ibv_gid_entry *entry = &fake.ports[device][port].gids[index];

	entry->gid_type = type;
	memcpy(entry->gid.raw, raw, 16);
}

static void
port_open__no_device_is_unsupported(void **state)
{
	struct strads_verbs_port port;

	(void)state;
	fake.devices = 0;
	assert_int_equal(open_port(NULL, &port), STRADS_ERR_UNSUPPORTED);
	assert_non_null(strstr(strads_error(), "ibv_devices"));
	assert_int_equal(open_port("fake7", &port), STRADS_ERR_UNSUPPORTED);
	assert_non_null(strstr(strads_error(), "fake7"));
}

static void
port_open__skips_a_port_that_is_down(void **state)
{
	struct strads_verbs_port port;

	(void)state;
	fake.attr.phys_port_cnt = 2;
	fake.ports[0][0].attr.state = IBV_PORT_DOWN;
	add_gid(0, 1, 2, IBV_GID_TYPE_ROCE_V2, ipv6);
	assert_int_equal(open_port(NULL, &port), STRADS_OK);
	assert_int_equal(port.number, 2);
	assert_int_equal(port.gid_index, 2);
	strads_verbs_port_close(&port);
}

static void
port_open__goes_on_to_the_next_device(void **state)
{
	struct strads_verbs_port port;

	(void)state;
	fake.devices = 2;
	fake.ports[0][0].attr.state = IBV_PORT_INIT;
	add_gid(1, 0, 0, IBV_GID_TYPE_ROCE_V2, ipv6);
	assert_int_equal(open_port(NULL, &port), STRADS_OK);
	assert_string_equal(port.name, "fake1");
	strads_verbs_port_close(&port);
}

static void
port_open__says_what_is_wrong_with_each(void **state)
{
	struct strads_verbs_port port;

	(void)state;
	fake.devices = 2;
	fake.ports[0][0].attr.state = IBV_PORT_DOWN;
	assert_int_equal(open_port(NULL, &port), STRADS_ERR_UNSUPPORTED);
	assert_non_null(strstr(strads_error(), "fake0 port 1"));
	assert_non_null(strstr(strads_error(), "fake1 port 1 has no such GID"));
}

static void
port_open__prefers_roce_v2_over_ipv4(void **state)
{
	struct strads_verbs_port port;
	struct fake_port *have = &fake.ports[0][0];

	(void)state;
	have->gids[3] = have->gids[0];
	add_gid(0, 0, 0, IBV_GID_TYPE_ROCE_V1, have->gids[3].gid.raw);
	add_gid(0, 0, 1, IBV_GID_TYPE_ROCE_V2, link_local);
	add_gid(0, 0, 2, IBV_GID_TYPE_ROCE_V2, ipv6);
	assert_int_equal(open_port(NULL, &port), STRADS_OK);
	assert_int_equal(port.gid_index, 3);
	strads_verbs_port_close(&port);
	have->gids[3].gid_type = UINT32_MAX;
	assert_int_equal(open_port(NULL, &port), STRADS_OK);
	assert_int_equal(port.gid_index, 2);
	strads_verbs_port_close(&port);
}

static void
port_open__takes_what_is_asked_for(void **state)
{
	struct strads_verbs_port port;

	(void)state;
	fake.devices = 2;
	fake.attr.phys_port_cnt = 2;
	add_gid(1, 1, 1, IBV_GID_TYPE_ROCE_V2, ipv6);
	add_gid(1, 1, 4, IBV_GID_TYPE_ROCE_V1, link_local);
	assert_int_equal(open_port("fake1:2:4", &port), STRADS_OK);
	assert_string_equal(port.name, "fake1");
	assert_int_equal(port.number, 2);
	assert_int_equal(port.gid_index, 4);
	strads_verbs_port_close(&port);
	assert_int_equal(setenv("STRADS_VERBS_DEVICE", "fake1", 1), 0);
	assert_int_equal(setenv("STRADS_VERBS_PORT", "2", 1), 0);
	assert_int_equal(open_port(NULL, &port), STRADS_OK);
	assert_int_equal(port.number, 2);
	assert_int_equal(port.gid_index, 1);
	strads_verbs_port_close(&port);
	assert_int_equal(open_port("fake1:2:3", &port), STRADS_ERR_UNSUPPORTED);
	assert_int_equal(open_port("fake1:3", &port), STRADS_ERR_UNSUPPORTED);
	assert_non_null(strstr(strads_error(), "no port 3"));
}

static void
port_open__infiniband_needs_a_lid(void **state)
{
	struct strads_verbs_port port;
	struct fake_port *have = &fake.ports[0][0];

	(void)state;
	have->attr.link_layer = IBV_LINK_LAYER_INFINIBAND;
	have->gids[0].gid_type = IBV_GID_TYPE_IB;
	assert_int_equal(open_port(NULL, &port), STRADS_ERR_UNSUPPORTED);
	assert_non_null(strstr(strads_error(), "subnet manager"));
	have->attr.lid = 7;
	assert_int_equal(open_port(NULL, &port), STRADS_OK);
	assert_int_equal(port.attr.lid, 7);
	strads_verbs_port_close(&port);
}

static void
port_open__any_call_may_fail(void **state)
{
	(void)state;
	for (int n = 1;; n++) {
		struct strads_verbs_port port;
		int status;

		fake_reset();
		fake.fail_at = n;
		fake.fail_errno = EACCES;
		status = open_port(NULL, &port);
		if (!fake.what) {
			assert_int_equal(status, STRADS_OK);
			strads_verbs_port_close(&port);
			assert_true(n > 4);
			break;
		}
		assert_int_equal(status, STRADS_ERR_UNSUPPORTED);
		assert_int_equal(fake.live, 0);
		assert_true(strads_error()[0] != '\0');
	}
}

static void
settings__are_checked(void **state)
{
	static const char *const wrong[] = {"fake0:x", "fake0:256", "fake0:1:-2", "fake0:1:2:3",
					    "fake0:1x"};
	struct strads_verbs_settings settings;

	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
		assert_int_equal(strads_verbs_settings_read(wrong[i], &settings),
				 STRADS_ERR_ARGUMENT);
	assert_int_equal(setenv("STRADS_VERBS_RETRIES", "8", 1), 0);
	assert_int_equal(strads_verbs_settings_read(NULL, &settings), STRADS_ERR_ARGUMENT);
	assert_non_null(strstr(strads_error(), "STRADS_VERBS_RETRIES"));
	assert_int_equal(setenv("STRADS_VERBS_RETRIES", "3", 1), 0);
	assert_int_equal(strads_verbs_settings_read("fake0::2", &settings), STRADS_OK);
	assert_string_equal(settings.device, "fake0");
	assert_int_equal(settings.port, 0);
	assert_int_equal(settings.gid, 2);
	assert_int_equal(settings.retries, 3);
	assert_int_equal(settings.timeout, 14);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(port_open__no_device_is_unsupported, setup, teardown),
	    cmocka_unit_test_setup_teardown(port_open__skips_a_port_that_is_down, setup, teardown),
	    cmocka_unit_test_setup_teardown(port_open__goes_on_to_the_next_device, setup, teardown),
	    cmocka_unit_test_setup_teardown(port_open__says_what_is_wrong_with_each, setup,
					    teardown),
	    cmocka_unit_test_setup_teardown(port_open__prefers_roce_v2_over_ipv4, setup, teardown),
	    cmocka_unit_test_setup_teardown(port_open__takes_what_is_asked_for, setup, teardown),
	    cmocka_unit_test_setup_teardown(port_open__infiniband_needs_a_lid, setup, teardown),
	    cmocka_unit_test_setup_teardown(port_open__any_call_may_fail, setup, teardown),
	    cmocka_unit_test_setup_teardown(settings__are_checked, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
