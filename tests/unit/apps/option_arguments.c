/* Whole argument vectors: where a value comes from, and what is said of a bad one. */
#include "../../../apps/cli/arguments.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct settings {
	const char *data;
	double lambda, lambda_ratio, tol;
	uint64_t set_size;
	bool intercept;
};

static const struct strads_option table[] = {
    {.name = "data",
     .value = "FILE",
     .kind = STRADS_OPTION_STRING,
     .offset = offsetof(struct settings, data),
     .doc = "Training data"},
    {.name = "lambda",
     .value = "NUMBER",
     .kind = STRADS_OPTION_DOUBLE,
     .min = 0,
     .max = INFINITY,
     .offset = offsetof(struct settings, lambda),
     .excludes = "lambda-ratio",
     .doc = "Penalty"},
    {.name = "lambda-ratio",
     .value = "NUMBER",
     .kind = STRADS_OPTION_DOUBLE,
     .min = 0,
     .max = 1,
     .offset = offsetof(struct settings, lambda_ratio),
     .excludes = "lambda",
     .doc = "Ratio"},
    {.name = "tol",
     .value = "NUMBER",
     .fallback = "1e-6",
     .kind = STRADS_OPTION_DOUBLE,
     .min = 0,
     .max = 1,
     .offset = offsetof(struct settings, tol),
     .doc = "Tolerance"},
    {.name = "set-size",
     .value = "N",
     .fallback = "64",
     .kind = STRADS_OPTION_UINT,
     .min = 1,
     .max = 65536,
     .offset = offsetof(struct settings, set_size),
     .doc = "Variables in a set"},
    {.name = "intercept",
     .kind = STRADS_OPTION_FLAG,
     .offset = offsetof(struct settings, intercept),
     .doc = "Fit an intercept"},
    {0},
};

static const char *const variables[] = {"STRADS_DATA", "STRADS_LAMBDA",   "STRADS_LAMBDA_RATIO",
					"STRADS_TOL",  "STRADS_SET_SIZE", "STRADS_INTERCEPT"};

static int
clear_environment(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof variables / sizeof *variables; i++)
		unsetenv(variables[i]);
	return 0;
}

/* Parses up to seven arguments, the last followed by NULL. No parser writes into their characters.
 */
static int
parse(struct settings *settings, const char *const *arguments)
{
	const struct strads_option_group groups[] = {{"Problem", table, settings}, {0}};
	const struct strads_arguments command = {
	    .command = "strads lasso", .about = "About", .positional = "data", .groups = groups};
	char name[] = "strads lasso", *argv[9] = {name};
	int argc = 1;

	while (*arguments)
		argv[argc++] = (char *)*arguments++;
	return strads_arguments_parse(&command, argc, argv);
}

#define PARSE(settings, ...) parse(settings, (const char *const[]){__VA_ARGS__, NULL})

static void
parse__defaults(void **state)
{
	struct settings s;

	(void)state;
	assert_int_equal(parse(&s, (const char *const[]){NULL}), STRADS_OK);
	assert_true(s.tol == 1e-6);
	assert_true(s.set_size == 64);
	assert_null(s.data);
	assert_true(isnan(s.lambda));
	assert_false(s.intercept);
}

static void
parse__both_forms_and_positional(void **state)
{
	struct settings s;

	(void)state;
	assert_int_equal(PARSE(&s, "--tol=1e-3", "a.svm", "--set-size", "7", "--intercept"),
			 STRADS_OK);
	assert_true(s.tol == 1e-3);
	assert_true(s.set_size == 7);
	assert_true(s.intercept);
	assert_string_equal(s.data, "a.svm");
	assert_int_equal(PARSE(&s, "--intercept=off", "--", "-a.svm"), STRADS_OK);
	assert_false(s.intercept);
	assert_string_equal(s.data, "-a.svm");
}

static void
parse__flag_over_environment_over_default(void **state)
{
	struct settings s;

	(void)state;
	setenv("STRADS_TOL", "1e-3", 1);
	setenv("STRADS_SET_SIZE", "9", 1);
	setenv("STRADS_INTERCEPT", "on", 1);
	assert_int_equal(PARSE(&s, "--tol", "1e-4", "--intercept=off"), STRADS_OK);
	assert_true(s.tol == 1e-4);
	assert_true(s.set_size == 9);
	assert_false(s.intercept);
	setenv("STRADS_SET_SIZE", "", 1);
	assert_int_equal(PARSE(&s, "--tol", "1e-4"), STRADS_OK);
	assert_true(s.set_size == 64);
}

