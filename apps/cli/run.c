#include "run.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

struct strads_run {
	volatile int stop;
	atomic_int told; /* a line on stderr has said why the run failed */
	const char *command;
};

/* Signals closer together than this are one: a terminal, a launcher and a supervising process may
 * each pass on the same one. */
#define SAME_SIGNAL_NS UINT64_C(500000000)

/* For so long the first process of mpirun may say that the arguments are bad. */
#define FIRST_REFUSES_S 3

/* Of the process, as signals are: the ranks of a simulated job share them, forked ones inherit
 * them. */
static struct strads_run *listening;
static volatile uint64_t first_signal_ns;

static uint64_t
now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void
on_signal(int number)
{
	uint64_t now = now_ns();

	if (!first_signal_ns) {
		first_signal_ns = now;
		if (listening)
			listening->stop = 1;
	} else if (now - first_signal_ns > SAME_SIGNAL_NS) {
		signal(number, SIG_DFL);
		raise(number);
	}
}

static void
listen_to(int number)
{
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};

	sigemptyset(&action.sa_mask);
	sigaction(number, &action, NULL);
}

int
strads_run_new(const char *command, struct strads_run **run)
{
	struct strads_run *shared =
	    mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (shared == MAP_FAILED)
		return strads_fail(STRADS_ERR_MEMORY, "no memory for the state of the run");
	shared->command = command;
	listening = shared;
	listen_to(SIGINT);
	listen_to(SIGTERM);
	*run = shared;
	return STRADS_OK;
}

void
strads_run_delete(struct strads_run **run)
{
	if (!*run)
		return;
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	listening = NULL;
	munmap(*run, sizeof **run);
	*run = NULL;
}

const volatile int *
strads_run_stop(const struct strads_run *run)
{
	return &run->stop;
}

/* One write, so that lines of several processes do not mix; a live progress line is wiped. */
static void
tell(const char *command, const char *sentence)
{
	char line[1200];
	int n = snprintf(line, sizeof line, "%s%s: %s\n", isatty(STDERR_FILENO) ? "\r\033[K" : "",
			 command, sentence);

	if (n >= (int)sizeof line) {
		n = sizeof line - 1;
		line[n - 1] = '\n';
	}
	if (write(STDERR_FILENO, line, (size_t)n) < 0)
		return; /* nobody to tell */
}

/* What agreement and abort leave on a rank that learnt of the failure from another one: that one
 * speaks. */
static bool
second_hand(const struct strads_job *job, int status)
{
	int rank, read = 0;

	return status == STRADS_ERR_ABORTED ||
	       (sscanf(strads_error(), "rank %d: %n", &rank, &read) == 1 && read > 0 &&
		!(job && rank == strads_job_rank(job)));
}

/* Under a launcher the ranks share no memory. Where they can still exchange, the lowest that knows
 * at first hand speaks; where a rank has died, the lowest of those left. */
static bool
elected(struct strads_job *job, bool knows)
{
	int size = strads_job_size(job), rank = strads_job_rank(job), dead;
	bool speaks = knows;
	char mine = knows;
	char sentence[1024];
	void *all;

	snprintf(sentence, sizeof sentence, "%s", strads_error());
	if (strads_job_gather(job, STRADS_OK, &mine, sizeof mine, &all) == STRADS_OK) {
		const char *first = memchr(all, 1, (size_t)size);

		speaks = first ? first - (const char *)all == rank : rank == 0;
		free(all);
	} else if (knows && sscanf(sentence, "rank %d (", &dead) == 1) {
		speaks = rank == 0 || (rank == 1 && dead == 0);
	}
	strads_fail(STRADS_ERR_ABORTED, "%s", sentence);
	return speaks;
}

int
strads_run_fail(struct strads_run *run, struct strads_job *job, int status)
{
	bool speaks = !second_hand(job, status);

	if (job && strcmp(strads_job_kind_name(job), "mpi") == 0)
		speaks = elected(job, speaks);
	/* Everyone who started one looks at its own output. */
	if (job && strcmp(strads_job_kind_name(job), "tcp") == 0)
		speaks = true;
	if (speaks && !atomic_exchange(&run->told, 1))
		tell(run->command, strads_error());
	return STRADS_EXIT_FAILED;
}

int
strads_run_end(struct strads_run *run, struct strads_job *job, int status, bool limited,
	       strads_run_conclude *conclude, void *arg)
{
	const char *name = status == STRADS_ERR_DIVERGED ? "diverged" : "failed";
	int concluded = STRADS_OK;
	char error[1024];

	snprintf(error, sizeof error, "%s", status ? strads_error() : "");
	if (strads_job_rank(job) == 0)
		concluded = conclude(arg, status ? name : NULL, status ? error : NULL);
	if (status)
		status = strads_fail(status, "%s", error);
	else
		status = strads_job_agree(job, concluded);
	if (status)
		return strads_run_fail(run, job, status);
	return limited ? STRADS_EXIT_LIMIT : STRADS_EXIT_DONE;
}

/* The number a launcher gave this process; 0 without one. */
static int
launcher_rank(void)
{
	static const char *const names[] = {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK",
					    "SLURM_PROCID"};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		const char *text = getenv(names[i]);

		if (text)
			return atoi(text);
	}
	return 0;
}

int
strads_run_refuse(const char *command)
{
	int rank = launcher_rank();

	if (rank != 0 && !getenv("OMPI_COMM_WORLD_RANK"))
		return STRADS_EXIT_DONE;
	if (rank != 0) {
		sleep(FIRST_REFUSES_S);
		strads_fail(STRADS_ERR_INPUT, "rank %d: %s", rank, strads_error());
	}
	tell(command, strads_error());
	return STRADS_EXIT_USAGE;
}

int
strads_run_printed(const char *command)
{
	if (!fflush(stdout) && !ferror(stdout))
		return STRADS_EXIT_DONE;
	tell(command, "cannot write to the standard output");
	return STRADS_EXIT_FAILED;
}
