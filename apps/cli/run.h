/*
 * What the processes of one run share: the wish to stop, and that a failure is told once.
 */
#ifndef STRADS_CLI_RUN_H
#define STRADS_CLI_RUN_H

#include "strads/transport.h"

/* Exit codes of every subcommand. */
enum strads_exit {
	STRADS_EXIT_DONE = 0,
	STRADS_EXIT_FAILED = 1, /* also diverged */
	STRADS_EXIT_LIMIT = 2,  /* time or sets ran out before the tolerance */
	STRADS_EXIT_USAGE = 64,
};

struct strads_run;

/* Maps the shared state and turns SIGINT and SIGTERM into the wish to stop, for this process and
 * the ranks it forks; the second signal in a process ends it at once. To be called once, before
 * the ranks exist. `command` ("strads lasso") is borrowed. Returns STRADS_OK, ERR_MEMORY. */
STRADS_MUST_CHECK int strads_run_new(const char *command, struct strads_run **run);
void strads_run_delete(struct strads_run **run);

/* Set once a signal has asked for an orderly end. Thread: any. */
const volatile int *strads_run_stop(const struct strads_run *run);

/* Ends a rank that failed with `status`: one rank of the job says why on stderr, in one line: the
 * one that knows at first hand, the lowest where several do. Returns the rank's exit code. May
 * exchange a few bytes with the other ranks. `job` may be NULL: before there are ranks. */
int strads_run_fail(struct strads_run *run, struct strads_job *job, int status);

/* Rank 0's last acts, after a failure too. `status` ("failed", "diverged") and `error` say what
 * ended the run, and are NULL if nothing did. Returns STRADS_OK or a failure of its own. */
typedef int strads_run_conclude(void *arg, const char *status, const char *error);

/* Ends a rank whose work returned `status`: lets rank 0 conclude, and tells of a failure. Returns
 * the rank's exit code; STRADS_EXIT_LIMIT if all went well and `limited`. Collective. */
int strads_run_end(struct strads_run *run, struct strads_job *job, int status, bool limited,
		   strads_run_conclude *conclude, void *arg);

/* Says on stderr that the arguments are bad. Of a launcher's processes the first does so, and the
 * others leave it the exit code, as its end would else be cut short; under mpirun, which ends the
 * others with it, one that is still there after some seconds has the bad arguments for itself, and
 * says so. Returns the exit code. */
int strads_run_refuse(const char *command);

/* Ends a command that has printed what was asked for: says on stderr where standard output did not
 * take it. Returns the exit code. */
int strads_run_printed(const char *command);

#endif
