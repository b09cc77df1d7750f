/* Which of several ports a rank takes: the fastest, of these the nearest, of these in turn. */
#include "verbs/verbs.h"
#include "verbs_fake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HDR 64 /* codes of a lane's speed */
#define EDR 32

/* A rank on node 0 of two. */
static const struct strads_seat home = {.numa = {.nodes = 1, .distance = {10, 21}}};

static struct strads_verbs_found
found_port(int device, uint8_t number, int node, uint8_t speed)
{
	struct strads_verbs_found found = {
	    .port = {.number = number,
		     .node = node,
		     .attr = {.active_width = 2,
			      .active_speed = speed,
			      .link_layer = IBV_LINK_LAYER_INFINIBAND}}};

	snprintf(found.port.name, sizeof found.port.name, "mlx5_%d", device);
	return found;
}

static struct strads_seat
seat_of(int index, bool on_node_1)
{
	struct strads_seat seat = home;

	seat.index = index;
	if (on_node_1)
		seat.numa = (struct strads_numa){.nodes = 2, .distance = {21, 10}};
	return seat;
}

static void
choose__four_ranks_spread_over_two_devices(void **state)
{
	struct strads_verbs_found found[] = {found_port(0, 1, 0, HDR), found_port(1, 1, 0, HDR)};

	(void)state;
	for (int index = 0; index < 4; index++) {
		struct strads_seat seat = seat_of(index, false);
		int chosen = strads_verbs_choose(&seat, found, 2);

		assert_int_equal(chosen, index % 2);
		assert_non_null(strstr(found[chosen].port.why, "one of 2 ports"));
		assert_non_null(strstr(found[chosen].port.why, "200 Gbit/s"));
	}
}

static void
choose__turns_are_taken_among_the_nearest(void **state)
{
	struct strads_verbs_found found[] = {found_port(0, 1, 0, HDR), found_port(1, 1, 1, HDR),
					     found_port(2, 1, 0, HDR), found_port(3, 1, 1, HDR)};

	(void)state;
	for (int index = 0; index < 4; index++) {
		struct strads_seat near_0 = seat_of(index, false), near_1 = seat_of(index, true);

		assert_int_equal(strads_verbs_choose(&near_0, found, 4), index % 2 ? 2 : 0);
		assert_int_equal(strads_verbs_choose(&near_1, found, 4), index % 2 ? 3 : 1);
	}
}

static void
choose__ports_of_one_device_are_spread_over_too(void **state)
{
	struct strads_verbs_found found[] = {found_port(0, 1, 0, HDR), found_port(0, 2, 0, HDR)};
	struct strads_seat second = seat_of(1, false);

	(void)state;
	assert_int_equal(strads_verbs_choose(&second, found, 2), 1);
}

static void
choose__faster_goes_before_nearer(void **state)
{
	struct strads_verbs_found found[] = {found_port(0, 1, 0, EDR), found_port(1, 1, 1, HDR)};

	(void)state;
	assert_int_equal(strads_verbs_choose(&home, found, 2), 1);
	assert_non_null(strstr(found[1].port.why, "the nearest of the fastest of 2 ports"));
	strcpy(found[1].refusal, "down");
	found[0].port.attr.lid = 3;
	assert_int_equal(strads_verbs_choose(&home, found, 2), 0);
	assert_string_equal(found[0].port.why, "LID 3; the only port that can be taken");
}

static void
choose__ranks_stay_in_one_network(void **state)
{
	struct strads_verbs_found found[] = {found_port(0, 1, 0, HDR), found_port(1, 1, 0, HDR),
					     found_port(2, 1, 0, HDR)};

	(void)state;
	found[1].port.gid.global.subnet_prefix = 7;
	found[2].port.attr.link_layer = IBV_LINK_LAYER_ETHERNET;
	for (int index = 0; index < 3; index++) {
		struct strads_seat seat = seat_of(index, false);

		assert_int_equal(strads_verbs_choose(&seat, found, 3), 0);
	}
}

static void
choose__none_is_none(void **state)
{
	struct strads_verbs_found found[] = {found_port(0, 1, 0, HDR)};

	(void)state;
	strcpy(found[0].refusal, "down");
	assert_int_equal(strads_verbs_choose(&home, found, 1), -1);
	assert_int_equal(strads_verbs_choose(&home, found, 0), -1);
}

/* ---- Through the adapters' own word ---- */

static char sysfs[FAKE_DEVICES][64];

static void
give_node(int device, int node)
{
	char path[128];
	FILE *out;

	snprintf(sysfs[device], sizeof sysfs[device], "/tmp/strads-fake%d-XXXXXX", device);
	assert_non_null(mkdtemp(sysfs[device]));
	snprintf(path, sizeof path, "%s/device", sysfs[device]);
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(path, sizeof path, "%s/device/numa_node", sysfs[device]);
	out = fopen(path, "w");
	assert_non_null(out);
	fprintf(out, "%d\n", node);
	fclose(out);
	fake.sysfs[device] = sysfs[device];
}

static void
take_node_away(int device)
{
	char path[128];

	snprintf(path, sizeof path, "%s/device/numa_node", sysfs[device]);
	unlink(path);
	snprintf(path, sizeof path, "%s/device", sysfs[device]);
	rmdir(path);
	rmdir(sysfs[device]);
}

static void
check_opened(const struct strads_seat *seat, const char *name)
{
	struct strads_settings settings;
	struct strads_verbs_port port;

	assert_int_equal(strads_settings_read(NULL, &settings), STRADS_OK);
	assert_int_equal(strads_verbs_port_open(&settings.verbs, seat, &port), STRADS_OK);
	assert_string_equal(port.name, name);
	assert_non_null(port.context);
	strads_verbs_port_close(&port);
	assert_int_equal(fake.live, 0);
}

static void
port_open__takes_the_device_of_the_rank_s_node(void **state)
{
	struct strads_seat near_0 = seat_of(0, false), near_1 = seat_of(0, true);

	(void)state;
	fake_reset();
	fake.devices = 2;
	fake.ports[1][0].gids[0] = fake.ports[0][0].gids[0];
	give_node(0, 1);
	give_node(1, 0);
	check_opened(&near_0, "fake1");
	check_opened(&near_1, "fake0");
	fake.ports[1][0].attr.state = IBV_PORT_DOWN;
	check_opened(&near_0, "fake0");
	take_node_away(0);
	take_node_away(1);
}

static void
port_open__ranks_in_turn_where_no_node_is_known(void **state)
{
	struct strads_seat first = seat_of(0, false), second = seat_of(1, false);

	(void)state;
	fake_reset();
	fake.devices = 2;
	fake.ports[1][0].gids[0] = fake.ports[0][0].gids[0];
	check_opened(&first, "fake0");
	check_opened(&second, "fake1");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(choose__four_ranks_spread_over_two_devices),
	    cmocka_unit_test(choose__turns_are_taken_among_the_nearest),
	    cmocka_unit_test(choose__ports_of_one_device_are_spread_over_too),
	    cmocka_unit_test(choose__faster_goes_before_nearer),
	    cmocka_unit_test(choose__ranks_stay_in_one_network),
	    cmocka_unit_test(choose__none_is_none),
	    cmocka_unit_test(port_open__takes_the_device_of_the_rank_s_node),
	    cmocka_unit_test(port_open__ranks_in_turn_where_no_node_is_known),
	};

	for (int i = 0; strads_setting(i); i++)
		unsetenv(strads_setting(i)->variable);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
