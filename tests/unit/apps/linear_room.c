/*
 * What the ranks of a host may allocate.
 */
#include "room.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* What each rank of a simulated job asks for, and whether it got that. */
struct asked {
	uint64_t bytes;
	int status[3];
	char error[512];
};

static int
rank_main(struct strads_job *job, void *arg)
{
	struct asked *asked = arg;
	int rank = strads_job_rank(job);

	asked->status[rank] = strads_linear_room_check(job, "the test", asked->bytes, "ask less");
	if (rank == 0 && asked->status[0])
		strncpy(asked->error, strads_error(), sizeof asked->error - 1);
	return 0;
}

static void
ask(struct asked *asked)
{
	struct strads_job_options job = {.kind = STRADS_JOB_SIM, .ranks = 3, .timeout_ms = 10000};

	assert_int_equal(strads_job_run(&job, rank_main, asked), 0);
}

static void
room__holds_a_little(void **state)
{
	struct asked asked = {.bytes = 4096};

	(void)state;
	assert_true(strads_linear_room() > 1 << 20);
	ask(&asked);
	for (int rank = 0; rank < 3; rank++)
		assert_int_equal(asked.status[rank], STRADS_OK);
}

/* One rank's would fit, those of all three do not. */
static void
room__is_that_of_the_host(void **state)
{
	struct asked asked = {.bytes = strads_linear_room() / 2};

	(void)state;
	ask(&asked);
	for (int rank = 0; rank < 3; rank++)
		assert_int_equal(asked.status[rank], STRADS_ERR_MEMORY);
	assert_non_null(strstr(asked.error, "the test needs"));
	assert_non_null(strstr(asked.error, "on the 3 of its host"));
	assert_non_null(strstr(asked.error, "ask less"));
}

static void
room__counts_beyond_all_numbers(void **state)
{
	struct asked asked = {.bytes = UINT64_MAX};

	(void)state;
	ask(&asked);
	assert_int_equal(asked.status[2], STRADS_ERR_MEMORY);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(room__holds_a_little),
	    cmocka_unit_test(room__is_that_of_the_host),
	    cmocka_unit_test(room__counts_beyond_all_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
