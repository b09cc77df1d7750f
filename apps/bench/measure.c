#include "measure.h"

#include "clock.h"
#include "mpirun.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define WARMUP_PART   0.2  /* of the duration */
#define CHUNKS        4    /* into which a duration is cut, to see how fast it goes */
#define CLOCK_PART    0.02 /* of a sample may be the clock's own cost */
#define BATCH_MAX     1024
#define GROWTH        4 /* of the warm-up's tasks */
#define MOST_IN_CHUNK 1e12

/* One side at one size in one repetition. */
struct spot {
	struct strads_bench *bench;
	const struct strads_side *side;
	void *context;
	struct strads_bench_row *row;
	double op_ns;      /* what an operation took of late, … */
	double fastest_ns; /* … and in the fastest task: of a task of one, a wake-up is most */
	double share;
};

/* What the ranks tell each other after a task. */
struct outcome {
	uint64_t elapsed_ns;
	double share;
};

/* Runs the task on all ranks; the longest time and the largest share count. */
static int
run_task(struct spot *spot, uint64_t count, uint64_t batch, struct strads_samples *samples,
	 uint64_t *elapsed_ns)
{
	struct strads_bench *bench = spot->bench;
	struct strads_team *team = &bench->team;
	const struct strads_task task = {
	    .bytes = spot->row->size, .count = count, .batch = batch, .seed = ++bench->tasks << 20};
	struct strads_taken taken = {0};
	struct outcome mine, *all = calloc((size_t)team->size, sizeof *all);
	int status = all ? spot->side->run(spot->context, &task, samples, &taken)
			 : strads_fail(STRADS_ERR_MEMORY, "no memory for the ranks' times");

	if (status < 0)
		team->give_up(team->context, status);
	mine = (struct outcome){.elapsed_ns = taken.elapsed_ns, .share = taken.share};
	if (!status)
		status = team->share(team->context, &mine, sizeof mine, all);
	for (int rank = 0; !status && all && rank < team->size; rank++) {
		if (rank == 0 || all[rank].elapsed_ns > mine.elapsed_ns)
			mine.elapsed_ns = all[rank].elapsed_ns;
		if (rank == 0 || all[rank].share > mine.share)
			mine.share = all[rank].share;
	}
	free(all);
	if (status)
		return status;
	*elapsed_ns = mine.elapsed_ns > 0 ? mine.elapsed_ns : 1;
	spot->op_ns = (double)*elapsed_ns / (double)count;
	if (spot->fastest_ns == 0 || spot->op_ns < spot->fastest_ns)
		spot->fastest_ns = spot->op_ns;
	spot->share = mine.share;
	return STRADS_OK;
}

/* Operations that take about `ns`: at least one. */
static uint64_t
fitting(const struct spot *spot, double ns)
{
	double count = ns / spot->op_ns;

	if (spot->bench->what->kind == STRADS_BENCH_SHARE)
		return 1;
	return count < 1 ? 1 : count > MOST_IN_CHUNK ? (uint64_t)MOST_IN_CHUNK : (uint64_t)count;
}

/* Tasks of growing length, until what was asked for is done. */
static int
warm_up(struct spot *spot)
{
	const struct strads_bench_options *options = spot->bench->options;
	double budget_ns = options->duration_s * 1e9 * WARMUP_PART, spent_ns = 0;
	uint64_t count = 1, done = 0;

	for (;;) {
		uint64_t elapsed_ns, most;
		int status = run_task(spot, count, count, NULL, &elapsed_ns);

		if (status)
			return status;
		spent_ns += (double)elapsed_ns;
		done += count;
		if (options->warmup ? done >= options->warmup : spent_ns >= budget_ns)
			return STRADS_OK;
		most =
		    options->warmup ? options->warmup - done : fitting(spot, budget_ns - spent_ns);
		count = count * GROWTH < most ? count * GROWTH : most;
	}
}

/* So many operations to a sample that the clock does not count. */
static uint64_t
choose_batch(const struct spot *spot)
{
	const struct strads_bench_options *options = spot->bench->options;
	double batch = ceil(spot->bench->clock_ns / (CLOCK_PART * spot->fastest_ns));

	if (spot->bench->what->kind != STRADS_BENCH_LATENCY)
		return 1;
	if (options->batch)
		return options->batch;
	return batch < 1 ? 1 : batch > BATCH_MAX ? BATCH_MAX : (uint64_t)batch;
}

