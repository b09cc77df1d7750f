#include "schedule.h"

#include "strads/priority.h"
#include "strads/random.h"

#include <stdlib.h>
#include <string.h>

#define ROWS    (UINT64_C(1) << 20)
#define ENTRIES 16
#define VALUE   0.25 /* of norm 1 */

/* Shares of draws, as in a Lasso. */
#define FRESH   0.5
#define UNIFORM 0.8

/* One rank: its rows of the residual, and its scheduler. */
struct descent {
	const struct strads_bench_schedule_options *options;
	struct strads_fabric *fabric;
	struct strads_priority *priority; /* NULL on ranks that do not schedule */
	uint64_t first_row, rows;
	double *r;                /* [rows] */
	uint64_t drawn[2], ns[2]; /* in the first tenth of the sets, and the last */
};

/* Entry e of column j: its row, and its value. */
static uint64_t
entry(strads_key j, uint64_t e, double *value)
{
	uint64_t bits = strads_random_mix(strads_random_mix(j + 1) + e);

	*value = bits & 1 ? VALUE : -VALUE;
	return bits >> 1 & (ROWS - 1);
}

static int
schedule(void *state, uint64_t set, uint32_t index, struct strads_block_draft *draft)
{
	struct descent *descent = state;
	uint64_t sets = descent->options->sets;
	uint64_t start = strads_fabric_clock_ns(descent->fabric);
	int status = strads_priority_draw(descent->priority, set, descent->options->set_size,
					  draft->keys, &draft->n);
	int part = set < sets / 10 ? 0 : set >= sets - sets / 10 ? 1 : -1;

	(void)index;
	draft->last = true;
	if (part >= 0) {
		descent->ns[part] += strads_fabric_clock_ns(descent->fabric) - start;
		descent->drawn[part] += draft->n;
	}
	return status;
}

static size_t
partial_elems(void *state, const struct strads_block *block)
{
	(void)state;
	return block->n;
}

/* x_jᵀr over own rows. */
static int
push(void *state, const struct strads_block *block, double *partial)
{
	const struct descent *descent = state;

	for (uint32_t k = 0; k < block->n; k++) {
		for (uint64_t e = 0; e < ENTRIES; e++) {
			double value;
			uint64_t row = entry(block->keys[k], e, &value) - descent->first_row;

			if (row < descent->rows)
				partial[k] += value * descent->r[row];
		}
	}
	return STRADS_OK;
}

/* Δβ_j = x_jᵀr, the columns being of norm 1. */
static int
pull(void *state, const struct strads_block *block, const double *sum, void *commit, size_t *bytes)
{
	(void)state;
	*bytes = block->n * sizeof *sum;
	memcpy(commit, sum, *bytes);
	return STRADS_OK;
}

static int
sync(void *state, const struct strads_block *block, const void *commit, size_t bytes)
{
	struct descent *descent = state;
	const double *delta = commit;

	if (bytes != block->n * sizeof *delta)
		return strads_fail(STRADS_ERR_PROTOCOL, "set %llu: %zu bytes for %u updates",
				   (unsigned long long)block->set, bytes, block->n);
	for (uint32_t k = 0; k < block->n; k++) {
		for (uint64_t e = 0; e < ENTRIES; e++) {
			double value;
			uint64_t row = entry(block->keys[k], e, &value) - descent->first_row;

			if (row < descent->rows)
				descent->r[row] -= value * delta[k];
		}
		if (descent->priority)
			strads_priority_note(descent->priority, block->keys[k], delta[k]);
	}
	return STRADS_OK;
}

static int
finish(void *state, const struct strads_block *last)
{
	const struct descent *descent = state;

	return last->set + 1 == descent->options->sets ? STRADS_STOP : STRADS_OK;
}

static double
square(const struct descent *descent)
{
	double sum = 0;

	for (uint64_t i = 0; i < descent->rows; i++)
		sum += descent->r[i] * descent->r[i];
	return sum;
}

/* What a rank counts; the sums of all ranks make the result. */
struct counts {
	double start, end, touched, scheduler_bytes, bytes, messages, updates;
	double ns[2], drawn[2];
};

static struct counts
count(const struct descent *descent, const struct strads_engine *engine, double start)
{
	struct counts counts = {.start = start, .end = square(descent)};
	struct strads_engine_stats stats;

	strads_engine_stats(engine, &stats);
	for (int stage = 0; stage < STRADS_STAGES; stage++) {
		counts.bytes += (double)stats.stage[stage].bytes;
		counts.messages += (double)stats.stage[stage].messages;
	}
	counts.updates = (double)stats.variables;
	for (int part = 0; part < 2; part++) {
		counts.ns[part] = (double)descent->ns[part];
		counts.drawn[part] = (double)descent->drawn[part];
	}
	if (descent->priority) {
		counts.touched = (double)strads_priority_touched(descent->priority);
		counts.scheduler_bytes = (double)strads_priority_bytes(descent->priority);
	}
	return counts;
}

