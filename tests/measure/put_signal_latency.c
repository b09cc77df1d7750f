/*
 * put_signal_latency [--fabric NAME] [--rounds N] [--repetitions N]: one way of a put-signal of 8
 * bytes between two ranks on this host, beside the barest way to do the same there. The two take
 * turns in one run, so that both meet the same machine; the table holds the medians over the
 * repetitions. One way is half of a round trip.
 */
#include "baseline.h"
#include "end.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SKIP 77

struct settings {
	const char *fabric;
	uint64_t rounds;
	int repetitions;
	const struct baseline *baseline;
	void *context;
};

static int
compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* The q-quantile of n sorted values. */
static double
quantile(const double *sorted, int n, double q)
{
	return sorted[(int)(q * (n - 1) + 0.5)];
}

static void
print_row(const char *what, double *ns, int n)
{
	qsort(ns, (size_t)n, sizeof *ns, compare_doubles);
	printf("%-24s %10.1f %10.1f %10.1f %10.1f\n", what, ns[0], quantile(ns, n, 0.25),
	       quantile(ns, n, 0.5), quantile(ns, n, 0.75));
}

static void
print_table(const struct end *end, const struct settings *settings, double *raw, double *ours)
{
	struct strads_fabric_info info;
	char path[sizeof info.path + 16];

	strads_fabric_query(end->fabric, 1 - end->rank, &info);
	snprintf(path, sizeof path, "strads, %s", info.path);
	printf("one way of 8 bytes and a signal, ns; %d repetitions of %llu round trips each\n",
	       settings->repetitions, (unsigned long long)settings->rounds);
	printf("%-24s %10s %10s %10s %10s\n", "", "min", "p25", "median", "p75");
	print_row(settings->baseline->what, raw, settings->repetitions);
	print_row(path, ours, settings->repetitions);
	printf("ratio of medians: %.2f\n", quantile(ours, settings->repetitions, 0.5) /
					       quantile(raw, settings->repetitions, 0.5));
}

/* Both exchanges in turn, the first repetition for warming up only. */
static int
measure(struct end *end, const struct settings *settings, double *raw, double *ours)
{
	uint64_t first = 0;

	for (int i = -1; i < settings->repetitions; i++, first += settings->rounds) {
		int at = i < 0 ? 0 : i;
		uint64_t start = strads_fabric_clock_ns(end->fabric);
		uint64_t middle;

		if (settings->baseline->ping_pong(settings->context, end->rank, first,
						  settings->rounds))
			return end_complain(end, settings->baseline->what);
		middle = strads_fabric_clock_ns(end->fabric);
		raw[at] = (double)(middle - start) / (double)(2 * settings->rounds);
		if (end_ping_pong(end, first, settings->rounds))
			return -1;
		ours[at] = (double)(strads_fabric_clock_ns(end->fabric) - middle) /
			   (double)(2 * settings->rounds);
	}
	return 0;
}

static int
run_rank(struct strads_job *job, void *arg)
{
	const struct settings *settings = arg;
	size_t n = (size_t)settings->repetitions;
	double *raw = calloc(n, sizeof *raw);
	double *ours = calloc(n, sizeof *ours);
	struct end end = {.fabric = NULL};
	int failed = -1;

	if (!raw || !ours || end_open(job, settings->fabric, 4096, &end) ||
	    settings->baseline->open(settings->context, job))
		goto out;
	end_pin(end.rank);
	if (strads_job_barrier(job) == STRADS_OK)
		failed = measure(&end, settings, raw, ours);
	if (!failed && end.rank == 0)
		print_table(&end, settings, raw, ours);
	settings->baseline->close(settings->context);
	if (failed || strads_job_barrier(job))
		strads_job_abort(job, STRADS_ERR_FABRIC);
out:
	end_close(&end);
	free(ours);
	free(raw);
	return failed ? 1 : 0;
}

static const struct baseline *
find_baseline(const char *fabric)
{
	for (int i = 0; baselines[i]; i++) {
		if (strncmp(fabric, baselines[i]->fabric, strlen(baselines[i]->fabric)) == 0)
			return baselines[i];
	}
	return NULL;
}

static int
parse(int argc, char **argv, struct settings *settings)
{
	static const struct option options[] = {{"fabric", required_argument, NULL, 'f'},
						{"rounds", required_argument, NULL, 'r'},
						{"repetitions", required_argument, NULL, 'n'},
						{0}};
	int option;

	while ((option = getopt_long(argc, argv, "f:r:n:", options, NULL)) >= 0) {
		if (option == 'f')
			settings->fabric = optarg;
		else if (option == 'r')
			settings->rounds = strtoull(optarg, NULL, 10);
		else if (option == 'n')
			settings->repetitions = atoi(optarg);
		else
			return -1;
	}
	return settings->rounds > 0 && settings->repetitions > 0 && optind == argc ? 0 : -1;
}

int
main(int argc, char **argv)
{
	struct settings settings = {.fabric = "shm", .rounds = 2000, .repetitions = 101};
	struct strads_job_options job = {.kind = STRADS_JOB_LOCAL, .ranks = 2};

	if (parse(argc, argv, &settings)) {
		fprintf(stderr, "usage: put_signal_latency [--fabric NAME] [--rounds N] "
				"[--repetitions N]\n");
		return 64;
	}
	settings.baseline = find_baseline(settings.fabric);
	if (!settings.baseline) {
		fprintf(stderr, "skipped: nothing to compare --fabric %s with in this build\n",
			settings.fabric);
		return SKIP;
	}
	if (settings.baseline->prepare(&settings.context)) {
		fprintf(stderr, "cannot prepare %s\n", settings.baseline->what);
		return 1;
	}
	return strads_job_run(&job, run_rank, &settings);
}
