/*
 * conform --fabric NAME --ranks N [GROUP | CASE]…: runs the conformance suite, or the named groups
 * and cases, over one provider. Exit code 0: all hold; 1: one does not; 77: no such provider here.
 * Without --ranks it is one rank of several that are started one by one and meet where STRADS_ROOT
 * says, at a port of its own for every case; rank 0 speaks for all. --per-host N: each N of them in
 * a row share a host.
 */
#include "conform.h"

#include <getopt.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define SKIP 77

/* What the ranks tell the process that started them, whatever becomes of them. */
struct verdict {
	atomic_int passed;
	atomic_int failed;
	atomic_int skipped;
	atomic_int rank; /* of a process that is one rank, and … */
	atomic_int size; /* … of the job it has joined */
};

struct run {
	const char *fabric;
	int ranks;    /* 0: this process is one of them */
	int per_host; /* ranks, in a row; 0: unknown */
	int cases;    /* begun */
	const struct conform_case *test;
	struct verdict *verdict;
};

static const struct conform_case *const groups[] = {
    conform_data_cases,    conform_pieces_cases, conform_traffic_cases,
    conform_refusal_cases, conform_wait_cases,   conform_death_cases,
};

static bool
simulated(const char *fabric)
{
	return strcmp(fabric, "sim") == 0;
}

static void
delete_regions(struct conform *c)
{
	while (c->n_regions > 0)
		strads_region_delete(&c->regions[--c->n_regions]);
}

static int
run_rank(struct strads_job *job, void *arg)
{
	const struct run *run = arg;
	struct strads_fabric_options options = {.fabric = run->fabric, .timeout_ms = 20000};
	struct conform c = {.job = job,
			    .rank = strads_job_rank(job),
			    .size = strads_job_size(job),
			    .fabric_name = run->fabric,
			    .sim = simulated(run->fabric)};
	int status = strads_fabric_open(job, &options, &c.fabric);

	run->verdict->rank = c.rank;
	run->verdict->size = c.size;
	if (strncmp(run->fabric, "auto:", 5) == 0)
		c.group = atoi(run->fabric + 5);
	else if (strcmp(run->fabric, "auto") == 0)
		c.group = run->per_host;
	c.large_bytes = strcmp(run->fabric, "shm") == 0 ? (size_t)64 << 20 : (size_t)4 << 20;
	if (status == STRADS_ERR_UNSUPPORTED) {
		fprintf(stderr, "rank %d: %s\n", c.rank, strads_error());
		run->verdict->skipped++;
		return 0;
	}
	if (status)
		conform_failed(&c, __FILE__, __LINE__, "strads_fabric_open");
	else if (run->test->run(&c))
		status = -1;
	else if (!run->test->dies && strads_job_barrier(job))
		status = conform_failed(&c, __FILE__, __LINE__, "the barrier at the end");
	else
		run->verdict->passed++;
	if (status) {
		run->verdict->failed++;
		strads_job_abort(job, STRADS_ERR_PROTOCOL);
	}
	delete_regions(&c);
	strads_fabric_close(&c.fabric);
	return status ? 1 : 0;
}

/* Whoever is early at the place of the next case must not find the ranks of this one there. */
static void
move_on(int cases)
{
	char root[300];
	const char *now = getenv("STRADS_ROOT");
	const char *colon = now ? strrchr(now, ':') : NULL;

	if (!colon)
		return;
	snprintf(root, sizeof root, "%.*s:%d", (int)(colon - now), now, atoi(colon + 1) + cases);
	setenv("STRADS_ROOT", root, 1);
}

/* As one rank, in a process of its own, for it may be one that dies. Returns its exit code, or 128
 * and the signal that killed it. */
