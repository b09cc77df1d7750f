#include "ranks.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

struct shared {
	const char *fabric;
	rank_task *task;
	const void *arg;
	char *results;
	size_t bytes; /* of one */
};

struct strads_job_options
ranks_job(enum strads_job_kind kind, int ranks)
{
	return (struct strads_job_options){
	    .kind = kind,
	    .ranks = ranks,
	    .timeout_ms = 60000,
	    .sim = {.seed = 1, .latency_ns = 1500, .overhead_ns = 100, .bytes_per_ns = 12},
	};
}

static int
rank_main(struct strads_job *job, void *arg)
{
	const struct shared *shared = arg;
	void *result = shared->results + (size_t)strads_job_rank(job) * shared->bytes;
	struct rank_end *end = result;
	struct strads_fabric_options options = {.fabric = shared->fabric};
	struct strads_fabric *fabric = NULL;

	end->status = strads_fabric_open(job, &options, &fabric);
	if (end->status == STRADS_OK)
		end->status = shared->task(fabric, shared->arg, result);
	if (end->status == STRADS_OK)
		end->status = strads_job_barrier(job);
	if (end->status != STRADS_OK)
		snprintf(end->error, sizeof end->error, "%s", strads_error());
	strads_fabric_close(&fabric);
	return 0;
}

int
ranks_run(const struct strads_job_options *job, const char *fabric, rank_task *task,
	  const void *arg, void *results, size_t bytes)
{
	size_t ranks = (size_t)job->ranks;
	struct shared shared = {.fabric = fabric, .task = task, .arg = arg, .bytes = bytes};
	int code;

	shared.results =
	    mmap(NULL, ranks * bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(shared.results != MAP_FAILED);
	for (size_t i = 0; i < ranks; i++)
		((struct rank_end *)(shared.results + i * bytes))->status = STRADS_AGAIN;
	fflush(NULL); /* ranks that are forked must not write it again */
	code = strads_job_run(job, rank_main, &shared);
	memcpy(results, shared.results, ranks * bytes);
	munmap(shared.results, ranks * bytes);
	return code;
}

void
ranks_assert(const struct strads_job_options *job, const char *fabric, rank_task *task,
	     const void *arg, void *results, size_t bytes)
{
	assert_int_equal(ranks_run(job, fabric, task, arg, results, bytes), 0);
	for (int i = 0; i < job->ranks; i++) {
		const struct rank_end *end =
		    (const void *)((const char *)results + (size_t)i * bytes);

		if (end->status != STRADS_OK)
			fail_msg("rank %d: %s: %s", i, strads_status_name(end->status), end->error);
	}
}
