/*
 * transfers [--fabric NAME] [--kind put-signal|get|put] [--bytes N] [--rounds N]: one measurement
 * between two ranks on this host, one line, for scripts that set other programs beside it:
 *
 *     put-signal   8 bytes and a word there and back; one way, ns
 *     get          a get that is awaited, ns
 *     put          one put after the other, as many on the way as the fabric takes; MiB/s in all
 *
 * A tenth of the rounds goes before, to warm up. Rank 1 of get and put has nothing to do with it.
 */
#include "end.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct settings {
	const char *fabric;
	const char *kind;
	size_t bytes;
	uint64_t rounds;
	uint64_t *ticks; /* [rounds], how long each took */
};

/* Counts at a steady rate, and costs nothing: the kernel's clock may take longer than a round. */
static uint64_t
tick(struct end *end)
{
#if defined(__x86_64__)
	(void)end;
	return __builtin_ia32_rdtsc();
#else
	return strads_fabric_clock_ns(end->fabric);
#endif
}

static int
put_signal(struct end *end, const struct settings *settings, uint64_t k)
{
	(void)settings;
	return end_round_trip(end, k);
}

static int
get(struct end *end, const struct settings *settings, uint64_t k)
{
	struct strads_counter counter = {0};
	int status;

	(void)k;
	if (end->rank == 1)
		return 0;
	while ((status = strads_get(end->fabric, 1, end->open, 0, strads_region_base(end->own),
				    settings->bytes, &counter)) == STRADS_AGAIN) {
		if (strads_fabric_progress(end->fabric))
			return end_complain(end, "progress");
	}
	while (!status && counter.done != counter.posted)
		status = strads_fabric_progress(end->fabric);
	return status || counter.status ? end_complain(end, "get") : 0;
}

static int
put(struct end *end, const struct settings *settings, uint64_t k)
{
	int status;

	(void)k;
	if (end->rank == 1)
		return 0;
	while ((status = strads_put(end->fabric, 1, end->open, 0, strads_region_base(end->own),
				    settings->bytes, NULL)) == STRADS_AGAIN) {
		if (strads_fabric_progress(end->fabric))
			return end_complain(end, "progress");
	}
	return status ? end_complain(end, "put") : 0;
}

static int
flush(struct end *end)
{
	int status;

	while ((status = strads_flush(end->fabric, -1)) == STRADS_AGAIN) {
		if (strads_fabric_progress(end->fabric))
			return end_complain(end, "progress");
	}
	return status ? end_complain(end, "flush") : 0;
}

struct kind {
	const char *name;
	int (*round)(struct end *end, const struct settings *settings, uint64_t k);
};

static const struct kind kinds[] = {{"put-signal", put_signal}, {"get", get}, {"put", put}};

static const struct kind *
find_kind(const char *name)
{
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		if (strcmp(kinds[i].name, name) == 0)
			return &kinds[i];
	}
	return NULL;
}

static int
compare_ticks(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void
report(const struct settings *settings, const struct kind *kind, double ns, double ns_a_tick)
{
	uint64_t n = settings->rounds;
	double ways = kind->round == put_signal ? 2 : 1;

	printf("%s %zu bytes %llu rounds ", kind->name, settings->bytes, (unsigned long long)n);
	if (kind->round == put) {
		printf("%.1f MiB/s\n", (double)(settings->bytes * n) / ns * 1e9 / (1 << 20));
		return;
	}
	qsort(settings->ticks, n, sizeof *settings->ticks, compare_ticks);
	printf("least %.1f median %.1f ns\n", (double)settings->ticks[0] * ns_a_tick / ways,
	       (double)settings->ticks[n / 2] * ns_a_tick / ways);
}

static int
measure(struct end *end, struct strads_job *job, const struct settings *settings)
{
	const struct kind *kind = find_kind(settings->kind);
	uint64_t warm = settings->rounds / 10;
	uint64_t start_ns, start;

	if (strads_job_barrier(job))
		return -1;
	for (uint64_t k = 1; k <= warm; k++) {
		if (kind->round(end, settings, k))
			return -1;
	}
	start_ns = strads_fabric_clock_ns(end->fabric);
	start = tick(end);
	for (uint64_t k = 0; k < settings->rounds; k++) {
		uint64_t before = tick(end);

		if (kind->round(end, settings, warm + k + 1))
			return -1;
		settings->ticks[k] = tick(end) - before;
	}
	if (flush(end))
		return -1;
	if (end->rank == 0) {
		uint64_t ticks = tick(end) - start;
		double ns = (double)(strads_fabric_clock_ns(end->fabric) - start_ns);

		report(settings, kind, ns, ns / (double)ticks);
	}
	return strads_job_barrier(job);
}

static int
run_rank(struct strads_job *job, void *arg)
{
	struct settings settings = *(const struct settings *)arg;
	struct end end = {.fabric = NULL};
	int failed;

	settings.ticks = calloc(settings.rounds, sizeof *settings.ticks);
	failed = !settings.ticks || end_open(job, settings.fabric, settings.bytes + 4096, &end);
	end_pin(end.rank);
	if (!failed)
		failed = measure(&end, job, &settings);
	if (failed)
		strads_job_abort(job, STRADS_ERR_FABRIC);
	end_close(&end);
	free(settings.ticks);
	return failed ? 1 : 0;
}

static int
parse(int argc, char **argv, struct settings *settings)
{
	static const struct option options[] = {{"fabric", required_argument, NULL, 'f'},
						{"kind", required_argument, NULL, 'k'},
						{"bytes", required_argument, NULL, 'b'},
						{"rounds", required_argument, NULL, 'r'},
						{0}};
	int option;

	while ((option = getopt_long(argc, argv, "f:k:b:r:", options, NULL)) >= 0) {
		if (option == 'f')
			settings->fabric = optarg;
		else if (option == 'k')
			settings->kind = optarg;
		else if (option == 'b')
			settings->bytes = strtoull(optarg, NULL, 10);
		else if (option == 'r')
			settings->rounds = strtoull(optarg, NULL, 10);
		else
			return -1;
	}
	return settings->rounds > 0 && find_kind(settings->kind) && optind == argc ? 0 : -1;
}

int
main(int argc, char **argv)
{
	struct settings settings = {
	    .fabric = "auto", .kind = "put-signal", .bytes = 8, .rounds = 1000};
	struct strads_job_options job = {.kind = STRADS_JOB_LOCAL, .ranks = 2};

	if (parse(argc, argv, &settings)) {
		fprintf(stderr, "usage: transfers [--fabric NAME] [--kind put-signal|get|put] "
				"[--bytes N] [--rounds N]\n");
		return 64;
	}
	return strads_job_run(&job, run_rank, &settings);
}
