/* Jobs of forked ranks that all live to the end. */
#include "job_board.h"

#include <stdlib.h>

#define LIMIT_MS 20000

/* ---- Collectives --------------------------------------------------------------------------- */

/* Byte i of rank r in a collective of `bytes`. */
static uint8_t
expected_byte(int rank, size_t i, size_t bytes)
{
	return (uint8_t)((size_t)rank * 131 + i * 7 + bytes);
}

static int
gather(struct strads_job *job, size_t bytes)
{
	int size = strads_job_size(job);
	uint8_t *mine = malloc(bytes + 1), *all = malloc(bytes * (size_t)size + 1);
	int wrong = !mine || !all;

	for (size_t i = 0; !wrong && i < bytes; i++)
		mine[i] = expected_byte(strads_job_rank(job), i, bytes);
	if (!wrong)
		wrong = strads_job_allgather(job, mine, bytes, all) != STRADS_OK;
	for (int rank = 0; !wrong && rank < size; rank++)
		for (size_t i = 0; i < bytes; i++)
			wrong |= all[(size_t)rank * bytes + i] != expected_byte(rank, i, bytes);
	free(mine);
	free(all);
	return wrong;
}

static int
gather_all_sizes(struct strads_job *job, void *arg)
{
	static const size_t sizes[] = {0, 1, 8, 1000, 65537, 1 << 20, 0, 3};
	int wrong = 0;

	(void)arg;
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
		wrong |= gather(job, sizes[i]);
	for (int i = 0; i < 200; i++)
		wrong |= gather(job, 16);
	return wrong || strads_job_barrier(job) || strads_job_check(job);
}

static void
local__allgather(void **state)
{
	static const int ranks[] = {1, 2, 8};
	struct board *board = board_new();

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_int_equal(board_run(board, ranks[i], LIMIT_MS, gather_all_sizes), 0);
	assert_string_equal(board->said, "");
	board_delete(board);
}

static int
gather_unequal(struct strads_job *job, void *arg)
{
	uint8_t mine[2] = {1, 1}, all[8] = {9, 9, 9, 9, 9, 9, 9, 9};
	int rank = strads_job_rank(job);

	board_report(arg, job, strads_job_allgather(job, mine, rank == 2 ? 1 : 2, all));
	for (int i = 0; i < 8; i++)
		if (all[i] != 9)
			return 1;
	return strads_job_barrier(job) ? 2 : 0;
}

static void
local__unequal_sizes_fail_on_all(void **state)
{
	struct board *board = board_new();

	(void)state;
	assert_int_equal(board_run(board, 4, LIMIT_MS, gather_unequal), 0);
	for (int rank = 0; rank < 4; rank++) {
		assert_int_equal(board->reports[rank].status, STRADS_ERR_PROTOCOL);
		assert_string_equal(board->reports[rank].sentence,
				    "rank 2 gave 1 bytes to a collective where rank 0 gave 2");
	}
	board_delete(board);
}

/* ---- Agreement ----------------------------------------------------------------------------- */

static int
disagree(struct strads_job *job, void *arg)
{
	int rank = strads_job_rank(job), status = STRADS_OK;

	if (strads_job_agree(job, STRADS_OK))
		return 1;
	if (rank == 1)
		status = strads_fail(STRADS_ERR_IO, "cannot open x.svm");
	if (rank == 3)
		status = strads_fail(STRADS_ERR_MEMORY, "no memory");
	board_report(arg, job, strads_job_agree(job, status));
	return strads_job_barrier(job) ? 2 : 0;
}

static void
local__agree_on_the_lowest_failing_rank(void **state)
{
	struct board *board = board_new();

	(void)state;
	assert_int_equal(board_run(board, 4, LIMIT_MS, disagree), 0);
	for (int rank = 0; rank < 4; rank++) {
		assert_int_equal(board->reports[rank].status, STRADS_ERR_IO);
		assert_string_equal(board->reports[rank].sentence,
				    rank == 1 ? "cannot open x.svm" : "rank 1: cannot open x.svm");
	}
	board_delete(board);
}

/* Byte b of rank r is 16 r + b, which no other rank has. */
static int
gather_new(struct strads_job *job, void *arg)
{
	uint8_t rank = (uint8_t)strads_job_rank(job);
	const uint8_t mine[3] = {rank << 4, rank << 4 | 1, rank << 4 | 2};
	void *all = NULL, *nothing = NULL;
	int status = strads_job_gather(job, STRADS_OK, mine, sizeof mine, &all);

	if (status == STRADS_OK)
		memcpy(((struct board *)arg)->reports[rank].sentence, all, 4 * sizeof mine);
	free(all);
	if (status == STRADS_OK)
		status = strads_job_gather(job, STRADS_OK, NULL, 0, &nothing);
	free(nothing);
	return status != STRADS_OK || strads_job_barrier(job);
}

