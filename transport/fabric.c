#include "fabric.h"

#include "job/job.h"

#include <stdlib.h>
#include <string.h>

int
strads_fabric_open(struct strads_job *job, const struct strads_fabric_options *options,
		   struct strads_fabric **fabric)
{
	struct strads_fabric *made = calloc(1, sizeof *made);
	int status = STRADS_OK;

	if (made) {
		made->job = job;
		made->rank = job->rank;
		made->size = job->size;
		made->timeout_ms = options->timeout_ms ? options->timeout_ms : job->timeout_ms;
		made->wait.epoll = -1;
		made->paths = calloc((size_t)job->size, sizeof *made->paths);
	}
	if (!made || !made->paths)
		status =
		    strads_fail(STRADS_ERR_MEMORY, "no memory for a fabric of %d ranks", job->size);
	status = strads_job_agree(job, status);
	if (status)
		goto free_fabric;
	status = strads_paths_open(made, options->fabric ? options->fabric : "auto");
	if (status)
		goto close_paths;
	status = strads_job_agree(job, strads_waiter_open(made, options->no_sleep));
	if (status)
		goto close_waiter;
	*fabric = made;
	return STRADS_OK;

close_waiter:
	strads_waiter_close(made);
close_paths:
	strads_paths_close(made);
free_fabric:
	if (made)
		free(made->paths);
	free(made);
	return status;
}

void
strads_fabric_close(struct strads_fabric **fabric)
{
	struct strads_fabric *gone = *fabric;

	if (!gone)
		return;
	*fabric = NULL;
	strads_waiter_close(gone);
	strads_paths_close(gone);
	free(gone->paths);
	free(gone);
}

void
strads_fabric_query(const struct strads_fabric *fabric, int peer, struct strads_fabric_info *info)
{
	struct strads_fabric_info answer = {.signal = "", .completion = ""};

	if (peer >= 0 && peer < fabric->size) {
		const struct strads_path *path = &fabric->paths[peer];

		path->provider->query(path->context, peer, &answer);
	}
	*info = answer;
}

void
strads_fabric_stats(const struct strads_fabric *fabric, struct strads_fabric_stats *stats)
{
	*stats = fabric->stats;
}

struct strads_job *
strads_fabric_job(const struct strads_fabric *fabric)
{
	return fabric->job;
}

int
strads_fabric_rank(const struct strads_fabric *fabric)
{
	return fabric->rank;
}

int
strads_fabric_size(const struct strads_fabric *fabric)
{
	return fabric->size;
}

bool
strads_fabric_reaches(const struct strads_fabric *fabric, int peer)
{
	return fabric->paths[peer].provider != NULL;
}

uint64_t
strads_fabric_timeout_ms(const struct strads_fabric *fabric)
{
	return fabric->timeout_ms;
}

struct strads_region *
strads_fabric_regions(const struct strads_fabric *fabric)
{
	return fabric->regions;
}

void
strads_fabric_failed(struct strads_fabric *fabric, int peer, int status)
{
	if (fabric->paths[peer].failed == STRADS_OK)
		fabric->paths[peer].failed = status;
}

void
strads_fabric_rang(struct strads_fabric *fabric)
{
	fabric->stats.doorbells++;
}

int
strads_provider_no_transfer(void *context, const struct strads_transfer *transfer)
{
	(void)context;
	return strads_fail(STRADS_ERR_UNSUPPORTED,
			   "the path to rank %d has no such operation; see strads_fabric_query",
			   transfer->peer);
}
