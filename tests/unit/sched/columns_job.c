#include "columns_job.h"

#include "strads/random.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#define PATIENCE_NS UINT64_C(20000000000)

static const struct {
	enum strads_job_kind kind;
	int ranks;
} jobs[] = {
    {STRADS_JOB_LOCAL, 2}, {STRADS_JOB_LOCAL, 3}, {STRADS_JOB_LOCAL, 8}, {STRADS_JOB_SELF, 1},
    {STRADS_JOB_SIM, 1},   {STRADS_JOB_SIM, 2},   {STRADS_JOB_SIM, 3},   {STRADS_JOB_SIM, 8},
};

static const char *jobs_fabric = "auto";
static size_t n_jobs = sizeof jobs / sizeof *jobs;

#define N_FOR_OTHER_FABRIC 2

struct shared {
	const struct columns_job *job;
	struct columns_result *results;
};

bool
columns_entry(uint32_t row, strads_key col)
{
	if (col < 3)
		return col == 0 || (col == 2 && row == COLUMNS_ROWS - 1);
	return strads_random(3, col, row) % 4 == 0;
}

double
columns_value(uint32_t row, strads_key col)
{
	return (double)(strads_random(4, col, row) >> 11) * 0x1p-53 - 0.5;
}

uint32_t
columns_count(strads_key key, uint32_t first, uint32_t end)
{
	uint32_t count = 0;

	for (uint32_t i = first; i < end; i++)
		count += columns_entry(i, key);
	return count;
}

bool
columns_equal(const struct strads_column *column, strads_key key, uint32_t rows)
{
	uint32_t at = 0;

	if (column->entries != columns_count(key, 0, rows))
		return false;
	for (uint32_t i = 0; i < rows; i++)
		if (columns_entry(i, key)) {
			if (column->row[at] != i || column->value[at] != columns_value(i, key))
				return false;
			at++;
		}
	return true;
}

uint32_t
columns_first_row(const struct columns_job *job, int rank)
{
	uint32_t ranks = (uint32_t)job->job.ranks, r = (uint32_t)rank;

	if (!job->lopsided)
		return job->rows * r / ranks;
	return r == ranks ? job->rows : r < 2 ? 0 : r - 1 < job->rows ? r - 1 : job->rows;
}

struct columns_job
columns_job_defaults(enum strads_job_kind kind, int ranks, int (*scene)(struct columns_side *))
{
	struct columns_job job = {.job = {.kind = kind, .ranks = ranks, .timeout_ms = 20000},
				  .fabric = "auto",
				  .options = {.cache_bytes = 1 << 16,
					      .columns_max = 100,
					      .fetches_max = 8,
					      .reads_max = 16},
				  .rows = COLUMNS_ROWS,
				  .scene = scene};

	job.job.sim.seed = 1;
	job.job.sim.latency_ns = 1500;
	job.job.sim.overhead_ns = 100;
	job.job.sim.bytes_per_ns = 12;
	job.job.sim.jitter = 1;
	job.job.sim.tear = true;
	return job;
}

/* This rank's rows, into the region. */
static int
place_rows(struct columns_side *side, uint32_t first, uint32_t end)
{
	uint64_t most = (uint64_t)(end - first) * COLUMNS_COLS, at = 0;
	struct strads_csc *x = &side->x;
	int status = strads_region_new(side->fabric, STRADS_REMOTE_READ,
				       (COLUMNS_COLS + 1) * 8 + most * 12, &side->region);

	if (status != STRADS_OK)
		return status;
	*x = (struct strads_csc){.rows = end - first, .cols = COLUMNS_COLS};
	x->start = strads_region_base(side->region);
	x->value = (double *)(x->start + COLUMNS_COLS + 1);
	x->row = (uint32_t *)(x->value + most);
	for (strads_key j = 0; j < COLUMNS_COLS; j++) {
		for (uint32_t i = first; i < end; i++)
			if (columns_entry(i, j)) {
				x->row[at] = i - first;
				x->value[at++] = columns_value(i, j);
			}
		x->start[j + 1] = at;
	}
	return strads_fabric_wire(side->fabric);
}

