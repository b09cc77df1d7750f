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
	(void)state;
	for (int i = 0; strads_setting(i); i++)
		unsetenv(strads_setting(i)->variable);
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
	static const struct strads_seat seat = {.index = 0};
	struct strads_settings settings;

	assert_int_equal(strads_settings_read(NULL, &settings), STRADS_OK);
	assert_int_equal(strads_settings_narrow(argument, &settings.verbs), STRADS_OK);
	return strads_verbs_port_open(&settings.verbs, &seat, port);
}

static void
set(const char *variable, const char *value)
{
	assert_int_equal(setenv(variable, value, 1), 0);
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
	assert_non_null(strstr(strads_error(), "ib_uverbs"));
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
	assert_non_null(strstr(strads_error(),
			       "fake1 port 1 has no GID: give its network interface an address"));
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
	set("STRADS_VERBS_DEVICE", "fake1");
	set("STRADS_VERBS_PORT", "2");
	assert_int_equal(open_port(NULL, &port), STRADS_OK);
	assert_int_equal(port.number, 2);
	assert_int_equal(port.gid_index, 1);
	strads_verbs_port_close(&port);
	assert_int_equal(open_port("fake1:2:3", &port), STRADS_ERR_UNSUPPORTED);
	assert_non_null(strstr(strads_error(), "fake1 port 2 has no GID at index 3"));
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
port_open__iwarp_is_refused(void **state)
{
	struct strads_verbs_port port;

	(void)state;
	fake.transport[0] = IBV_TRANSPORT_IWARP;
	assert_int_equal(open_port(NULL, &port), STRADS_ERR_UNSUPPORTED);
	assert_non_null(strstr(strads_error(), "fake0 is neither InfiniBand nor RoCE"));
}

static void
set_pkeys(uint16_t second, uint16_t third, uint16_t fourth)
{
	struct fake_port *have = &fake.ports[0][0];

	have->pkeys[1] = second;
	have->pkeys[2] = third;
	have->pkeys[3] = fourth;
}

static void
check_pkey(const char *asked, int index)
{
	struct strads_verbs_port port;

	set("STRADS_VERBS_PKEY", asked);
	if (index < 0) {
		assert_int_equal(open_port(NULL, &port), STRADS_ERR_UNSUPPORTED);
		return;
	}
	assert_int_equal(open_port(NULL, &port), STRADS_OK);
	assert_int_equal(port.pkey_index, index);
	strads_verbs_port_close(&port);
}

static void
port_open__partition_is_looked_up(void **state)
{
	(void)state;
	set_pkeys(0x0001, 0x8001, 0x0002);
	check_pkey("0xffff", 0);
	check_pkey("0x8001", 2);
	check_pkey("0x0001", 2); /* a full member reaches more */
	check_pkey("0x0002", 3);
	check_pkey("0x8002", -1);
	assert_non_null(strstr(strads_error(), "no full member of partition 0x8002"));
	check_pkey("0x8003", -1);
	check_pkey("1", 1);
	set_pkeys(0x0001, 0, 0);
	check_pkey("2", -1);
	assert_non_null(strstr(strads_error(), "no partition key at index 2"));
	check_pkey("5", -1);
	assert_non_null(strstr(strads_error(), "fake0 port 1"));
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
	    cmocka_unit_test_setup_teardown(port_open__iwarp_is_refused, setup, teardown),
	    cmocka_unit_test_setup_teardown(port_open__partition_is_looked_up, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