static int
gather(struct strads_job *job, const struct counts *mine,
       struct strads_bench_schedule_result *result)
{
	double start = 0, end = 0, ns[2] = {0}, drawn[2] = {0};
	void *all = NULL;
	int status = strads_job_gather(job, STRADS_OK, mine, sizeof *mine, &all);

	if (status)
		return status;
	for (int rank = 0; rank < strads_job_size(job); rank++) {
		const struct counts *one = (const struct counts *)all + rank;
		uint64_t bytes = (uint64_t)one->scheduler_bytes;

		start += one->start;
		end += one->end;
		result->touched += (uint64_t)one->touched;
		result->bytes += (uint64_t)one->bytes;
		result->messages += (uint64_t)one->messages;
		result->updates = (uint64_t)one->updates;
		if (bytes > result->scheduler_bytes)
			result->scheduler_bytes = bytes;
		for (int part = 0; part < 2; part++) {
			ns[part] += one->ns[part];
			drawn[part] += one->drawn[part];
		}
	}
	for (int part = 0; part < 2; part++)
		result->draw_ns[part] = drawn[part] > 0 ? ns[part] / drawn[part] : 0;
	result->fall = end / start;
	free(all);
	return STRADS_OK;
}

/* This rank's rows and, if it schedules, its priorities. */
static int
open_rank(struct descent *descent, int rank, int ranks)
{
	const struct strads_bench_schedule_options *options = descent->options;
	struct strads_priority_options priority = {.variables = options->variables,
						   .scheduler = rank,
						   .schedulers = options->engine.schedulers,
						   .seed = options->seed,
						   .fresh = FRESH,
						   .uniform = UNIFORM};

	descent->first_row = ROWS * (uint64_t)rank / (uint64_t)ranks;
	descent->rows = ROWS * ((uint64_t)rank + 1) / (uint64_t)ranks - descent->first_row;
	descent->r = calloc(descent->rows + 1, sizeof *descent->r);
	if (!descent->r)
		return strads_fail(STRADS_ERR_MEMORY, "no memory for %llu rows",
				   (unsigned long long)descent->rows);
	for (uint64_t i = 0; i < descent->rows; i++)
		descent->r[i] =
		    (double)(strads_random(options->seed, 1, descent->first_row + i) >> 11) *
			0x1p-52 -
		    1;
	return rank < priority.schedulers ? strads_priority_new(&priority, &descent->priority)
					  : STRADS_OK;
}

static int
run(struct descent *descent, struct strads_bench_schedule_result *result)
{
	const struct strads_program program = {.name = "schedule",
					       .state = descent,
					       .block_max = descent->options->set_size,
					       .set_blocks_max = 1,
					       .partial_max = descent->options->set_size,
					       .commit_max =
						   descent->options->set_size * sizeof(double),
					       .schedule = schedule,
					       .partial_elems = partial_elems,
					       .push = push,
					       .pull = pull,
					       .sync = sync,
					       .finish = finish};
	struct strads_engine *engine = NULL;
	double start = square(descent);
	uint64_t start_ns;
	int status =
	    strads_engine_new(descent->fabric, &program, &descent->options->engine, &engine);

	if (status)
		return status;
	start_ns = strads_fabric_clock_ns(descent->fabric);
	status = strads_engine_run(engine);
	result->seconds = (double)(strads_fabric_clock_ns(descent->fabric) - start_ns) * 1e-9;
	if (!status) {
		struct counts mine = count(descent, engine, start);

		status = gather(strads_fabric_job(descent->fabric), &mine, result);
	}
	strads_engine_delete(&engine);
	return status;
}

int
strads_bench_schedule(struct strads_fabric *fabric,
		      const struct strads_bench_schedule_options *options,
		      struct strads_bench_schedule_result *result)
{
	struct strads_job *job = strads_fabric_job(fabric);
	struct descent descent = {.options = options, .fabric = fabric};
	struct strads_bench_schedule_result made = {0};
	int status =
	    strads_job_agree(job, open_rank(&descent, strads_job_rank(job), strads_job_size(job)));

	if (!status)
		status = run(&descent, &made);
	strads_priority_delete(&descent.priority);
	free(descent.r);
	if (!status)
		*result = made;
	return status;
}
