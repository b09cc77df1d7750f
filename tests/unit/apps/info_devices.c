/* RDMA devices as `strads info --json` tells of them: every documented key and no other. */
#include "../../../apps/cli/info_devices.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <string.h>

static struct strads_survey_gid gids[] = {
    {.index = 0, .type = "RoCE v1", .address = "fe80::1"},
    {.index = 3, .type = "RoCE v2", .address = "::ffff:10.77.0.1", .interface = "veth0"}};
static uint16_t pkeys[] = {0xffff, 0, 0x8001};
static struct strads_survey_port ports[] = {
    {.number = 1,
     .state = "active",
     .layer = "Ethernet",
     .gbit_s = 2.5,
     .mtu_bytes = 1024,
     .mtu_max = 4096,
     .n_gids = 2,
     .gids = gids,
     .n_pkeys = 3,
     .pkeys = pkeys},
    {.number = 2, .state = "down", .layer = "InfiniBand", .refusal = "port 2 is down"}};
static struct strads_survey_device devices[] = {
    {.name = "rxe0",
     .firmware = "1.0",
     .transport = "InfiniBand",
     .node = 1,
     .queue_pairs = 1000,
     .reads = 128,
     .n_ports = 2,
     .ports = ports},
    {.name = "rxe1", .transport = "InfiniBand", .node = -1, .refusal = "cannot be opened"}};
static const struct strads_survey survey = {.n_devices = 2, .devices = devices};

static void
devices__have_the_documented_keys(void **state)
{
	json_t *all = strads_info_devices(&survey), *numa, *refusal, *list;
	const char *name, *transport, *firmware;
	int queue_pairs, reads, fetch_add;

	(void)state;
	assert_int_equal(json_array_size(all), 2);
	assert_int_equal(
	    json_unpack(json_array_get(all, 0), "{s:s, s:s, s:s, s:o, s:i, s:i, s:b, s:o, s:o !}",
			"name", &name, "transport", &transport, "firmware", &firmware, "numa_node",
			&numa, "queue_pairs", &queue_pairs, "reads", &reads, "fetch_add",
			&fetch_add, "refusal", &refusal, "ports", &list),
	    0);
	assert_string_equal(name, "rxe0");
	assert_string_equal(firmware, "1.0");
	assert_int_equal(json_integer_value(numa), 1);
	assert_int_equal(reads, 128);
	assert_false(fetch_add);
	assert_true(json_is_null(refusal));
	assert_int_equal(json_array_size(list), 2);
	json_decref(all);
}

static void
devices__what_is_not_known_is_null(void **state)
{
	json_t *all = strads_info_devices(&survey), *second = json_array_get(all, 1);

	(void)state;
	assert_true(json_is_null(json_object_get(second, "numa_node")));
	assert_true(json_is_null(json_object_get(second, "firmware")));
	assert_string_equal(json_string_value(json_object_get(second, "refusal")),
			    "cannot be opened");
	assert_int_equal(json_array_size(json_object_get(second, "ports")), 0);
	json_decref(all);
}

static void
devices__ports_have_the_documented_keys(void **state)
{
	json_t *all = strads_info_devices(&survey), *addresses, *keys, *refusal;
	json_t *list = json_object_get(json_array_get(all, 0), "ports");
	const char *device_state, *layer, *type, *address, *interface;
	int number, mtu, mtu_max, lid, index;
	double gbit_s;

	(void)state;
	assert_int_equal(json_unpack(json_array_get(list, 0),
				     "{s:i, s:s, s:s, s:f, s:i, s:i, s:i, s:o, s:o, s:o !}",
				     "number", &number, "state", &device_state, "layer", &layer,
				     "gbit_s", &gbit_s, "mtu", &mtu, "mtu_max", &mtu_max, "lid",
				     &lid, "gids", &addresses, "pkeys", &keys, "refusal", &refusal),
			 0);
	assert_int_equal(number, 1);
	assert_true(gbit_s == 2.5);
	assert_int_equal(mtu, 1024);
	assert_true(json_is_null(refusal));
	assert_int_equal(json_array_size(keys), 3);
	assert_string_equal(json_string_value(json_array_get(keys, 2)), "0x8001");
	assert_int_equal(json_unpack(json_array_get(addresses, 1), "{s:i, s:s, s:s, s:s !}",
				     "index", &index, "type", &type, "address", &address,
				     "interface", &interface),
			 0);
	assert_int_equal(index, 3);
	assert_string_equal(type, "RoCE v2");
	assert_string_equal(interface, "veth0");
	assert_string_equal(json_string_value(json_object_get(json_array_get(list, 1), "refusal")),
			    "port 2 is down");
	json_decref(all);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(devices__have_the_documented_keys),
	    cmocka_unit_test(devices__what_is_not_known_is_null),
	    cmocka_unit_test(devices__ports_have_the_documented_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
