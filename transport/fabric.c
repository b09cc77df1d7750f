#include "fabric.h"

#include "job/job.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
strads_fabric_note(struct strads_fabric *fabric, const char *format, ...)
{
	size_t used = strlen(fabric->notes);
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(fabric->notes + used, sizeof fabric->notes - used, format, args);
	va_end(args);
	if (n < 0 || used + (size_t)n + 2 > sizeof fabric->notes)
		fabric->notes[used] = '\0'; /* rather none than half of one */
	else
		memcpy(fabric->notes + used + n, "\n", 2);
}

const char *
strads_fabric_notes(const struct strads_fabric *fabric)
{
	return fabric->notes;
}

/* What every rank finds out for itself before there is a path. Collective. */
static int
settle(struct strads_fabric *fabric, const struct strads_fabric_options *options)
{
	int status = strads_job_agree(fabric->job,
				      strads_settings_read(options->settings, &fabric->settings));

	/* Simulated ranks have no place of their own. */
	if (!status && strcmp(strads_job_kind_name(fabric->job), "sim") != 0)
		status = strads_seat_take(fabric->job, &fabric->seat);
	if (!status && fabric->settings.huge_pages == STRADS_HUGE_RESERVED &&
	    strads_segment_reserved_free() == 0)
		strads_fabric_note(fabric, "no huge pages are set aside, so ordinary ones are "
					   "taken: see `sysctl vm.nr_hugepages`");
	return status;
}

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
		made->memory_bytes = options->memory_bytes;
		made->wait.epoll = -1;
		made->paths = calloc((size_t)job->size, sizeof *made->paths);
	}
	if (!made || !made->paths)
		status =
		    strads_fail(STRADS_ERR_MEMORY, "no memory for a fabric of %d ranks", job->size);
	status = strads_job_agree(job, status);
	if (!status && made)
		status = settle(made, options);
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

bool
strads_fabric_query_provider(const struct strads_fabric *fabric, const char *name,
			     struct strads_fabric_info *info)
{
	for (int i = 0; i < fabric->n_endpoints; i++) {
		const struct strads_endpoint *endpoint = &fabric->endpoints[i];
		struct strads_fabric_info answer = {.signal = "", .completion = ""};

		if (strcmp(endpoint->provider->name, name) != 0)
			continue;
		endpoint->provider->query(endpoint->context, fabric->rank, &answer);
		*info = answer;
		return true;
	}
	return false;
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

const struct strads_settings *
strads_fabric_settings(const struct strads_fabric *fabric)
{
	return &fabric->settings;
}

uint64_t
strads_fabric_memory_bytes(const struct strads_fabric *fabric)
{
	return fabric->memory_bytes;
}

const struct strads_seat *
strads_fabric_seat(const struct strads_fabric *fabric)
{
	return &fabric->seat;
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

const _Atomic bool *
strads_fabric_sleeps(const struct strads_fabric *fabric)
{
	return &fabric->wait.sleeps;
}

void
strads_fabric_rang(struct strads_fabric *fabric)
{
	fabric->stats.doorbells++;
}

const void *
strads_provider_no_view(void *context, const struct strads_region *region, int peer)
{
	(void)context;
	(void)region;
	(void)peer;
	return NULL;
}

void
strads_provider_no_hold(void *context)
{
	(void)context;
}

bool
strads_provider_no_release(void *context)
{
	(void)context;
	return false;
}

int
strads_provider_no_transfer(void *context, const struct strads_transfer *transfer)
{
	(void)context;
	return strads_fail(STRADS_ERR_UNSUPPORTED,
			   "the path to rank %d has no such operation; see strads_fabric_query",
			   transfer->peer);
}

int
strads_provider_no_survey(const struct strads_settings *settings, struct strads_survey *survey)
{
	(void)settings;
	(void)survey;
	return STRADS_OK;
}