static int
play(struct columns_side *side, const struct columns_job *job)
{
	int status = place_rows(side, columns_first_row(job, side->rank),
				columns_first_row(job, side->rank + 1));

	if (status == STRADS_OK && !job->bare)
		status = strads_columns_new(side->fabric, side->region, &side->x, &side->options,
					    &side->columns);
	return status == STRADS_OK ? job->scene(side) : status;
}

static int
rank_main(struct strads_job *job, void *arg)
{
	const struct shared *shared = arg;
	struct columns_result *result = &shared->results[strads_job_rank(job)];
	struct strads_fabric_options options = {.fabric = shared->job->fabric};
	struct columns_side side = {.rank = strads_job_rank(job),
				    .ranks = strads_job_size(job),
				    .options = shared->job->options,
				    .result = result};
	int met;

	result->status = strads_fabric_open(job, &options, &side.fabric);
	if (result->status != STRADS_OK)
		return 1;
	result->status = play(&side, shared->job);
	snprintf(result->error, sizeof result->error, "%s", result->status ? strads_error() : "");
	strads_columns_delete(&side.columns);
	met = strads_job_barrier(job);
	strads_region_delete(&side.region);
	strads_fabric_close(&side.fabric);
	return met != STRADS_OK;
}

void
columns_job_assert(const struct columns_job *job, int status, struct columns_result *results)
{
	size_t bytes = COLUMNS_RANKS_MAX * sizeof(struct columns_result);
	struct shared shared = {.job = job};
	int code;

	shared.results =
	    mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(shared.results != MAP_FAILED);
	for (int i = 0; i < job->job.ranks; i++)
		shared.results[i].status = STRADS_AGAIN; /* never told otherwise */
	code = strads_job_run(&job->job, rank_main, &shared);
	for (int i = 0; i < job->job.ranks; i++) {
		const struct columns_result *result = &shared.results[i];

		if (result->status != status || result->wrong)
			fail_msg("rank %d of %d: line %d, %s: %s", i, job->job.ranks, result->wrong,
				 strads_status_name(result->status), result->error);
	}
	assert_int_equal(code, 0);
	if (results)
		memcpy(results, shared.results, bytes);
	munmap(shared.results, bytes);
}

size_t
columns_jobs(void)
{
	return n_jobs;
}

struct columns_job
columns_job_of(size_t i, int (*scene)(struct columns_side *))
{
	struct columns_job job = columns_job_defaults(jobs[i].kind, jobs[i].ranks, scene);

	job.fabric = jobs_fabric;
	return job;
}

void
columns_jobs_over(const char *fabric)
{
	jobs_fabric = fabric;
	n_jobs = N_FOR_OTHER_FABRIC;
}

void
columns_job_with_peers(int (*scene)(struct columns_side *),
		       const struct strads_columns_options *options, int status)
{
	for (size_t i = 0; i < n_jobs; i++) {
		struct columns_job job = columns_job_of(i, scene);

		if (job.job.ranks == 1)
			continue;
		if (options)
			job.options = *options;
		columns_job_assert(&job, status, NULL);
	}
}

int
columns_wait(struct columns_side *side, uint64_t since, bool moved)
{
	uint64_t now = strads_fabric_clock_ns(side->fabric);

	if (now - since >= PATIENCE_NS)
		return strads_fail(STRADS_ERR_TIMEOUT, "what was asked for did not come");
	if (moved)
		strads_fabric_awake(side->fabric);
	else
		strads_fabric_wait(side->fabric, since + PATIENCE_NS);
	return strads_fabric_progress(side->fabric);
}

int
columns_hold(struct columns_side *side, strads_key key, struct strads_column *column)
{
	uint64_t start = strads_fabric_clock_ns(side->fabric);
	bool moved = false;
	int status, waited;

	while ((status = strads_columns_hold(side->columns, key, column, &moved)) == STRADS_AGAIN) {
		waited = columns_wait(side, start, moved);
		if (waited != STRADS_OK)
			return waited;
		moved = false;
	}
	strads_fabric_awake(side->fabric);
	return status;
}
