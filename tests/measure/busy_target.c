/*
 * busy_target --fabric NAME [--seconds S] [--bytes N] [--pause US]: what a rank that computes
 * without calling the fabric does to whoever reads from it. Rank 1 computes for S seconds (2);
 * meanwhile rank 0 gets N bytes (8) of it again and again, US microseconds (0) apart, and prints
 * how long one get took.
 */
#include "strads/transport.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define GETS_MAX 1000000
#define WORD     sizeof(uint64_t)

struct setting {
	const char *fabric;
	double seconds;
	size_t bytes;
	double pause_us;
};

struct bench {
	const struct setting *setting;
	struct strads_job *job;
	struct strads_fabric *fabric;
	struct strads_region *shelf; /* read by rank 0 */
	struct strads_region *word;  /* written by rank 1 when it begins to compute, and after */
	struct strads_region *sink;
};

static int
by_value(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Until the other rank has signalled `value`. */
static int
await(struct bench *bench, uint64_t value)
{
	int status = STRADS_OK;

	while (!status && strads_signal_load(bench->word, 0) < value) {
		status = strads_fabric_progress(bench->fabric);
		strads_fabric_wait(bench->fabric, UINT64_MAX);
	}
	strads_fabric_awake(bench->fabric);
	return status;
}

static int
signal_peer(struct bench *bench, int peer, uint64_t value)
{
	struct strads_counter counter = {0};
	int status;

	while ((status = strads_put_signal(bench->fabric, peer, bench->word, 0, NULL, 0, value,
					   &counter)) == STRADS_AGAIN) {
		status = strads_fabric_progress(bench->fabric);
		if (status)
			return status;
	}
	return status ? status : strads_counter_wait(bench->fabric, &counter);
}

/* Computes, and calls nothing of the fabric but its clock. */
static int
compute(struct bench *bench)
{
	uint64_t until;
	volatile double sum = 0;
	int status = signal_peer(bench, 0, 1);

	until = strads_fabric_clock_ns(bench->fabric) + (uint64_t)(bench->setting->seconds * 1e9);
	while (!status && strads_fabric_clock_ns(bench->fabric) < until) {
		for (int i = 0; i < 1000; i++)
			sum += 1.0 / (i + 1);
	}
	return status ? status : signal_peer(bench, 0, 2);
}

static int
get_once(struct bench *bench, double *us)
{
	struct strads_counter counter = {0};
	uint64_t start = strads_fabric_clock_ns(bench->fabric);
	int status;

	while (
	    (status = strads_get(bench->fabric, 1, bench->shelf, 0, strads_region_base(bench->sink),
				 bench->setting->bytes, &counter)) == STRADS_AGAIN) {
		status = strads_fabric_progress(bench->fabric);
		if (status)
			return status;
	}
	if (!status)
		status = strads_counter_wait(bench->fabric, &counter);
	*us = (double)(strads_fabric_clock_ns(bench->fabric) - start) / 1e3;
	return status;
}

static void
report(struct bench *bench, double *us, size_t n)
{
	struct strads_fabric_info info;

	strads_fabric_query(bench->fabric, 1, &info);
	if (n == 0) {
		printf("%s: no get came back while rank 1 computed\n", info.path);
		return;
	}
	qsort(us, n, sizeof *us, by_value);
	printf(
	    "%-16s %zu gets of %zu B while rank 1 computed for %.1f s, in us: p50 %.1f  p90 %.1f  "
	    "p99 %.1f  p99.9 %.1f  max %.1f\n",
	    info.path, n, bench->setting->bytes, bench->setting->seconds, us[n / 2], us[n * 9 / 10],
	    us[n * 99 / 100], us[n * 999 / 1000], us[n - 1]);
}

static int
read_busy(struct bench *bench)
{
	struct timespec pause = {.tv_nsec = (long)(bench->setting->pause_us * 1e3)};
	double *us = malloc(GETS_MAX * sizeof *us);
	size_t n = 0;
	int status = us ? await(bench, 1) : strads_fail(STRADS_ERR_MEMORY, "no memory for times");

	while (!status && strads_signal_load(bench->word, 0) < 2 && n < GETS_MAX) {
		status = get_once(bench, &us[n++]);
		if (pause.tv_nsec > 0)
			nanosleep(&pause, NULL);
	}
	if (!status) {
		report(bench, us, n);
		status = await(bench, 2);
	}
	free(us);
	return status;
}

static int
open_bench(struct bench *bench)
{
	struct strads_fabric_options options = {.fabric = bench->setting->fabric};
	size_t bytes = bench->setting->bytes;
	int status = strads_fabric_open(bench->job, &options, &bench->fabric);

	if (!status)
		status = strads_region_new(bench->fabric, STRADS_REMOTE_READ, bytes, &bench->shelf);
	if (!status)
		status = strads_region_new(bench->fabric, STRADS_REMOTE_WRITE, WORD, &bench->word);
	if (!status)
		status = strads_region_new(bench->fabric, STRADS_LOCAL, bytes, &bench->sink);
	return status ? status : strads_fabric_wire(bench->fabric);
}

static int
rank_main(struct strads_job *job, void *arg)
{
	struct bench bench = {.setting = arg, .job = job};
	int rank = strads_job_rank(job);
	int status = open_bench(&bench);

	if (!status)
		status = rank == 0 ? read_busy(&bench) : compute(&bench);
	if (!status)
		status = strads_job_barrier(job);
	if (status && rank == 0)
		fprintf(stderr, "busy_target: %s\n", strads_error());
	strads_region_delete(&bench.sink);
	strads_region_delete(&bench.word);
	strads_region_delete(&bench.shelf);
	strads_fabric_close(&bench.fabric);
	return status == STRADS_ERR_UNSUPPORTED ? 77 : status ? 1 : 0;
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {{"fabric", required_argument, NULL, 'f'},
						{"seconds", required_argument, NULL, 's'},
						{"bytes", required_argument, NULL, 'b'},
						{"pause", required_argument, NULL, 'p'},
						{0}};
	struct strads_job_options job = {.kind = STRADS_JOB_LOCAL, .ranks = 2};
	struct setting setting = {.fabric = "auto", .seconds = 2, .bytes = 8};
	int option;

	while ((option = getopt_long(argc, argv, "f:s:b:p:", options, NULL)) >= 0) {
		if (option == 'f')
			setting.fabric = optarg;
		else if (option == 's')
			setting.seconds = atof(optarg);
		else if (option == 'b')
			setting.bytes = strtoul(optarg, NULL, 10);
		else if (option == 'p')
			setting.pause_us = atof(optarg);
		else
			return 64;
	}
	return strads_job_run(&job, rank_main, &setting);
}
