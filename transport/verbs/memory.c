#include "verbs/verbs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What a region has attached. */
struct attachment {
	struct ibv_mr *mr;                /* NULL: an empty region */
	struct strads_region_key *remote; /* [size]; NULL before it is known */
};

/* ---- The limit of locked memory ---- */

int
strads_verbs_memory_check(const char *device, uint64_t bytes)
{
	bool exempt;
	uint64_t limit = strads_host_memlock(&exempt);

	if (bytes <= limit || exempt)
		return STRADS_OK;
	return strads_fail(
	    STRADS_ERR_MEMORY,
	    "a rank may come to register %llu bytes with %s, but the locked-memory "
	    "limit is %llu bytes; raise it with `ulimit -l unlimited`, or memlock in "
	    "/etc/security/limits.conf, or insist with --fabric verbs",
	    (unsigned long long)bytes, device, (unsigned long long)limit);
}

static void
refused(const struct strads_verbs *verbs, size_t bytes, int error)
{
	bool exempt;
	uint64_t limit = strads_host_memlock(&exempt);

	if ((error == ENOMEM || error == EAGAIN) && limit != UINT64_MAX)
		strads_fail(STRADS_ERR_MEMORY,
			    "cannot register %zu bytes with %s: the locked-memory limit is %llu "
			    "bytes in all; raise it with `ulimit -l unlimited`, or memlock in "
			    "/etc/security/limits.conf, or take --fabric ofi",
			    bytes, verbs->port.name, (unsigned long long)limit);
	else
		strads_fail(STRADS_ERR_MEMORY, "cannot register %zu bytes with %s: %s", bytes,
			    verbs->port.name, strerror(error));
}

/* ---- Registration ---- */

struct ibv_mr *
strads_verbs_register(const struct strads_verbs *verbs, void *base, size_t bytes, int access)
{
	struct ibv_mr *mr = ibv_reg_mr(verbs->pd, base, bytes, (unsigned)access);

	if (!mr)
		refused(verbs, bytes, errno);
	return mr;
}

uint32_t
strads_verbs_local_key(const struct strads_region *region)
{
	const struct attachment *attachment = region->attached[STRADS_SLOT_VERBS];

	return attachment->mr->lkey;
}

const struct strads_region_key *
strads_verbs_remote(const struct strads_region *region, int peer)
{
	const struct attachment *attachment = region->attached[STRADS_SLOT_VERBS];

	return &attachment->remote[peer];
}

/* The least that the region's class needs. The adapter writes into any region as the sink of this
 * rank's own reads, so that LOCAL_WRITE is always there, which peers have nothing of. */
static int
access_of(const struct strads_verbs *verbs, const struct strads_region *region)
{
	int access = IBV_ACCESS_LOCAL_WRITE;

	if (region->access & STRADS_REMOTE_READ)
		access |= IBV_ACCESS_REMOTE_READ;
	if (region->access & STRADS_REMOTE_WRITE)
		access |= IBV_ACCESS_REMOTE_WRITE | (verbs->adds ? IBV_ACCESS_REMOTE_ATOMIC : 0);
	return access;
}

int
strads_verbs_region_register(void *context, struct strads_region *region)
{
	struct strads_verbs *verbs = context;
	struct attachment *attachment = calloc(1, sizeof *attachment);

	if (!attachment)
		return strads_fail(STRADS_ERR_MEMORY, "no memory to describe a region");
	if (region->bytes > 0) {
		attachment->mr = strads_verbs_register(verbs, region->base, region->bytes,
						       access_of(verbs, region));
		if (!attachment->mr) {
			free(attachment);
			return STRADS_ERR_MEMORY;
		}
	}
	region->attached[STRADS_SLOT_VERBS] = attachment;
	return STRADS_OK;
}

int
strads_verbs_region_key(void *context, struct strads_region *region, struct strads_region_key *mine)
{
	const struct attachment *attachment = region->attached[STRADS_SLOT_VERBS];

	(void)context;
	if (!attachment->mr)
		return STRADS_OK; /* empty: nobody will address it */
	mine->base = (uintptr_t)region->base;
	mine->key = attachment->mr->rkey;
	return STRADS_OK;
}

/* Enters the region where signals look for it. */
static int
enter(struct strads_verbs *verbs, struct strads_region *region)
{
	int needed = region->id + 1;

	if (needed > verbs->n_regions) {
		struct strads_region **grown =
		    realloc(verbs->regions, (size_t)needed * sizeof(struct strads_region *));

		if (!grown)
			return strads_fail(STRADS_ERR_MEMORY, "no memory to describe a region");
		for (int id = verbs->n_regions; id < needed; id++)
			grown[id] = NULL;
		verbs->regions = grown;
		verbs->n_regions = needed;
	}
	verbs->regions[region->id] = region;
	return STRADS_OK;
}

int
strads_verbs_region_attach(void *context, struct strads_region *region,
			   const struct strads_region_key *all)
{
	struct strads_verbs *verbs = context;
	struct attachment *attachment = region->attached[STRADS_SLOT_VERBS];
	size_t bytes = (size_t)verbs->size * sizeof *all;
	int status;

	attachment->remote = malloc(bytes);
	if (!attachment->remote)
		return strads_fail(STRADS_ERR_MEMORY, "no memory for the keys of %d ranks",
				   verbs->size);
	memcpy(attachment->remote, all, bytes);
	strads_server_turn(&verbs->server);
	strads_baton_wait(&verbs->baton);
	status = enter(verbs, region);
	strads_baton_pass(&verbs->baton);
	return status;
}

/* The peers' signals into the region are complete, so that their immediates are in the queue, but
 * nobody need have read them there. */
void
strads_verbs_region_release(void *context, struct strads_region *region)
{
	struct strads_verbs *verbs = context;
	struct attachment *attachment = region->attached[STRADS_SLOT_VERBS];

	strads_server_turn(&verbs->server);
	strads_baton_wait(&verbs->baton);
	while (verbs->status == STRADS_OK && strads_verbs_take(verbs))
		;
	if (region->id >= 0 && region->id < verbs->n_regions &&
	    verbs->regions[region->id] == region)
		verbs->regions[region->id] = NULL;
	strads_baton_pass(&verbs->baton);
	if (attachment->mr)
		ibv_dereg_mr(attachment->mr);
	region->attached[STRADS_SLOT_VERBS] = NULL;
	free(attachment->remote);
	free(attachment);
}
