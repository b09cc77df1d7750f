/* The job of one rank, and what is refused before any job starts. */
#include "strads/transport.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

static struct strads_job_options
self(void)
{
	return (struct strads_job_options){.kind = STRADS_JOB_SELF};
}

/* cmocka's asserts work here: the rank is this very process. */
static int
look_around(struct strads_job *job, void *arg)
{
	uint64_t mine = 42, all = 0;
	void *gathered = NULL;

	*(int *)arg = 1;
	assert_int_equal(strads_job_rank(job), 0);
	assert_int_equal(strads_job_size(job), 1);
	assert_string_equal(strads_job_kind_name(job), "self");
	assert_int_equal(strads_job_allgather(job, &mine, sizeof mine, &all), STRADS_OK);
	assert_int_equal(all, 42);
	assert_int_equal(strads_job_allgather(job, NULL, 0, NULL), STRADS_OK);
	assert_int_equal(strads_job_gather(job, STRADS_OK, &mine, sizeof mine, &gathered),
			 STRADS_OK);
	assert_int_equal(*(uint64_t *)gathered, 42);
	free(gathered);
	assert_int_equal(strads_job_barrier(job), STRADS_OK);
	assert_int_equal(strads_job_check(job), STRADS_OK);
	return 5;
}

static void
self__one_rank(void **state)
{
	struct strads_job_options options = self();
	int called = 0;

	(void)state;
	assert_int_equal(strads_job_run(&options, look_around, &called), 5);
	assert_true(called);
}

static int
disagree(struct strads_job *job, void *arg)
{
	(void)arg;
	assert_int_equal(strads_job_agree(job, STRADS_OK), STRADS_OK);
	assert_int_equal(strads_job_agree(job, strads_fail(STRADS_ERR_INPUT, "x.svm is empty")),
			 STRADS_ERR_INPUT);
	assert_string_equal(strads_error(), "x.svm is empty");
	return 0;
}

static void
self__agree(void **state)
{
	struct strads_job_options options = self();

	(void)state;
	assert_int_equal(strads_job_run(&options, disagree, NULL), 0);
}

static int
give_up(struct strads_job *job, void *arg)
{
	(void)arg;
	strads_job_abort(job, strads_fail(STRADS_ERR_INPUT, "no rows"));
	assert_string_equal(strads_error(), "no rows");
	assert_int_equal(strads_job_check(job), STRADS_ERR_ABORTED);
	assert_string_equal(strads_error(), "this rank gave up: no rows");
	assert_int_equal(strads_job_barrier(job), STRADS_ERR_ABORTED);
	return 0;
}

static void
self__abort(void **state)
{
	struct strads_job_options options = self();

	(void)state;
	assert_int_equal(strads_job_run(&options, give_up, NULL), 0);
}

static int
ask_too_much(struct strads_job *job, void *arg)
{
	char byte = 0;
	void *all = &byte;

	(void)arg;
	assert_int_equal(strads_job_allgather(job, &byte, SIZE_MAX, &byte), STRADS_ERR_ARGUMENT);
	assert_int_equal(strads_job_allgather(job, NULL, 1, &byte), STRADS_ERR_ARGUMENT);
	assert_int_equal(strads_job_allgather(job, &byte, 1, NULL), STRADS_ERR_ARGUMENT);
	assert_int_equal(strads_job_gather(job, STRADS_OK, NULL, 1, &all), STRADS_ERR_ARGUMENT);
	assert_ptr_equal(all, &byte);
	return 0;
}

static void
self__arguments(void **state)
{
	struct strads_job_options options = self();

	(void)state;
	assert_int_equal(strads_job_run(&options, ask_too_much, NULL), 0);
}

static int
must_not_run(struct strads_job *job, void *arg)
{
	(void)job;
	(void)arg;
	return 99;
}

static void
run__impossible_numbers_of_ranks(void **state)
{
	static const int ranks[] = {0, -1, 4097};

	(void)state;
	for (int i = 0; i < 3; i++) {
		struct strads_job_options options = {.kind = STRADS_JOB_LOCAL, .ranks = ranks[i]};
		assert_int_equal(strads_job_run(&options, must_not_run, NULL), 1);
		options.kind = STRADS_JOB_SIM;
		assert_int_equal(strads_job_run(&options, must_not_run, NULL), 1);
	}
}

static void
run__impossible_kind(void **state)
{
	struct strads_job_options options = {.kind = (enum strads_job_kind)77};

	(void)state;
	assert_int_equal(strads_job_run(&options, must_not_run, NULL), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(self__one_rank),
	    cmocka_unit_test(self__agree),
	    cmocka_unit_test(self__abort),
	    cmocka_unit_test(self__arguments),
	    cmocka_unit_test(run__impossible_numbers_of_ranks),
	    cmocka_unit_test(run__impossible_kind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
