/* Jobs of forked ranks in which a rank, or the process that supervises them, dies or hangs. */
#include "job_board.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

#define LIMIT_MS 20000
#define RANKS    4
#define VICTIM   2

static void
sleep_ms(long ms)
{
	nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

/* Calls strads_job_check until it fails, as a rank does that computes meanwhile. */
static int
check_until_news(struct strads_job *job)
{
	int status = STRADS_OK;

	for (int ms = 0; status == STRADS_OK && ms < LIMIT_MS; ms++) {
		status = strads_job_check(job);
		sleep_ms(1);
	}
	return status;
}

/* ---- Death of a rank ----------------------------------------------------------------------- */

static int
victim_killed_in_computation(struct strads_job *job, void *arg)
{
	struct board *board = arg;

	board->reports[strads_job_rank(job)].pid = getpid();
	if (strads_job_barrier(job))
		return 100;
	if (strads_job_rank(job) == VICTIM)
		raise(SIGKILL);
	board_report(board, job, check_until_news(job));
	/* It stays so, for collectives too. */
	return strads_job_barrier(job) == STRADS_ERR_PEER ? 1 : 101;
}

static int
victim_killed_while_others_wait(struct strads_job *job, void *arg)
{
	struct board *board = arg;
	uint64_t mine = 1, all[RANKS];

	board->reports[strads_job_rank(job)].pid = getpid();
	if (strads_job_barrier(job))
		return 100;
	if (strads_job_rank(job) == VICTIM) {
		sleep_ms(
		    50); /* the others are likely to wait by then; either way they must see it */
		raise(SIGKILL);
	}
	board_report(board, job, strads_job_allgather(job, &mine, sizeof mine, all));
	return 1;
}

static void
survivors_name_the_victim(struct board *board, const char *how)
{
	char sentence[256];

	snprintf(sentence, sizeof sentence, "rank %d (pid %d) %s", VICTIM,
		 (int)board->reports[VICTIM].pid, how);
	for (int rank = 0; rank < RANKS; rank++) {
		if (rank == VICTIM)
			continue;
		assert_int_equal(board->reports[rank].status, STRADS_ERR_PEER);
		assert_string_equal(board->reports[rank].sentence, sentence);
	}
	assert_string_equal(board->said, ""); /* telling their user is theirs */
}

static void
local__killed_rank_is_seen_by_check(void **state)
{
	struct board *board = board_new();

	(void)state;
	assert_int_equal(board_run(board, RANKS, LIMIT_MS, victim_killed_in_computation),
			 128 + SIGKILL);
	survivors_name_the_victim(board, "was killed by signal 9 (Killed)");
	board_delete(board);
}

static void
local__killed_rank_ends_a_collective(void **state)
{
	struct board *board = board_new();

	(void)state;
	assert_int_equal(board_run(board, RANKS, LIMIT_MS, victim_killed_while_others_wait),
			 128 + SIGKILL);
	survivors_name_the_victim(board, "was killed by signal 9 (Killed)");
	board_delete(board);
}

static int
victim_exits(struct strads_job *job, void *arg)
{
	struct board *board = arg;

	board->reports[strads_job_rank(job)].pid = getpid();
	if (strads_job_rank(job) == VICTIM)
		_exit(7);
	board_report(board, job, check_until_news(job));
	return 1;
}

static void
local__rank_that_exits_by_itself(void **state)
{
	struct board *board = board_new();

	(void)state;
	assert_int_equal(board_run(board, RANKS, LIMIT_MS, victim_exits), 7);
	survivors_name_the_victim(board, "ended with exit code 7 before the job was done");
	board_delete(board);
}

static int
victim_gives_up_and_is_killed(struct strads_job *job, void *arg)
{
	if (strads_job_rank(job) == VICTIM) {
		strads_job_abort(job, strads_fail(STRADS_ERR_IO, "disk full"));
		raise(SIGKILL);
	}
	board_report(arg, job, check_until_news(job));
	return 1;
}

static void
local__last_words_count_more_than_the_death(void **state)
{
	struct board *board = board_new();

	(void)state;
	assert_int_equal(board_run(board, RANKS, LIMIT_MS, victim_gives_up_and_is_killed),
			 128 + SIGKILL);
	for (int rank = 0; rank < RANKS; rank++) {
		if (rank == VICTIM)
			continue;
		assert_int_equal(board->reports[rank].status, STRADS_ERR_ABORTED);
		assert_string_equal(board->reports[rank].sentence, "rank 2 gave up: disk full");
	}
	board_delete(board);
}

static int
all_are_killed(struct strads_job *job, void *arg)
{
	(void)job;
	(void)arg;
	raise(SIGKILL);
	return 0;
}

static void
local__all_ranks_killed(void **state)
{
	struct board *board = board_new();

	(void)state;
	assert_int_equal(board_run(board, 3, LIMIT_MS, all_are_killed), 128 + SIGKILL);
	/* Nobody is left to tell, so the supervisor does, once. */
	assert_int_equal(strncmp(board->said, "strads: rank ", 13), 0);
	assert_non_null(strstr(board->said, ") was killed by signal 9 (Killed)\n"));
	assert_ptr_equal(strchr(board->said, '\n'), board->said + strlen(board->said) - 1);
	board_delete(board);
}

/* ---- Ranks that hang ----------------------------------------------------------------------- */

static int
victim_never_comes(struct strads_job *job, void *arg)
{
	if (strads_job_rank(job) == VICTIM) {
		int status = check_until_news(job);
		board_report(arg, job, status);
		return 1;
	}
	board_report(arg, job, strads_job_barrier(job));
	return 1;
}

static void
local__collective_that_one_rank_never_joins(void **state)
{
	struct board *board = board_new();

	(void)state;
	assert_int_equal(board_run(board, RANKS, 1500, victim_never_comes), 1);
	for (int rank = 0; rank < RANKS; rank++) {
		assert_int_equal(board->reports[rank].status, STRADS_ERR_TIMEOUT);
		assert_non_null(strstr(board->reports[rank].sentence,
				       ") did not come to a collective within 1.5 s"));
		assert_int_equal(strncmp(board->reports[rank].sentence, "rank 2 (pid ", 12), 0);
	}
	board_delete(board);
}

static int
victim_killed_and_one_hangs(struct strads_job *job, void *arg)
{
	struct board *board = arg;

	board->reports[strads_job_rank(job)].pid = getpid();
	if (strads_job_rank(job) == VICTIM)
		raise(SIGKILL);
	if (strads_job_rank(job) == 0)
		for (;;)
			pause();
	return check_until_news(job) == STRADS_ERR_PEER ? 1 : 100;
}

static void
local__survivor_that_hangs_is_killed(void **state)
{
	struct board *board = board_new();
	char sentence[100];

	(void)state;
	assert_int_equal(board_run(board, 3, 3000, victim_killed_and_one_hangs), 128 + SIGKILL);
	snprintf(sentence, sizeof sentence,
		 "rank 0 (pid %d) had not ended 3 s after the job failed: killed",
		 (int)board->reports[0].pid);
	assert_non_null(strstr(board->said, sentence));
	assert_int_equal(kill(board->reports[0].pid, 0), -1);
	board_delete(board);
}

static int
victim_is_stopped(struct strads_job *job, void *arg)
{
	if (strads_job_rank(job) == VICTIM)
		raise(SIGSTOP);
	board_report(arg, job, strads_job_barrier(job));
	return 1;
}

static void
local__stopped_rank(void **state)
{
	struct board *board = board_new();

	(void)state;
	assert_int_equal(board_run(board, 3, 1500, victim_is_stopped), 128 + SIGKILL);
	assert_int_equal(board->reports[0].status, STRADS_ERR_TIMEOUT);
	assert_int_equal(board->reports[1].status, STRADS_ERR_TIMEOUT);
	board_delete(board);
}

/* ---- The supervising process --------------------------------------------------------------- */

static int
note_and_pause(struct strads_job *job, void *arg)
{
	struct board *board = arg;
	struct report *report = &board->reports[strads_job_rank(job)];

	report->pid = getpid();
	for (;;)
		pause();
	return 0;
}

/* Ends in order when it is interrupted. */
static int
wait_for_interrupt(struct strads_job *job, void *arg)
{
	struct board *board = arg;
	sigset_t mask;
	int number;

	sigemptyset(&mask);
	sigaddset(&mask, SIGINT);
	sigprocmask(SIG_BLOCK, &mask, NULL);
	board->reports[strads_job_rank(job)].pid = getpid();
	sigwait(&mask, &number);
	return 6;
}

static int
ignore_interrupts(struct strads_job *job, void *arg)
{
	signal(SIGINT, SIG_IGN);
	return note_and_pause(job, arg);
}

/* Starts a job in a process of its own and returns once all its ranks run. */
static pid_t
start_supervisor(struct board *board, uint64_t timeout_ms, strads_rank_main *rank_main)
{
	struct strads_job_options options = {
	    .kind = STRADS_JOB_LOCAL, .ranks = RANKS, .timeout_ms = timeout_ms};
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(strads_job_run(&options, rank_main, board));
	for (int rank = 0, ms = 0; rank < RANKS && ms < LIMIT_MS; ms++) {
		while (rank < RANKS && board->reports[rank].pid)
			rank++;
		sleep_ms(1);
	}
	for (int rank = 0; rank < RANKS; rank++)
		assert_int_not_equal(board->reports[rank].pid, 0);
	return pid;
}

/* The wait status of a process, which must end within the limit. */
static int
wait_status_of(pid_t pid)
{
	int status = -1;
	pid_t ended = 0;

	for (int ms = 0; ended == 0 && ms < LIMIT_MS; ms++) {
		ended = waitpid(pid, &status, WNOHANG);
		sleep_ms(1);
	}
	assert_int_equal(ended, pid);
	return status;
}

static void
local__killed_supervisor_leaves_no_rank_behind(void **state)
{
	struct board *board = board_new();

	(void)state;
	prctl(PR_SET_CHILD_SUBREAPER, 1); /* orphans come to this process */
	pid_t supervisor = start_supervisor(board, LIMIT_MS, note_and_pause);
	kill(supervisor, SIGKILL);
	wait_status_of(supervisor);
	for (int rank = 0; rank < RANKS; rank++) {
		int status = wait_status_of(board->reports[rank].pid);
		assert_true(WIFSIGNALED(status));
	}
	prctl(PR_SET_CHILD_SUBREAPER, 0);
	board_delete(board);
}

static int
wait_in_vain(struct strads_job *job, void *arg)
{
	struct board *board = arg;
	struct report *report = &board->reports[strads_job_rank(job)];

	if (strads_job_barrier(job))
		return 100;
	report->pid = getpid();
	while (!report->reached)
		sleep_ms(1);
	board_report(board, job, strads_job_barrier(job));
	report->reached = 2;
	return 1;
}

static void
local__stopped_supervisor_does_not_hang_its_ranks(void **state)
{
	struct board *board = board_new();

	(void)state;
	pid_t supervisor = start_supervisor(board, 1500, wait_in_vain);
	kill(supervisor, SIGSTOP);
	for (int rank = 0; rank < RANKS; rank++)
		board->reports[rank].reached = 1;
	for (int rank = 0; rank < RANKS; rank++) {
		for (int ms = 0; board->reports[rank].reached != 2 && ms < LIMIT_MS; ms++)
			sleep_ms(1);
		assert_int_equal(board->reports[rank].reached, 2);
		assert_int_equal(board->reports[rank].status, STRADS_ERR_TIMEOUT);
		assert_string_equal(
		    board->reports[rank].sentence,
		    "the supervising process does not answer: it hangs or is stopped");
	}
	kill(supervisor, SIGCONT);
	int status = wait_status_of(supervisor);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 1);
	board_delete(board);
}

