#include "job/client.h"
#include "job/clock.h"
#include "job/cookie.h"
#include "job/hub.h"
#include "job/job.h"
#include "job/limit.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define INTERRUPT_ECHO_MS 500

/* One rank, seen from the process that supervises it. */
struct child {
	pid_t pid; /* 0: not started, or ended and reaped */
};

struct supervisor {
	const struct strads_job_options *options;
	struct strads_hub *hub;
	int signals; /* signalfd: SIGCHLD, SIGINT, SIGTERM */
	sigset_t old_mask;
	struct sigaction old_child;
	uint64_t cookie;
	int running;             /* children not yet reaped */
	int exit_code;           /* highest so far */
	uint64_t interrupted_ms; /* when the last interrupt came; 0: none has */
	char obituary[256];      /* of the first rank that died; "": none has */
	int leavers_then;        /* ranks that had left before */
	bool ending;             /* ranks are being ended from here: no news that they die */
	uint64_t deadline_ms;    /* when survivors are killed; 0: the job goes on */
	struct child children[];
};

static const struct strads_job_ops ops = {
    .name = "local",
    .allgather = strads_client_allgather,
    .serve = strads_client_serve,
    .check = strads_client_check,
    .abort = strads_client_abort,
    .missed = strads_client_missed,
    .post = strads_client_post,
    .take_mail = strads_client_take_mail,
};

/* ---- The ranks ----------------------------------------------------------------------------- */

/* Undoes in the child what belongs to the supervisor alone. */
static void
become_rank(struct supervisor *supervisor, pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1); /* it died before the line above */
	strads_hub_delete(&supervisor->hub);
	close(supervisor->signals);
	sigaction(SIGCHLD, &supervisor->old_child, NULL);
	sigprocmask(SIG_SETMASK, &supervisor->old_mask, NULL);
}

static int
run_rank(const struct supervisor *supervisor, int rank, int fd, strads_rank_main *rank_main,
	 void *arg)
{
	struct strads_client *client;
	struct strads_job job = {
	    .ops = &ops,
	    .rank = rank,
	    .size = supervisor->options->ranks,
	    .timeout_ms = supervisor->options->timeout_ms,
	    .cookie = supervisor->cookie,
	};

	if (strads_client_new(&job, fd, "the supervising process", &client)) {
		fprintf(stderr, "strads: rank %d: %s\n", rank, strads_error());
		return 1;
	}
	int code = rank_main(&job, arg);
	/* If nobody can be told, the exit code below still tells. */
	(void)strads_client_leave(&job, code);
	strads_client_delete(&client);
	return code;
}

/* Forks rank `rank`; returns in the parent only. */
static int
start_rank(struct supervisor *supervisor, int rank, strads_rank_main *rank_main, void *arg)
{
	char who[64];
	pid_t parent = getpid();
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
		return strads_fail(STRADS_ERR_IO,
				   "cannot connect rank %d: %s; raise the limit with `ulimit -n`",
				   rank, strerror(errno));
	pid_t pid = fork();
	if (pid == 0) {
		close(ends[0]);
		become_rank(supervisor, parent);
		exit(run_rank(supervisor, rank, ends[1], rank_main, arg));
	}
	close(ends[1]);
	if (pid < 0) {
		close(ends[0]);
		return strads_fail(STRADS_ERR_MEMORY,
				   "cannot start rank %d: %s; raise the limit with `ulimit -u`",
				   rank, strerror(errno));
	}
	supervisor->children[rank].pid = pid;
	supervisor->running++;
	snprintf(who, sizeof who, "rank %d (pid %d)", rank, (int)pid);
	int status = strads_hub_connect(supervisor->hub, rank, ends[0], who);
	if (status)
		close(ends[0]);
	return status;
}

/* ---- Supervision --------------------------------------------------------------------------- */

static void
kill_all(const struct supervisor *supervisor, int number)
{
	for (int rank = 0; rank < supervisor->options->ranks; rank++)
		if (supervisor->children[rank].pid)
			kill(supervisor->children[rank].pid, number);
}