/* What the repetition says in one number. */
static double
figure(const struct spot *spot, const struct strads_samples *samples, uint64_t count, double ns)
{
	const struct strads_bench *bench = spot->bench;
	double bytes = (double)spot->row->size * (double)count;

	switch (bench->what->kind) {
	case STRADS_BENCH_LATENCY:
		return bench->what->paced ? ns / (double)count * 1e-3
					  : strads_samples_quantile_us(samples, 0.5);
	case STRADS_BENCH_SHARE:
		return spot->share * 100;
	case STRADS_BENCH_BANDWIDTH:
		break;
	}
	if (!bench->what->pair)
		bytes *= bench->team.size - 1;
	else if (bench->options->bidirectional)
		bytes *= 2;
	return bytes / ns * 1e3; /* bytes a nanosecond to megabytes a second */
}

static int
record(struct spot *spot, struct strads_samples *samples)
{
	const struct strads_bench_options *options = spot->bench->options;
	double budget_ns = options->duration_s * 1e9, spent_ns = 0;
	bool sampled = spot->bench->what->kind == STRADS_BENCH_LATENCY;
	uint64_t done = 0, batch = choose_batch(spot);
	struct strads_bench_row *row = spot->row;

	if (options->iterations && batch > options->iterations)
		batch = options->iterations;
	do {
		uint64_t count =
		    options->iterations ? options->iterations : fitting(spot, budget_ns / CHUNKS);
		uint64_t elapsed_ns;
		int status;

		count = (count + batch - 1) / batch * batch;
		status = run_task(spot, count, sampled ? batch : count, samples, &elapsed_ns);
		if (status)
			return status;
		spent_ns += (double)elapsed_ns;
		done += count;
	} while (!options->iterations && spent_ns < budget_ns);
	row->iterations += done;
	row->batch = batch;
	row->seconds += spent_ns * 1e-9;
	row->figure[row->repetitions++] = figure(spot, samples, done, spent_ns);
	return STRADS_OK;
}

/* One repetition of one side at all sizes. */
static int
repeat(struct strads_bench *bench, struct strads_results *results, int line, void *context)
{
	for (int i = 0; i < results->sizes; i++) {
		size_t at = (size_t)line * (size_t)results->sizes + (size_t)i;
		struct spot spot = {.bench = bench,
				    .side = results->side[line],
				    .context = context,
				    .row = &results->row[at]};
		int status = bench->what->kind == STRADS_BENCH_SHARE ? STRADS_OK : warm_up(&spot);

		strads_samples_clear(results->scratch);
		if (!status)
			status = record(&spot, results->scratch);
		if (status)
			return status;
		strads_samples_merge(&results->samples[at], results->scratch);
	}
	return STRADS_OK;
}

/* The first side is strads; what it measures is set beside each of the others. */
static void
compare(struct strads_results *results)
{
	int lines = results->sides + results->mpi;

	for (int line = 1; line < lines; line++) {
		for (int i = 0; i < results->sizes; i++) {
			struct strads_bench_row *row = &results->row[line * results->sizes + i];

			row->ratio = strads_bench_row_median(&results->row[i]) /
				     strads_bench_row_median(row);
		}
	}
}

/* Sets the ranks' clocks; the cost of rank 0's, so that all choose alike. */
static int
know_clock(struct strads_bench *bench)
{
	struct strads_team *team = &bench->team;
	double mine, *all = calloc((size_t)team->size, sizeof *all);
	int status;

	if (strcmp(bench->path, "sim") != 0)
		strads_bench_clock_tune(bench);
	mine = strads_bench_clock_cost(bench);
	if (!all) {
		status = strads_fail(STRADS_ERR_MEMORY, "no memory for the ranks' clocks");
		team->give_up(team->context, status);
		return status;
	}
	status = team->share(team->context, &mine, sizeof mine, all);
	if (!status)
		bench->clock_ns = all[0];
	free(all);
	return status;
}

int
strads_bench_measure(struct strads_bench *bench, struct strads_results *results)
{
	void *context[STRADS_BENCH_SIDES_MAX] = {NULL};
	int opened = 0, status = know_clock(bench);

	while (!status && opened < results->sides) {
		status = results->side[opened]->open(bench, &context[opened]);
		opened += !status;
	}
	for (int turn = 0; turn < results->repetitions && !status; turn++) {
		uint64_t start_ns = strads_bench_now(bench);

		for (int line = 0; line < results->sides && !status; line++)
			status = repeat(bench, results, line, context[line]);
		if (!status && results->mpi)
			status = strads_mpirun_repeat(bench, results,
						      strads_bench_now(bench) - start_ns);
	}
	while (opened-- > 0)
		results->side[opened]->close(context[opened]);
	if (!status)
		compare(results);
	return status;
}
