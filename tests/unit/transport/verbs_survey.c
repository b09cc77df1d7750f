/* What a survey tells of adapters, also of those that cannot be used. */
#include "strads/survey.h"
#include "verbs_fake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

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

static void
survey__tells_of_every_port(void **state)
{
	struct fake_port *second = &fake.ports[0][1];
	struct strads_survey *survey = NULL;
	const struct strads_survey_device *device;

	(void)state;
	fake.attr.phys_port_cnt = 2;
	strcpy(fake.attr.fw_ver, "20.31.1014");
	second->attr.state = IBV_PORT_DOWN;
	second->attr.link_layer = IBV_LINK_LAYER_INFINIBAND;
	second->pkeys[2] = 0x8001;
	assert_int_equal(strads_survey_new(NULL, &survey), STRADS_OK);
	assert_true(survey->built);
	assert_int_equal(survey->n_devices, 1);
	device = survey->devices;
	assert_string_equal(device->name, "fake0");
	assert_string_equal(device->firmware, "20.31.1014");
	assert_string_equal(device->transport, "InfiniBand");
	assert_string_equal(device->refusal, "");
	assert_int_equal(device->node, -1);
	assert_true(device->atomic);
	assert_int_equal(device->n_ports, 2);
	assert_string_equal(device->ports[0].state, "active");
	assert_string_equal(device->ports[0].layer, "Ethernet");
	assert_string_equal(device->ports[0].refusal, "");
	assert_int_equal(device->ports[0].gbit_s, 100);
	assert_int_equal(device->ports[0].mtu_bytes, 1024);
	assert_int_equal(device->ports[0].n_gids, 1);
	assert_string_equal(device->ports[0].gids[0].type, "RoCE v2");
	assert_string_equal(device->ports[0].gids[0].address, "::ffff:10.77.0.1");
	assert_string_equal(device->ports[1].state, "down");
	assert_non_null(strstr(device->ports[1].refusal, "port 2 is"));
	assert_int_equal(device->ports[1].n_pkeys, 3);
	assert_int_equal(device->ports[1].pkeys[2], 0x8001);
	strads_survey_delete(&survey);
	assert_null(survey);
}

static void
survey__tells_of_what_the_settings_leave_out(void **state)
{
	const char *settings[STRADS_SETTINGS] = {"fake1"};
	struct strads_survey *survey = NULL;

	(void)state;
	fake.devices = 2;
	assert_int_equal(strads_survey_new(settings, &survey), STRADS_OK);
	assert_int_equal(survey->n_devices, 2);
	assert_non_null(strstr(survey->devices[0].refusal, "--device"));
	assert_string_equal(survey->devices[1].refusal, "");
	assert_non_null(strstr(survey->devices[1].ports[0].refusal, "has no GID"));
	strads_survey_delete(&survey);
	settings[0] = NULL;
	settings[1] = "x";
	assert_int_equal(strads_survey_new(settings, &survey), STRADS_ERR_ARGUMENT);
}

static void
survey__a_closed_device_is_told_of(void **state)
{
	struct strads_survey *survey = NULL;

	(void)state;
	fake.fail_at = 2;
	fake.fail_errno = EACCES;
	assert_int_equal(strads_survey_new(NULL, &survey), STRADS_OK);
	assert_string_equal(fake.what, "ibv_open_device");
	assert_int_equal(survey->n_devices, 1);
	assert_non_null(strstr(survey->devices[0].refusal, "Permission denied"));
	strads_survey_delete(&survey);
}

static void
survey__without_devices_is_empty(void **state)
{
	struct strads_survey *survey = NULL;

	(void)state;
	fake.devices = 0;
	assert_int_equal(strads_survey_new(NULL, &survey), STRADS_OK);
	assert_int_equal(survey->n_devices, 0);
	strads_survey_delete(&survey);
}

static void
survey__any_call_may_fail(void **state)
{
	(void)state;
	for (int n = 1;; n++) {
		struct strads_survey *survey = NULL;
		int status;

		fake_reset();
		fake.devices = 2;
		fake.fail_at = n;
		status = strads_survey_new(NULL, &survey);
		assert_true(status == STRADS_OK || status == STRADS_ERR_MEMORY);
		strads_survey_delete(&survey);
		assert_int_equal(fake.live, 0);
		if (!fake.what)
			break;
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(survey__tells_of_every_port, setup, teardown),
	    cmocka_unit_test_setup_teardown(survey__tells_of_what_the_settings_leave_out, setup,
					    teardown),
	    cmocka_unit_test_setup_teardown(survey__a_closed_device_is_told_of, setup, teardown),
	    cmocka_unit_test_setup_teardown(survey__without_devices_is_empty, setup, teardown),
	    cmocka_unit_test_setup_teardown(survey__any_call_may_fail, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
