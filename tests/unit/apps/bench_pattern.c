/* What --verify compares. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "pattern.h"

static void
pattern_check__takes_what_fill_wrote(void **state)
{
	uint8_t data[100];

	(void)state;
	for (size_t bytes = 0; bytes <= sizeof data; bytes++) {
		memset(data, 0xee, sizeof data);
		strads_pattern_fill(data, bytes, 7);
		assert_int_equal(strads_pattern_check(data, bytes, 7), STRADS_OK);
		for (size_t i = bytes; i < sizeof data; i++)
			assert_int_equal(data[i], 0xee);
	}
}

static void
pattern_check__names_the_byte_that_was_changed(void **state)
{
	uint8_t data[61];
	char name[32];

	(void)state;
	for (size_t at = 0; at < sizeof data; at++) {
		strads_pattern_fill(data, sizeof data, 3);
		data[at] ^= 1;
		assert_int_equal(strads_pattern_check(data, sizeof data, 3), STRADS_ERR_PROTOCOL);
		snprintf(name, sizeof name, "byte %zu of", at);
		assert_non_null(strstr(strads_error(), name));
	}
}

static void
pattern_check__knows_other_messages_and_places(void **state)
{
	uint8_t data[64];

	(void)state;
	strads_pattern_fill(data, sizeof data, 1);
	assert_int_equal(strads_pattern_check(data, sizeof data, 2), STRADS_ERR_PROTOCOL);
	assert_int_equal(strads_pattern_check(data + 8, sizeof data - 8, 1), STRADS_ERR_PROTOCOL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(pattern_check__takes_what_fill_wrote),
	    cmocka_unit_test(pattern_check__names_the_byte_that_was_changed),
	    cmocka_unit_test(pattern_check__knows_other_messages_and_places),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
