/* What can be set of the paths: the program before the environment before the default. */
#include "settings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

static int
setup(void **state)
{
	(void)state;
	for (int i = 0; strads_setting(i); i++)
		unsetenv(strads_setting(i)->variable);
	return 0;
}

static int
place(const char *name)
{
	for (int i = 0; strads_setting(i); i++) {
		if (strcmp(strads_setting(i)->name, name) == 0)
			return i;
	}
	fail_msg("no setting %s", name);
	return -1;
}

/* Reads with one of them given. */
static int
read_one(const char *name, const char *text, struct strads_settings *settings)
{
	const char *values[STRADS_SETTINGS] = {NULL};

	values[place(name)] = text;
	return strads_settings_read(values, settings);
}

static void
settings_read__defaults_are_those_of_the_table(void **state)
{
	struct strads_settings settings;

	(void)state;
	assert_int_equal(strads_settings_read(NULL, &settings), STRADS_OK);
	assert_string_equal(settings.verbs.device, "");
	assert_int_equal(settings.verbs.port, 0);
	assert_int_equal(settings.verbs.gid, -1);
	assert_int_equal(settings.verbs.pkey, -1);
	assert_int_equal(settings.verbs.pkey_index, 0);
	assert_int_equal(settings.verbs.mtu_bytes, 0);
	assert_int_equal(settings.verbs.timeout, 18);
	assert_int_equal(settings.verbs.retries, 7);
	assert_int_equal(settings.huge_pages, STRADS_HUGE_TRANSPARENT);
	assert_null(strads_setting(STRADS_SETTINGS));
}

static void
settings_read__program_goes_before_environment(void **state)
{
	struct strads_settings settings;

	(void)state;
	assert_int_equal(setenv("STRADS_VERBS_RETRIES", "3", 1), 0);
	assert_int_equal(strads_settings_read(NULL, &settings), STRADS_OK);
	assert_int_equal(settings.verbs.retries, 3);
	assert_int_equal(read_one("retries", "5", &settings), STRADS_OK);
	assert_int_equal(settings.verbs.retries, 5);
	assert_int_equal(read_one("device", "mlx5_1", &settings), STRADS_OK);
	assert_int_equal(settings.verbs.retries, 3);
	assert_string_equal(settings.verbs.device, "mlx5_1");
}

static void
settings_read__pkey_is_a_key_or_an_index(void **state)
{
	struct strads_settings settings;

	(void)state;
	assert_int_equal(read_one("pkey", "0x8001", &settings), STRADS_OK);
	assert_int_equal(settings.verbs.pkey, 0x8001);
	assert_int_equal(read_one("pkey", "3", &settings), STRADS_OK);
	assert_int_equal(settings.verbs.pkey, -1);
	assert_int_equal(settings.verbs.pkey_index, 3);
	assert_int_equal(read_one("pkey", "0x0", &settings), STRADS_ERR_ARGUMENT);
	assert_int_equal(read_one("pkey", "0x10000", &settings), STRADS_ERR_ARGUMENT);
	assert_int_equal(read_one("pkey", "8001", &settings), STRADS_ERR_ARGUMENT);
}

static void
settings_read__what_cannot_be_is_refused_by_name(void **state)
{
	static const char *const wrong[][2] = {
	    {"port", "x"},           {"port", "256"},         {"gid", "-2"},
	    {"retries", "8"},        {"mtu", "4097"},         {"ack-timeout", "0"},
	    {"service-level", "16"}, {"traffic-class", "1x"}, {"huge-pages", "big"}};
	struct strads_settings settings;

	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		const struct strads_setting *setting = strads_setting(place(wrong[i][0]));

		assert_int_equal(read_one(wrong[i][0], wrong[i][1], &settings),
				 STRADS_ERR_ARGUMENT);
		assert_non_null(strstr(strads_error(), setting->name));
		assert_non_null(strstr(strads_error(), setting->variable));
		assert_non_null(strstr(strads_error(), wrong[i][1]));
	}
	assert_int_equal(setenv("STRADS_VERBS_GID", "first", 1), 0);
	assert_int_equal(strads_settings_check(NULL), STRADS_ERR_ARGUMENT);
}

static void
settings_narrow__the_fabric_may_name_a_port(void **state)
{
	static const char *const wrong[] = {"fake0:x", "fake0:256", "fake0:1:-2", "fake0:1:2:3",
					    "fake0:1x"};
	struct strads_settings settings;

	(void)state;
	assert_int_equal(read_one("port", "2", &settings), STRADS_OK);
	assert_int_equal(strads_settings_narrow(NULL, &settings.verbs), STRADS_OK);
	assert_int_equal(strads_settings_narrow("fake0::5", &settings.verbs), STRADS_OK);
	assert_string_equal(settings.verbs.device, "fake0");
	assert_int_equal(settings.verbs.port, 2);
	assert_int_equal(settings.verbs.gid, 5);
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
		assert_int_equal(strads_settings_narrow(wrong[i], &settings.verbs),
				 STRADS_ERR_ARGUMENT);
	assert_int_equal(settings.verbs.gid, 5);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(settings_read__defaults_are_those_of_the_table, setup),
	    cmocka_unit_test_setup(settings_read__program_goes_before_environment, setup),
	    cmocka_unit_test_setup(settings_read__pkey_is_a_key_or_an_index, setup),
	    cmocka_unit_test_setup(settings_read__what_cannot_be_is_refused_by_name, setup),
	    cmocka_unit_test_setup(settings_narrow__the_fabric_may_name_a_port, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
