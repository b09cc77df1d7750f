/*
 * Decimal numbers: what the parser gives is what strtod gives, bit for bit.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "number.h"
#include "strads/random.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t
draw(uint64_t index)
{
	return strads_random(7, 0, index);
}

static void
assert_as_strtod(const char *number)
{
	char text[2048];
	double expected, value = -1.0;
	const char *end;

	snprintf(text, sizeof(text), "%s\n", number);
	expected = strtod(number, NULL);
	end = strads_number_parse(text, &value);
	if (end != text + strlen(number) || memcmp(&value, &expected, sizeof(value)) != 0)
		fail_msg("%s: got %a, strtod gives %a", number, value, expected);
}

static void
parse__random_digits_point_and_exponent(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < 300000; i++) {
		int digits = 1 + (int)(draw(8 * i) % 20);
		uint64_t mantissa = draw(8 * i + 1);
		char plain[64], text[128];
		int point;

		for (int k = 20; k > digits; k--)
			mantissa /= 10;
		snprintf(plain, sizeof(plain), "%llu", (unsigned long long)mantissa);
		point = (int)(draw(8 * i + 2) % (strlen(plain) + 1));
		assert_as_strtod(plain);
		snprintf(text, sizeof(text), "%.*s.%s", point, plain, plain + point);
		assert_as_strtod(text);
		snprintf(text, sizeof(text), "-%.*s.%se%+d", point, plain, plain + point,
			 (int)(draw(8 * i + 3) % 80) - 40);
		assert_as_strtod(text);
	}
}

static void
parse__random_doubles_printed_in_full_and_cut(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < 200000; i++) {
		uint64_t bits = draw(2 * i);
		char text[128];
		double value;

		memcpy(&value, &bits, sizeof(value));
		if (!isfinite(value))
			continue;
		snprintf(text, sizeof(text), "%.*g", 1 + (int)(draw(2 * i + 1) % 25), value);
		assert_as_strtod(text);
	}
}

/* Numbers exactly between two doubles, where the tie goes to the even one. */
static void
parse__ties(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < 200000; i++) {
		uint64_t mantissa = (draw(2 * i) >> 11) | UINT64_C(1) << 52;
		uint64_t tie = (2 * mantissa + 1) << draw(2 * i + 1) % 10;
		char text[128];

		snprintf(text, sizeof(text), "%llu", (unsigned long long)tie);
		assert_as_strtod(text);
		snprintf(text, sizeof(text), "%llu.%s", (unsigned long long)(tie >> 1),
			 tie & 1 ? "5" : "0");
		assert_as_strtod(text);
	}
}

static void
parse__hard_cases(void **state)
{
	static const char *const hard[] = {"0",
					   "-0",
					   "+5",
					   "1.",
					   ".5",
					   "-.5e-3",
					   "0.0e5",
					   "00000000000000000000000001",
					   "0.1",
					   "0.00000000000000000000000000000000000001",
					   "123456789012345678901234567890",
					   "9007199254740992.5",
					   "9007199254740993",
					   "9007199254740993.0000000000000000000000001",
					   "18446744073709551615",
					   "18446744073709551616",
					   "9999999999999999999e27",
					   "1e-27",
					   "1e27",
					   "1e28",
					   "1e-28",
					   "1e22",
					   "1e23",
					   "8.5e22",
					   "7.2057594037927933e16",
					   "1e308",
					   "1.7976931348623157e308",
					   "1.7976931348623159e308",
					   "1e309",
					   "-1e400",
					   "4.9e-324",
					   "2e-324",
					   "2.4703282292062327e-324",
					   "2.4703282292062328e-324",
					   "2.2250738585072011e-308",
					   "2.2250738585072014e-308",
					   "1e-400",
					   "1e99999999999",
					   "1e-99999999999",
					   "6.02214076e23",
					   "1E5",
					   "1e+05"};

	(void)state;
	for (size_t i = 0; i < sizeof(hard) / sizeof(hard[0]); i++)
		assert_as_strtod(hard[i]);
}

static void
parse__long_numbers_up_to_the_limit(void **state)
{
	char text[1102];
	double value;

	(void)state;
	memset(text, '7', sizeof(text));
	text[1] = '.';
	text[1000] = '\0';
	assert_as_strtod(text);
	text[1000] = '7';
	text[1100] = '\n';
	assert_null(strads_number_parse(text, &value));
}

static void
parse__what_is_no_number(void **state)
{
	static const char *const none[] = {"\n",    "+\n",   "-\n",   ".\n",  "e5\n", "-.e5\n",
					   "nan\n", "inf\n", "abc\n", " 1\n", "--1\n"};
	double value;

	(void)state;
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		assert_null(strads_number_parse(none[i], &value));
}

static void
parse__stops_at_what_does_not_belong(void **state)
{
	static const struct {
		const char *text;
		size_t used;
	} cases[] = {{"1,5\n", 1},  {"1.5.5\n", 3}, {"1e\n", 1}, {"1e+\n", 1},
		     {"0x10\n", 1}, {"1_000\n", 1}, {"3 4\n", 1}};
	double value;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_ptr_equal(strads_number_parse(cases[i].text, &value),
				 cases[i].text + cases[i].used);
}

static void
parse_index__bounds(void **state)
{
	uint64_t value = 0;

	(void)state;
	assert_non_null(strads_number_parse_index("18446744073709551615:", &value));
	assert_int_equal(value, UINT64_MAX);
	assert_non_null(strads_number_parse_index("99999999999999999999999:", &value));
	assert_int_equal(value, UINT64_MAX);
	assert_non_null(strads_number_parse_index("0007:", &value));
	assert_int_equal(value, 7);
	assert_null(strads_number_parse_index("-7:", &value));
	assert_null(strads_number_parse_index(":", &value));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(parse__random_digits_point_and_exponent),
	    cmocka_unit_test(parse__random_doubles_printed_in_full_and_cut),
	    cmocka_unit_test(parse__ties),
	    cmocka_unit_test(parse__hard_cases),
	    cmocka_unit_test(parse__long_numbers_up_to_the_limit),
	    cmocka_unit_test(parse__what_is_no_number),
	    cmocka_unit_test(parse__stops_at_what_does_not_belong),
	    cmocka_unit_test(parse_index__bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
