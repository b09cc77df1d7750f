#include "toy_job.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "sched/shape.h"

struct shared {
	const struct toy_job *job;
	struct toy_result *results;
};

struct toy_job
toy_job_defaults(enum strads_job_kind kind, int ranks)
{
	struct toy_job job = {.job = {.kind = kind, .ranks = ranks, .timeout_ms = 20000},
			      .toy = toy_defaults(),
			      .fabric = "auto",
			      .runs = 1,
			      .odd_rank = -1};

	strads_engine_defaults(&job.engine);
	job.engine.memory_bytes = (size_t)16 << 20;
	job.toy.stop_every = 40;
	job.job.sim.seed = 1;
	job.job.sim.latency_ns = 1500;
	job.job.sim.overhead_ns = 100;
	job.job.sim.bytes_per_ns = 12;
	return job;
}

static int
run_engine(const struct toy_job *job, struct toy *toy, struct strads_fabric *fabric,
	   struct toy_result *result)
{
	struct strads_engine_options options = job->engine;
	struct strads_program program = toy_program(toy);
	struct strads_fabric_stats stats;
	struct strads_engine *engine;
	int status;

	options.staleness = toy->options.staleness;
	options.depth = toy->options.depth + (toy->rank == job->odd_rank);
	status = strads_engine_new(fabric, &program, &options, &engine);
	if (status != STRADS_OK)
		return status;
	strads_fabric_stats(fabric, &stats);
	result->registered_bytes = stats.registered_bytes;
	for (int i = 0; i < job->runs && status == STRADS_OK; i++)
		status = strads_engine_run(engine);
	strads_engine_stats(engine, &result->stats);
	snprintf(result->error, sizeof result->error, "%s", status ? strads_error() : "");
	strads_engine_delete(&engine);
	return status;
}

static int
rank_main(struct strads_job *job, void *arg)
{
	const struct shared *shared = arg;
	struct toy_result *result = &shared->results[strads_job_rank(job)];
	struct strads_fabric_options options = {.fabric = shared->job->fabric};
	struct toy *toy = malloc(sizeof *toy);
	struct strads_fabric *fabric = NULL;

	result->status = toy ? strads_fabric_open(job, &options, &fabric) : STRADS_ERR_MEMORY;
	if (result->status == STRADS_OK) {
		toy_init(toy, &shared->job->toy, strads_job_rank(job), strads_job_size(job),
			 fabric);
		result->status = run_engine(shared->job, toy, fabric, result);
		result->digest = toy->digest;
		result->finished = toy->finished;
	}
	if (result->status != STRADS_OK && !result->error[0])
		snprintf(result->error, sizeof result->error, "%s", strads_error());
	if (result->status == STRADS_OK)
		result->status = strads_job_barrier(job);
	if (fabric)
		strads_fabric_close(&fabric);
	free(toy);
	return 0;
}

int
toy_job_run(const struct toy_job *job, struct toy_result results[TOY_RANKS_MAX])
{
	size_t bytes = TOY_RANKS_MAX * sizeof(struct toy_result);
	struct shared shared = {.job = job};
	int code;

	shared.results =
	    mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(shared.results != MAP_FAILED);
	for (int i = 0; i < TOY_RANKS_MAX; i++)
		shared.results[i].status = STRADS_AGAIN; /* never told otherwise */
	code = strads_job_run(&job->job, rank_main, &shared);
	memcpy(results, shared.results, bytes);
	munmap(shared.results, bytes);
	return code;
}

/* The toy's options with what the engine makes of its own. */
static struct toy_options
reference_options(const struct toy_job *job)
{
	struct toy_options options = job->toy;
	struct strads_shape shape;
	struct strads_program program;
	struct toy *toy = malloc(sizeof *toy);

	assert_non_null(toy);
	toy_init(toy, &options, 0, job->job.ranks, NULL);
	program = toy_program(toy);
	assert_int_equal(strads_shape_fit(&program, &job->engine, job->job.ranks, &shape),
			 STRADS_OK);
	options.arity = shape.relays > 0 ? (int)shape.arity : 0;
	free(toy);
	return options;
}

void
toy_job_assert_reference(const struct toy_job *job)
{
	const struct toy_options options = reference_options(job);
	uint64_t sets = job->toy.stop_every * (uint64_t)job->runs;
	uint64_t digest = toy_reference(&options, job->job.ranks, sets);
	struct toy_result results[TOY_RANKS_MAX];

	assert_int_equal(toy_job_run(job, results), 0);
	for (int i = 0; i < job->job.ranks; i++) {
		if (results[i].status != STRADS_OK)
			fail_msg("rank %d: %s: %s", i, strads_status_name(results[i].status),
				 results[i].error);
		assert_int_equal(results[i].finished, sets);
		assert_int_equal(results[i].stats.sets, sets);
		assert_true(results[i].digest == digest);
	}
}
