/* One value of every kind: what is taken, what is refused, what it looks like as JSON. */
#include "../../../apps/cli/option.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

struct settings {
	bool quiet;
	int depth;
	uint64_t seed;
	uint64_t memory;
	double tol;
	const char *data;
	int order;
};

static const char *const orders[] = {"cyclic", "random", "fixed", NULL};

static const struct strads_option quiet = {
    .name = "quiet", .kind = STRADS_OPTION_FLAG, .offset = offsetof(struct settings, quiet)};
static const struct strads_option depth = {.name = "depth",
					   .fallback = "2",
					   .kind = STRADS_OPTION_INT,
					   .min = 1,
					   .max = 64,
					   .offset = offsetof(struct settings, depth)};
static const struct strads_option seed = {
    .name = "seed", .kind = STRADS_OPTION_UINT, .offset = offsetof(struct settings, seed)};
static const struct strads_option memory = {.name = "memory",
					    .fallback = "256M",
					    .kind = STRADS_OPTION_SIZE,
					    .min = 4096,
					    .max = INFINITY,
					    .offset = offsetof(struct settings, memory)};
static const struct strads_option tol = {.name = "tol",
					 .kind = STRADS_OPTION_DOUBLE,
					 .min = 0,
					 .max = 1,
					 .offset = offsetof(struct settings, tol)};
static const struct strads_option data = {
    .name = "data", .kind = STRADS_OPTION_STRING, .offset = offsetof(struct settings, data)};
static const struct strads_option order = {.name = "order",
					   .fallback = "random",
					   .kind = STRADS_OPTION_CHOICE,
					   .choices = orders,
					   .offset = offsetof(struct settings, order)};

static void
refused(const struct strads_option *option, const char *text)
{
	struct settings before, after;

	memset(&before, 0x5a, sizeof before);
	after = before;
	assert_int_equal(strads_option_set(option, &after, "--x", text), STRADS_ERR_INPUT);
	assert_memory_equal(&before, &after, sizeof before);
	assert_non_null(strstr(strads_error(), "--x: '"));
	assert_non_null(strstr(strads_error(), text));
}

static void
taken(const struct strads_option *option, struct settings *settings, const char *text)
{
	assert_int_equal(strads_option_set(option, settings, "--x", text), STRADS_OK);
}

static void
set__flag(void **state)
{
	struct settings s = {0};

	(void)state;
	taken(&quiet, &s, "on");
	assert_true(s.quiet);
	taken(&quiet, &s, "no");
	assert_false(s.quiet);
	taken(&quiet, &s, "1");
	assert_true(s.quiet);
	refused(&quiet, "maybe");
	refused(&quiet, "");
}

static void
set__int_within_bounds(void **state)
{
	struct settings s = {0};

	(void)state;
	taken(&depth, &s, "1");
	assert_int_equal(s.depth, 1);
	taken(&depth, &s, "64");
	assert_int_equal(s.depth, 64);
	refused(&depth, "0");
	refused(&depth, "65");
	refused(&depth, "3.5");
	refused(&depth, "3x");
	refused(&depth, "");
	refused(&depth, "4294967297");
	assert_non_null(strstr(strads_error(), "a whole number between 1 and 64"));
}

static void
set__uint_whole_range(void **state)
{
	struct settings s = {0};

	(void)state;
	taken(&seed, &s, "18446744073709551615");
	assert_true(s.seed == UINT64_MAX);
	refused(&seed, "18446744073709551616");
	refused(&seed, "-1");
	refused(&seed, " 1");
	refused(&seed, "1K");
}

static void
set__size_suffixes(void **state)
{
	struct settings s = {0};

	(void)state;
	taken(&memory, &s, "4096");
	assert_true(s.memory == 4096);
	taken(&memory, &s, "64k");
	assert_true(s.memory == 65536);
	taken(&memory, &s, "3G");
	assert_true(s.memory == UINT64_C(3) << 30);
	refused(&memory, "4095");
	refused(&memory, "1KB");
	refused(&memory, "1P");
	refused(&memory, "99999999999999T");
	refused(&memory, "-1K");
}