static void
local__gather_into_new_memory(void **state)
{
	static const uint8_t expected[] = {0,    1,    2,    0x10, 0x11, 0x12,
					   0x20, 0x21, 0x22, 0x30, 0x31, 0x32};
	struct board *board = board_new();

	(void)state;
	assert_int_equal(board_run(board, 4, LIMIT_MS, gather_new), 0);
	for (int rank = 0; rank < 4; rank++)
		assert_memory_equal(board->reports[rank].sentence, expected, sizeof expected);
	board_delete(board);
}

static int
gather_failed(struct strads_job *job, void *arg)
{
	int mine = strads_job_rank(job), status = STRADS_OK;
	void *all = arg;

	if (mine == 2)
		status = strads_fail(STRADS_ERR_IO, "cannot open x.svm");
	board_report(arg, job, strads_job_gather(job, status, &mine, sizeof mine, &all));
	return all != arg || strads_job_barrier(job);
}

static void
local__gather_fails_on_all_where_one_failed(void **state)
{
	struct board *board = board_new();

	(void)state;
	assert_int_equal(board_run(board, 4, LIMIT_MS, gather_failed), 0);
	for (int rank = 0; rank < 4; rank++) {
		assert_int_equal(board->reports[rank].status, STRADS_ERR_IO);
		assert_string_equal(board->reports[rank].sentence,
				    rank == 2 ? "cannot open x.svm" : "rank 2: cannot open x.svm");
	}
	board_delete(board);
}

/* ---- Abort --------------------------------------------------------------------------------- */

static int
abort_one(struct strads_job *job, void *arg)
{
	if (strads_job_rank(job) == 1)
		strads_job_abort(job, strads_fail(STRADS_ERR_INPUT, "row 7 is not finite"));
	board_report(arg, job, strads_job_barrier(job));
	return strads_job_check(job) == STRADS_ERR_ABORTED ? 3 : 4;
}

static void
local__abort_reaches_all(void **state)
{
	struct board *board = board_new();

	(void)state;
	assert_int_equal(board_run(board, 3, LIMIT_MS, abort_one), 3);
	for (int rank = 0; rank < 3; rank++) {
		assert_int_equal(board->reports[rank].status, STRADS_ERR_ABORTED);
		assert_string_equal(board->reports[rank].sentence,
				    rank == 1 ? "this rank gave up: row 7 is not finite"
					      : "rank 1 gave up: row 7 is not finite");
	}
	/* Who gave up has ended in order: it is nobody's death. */
	assert_string_equal(board->said, "");
	board_delete(board);
}

/* ---- Exit codes and identity --------------------------------------------------------------- */

static int
return_rank(struct strads_job *job, void *arg)
{
	static const int codes[] = {0, 9, 2};

	(void)arg;
	return strads_job_barrier(job) ? 100 : codes[strads_job_rank(job)];
}

static void
local__highest_exit_code(void **state)
{
	struct board *board = board_new();

	(void)state;
	assert_int_equal(board_run(board, 3, LIMIT_MS, return_rank), 9);
	assert_string_equal(board->said, "");
	board_delete(board);
}

static int
note_identity(struct strads_job *job, void *arg)
{
	struct board *board = arg;
	struct report *report = &board->reports[strads_job_rank(job)];

	report->pid = getpid();
	printf("from rank %d\n", strads_job_rank(job)); /* buffered: flushed at the end */
	return strcmp(strads_job_kind_name(job), "local") != 0 || strads_job_size(job) != 3;
}

static void
local__ranks_are_processes_and_their_output_is_whole(void **state)
{
	struct board *board = board_new();
	int caught = board_catcher(), saved = dup(STDOUT_FILENO);
	char text[256] = "";

	(void)state;
	fflush(stdout);
	dup2(caught, STDOUT_FILENO);
	printf("before\n"); /* buffered here: must come out once */
	int code = board_run(board, 3, LIMIT_MS, note_identity);
	fflush(stdout);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	assert_int_equal(code, 0);
	assert_true(pread(caught, text, sizeof text - 1, 0) > 0);
	close(caught);
	assert_int_equal(strlen(text), strlen("before\n") + 3 * strlen("from rank 0\n"));
	assert_int_equal(strncmp(text, "before\n", 7), 0);
	assert_non_null(strstr(text, "from rank 2\n"));
	for (int rank = 0; rank < 3; rank++) {
		assert_int_not_equal(board->reports[rank].pid, 0);
		assert_int_not_equal(board->reports[rank].pid, getpid());
	}
	board_delete(board);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(local__allgather),
	    cmocka_unit_test(local__unequal_sizes_fail_on_all),
	    cmocka_unit_test(local__agree_on_the_lowest_failing_rank),
	    cmocka_unit_test(local__gather_into_new_memory),
	    cmocka_unit_test(local__gather_fails_on_all_where_one_failed),
	    cmocka_unit_test(local__abort_reaches_all),
	    cmocka_unit_test(local__highest_exit_code),
	    cmocka_unit_test(local__ranks_are_processes_and_their_output_is_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
