/*
 * What the ranks of a forked job leave for the test that started them: memory shared with it, one
 * report a rank. And stderr of such a job, caught.
 */
#ifndef JOB_BOARD_H
#define JOB_BOARD_H

#include "strads/transport.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

#define BOARD_RANKS 8

struct report {
	_Atomic pid_t pid;   /* 0: the rank has not started */
	_Atomic int reached; /* the test's own marks */
	int status;
	char sentence[1024];
};

struct board {
	struct report reports[BOARD_RANKS];
	int stderr_saved;
	int stderr_caught;
	char said[8192]; /* what was written to stderr meanwhile */
};

static inline struct board *
board_new(void)
{
	struct board *board =
	    mmap(NULL, sizeof *board, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	assert_true(board != MAP_FAILED);
	return board;
}

static inline void
board_delete(struct board *board)
{
	munmap(board, sizeof *board);
}

/* The report of the calling rank, with `status` and the sentence that goes with it. */
static inline void
board_report(struct board *board, const struct strads_job *job, int status)
{
	struct report *report = &board->reports[strads_job_rank(job)];

	report->status = status;
	snprintf(report->sentence, sizeof report->sentence, "%s", status ? strads_error() : "");
}

/* A file that several processes may write to at once: without O_APPEND they would overwrite each
 * other, as a memfd's position is not locked. */
static inline int
board_catcher(void)
{
	int fd = memfd_create("caught", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(fcntl(fd, F_SETFL, O_APPEND), 0);
	return fd;
}

/* Runs a local job of `ranks` ranks with its stderr caught in board->said. */
static inline int
board_run(struct board *board, int ranks, uint64_t timeout_ms, strads_rank_main *rank_main)
{
	struct strads_job_options options = {
	    .kind = STRADS_JOB_LOCAL, .ranks = ranks, .timeout_ms = timeout_ms};

	board->stderr_caught = board_catcher();
	board->stderr_saved = dup(STDERR_FILENO);
	dup2(board->stderr_caught, STDERR_FILENO);
	int code = strads_job_run(&options, rank_main, board);
	dup2(board->stderr_saved, STDERR_FILENO);
	close(board->stderr_saved);
	ssize_t n = pread(board->stderr_caught, board->said, sizeof board->said - 1, 0);
	board->said[n > 0 ? n : 0] = 0;
	close(board->stderr_caught);
	return code;
}

#endif
