/* One rank of a job under mpirun, or started by hand; what it does is named by the first argument.
 */
#include "strads/transport.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LIMIT_MS 20000

/* Says what a rank sees; lines of several ranks do not mix, as each is one write. */
static void
say(const struct strads_job *job, const char *what, int status)
{
	printf("rank %d of %d (%s): %s: %s %s\n", strads_job_rank(job), strads_job_size(job),
	       strads_job_kind_name(job), what, strads_status_name(status),
	       status ? strads_error() : "");
	fflush(stdout);
}

static int
gather(struct strads_job *job)
{
	size_t bytes = 1 << 20;
	size_t size = (size_t)strads_job_size(job);
	char *mine = malloc(bytes), *all = malloc(size * bytes);
	int status = mine && all ? STRADS_OK : strads_fail(STRADS_ERR_MEMORY, "no memory");

	if (!status) {
		memset(mine, 'a' + strads_job_rank(job), bytes);
		status = strads_job_allgather(job, mine, bytes, all);
	}
	for (size_t i = 0; !status && i < size; i++)
		if (all[i * bytes] != 'a' + (char)i || all[(i + 1) * bytes - 1] != 'a' + (char)i)
			status = strads_fail(STRADS_ERR_PROTOCOL, "wrong bytes of rank %zu", i);
	free(mine);
	free(all);
	say(job, "gather", status);
	return status ? 100 : 0;
}

static int
agree(struct strads_job *job)
{
	int status = STRADS_OK;

	if (strads_job_rank(job) == 1)
		status = strads_fail(STRADS_ERR_INPUT, "x.svm is empty");
	say(job, "agree", strads_job_agree(job, status));
	return 3;
}

/* Every rank but the last ends with a different code; the highest is not rank 0's. */
static int
codes(struct strads_job *job)
{
	return strads_job_barrier(job) ? 100 : strads_job_rank(job) * 4;
}

static int
check_until_news(struct strads_job *job)
{
	int status = STRADS_OK;

	for (int ms = 0; status == STRADS_OK && ms < LIMIT_MS; ms++) {
		status = strads_job_check(job);
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	}
	return status;
}

static int
die_as(struct strads_job *job, int victim)
{
	int status = strads_job_barrier(job);

	if (strads_job_rank(job) == victim)
		raise(SIGKILL);
	/* Rank 0 takes the hub with it, perhaps before others have their answer. */
	say(job, "check", status ? status : check_until_news(job));
	say(job, "barrier", strads_job_barrier(job));
	return 1;
}

static int
die(struct strads_job *job)
{
	return die_as(job, 1);
}

/* Rank 0's process holds the hub. */
static int
die_first(struct strads_job *job)
{
	return die_as(job, 0);
}

static int
give_up(struct strads_job *job)
{
	if (strads_job_rank(job) == 1)
		strads_job_abort(job, strads_fail(STRADS_ERR_IO, "disk full"));
	say(job, "check", check_until_news(job));
	return 1;
}

/* Waits for what befalls the job once all have come. */
static int
wait_for_news(struct strads_job *job)
{
	say(job, "barrier", strads_job_barrier(job));
	say(job, "check", check_until_news(job));
	return 1;
}

/* Both ranks of a job that is cut in two notice by other means than the control channel, once there
 * is a file `cut`. */
static int
give_up_when_cut(struct strads_job *job)
{
	say(job, "barrier", strads_job_barrier(job));
	for (int ms = 0; access("cut", F_OK) && ms < LIMIT_MS; ms++)
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	strads_job_abort(job, strads_fail(STRADS_ERR_PEER, "no adapter answers"));
	say(job, "check", strads_job_check(job));
	return 1;
}

static int
never_come(struct strads_job *job)
{
	say(job, "barrier",
	    strads_job_rank(job) == 1 ? check_until_news(job) : strads_job_barrier(job));
	return 1;
}

static int
rank_main(struct strads_job *job, void *arg)
{
	static const struct {
		const char *name;
		int (*run)(struct strads_job *job);
	} cases[] = {
	    {"gather", gather},
	    {"agree", agree},
	    {"codes", codes},
	    {"die", die},
	    {"give-up", give_up},
	    {"never-come", never_come},
	    {"die-first", die_first},
	    {"wait-for-news", wait_for_news},
	    {"give-up-when-cut", give_up_when_cut},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		if (!strcmp(arg, cases[i].name))
			return cases[i].run(job);
	fprintf(stderr, "there is no case %s\n", (const char *)arg);
	return 64;
}

int
main(int argc, char **argv)
{
	struct strads_job_options options = {.kind = STRADS_JOB_AUTO, .ranks = 1};

	if (argc < 2)
		return 64;
	options.timeout_ms = argc > 2 ? strtoul(argv[2], NULL, 10) : LIMIT_MS;
	return strads_job_run(&options, rank_main, argv[1]);
}