static void
set__double_within_bounds(void **state)
{
	struct settings s = {0};

	(void)state;
	taken(&tol, &s, "1e-6");
	assert_true(s.tol == 1e-6);
	taken(&tol, &s, "0");
	refused(&tol, "-1");
	refused(&tol, "1.01");
	refused(&tol, "nan");
	refused(&tol, "inf");
	refused(&tol, "1e-6x");
	refused(&tol, "");
	assert_non_null(strstr(strads_error(), "a number between 0 and 1"));
}

static void
set__string_not_empty(void **state)
{
	struct settings s = {0};

	(void)state;
	taken(&data, &s, "a b");
	assert_string_equal(s.data, "a b");
	refused(&data, "");
}

static void
set__choice_by_name(void **state)
{
	struct settings s = {0};

	(void)state;
	taken(&order, &s, "fixed");
	assert_int_equal(s.order, 2);
	refused(&order, "fix");
	assert_non_null(strstr(strads_error(), "one of cyclic, random, fixed"));
}

static void
reset__defaults_and_unset(void **state)
{
	struct settings s;

	(void)state;
	memset(&s, 0x5a, sizeof s);
	s.quiet = true;
	assert_int_equal(strads_option_reset(&quiet, &s), STRADS_OK);
	assert_int_equal(strads_option_reset(&depth, &s), STRADS_OK);
	assert_int_equal(strads_option_reset(&seed, &s), STRADS_OK);
	assert_int_equal(strads_option_reset(&memory, &s), STRADS_OK);
	assert_int_equal(strads_option_reset(&tol, &s), STRADS_OK);
	assert_int_equal(strads_option_reset(&data, &s), STRADS_OK);
	assert_int_equal(strads_option_reset(&order, &s), STRADS_OK);
	assert_false(s.quiet);
	assert_int_equal(s.depth, 2);
	assert_true(s.seed == 0);
	assert_true(s.memory == UINT64_C(256) << 20);
	assert_true(isnan(s.tol));
	assert_null(s.data);
	assert_int_equal(s.order, 1);
}

static void
json__value_of_each_kind(void **state)
{
	const struct strads_option table[] = {quiet, depth, seed, memory, tol, data, order, {0}};
	struct settings s = {.quiet = true, .depth = 3, .seed = 4, .memory = 5, .order = 2};
	const struct strads_option_group groups[] = {{"All", table, &s}, {0}};
	json_t *all;

	(void)state;
	s.tol = NAN;
	all = strads_options_json(groups);
	assert_non_null(all);
	assert_int_equal(json_object_size(all), 7);
	assert_true(json_is_true(json_object_get(all, "quiet")));
	assert_int_equal(json_integer_value(json_object_get(all, "depth")), 3);
	assert_int_equal(json_integer_value(json_object_get(all, "memory")), 5);
	assert_true(json_is_null(json_object_get(all, "tol")));
	assert_true(json_is_null(json_object_get(all, "data")));
	assert_string_equal(json_string_value(json_object_get(all, "order")), "fixed");
	json_decref(all);
}

/* Integers of the JSON library are signed. */
static void
json__count_of_64_bits(void **state)
{
	struct settings s = {.seed = INT64_MAX};
	json_t *json = strads_option_json(&seed, &s);

	(void)state;
	assert_true(json_integer_value(json) == INT64_MAX);
	json_decref(json);
	s.seed = UINT64_MAX;
	json = strads_option_json(&seed, &s);
	assert_string_equal(json_string_value(json), "18446744073709551615");
	json_decref(json);
}

static void
variable__capitals_and_underscores(void **state)
{
	const struct strads_option option = {.name = "set-size"};
	char text[STRADS_OPTION_VARIABLE_MAX];

	(void)state;
	assert_string_equal(strads_option_variable(&option, text), "STRADS_SET_SIZE");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(set__flag),
	    cmocka_unit_test(set__int_within_bounds),
	    cmocka_unit_test(set__uint_whole_range),
	    cmocka_unit_test(set__size_suffixes),
	    cmocka_unit_test(set__double_within_bounds),
	    cmocka_unit_test(set__string_not_empty),
	    cmocka_unit_test(set__choice_by_name),
	    cmocka_unit_test(reset__defaults_and_unset),
	    cmocka_unit_test(json__value_of_each_kind),
	    cmocka_unit_test(json__count_of_64_bits),
	    cmocka_unit_test(variable__capitals_and_underscores),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