/* Gives the ranks that still run the job's timeout to end by themselves. */
static void
set_deadline(struct supervisor *supervisor)
{
	if (!supervisor->deadline_ms)
		supervisor->deadline_ms = strads_clock_ms() + supervisor->options->timeout_ms;
}

/* The sentence for a rank that has ended with `wait_status` without leaving. */
static void
write_obituary(const char *who, int wait_status, char *sentence, size_t bytes)
{
	int number = WIFSIGNALED(wait_status) ? WTERMSIG(wait_status) : 0;

	if (number)
		snprintf(sentence, bytes, "%s was killed by signal %d (%s)", who, number,
			 sigdescr_np(number));
	else
		snprintf(sentence, bytes, "%s ended with exit code %d before the job was done", who,
			 WEXITSTATUS(wait_status));
}

/* A rank has ended with `wait_status`: notes its code and, if it had not left, tells the others. */
static void
bury(struct supervisor *supervisor, int rank, int wait_status)
{
	struct strads_hub *hub = supervisor->hub;
	int code =
	    WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
	char sentence[sizeof supervisor->obituary];

	supervisor->children[rank].pid = 0;
	supervisor->running--;
	if (code > supervisor->exit_code)
		supervisor->exit_code = code;
	strads_hub_drain(hub, rank);
	if (strads_hub_left(hub, rank) && !WIFSIGNALED(wait_status))
		return;
	write_obituary(strads_hub_who(hub, rank), wait_status, sentence, sizeof sentence);
	if (!supervisor->ending && !supervisor->obituary[0]) {
		memcpy(supervisor->obituary, sentence, sizeof sentence);
		supervisor->leavers_then = strads_hub_leavers(hub);
	}
	strads_hub_death(hub, rank, sentence);
}

static void
reap(struct supervisor *supervisor)
{
	for (int rank = 0; rank < supervisor->options->ranks; rank++) {
		pid_t pid = supervisor->children[rank].pid;
		int wait_status;
		if (pid && waitpid(pid, &wait_status, WNOHANG) == pid)
			bury(supervisor, rank, wait_status);
	}
}

/* Passes an interrupt on. One typed at the terminal has reached the ranks already, as they are of
 * the same process group. A later one makes an end of it; launchers and shells send the same one to
 * the process and to its group, so two in quick succession are one. */
static void
interrupt(struct supervisor *supervisor, const struct signalfd_siginfo *info)
{
	uint64_t now = strads_clock_ms();
	uint64_t last = supervisor->interrupted_ms;

	if (last && now - last < INTERRUPT_ECHO_MS)
		return;
	if (last)
		kill_all(supervisor, SIGKILL);
	else if (info->ssi_code != SI_KERNEL)
		kill_all(supervisor, (int)info->ssi_signo);
	supervisor->interrupted_ms = now;
	supervisor->ending = true;
	set_deadline(supervisor);
}

static void
take_signals(struct supervisor *supervisor)
{
	struct signalfd_siginfo info;

	while (read(supervisor->signals, &info, sizeof info) == sizeof info)
		if (info.ssi_signo == SIGCHLD)
			reap(supervisor);
		else
			interrupt(supervisor, &info);
}

static void
kill_survivors(struct supervisor *supervisor)
{
	int first = 0;

	while (!supervisor->children[first].pid)
		first++;
	fprintf(stderr, "strads: %s%s had not ended %.3g s after the job failed: killed\n",
		strads_hub_who(supervisor->hub, first),
		supervisor->running > 1 ? " (and others)" : "",
		(double)supervisor->options->timeout_ms * 1e-3);
	supervisor->ending = true;
	kill_all(supervisor, SIGKILL);
	supervisor->deadline_ms = UINT64_MAX;
}