static void
local__termination_is_passed_on(void **state)
{
	struct board *board = board_new();

	(void)state;
	pid_t supervisor = start_supervisor(board, LIMIT_MS, note_and_pause);
	kill(supervisor, SIGTERM);
	int status = wait_status_of(supervisor);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 128 + SIGTERM);
	for (int rank = 0; rank < RANKS; rank++)
		assert_int_equal(kill(board->reports[rank].pid, 0), -1);
	board_delete(board);
}

static void
local__ranks_may_end_in_order_when_interrupted(void **state)
{
	struct board *board = board_new();

	(void)state;
	pid_t supervisor = start_supervisor(board, LIMIT_MS, wait_for_interrupt);
	kill(supervisor, SIGINT);
	int status = wait_status_of(supervisor);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 6);
	board_delete(board);
}

static void
local__two_interrupts_at_once_are_one(void **state)
{
	struct board *board = board_new();

	(void)state;
	pid_t supervisor = start_supervisor(board, LIMIT_MS, wait_for_interrupt);
	kill(supervisor, SIGINT);
	kill(supervisor, SIGTERM);
	int status = wait_status_of(supervisor);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 6);
	board_delete(board);
}

static void
local__later_interrupts_make_an_end(void **state)
{
	struct board *board = board_new();
	siginfo_t ended = {0};

	(void)state;
	pid_t supervisor = start_supervisor(board, LIMIT_MS, ignore_interrupts);
	for (int i = 0; ended.si_pid == 0 && i < 20; i++) {
		kill(supervisor, SIGINT);
		sleep_ms(700);
		assert_int_equal(
		    waitid(P_PID, (id_t)supervisor, &ended, WEXITED | WNOHANG | WNOWAIT), 0);
	}
	int status = wait_status_of(supervisor);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 128 + SIGKILL);
	board_delete(board);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(local__killed_rank_is_seen_by_check),
	    cmocka_unit_test(local__killed_rank_ends_a_collective),
	    cmocka_unit_test(local__rank_that_exits_by_itself),
	    cmocka_unit_test(local__last_words_count_more_than_the_death),
	    cmocka_unit_test(local__all_ranks_killed),
	    cmocka_unit_test(local__collective_that_one_rank_never_joins),
	    cmocka_unit_test(local__survivor_that_hangs_is_killed),
	    cmocka_unit_test(local__stopped_rank),
	    cmocka_unit_test(local__killed_supervisor_leaves_no_rank_behind),
	    cmocka_unit_test(local__stopped_supervisor_does_not_hang_its_ranks),
	    cmocka_unit_test(local__termination_is_passed_on),
	    cmocka_unit_test(local__ranks_may_end_in_order_when_interrupted),
	    cmocka_unit_test(local__two_interrupts_at_once_are_one),
	    cmocka_unit_test(local__later_interrupts_make_an_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
