#include "fabric.h"

#include "job/job.h"

#include <stdlib.h>
#include <string.h>

/* What every rank tells of one of its regions. */
struct notice {
	uint64_t bytes;
	uint64_t access;
};

static int
register_region(struct strads_region *region)
{
	struct strads_fabric *fabric = region->fabric;
	int done;

	for (done = 0; done < fabric->n_endpoints; done++) {
		struct strads_endpoint *endpoint = &fabric->endpoints[done];
		int status = endpoint->provider->region_register(endpoint->context, region);

		if (status) {
			while (done-- > 0) {
				endpoint = &fabric->endpoints[done];
				endpoint->provider->region_release(endpoint->context, region);
			}
			return status;
		}
	}
	return STRADS_OK;
}

static void
append(struct strads_fabric *fabric, struct strads_region *region)
{
	struct strads_region **end = &fabric->regions;

	while (*end)
		end = &(*end)->next;
	*end = region;
	if (region->access != STRADS_LOCAL)
		region->id = fabric->n_remote++;
	fabric->stats.registered_bytes += region->bytes;
	if (region->segment.reserved)
		fabric->stats.reserved_bytes += region->segment.length;
}

int
strads_region_new(struct strads_fabric *fabric, enum strads_access access, size_t bytes,
		  struct strads_region **region)
{
	bool shared = fabric->shared && access != STRADS_LOCAL;
	struct strads_region *made;
	int status;

	if ((unsigned)access > (STRADS_REMOTE_READ | STRADS_REMOTE_WRITE))
		return strads_fail(STRADS_ERR_ARGUMENT, "region: unknown access %d", (int)access);
	made = calloc(1, sizeof *made);
	if (made)
		made->peer_bytes = calloc((size_t)fabric->size, sizeof *made->peer_bytes);
	if (!made || !made->peer_bytes) {
		status = strads_fail(STRADS_ERR_MEMORY, "no memory to describe a region");
		goto free_region;
	}
	made->fabric = fabric;
	made->access = access;
	made->id = -1;
	made->bytes = bytes;
	made->peer_bytes[fabric->rank] = bytes;
	status =
	    strads_segment_map(bytes ? bytes : 1, shared, access & STRADS_REMOTE_WRITE,
			       (enum strads_huge_pages)fabric->settings.huge_pages, &made->segment);
	if (status)
		goto free_region;
	made->base = made->segment.base;
	status = register_region(made);
	if (status)
		goto unmap;
	append(fabric, made);
	*region = made;
	return STRADS_OK;

unmap:
	strads_segment_unmap(&made->segment);
free_region:
	if (made)
		free(made->peer_bytes);
	free(made);
	return status;
}

void
strads_region_delete(struct strads_region **region)
{
	struct strads_region *gone = *region;
	struct strads_region **link;
	struct strads_fabric *fabric;

	if (!gone)
		return;
	*region = NULL;
	fabric = gone->fabric;
	for (int i = fabric->n_endpoints - 1; i >= 0; i--)
		fabric->endpoints[i].provider->region_release(fabric->endpoints[i].context, gone);
	for (link = &fabric->regions; *link != gone; link = &(*link)->next)
		;
	*link = gone->next;
	if (fabric->last_local == gone)
		fabric->last_local = NULL;
	fabric->stats.registered_bytes -= gone->bytes;
	if (gone->segment.reserved)
		fabric->stats.reserved_bytes -= gone->segment.length;
	strads_segment_unmap(&gone->segment);
	free(gone->peer_bytes);
	free(gone);
}

void *
strads_region_base(const struct strads_region *region)
{
	return region->base;
}

const void *
strads_region_view(const struct strads_region *region, int rank)
{
	const struct strads_fabric *fabric = region->fabric;

	if (rank < 0 || rank >= fabric->size || !(region->access & STRADS_REMOTE_READ) ||
	    !region->wired)
		return NULL;
	return fabric->paths[rank].provider->region_view(fabric->paths[rank].context, region, rank);
}

size_t
strads_region_bytes(const struct strads_region *region, int rank)
{
	return rank >= 0 && rank < region->fabric->size ? region->peer_bytes[rank] : 0;
}

static struct strads_region *
next_unwired(struct strads_region *region)
{
	while (region && (region->wired || region->access == STRADS_LOCAL))
		region = region->next;
	return region;
}

/* Every rank must be about to wire the same number of regions. */
static int
compare_counts(struct strads_fabric *fabric)
{
	uint32_t mine = 0;
	const uint32_t *count;
	void *all;
	int status;

	for (struct strads_region *region = next_unwired(fabric->regions); region;
	     region = next_unwired(region->next))
		mine++;
	status = strads_job_gather(fabric->job, STRADS_OK, &mine, sizeof mine, &all);
	if (status)
		return status;
	count = all;
	for (int rank = 0; rank < fabric->size && !status; rank++) {
		if (count[rank] != count[0])
			status = strads_fail(
			    STRADS_ERR_PROTOCOL,
			    "rank %d wires %u new regions, but rank 0 wires %u: every rank must "
			    "create the same sequence",
			    rank, count[rank], count[0]);
	}
	free(all);
	return status;
}

/* Learns the sizes of the region on all ranks, and that it is the same region everywhere. */
static int
gather_sizes(struct strads_region *region)
{
	struct strads_fabric *fabric = region->fabric;
	struct notice mine = {.bytes = region->bytes, .access = region->access};
	const struct notice *notice;
	void *all;
	int status = strads_job_gather(fabric->job, STRADS_OK, &mine, sizeof mine, &all);

	if (status)
		return status;
	notice = all;
	for (int rank = 0; rank < fabric->size && !status; rank++) {
		if (notice[rank].access != notice[0].access)
			status = strads_fail(STRADS_ERR_PROTOCOL,
					     "region %d has access class %llu on rank %d, but %llu "
					     "on rank 0: every rank must create the same sequence",
					     region->id, (unsigned long long)notice[rank].access,
					     rank, (unsigned long long)notice[0].access);
	}
	for (int rank = 0; rank < fabric->size && !status; rank++)
		region->peer_bytes[rank] = (size_t)notice[rank].bytes;
	free(all);
	return status;
}

/* Exchanges one endpoint's keys of the region and attaches to those of the others. */
static int
attach(struct strads_region *region, const struct strads_endpoint *endpoint)
{
	struct strads_fabric *fabric = region->fabric;
	struct strads_region_key mine = {.bytes = region->bytes};
	void *all;
	int status = strads_job_gather(
	    fabric->job, endpoint->provider->region_key(endpoint->context, region, &mine), &mine,
	    sizeof mine, &all);

	if (status)
		return status;
	status = strads_job_agree(
	    fabric->job, endpoint->provider->region_attach(endpoint->context, region, all));
	free(all);
	return status;
}

int
strads_fabric_wire(struct strads_fabric *fabric)
{
	int status = compare_counts(fabric);

	for (struct strads_region *region = next_unwired(fabric->regions); region && !status;
	     region = next_unwired(region->next)) {
		status = gather_sizes(region);
		for (int i = 0; i < fabric->n_endpoints && !status; i++)
			status = attach(region, &fabric->endpoints[i]);
		region->wired = status == STRADS_OK;
	}
	return status;
}
