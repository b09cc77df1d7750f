/* Coroutines by themselves. */
#include "sim/coroutine.h"

#include "strads/transport.h"

#include <fenv.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#define STACK_BYTES ((size_t)1 << 20)
#define COUNT       3

struct cast {
	struct strads_coroutine *self;
	struct strads_coroutine *main;
	char name;
	char *script;
	double before, after; /* 1/3 as rounded there, before and after it was away */
};

static void
say(char *script, char name)
{
	size_t length = strlen(script);

	script[length] = name;
	script[length + 1] = '\0';
}

/* Uses half a stack, so that stacks that overlap would be seen. */
static void
play(void *arg)
{
	struct cast *cast = arg;
	volatile char ballast[STACK_BYTES / 2];

	memset((char *)ballast, cast->name, sizeof ballast);
	for (int act = 0; act < 3; act++) {
		say(cast->script, cast->name);
		strads_coroutine_switch(cast->self, cast->main);
		for (size_t i = 0; i < sizeof ballast; i += 64)
			if (ballast[i] != cast->name)
				say(cast->script, '!');
	}
	say(cast->script, '.');
	strads_coroutine_leave(cast->self, cast->main);
}

static void
switch__continues_where_a_coroutine_stood(void **state)
{
	struct strads_coroutine *main_coroutine = NULL;
	struct cast casts[COUNT];
	char script[64] = "";

	(void)state;
	assert_int_equal(strads_coroutine_adopt(&main_coroutine), STRADS_OK);
	for (int i = 0; i < COUNT; i++) {
		casts[i] = (struct cast){
		    .main = main_coroutine, .name = (char)('a' + i), .script = script};
		assert_int_equal(strads_coroutine_new(STACK_BYTES, play, &casts[i], &casts[i].self),
				 STRADS_OK);
	}
	for (int act = 0; act < 4; act++)
		for (int i = 0; i < COUNT; i++)
			strads_coroutine_switch(main_coroutine, casts[i].self);
	assert_string_equal(script, "abcabcabc...");
	for (int i = 0; i < COUNT; i++) {
		strads_coroutine_delete(&casts[i].self);
		assert_null(casts[i].self);
	}
	strads_coroutine_delete(&main_coroutine);
	assert_null(main_coroutine);
}

static void
round_up(void *arg)
{
	struct cast *cast = arg;
	volatile double one = 1, three = 3;

	fesetround(FE_UPWARD);
	cast->before = one / three;
	strads_coroutine_switch(cast->self, cast->main);
	cast->after = one / three;
	strads_coroutine_leave(cast->self, cast->main);
}

static void
switch__keeps_the_rounding_mode_of_each(void **state)
{
	struct cast cast = {0};
	volatile double one = 1, three = 3;
	double nearest = one / three;

	(void)state;
	assert_int_equal(strads_coroutine_adopt(&cast.main), STRADS_OK);
	assert_int_equal(strads_coroutine_new(STACK_BYTES, round_up, &cast, &cast.self), STRADS_OK);
	strads_coroutine_switch(cast.main, cast.self);
	assert_int_equal(fegetround(), FE_TONEAREST);
	assert_true(one / three == nearest);
	strads_coroutine_switch(cast.main, cast.self);
	assert_int_equal(fegetround(), FE_TONEAREST);
	assert_true(cast.before >= nearest); /* equal where an emulator knows but one mode */
	assert_true(cast.after == cast.before);
	strads_coroutine_delete(&cast.self);
	strads_coroutine_delete(&cast.main);
}

/* Calls with many arguments, some of them in vectors, need the stack aligned. */
static void
print(void *arg)
{
	struct cast *cast = arg;

	snprintf(cast->script, 64, "%d %.2f %s %.1Lf", 42, 2.75, "and", (long double)1.5);
	strads_coroutine_leave(cast->self, cast->main);
}

static void
new__starts_on_an_aligned_stack(void **state)
{
	char script[64] = "";
	struct cast cast = {.script = script};

	(void)state;
	assert_int_equal(strads_coroutine_adopt(&cast.main), STRADS_OK);
	assert_int_equal(strads_coroutine_new(STACK_BYTES, print, &cast, &cast.self), STRADS_OK);
	strads_coroutine_switch(cast.main, cast.self);
	assert_string_equal(script, "42 2.75 and 1.5");
	strads_coroutine_delete(&cast.self);
	strads_coroutine_delete(&cast.main);
}

static void
new__that_is_never_run_can_be_deleted_or_abandoned(void **state)
{
	struct cast cast = {0};

	(void)state;
	assert_int_equal(strads_coroutine_new(STACK_BYTES, print, &cast, &cast.self), STRADS_OK);
	strads_coroutine_delete(&cast.self);
	assert_int_equal(strads_coroutine_new(STACK_BYTES, print, &cast, &cast.self), STRADS_OK);
	strads_coroutine_abandon(&cast.self);
	assert_null(cast.self);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(switch__continues_where_a_coroutine_stood),
	    cmocka_unit_test(switch__keeps_the_rounding_mode_of_each),
	    cmocka_unit_test(new__starts_on_an_aligned_stack),
	    cmocka_unit_test(new__that_is_never_run_can_be_deleted_or_abandoned),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