static int
supervise(struct supervisor *supervisor)
{
	while (supervisor->running) {
		struct pollfd fds[] = {
		    {.fd = supervisor->signals, .events = POLLIN},
		    {.fd = strads_hub_fd(supervisor->hub), .events = POLLIN},
		};
		int timeout_ms = strads_hub_timeout_ms(supervisor->hub);
		if (supervisor->deadline_ms) {
			int left = strads_clock_left_ms(supervisor->deadline_ms);
			timeout_ms = timeout_ms < 0 || left < timeout_ms ? left : timeout_ms;
		}
		if (poll(fds, 2, timeout_ms) < 0 && errno != EINTR)
			return strads_fail(STRADS_ERR_IO, "cannot watch the ranks: %s",
					   strerror(errno));
		int status = strads_hub_serve(supervisor->hub, 0);
		if (status)
			return status;
		take_signals(supervisor);
		if (strads_hub_failed(supervisor->hub))
			set_deadline(supervisor);
		if (supervisor->deadline_ms && strads_clock_ms() >= supervisor->deadline_ms)
			kill_survivors(supervisor);
	}
	return STRADS_OK;
}

/* A survivor has told who died, unless none has left in order since. */
static void
tell_obituary(const struct supervisor *supervisor)
{
	if (supervisor->obituary[0] &&
	    strads_hub_leavers(supervisor->hub) == supervisor->leavers_then)
		fprintf(stderr, "strads: %s\n", supervisor->obituary);
}

/* ---- Start and end ------------------------------------------------------------------------- */

static int
take_over_signals(struct supervisor *supervisor)
{
	struct sigaction standard = {.sa_handler = SIG_DFL};
	sigset_t mask;

	sigemptyset(&mask);
	sigaddset(&mask, SIGCHLD);
	sigaddset(&mask, SIGINT);
	sigaddset(&mask, SIGTERM);
	supervisor->signals = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
	if (supervisor->signals < 0)
		return strads_fail(STRADS_ERR_IO, "cannot watch for signals: %s", strerror(errno));
	sigprocmask(SIG_BLOCK, &mask, &supervisor->old_mask);
	/* Where SIGCHLD was ignored the kernel would discard what ranks end with. */
	sigaction(SIGCHLD, &standard, &supervisor->old_child);
	return STRADS_OK;
}

static void
give_back_signals(struct supervisor *supervisor)
{
	sigaction(SIGCHLD, &supervisor->old_child, NULL);
	sigprocmask(SIG_SETMASK, &supervisor->old_mask, NULL);
	close(supervisor->signals);
}

static int
start_and_supervise(struct supervisor *supervisor, strads_rank_main *rank_main, void *arg)
{
	int status = STRADS_OK;

	fflush(NULL); /* else every rank would write what is buffered now */
	for (int rank = 0; !status && rank < supervisor->options->ranks; rank++)
		status = start_rank(supervisor, rank, rank_main, arg);
	if (!status)
		status = supervise(supervisor);
	tell_obituary(supervisor);
	if (status) {
		kill_all(supervisor, SIGKILL);
		for (int rank = 0; rank < supervisor->options->ranks; rank++)
			if (supervisor->children[rank].pid)
				waitpid(supervisor->children[rank].pid, NULL, 0);
	}
	return status;
}

int
strads_job_run_local(const struct strads_job_options *options, strads_rank_main *rank_main,
		     void *arg)
{
	struct strads_hub_options hub_options = {
	    .size = options->ranks,
	    .timeout_ms = options->timeout_ms,
	};
	struct supervisor *supervisor =
	    calloc(1, sizeof *supervisor + (size_t)options->ranks * sizeof supervisor->children[0]);
	int exit_code = 1;
	int status;

	if (!supervisor) {
		fprintf(stderr, "strads: no memory to start %d ranks\n", options->ranks);
		return 1;
	}
	supervisor->options = options;
	strads_limit_descriptors(options->ranks);
	status = strads_cookie_draw(&supervisor->cookie, sizeof supervisor->cookie);
	if (status)
		goto free_supervisor;
	status = strads_hub_new(&hub_options, &supervisor->hub);
	if (status)
		goto free_supervisor;
	status = take_over_signals(supervisor);
	if (status)
		goto delete_hub;
	status = start_and_supervise(supervisor, rank_main, arg);
	if (!status)
		exit_code = supervisor->exit_code;
	give_back_signals(supervisor);
delete_hub:
	strads_hub_delete(&supervisor->hub);
free_supervisor:
	if (status)
		fprintf(stderr, "strads: %s\n", strads_error());
	free(supervisor);
	return exit_code;
}