static int
join_job(struct run *run, const struct strads_job_options *options)
{
	pid_t child;
	int status;

	fflush(NULL);
	child = fork();
	if (child == 0) {
		move_on(run->cases);
		exit(strads_job_run(options, run_rank, run));
	}
	if (child < 0 || waitpid(child, &status, 0) < 0)
		return 1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Returns 0, 1 or SKIP. The exit code tells of what a sanitizer finds as a rank ends; a killed
 * rank's hides it. */
static int
judge(const struct run *run, int code)
{
	const struct verdict *verdict = run->verdict;
	int expected = run->ranks - run->test->dies;

	if (verdict->skipped > 0 && verdict->failed == 0)
		return SKIP;
	if (run->ranks == 0)
		expected = verdict->rank < verdict->size - run->test->dies;
	return verdict->failed > 0 || verdict->passed != expected || verdict->size == 0 ||
	       (code != 0 && run->test->dies == 0);
}

/* Returns as judge. */
static int
run_case(struct run *run)
{
	struct strads_job_options options = {.kind = simulated(run->fabric) ? STRADS_JOB_SIM
						     : run->ranks == 0      ? STRADS_JOB_AUTO
									    : STRADS_JOB_LOCAL,
					     .ranks = run->ranks,
					     .timeout_ms = 20000,
					     .sim = {.seed = 7,
						     .latency_ns = 1500,
						     .overhead_ns = 100,
						     .bytes_per_ns = 12,
						     .jitter = 1,
						     .tear = true}};
	int result;
	int code;

	if (run->test->dies && simulated(run->fabric)) {
		options.sim.kill_rank = run->ranks - 1;
		options.sim.kill_at_ns = 5000000;
	}
	memset(run->verdict, 0, sizeof *run->verdict);
	code = run->ranks == 0 ? join_job(run, &options) : strads_job_run(&options, run_rank, run);
	result = judge(run, code);
	run->cases++;
	if (result == 1 || run->ranks > 0 || run->verdict->rank == 0)
		printf("%-8s %s/%s over %s, %d ranks\n",
		       result == 0      ? "ok"
		       : result == SKIP ? "skipped"
					: "FAILED",
		       run->test->group, run->test->name, run->fabric,
		       run->ranks > 0 ? run->ranks : run->verdict->size);
	fflush(stdout);
	return result;
}

static bool
selected(const struct conform_case *test, char **names, int n)
{
	for (int i = 0; i < n; i++) {
		if (strcmp(names[i], test->group) == 0 || strcmp(names[i], test->name) == 0)
			return true;
	}
	return n == 0;
}

/* Whether this build has what the option asks for. */
static bool
built(const char *fabric)
{
	const char *wanted = strncmp(fabric, "auto", 4) == 0 ? "ofi" : fabric;
	size_t length = strcspn(wanted, ":");

	for (const char *const *have = strads_fabric_providers(); *have; have++) {
		if (strlen(*have) == length && strncmp(*have, wanted, length) == 0)
			return true;
	}
	return false;
}

static int
usage(void)
{
	fprintf(stderr,
		"usage: conform --fabric NAME (--ranks N | --per-host N) [GROUP | CASE]...\n");
	return 64;
}

static int
parse(int argc, char **argv, struct run *run)
{
	static const struct option options[] = {{"fabric", required_argument, NULL, 'f'},
						{"ranks", required_argument, NULL, 'n'},
						{"per-host", required_argument, NULL, 'h'},
						{0}};
	int option;

	while ((option = getopt_long(argc, argv, "f:n:h:", options, NULL)) >= 0) {
		if (option == 'f')
			run->fabric = optarg;
		else if (option == 'n')
			run->ranks = atoi(optarg);
		else if (option == 'h')
			run->per_host = atoi(optarg);
		else
			return -1;
	}
	return run->fabric && (run->ranks >= 2 || run->per_host > 0) ? 0 : -1;
}

int
main(int argc, char **argv)
{
	struct run run = {.fabric = NULL};
	int worst = 0;
	int ran = 0;

	if (parse(argc, argv, &run))
		return usage();
	if (!built(run.fabric)) {
		fprintf(stderr, "skipped: this build has no provider for --fabric %s\n",
			run.fabric);
		return SKIP;
	}
	run.verdict = mmap(NULL, sizeof *run.verdict, PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (run.verdict == MAP_FAILED)
		return 1;
	for (size_t g = 0; g < sizeof groups / sizeof groups[0]; g++) {
		for (run.test = groups[g]; run.test->run; run.test++) {
			int result;

			if (!selected(run.test, argv + optind, argc - optind))
				continue;
			result = run_case(&run);
			worst = result == 1 || worst == 1 ? 1 : result ? result : worst;
			ran++;
		}
	}
	munmap(run.verdict, sizeof *run.verdict);
	return ran > 0 ? worst : usage();
}