static void
parse__bad_values_are_named(void **state)
{
	struct settings s;

	(void)state;
	assert_int_equal(PARSE(&s, "--tol", "-1"), STRADS_ERR_INPUT);
	assert_string_equal(
	    strads_error(),
	    "--tol: '-1' is not a number between 0 and 1; see `strads lasso --help`");
	assert_int_equal(PARSE(&s, "--lambda=-2"), STRADS_ERR_INPUT);
	assert_non_null(strstr(strads_error(), "--lambda: '-2' is not a number of at least 0"));
	setenv("STRADS_TOL", "small", 1);
	assert_int_equal(parse(&s, (const char *const[]){NULL}), STRADS_ERR_INPUT);
	assert_non_null(strstr(strads_error(), "STRADS_TOL: 'small' is not"));
}

static void
parse__unknown_option_gets_a_hint(void **state)
{
	struct settings s;

	(void)state;
	assert_int_equal(PARSE(&s, "--tool=3"), STRADS_ERR_INPUT);
	assert_non_null(strstr(strads_error(), "--tool: no such option, did you mean --tol;"));
	assert_int_equal(PARSE(&s, "a.svm", "--zzzzzzzz"), STRADS_ERR_INPUT);
	assert_non_null(strstr(strads_error(), "--zzzzzzzz: no such option;"));
	assert_null(strstr(strads_error(), "did you mean"));
	assert_int_equal(PARSE(&s, "-x"), STRADS_ERR_INPUT);
	assert_non_null(strstr(strads_error(), "-x: no such option"));
}

static void
parse__abbreviations_are_refused(void **state)
{
	struct settings s;

	(void)state;
	assert_int_equal(PARSE(&s, "--set", "7"), STRADS_ERR_INPUT);
	assert_non_null(strstr(strads_error(), "--set: no such option, did you mean --set-size;"));
	assert_int_equal(PARSE(&s, "--to=1e-3"), STRADS_ERR_INPUT);
	assert_non_null(strstr(strads_error(), "--to: no such option, did you mean --tol;"));
	assert_int_equal(PARSE(&s, "--inter"), STRADS_ERR_INPUT);
	assert_non_null(strstr(strads_error(), "--inter: no such option, did you mean --inter"));
	assert_int_equal(PARSE(&s, "--hel"), STRADS_ERR_INPUT);
	assert_non_null(strstr(strads_error(), "--hel: no such option"));
	/* A value may look like one. */
	assert_int_equal(PARSE(&s, "--data", "--set"), STRADS_OK);
	assert_string_equal(s.data, "--set");
}

static void
parse__missing_value(void **state)
{
	struct settings s;

	(void)state;
	assert_int_equal(PARSE(&s, "--set-size"), STRADS_ERR_INPUT);
	assert_non_null(
	    strstr(strads_error(), "--set-size needs a value: a whole number between 1"));
}

static void
parse__two_positionals(void **state)
{
	struct settings s;

	(void)state;
	assert_int_equal(PARSE(&s, "a.svm", "b.svm"), STRADS_ERR_INPUT);
	assert_non_null(strstr(strads_error(), "'b.svm': --data is already given"));
}

static void
parse__exclusive_options(void **state)
{
	struct settings s;

	(void)state;
	assert_int_equal(PARSE(&s, "--lambda", "2", "--lambda-ratio", "0.1"), STRADS_ERR_INPUT);
	assert_non_null(strstr(strads_error(), "cannot both be given"));
	setenv("STRADS_LAMBDA", "3", 1);
	assert_int_equal(PARSE(&s, "--lambda-ratio", "0.1"), STRADS_OK);
	assert_true(isnan(s.lambda));
	assert_true(s.lambda_ratio == 0.1);
	setenv("STRADS_LAMBDA_RATIO", "0.2", 1);
	assert_int_equal(PARSE(&s, "a.svm"), STRADS_ERR_INPUT);
	assert_non_null(strstr(strads_error(), "cannot both be set"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(parse__defaults, clear_environment),
	    cmocka_unit_test_setup(parse__both_forms_and_positional, clear_environment),
	    cmocka_unit_test_setup(parse__flag_over_environment_over_default, clear_environment),
	    cmocka_unit_test_setup(parse__bad_values_are_named, clear_environment),
	    cmocka_unit_test_setup(parse__unknown_option_gets_a_hint, clear_environment),
	    cmocka_unit_test_setup(parse__abbreviations_are_refused, clear_environment),
	    cmocka_unit_test_setup(parse__missing_value, clear_environment),
	    cmocka_unit_test_setup(parse__two_positionals, clear_environment),
	    cmocka_unit_test_setup(parse__exclusive_options, clear_environment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
