#include "toy_job.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sched/shape.h"

struct toy_job
toy_job_defaults(enum strads_job_kind kind, int ranks)
{
	struct toy_job job = {.job = ranks_job(kind, ranks),
			      .toy = toy_defaults(),
			      .fabric = "auto",
			      .runs = 1,
			      .odd_rank = -1};

	job.job.timeout_ms = 20000;
	strads_engine_defaults(&job.engine);
	job.engine.memory_bytes = (size_t)16 << 20;
	job.toy.stop_every = 40;
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
	strads_engine_delete(&engine);
	return status;
}

static int
play(struct strads_fabric *fabric, const void *arg, void *left)
{
	const struct toy_job *job = arg;
	const struct strads_job *ranks = strads_fabric_job(fabric);
	struct toy_result *result = left;
	struct toy *toy = malloc(sizeof *toy);
	int status;

	if (!toy)
		return strads_fail(STRADS_ERR_MEMORY, "no memory for the toy");
	toy_init(toy, &job->toy, strads_job_rank(ranks), strads_job_size(ranks), fabric);
	status = run_engine(job, toy, fabric, result);
	result->digest = toy->digest;
	result->finished = toy->finished;
	free(toy);
	return status;
}

int
toy_job_run(const struct toy_job *job, struct toy_result results[TOY_RANKS_MAX])
{
	return ranks_run(&job->job, job->fabric, play, job, results, sizeof *results);
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

	ranks_assert(&job->job, job->fabric, play, job, results, sizeof *results);
	for (int i = 0; i < job->job.ranks; i++) {
		assert_int_equal(results[i].finished, sets);
		assert_int_equal(results[i].stats.sets, sets);
		assert_true(results[i].digest == digest);
	}
}
