/*
 * The rounds of an engine in their steady state: schedule, push, pull, sync and all that moves
 * between ranks, over shared memory, without a call that blocks, allocates or takes a lock.
 */
#include "quiet.h"

#include "strads/engine.h"
#include "unit/sched/toy.h"

#include <stdio.h>
#include <stdlib.h>

#define RANKS 3
#define SETS  400
#define WARM  100
#define LAST  350 /* watched; before the run ends, where ranks meet */

static const struct quiet_exception exceptions[] = {
    {"write at once", "quiet_engine", "shm's doorbell: a peer that sleeps is woken"},
    {"epoll_wait at once", "quiet_engine", "shm looks every few milliseconds who has died"},
};

/* Of this process, which is one rank. */
static int (*toy_finish)(void *state, const struct strads_block *last);

static int
finish(void *state, const struct strads_block *last)
{
	if (last->set == WARM)
		quiet_begin();
	if (last->set == LAST)
		quiet_end();
	return toy_finish(state, last);
}

static int
run(struct strads_fabric *fabric, struct toy *toy)
{
	struct strads_engine_options options;
	struct strads_program program = toy_program(toy);
	struct strads_engine *engine;
	int status;

	strads_engine_defaults(&options);
	options.memory_bytes = (size_t)16 << 20;
	options.depth = toy->options.depth;
	toy_finish = program.finish;
	program.finish = finish;
	status = strads_engine_new(fabric, &program, &options, &engine);
	if (status)
		return status;
	status = strads_engine_run(engine);
	strads_engine_delete(&engine);
	return status;
}

static int
run_rank(struct strads_job *job, void *arg)
{
	struct strads_fabric_options fabric_options = {.fabric = arg};
	struct toy_options options = toy_defaults();
	struct toy *toy = malloc(sizeof *toy);
	struct strads_fabric *fabric = NULL;
	char title[64];
	int status = toy ? strads_fabric_open(job, &fabric_options, &fabric) : STRADS_ERR_MEMORY;

	options.stop_every = SETS;
	if (!status) {
		toy_init(toy, &options, strads_job_rank(job), RANKS, fabric);
		status = run(fabric, toy);
	}
	snprintf(title, sizeof title, "engine over %s, rank %d", (const char *)arg,
		 strads_job_rank(job));
	if (!status && toy->finished != SETS)
		status = strads_fail(STRADS_ERR_PROTOCOL, "the run ended early");
	if (!status && !quiet_report(title, exceptions, sizeof exceptions / sizeof exceptions[0]))
		status = strads_fail(STRADS_ERR_FABRIC, "the rounds are not quiet");
	if (status)
		fprintf(stderr, "%s: %s\n", title, strads_error());
	if (status || strads_job_barrier(job))
		strads_job_abort(job, STRADS_ERR_FABRIC);
	strads_fabric_close(&fabric);
	free(toy);
	return status ? 1 : 0;
}

int
main(void)
{
	struct strads_job_options job = {
	    .kind = STRADS_JOB_LOCAL, .ranks = RANKS, .timeout_ms = 60000};
	char fabric[] = "shm";

	if (!quiet_works()) {
		fprintf(stderr, "the watch sees nothing\n");
		return 1;
	}
	return strads_job_run(&job, run_rank, fabric);
}
