#include "ofi/ofi.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>

/* What a region has attached. */
struct attachment {
	struct fid_mr *mr;                /* NULL: nothing to register */
	struct strads_region_key *remote; /* [size]; NULL before it is known */
};

static int
refused(const struct strads_ofi *ofi, size_t bytes, int code)
{
	struct rlimit limit;

	if (code == -FI_ENOMEM && getrlimit(RLIMIT_MEMLOCK, &limit) == 0 &&
	    limit.rlim_cur != RLIM_INFINITY)
		return strads_fail(STRADS_ERR_MEMORY,
				   "cannot register %zu bytes with %s: the locked-memory limit is "
				   "%zu bytes; raise it with `ulimit -l unlimited`",
				   bytes, ofi->info->fabric_attr->prov_name,
				   (size_t)limit.rlim_cur);
	return strads_ofi_refused(ofi, code == -FI_ENOMEM ? STRADS_ERR_MEMORY : STRADS_ERR_FABRIC,
				  "register memory", code);
}

/* Where the application chooses keys they are random: whoever holds a key may use it. */
static int
make_key(const struct strads_ofi *ofi, uint64_t *key)
{
	size_t bytes = ofi->info->domain_attr->mr_key_size;

	*key = 0;
	if (ofi->info->domain_attr->mr_mode & FI_MR_PROV_KEY)
		return STRADS_OK;
	if (getrandom(key, bytes, 0) != (ssize_t)bytes)
		return strads_fail(STRADS_ERR_IO, "cannot draw a random key for a memory region");
	return STRADS_OK;
}

int
strads_ofi_register(struct strads_ofi *ofi, void *base, size_t bytes, uint64_t access,
		    struct fid_mr **mr)
{
	struct fid_mr *made;
	uint64_t key;
	int code;
	int status = make_key(ofi, &key);

	if (status)
		return status;
	code = fi_mr_reg(ofi->domain, base, bytes, access, 0, key, 0, &made, NULL);
	if (code)
		return refused(ofi, bytes, code);
	if (ofi->info->domain_attr->mr_mode & FI_MR_ENDPOINT) {
		code = fi_mr_bind(made, &ofi->ep->fid, 0);
		if (!code)
			code = fi_mr_enable(made);
	}
	if (code) {
		fi_close(&made->fid);
		return refused(ofi, bytes, code);
	}
	*mr = made;
	return STRADS_OK;
}

uint64_t
strads_ofi_remote_base(const struct strads_ofi *ofi, const void *base)
{
	return ofi->info->domain_attr->mr_mode & FI_MR_VIRT_ADDR ? (uintptr_t)base : 0;
}

void *
strads_ofi_desc(const struct strads_region *region)
{
	const struct attachment *attachment = region->attached[STRADS_SLOT_OFI];

	return attachment->mr ? fi_mr_desc(attachment->mr) : NULL;
}

const struct strads_region_key *
strads_ofi_remote(const struct strads_region *region, int peer)
{
	const struct attachment *attachment = region->attached[STRADS_SLOT_OFI];

	return &attachment->remote[peer];
}

int
strads_ofi_region_register(void *context, struct strads_region *region)
{
	struct strads_ofi *ofi = context;
	struct attachment *attachment = calloc(1, sizeof *attachment);
	uint64_t access = FI_READ | FI_WRITE; /* as the near end of this rank's own operations */
	bool local_only = region->access == STRADS_LOCAL;
	int status = STRADS_OK;

	if (!attachment)
		return strads_fail(STRADS_ERR_MEMORY, "no memory to describe a region");
	if (region->access & STRADS_REMOTE_READ)
		access |= FI_REMOTE_READ;
	if (region->access & STRADS_REMOTE_WRITE)
		access |= FI_REMOTE_WRITE;
	if (region->bytes > 0 &&
	    !(local_only && !(ofi->info->domain_attr->mr_mode & FI_MR_LOCAL))) {
		strads_server_turn(&ofi->server);
		strads_baton_wait(&ofi->baton);
		status =
		    strads_ofi_register(ofi, region->base, region->bytes, access, &attachment->mr);
		strads_baton_pass(&ofi->baton);
	}
	if (status) {
		free(attachment);
		return status;
	}
	region->attached[STRADS_SLOT_OFI] = attachment;
	return STRADS_OK;
}

int
strads_ofi_region_key(void *context, struct strads_region *region, struct strads_region_key *mine)
{
	const struct strads_ofi *ofi = context;
	const struct attachment *attachment = region->attached[STRADS_SLOT_OFI];

	if (!attachment->mr)
		return STRADS_OK; /* empty: nobody will address it */
	mine->base = strads_ofi_remote_base(ofi, region->base);
	mine->key = fi_mr_key(attachment->mr);
	if (mine->key == FI_KEY_NOTAVAIL)
		return strads_fail(STRADS_ERR_UNSUPPORTED,
				   "libfabric provider %s has memory keys longer than 64 bits",
				   ofi->info->fabric_attr->prov_name);
	return STRADS_OK;
}

/* Enters the region where notes look for it. */
static int
enter(struct strads_ofi *ofi, struct strads_region *region)
{
	int needed = region->id + 1;
	struct strads_region **grown = ofi->regions;

	if (needed > ofi->n_regions) {
		grown = realloc(ofi->regions, (size_t)needed * sizeof *grown);
		if (!grown)
			return strads_fail(STRADS_ERR_MEMORY, "no memory to describe a region");
		memset(grown + ofi->n_regions, 0,
		       (size_t)(needed - ofi->n_regions) * sizeof *grown);
		ofi->n_regions = needed;
	}
	ofi->regions = grown;
	ofi->regions[region->id] = region;
	return STRADS_OK;
}

int
strads_ofi_region_attach(void *context, struct strads_region *region,
			 const struct strads_region_key *all)
{
	struct strads_ofi *ofi = context;
	struct attachment *attachment = region->attached[STRADS_SLOT_OFI];
	size_t bytes = (size_t)ofi->size * sizeof *all;
	int status;

	attachment->remote = malloc(bytes);
	if (!attachment->remote)
		return strads_fail(STRADS_ERR_MEMORY, "no memory for the keys of %d ranks",
				   ofi->size);
	memcpy(attachment->remote, all, bytes);
	strads_server_turn(&ofi->server);
	strads_baton_wait(&ofi->baton);
	status = enter(ofi, region);
	strads_baton_pass(&ofi->baton);
	return status;
}

void
strads_ofi_region_release(void *context, struct strads_region *region)
{
	struct strads_ofi *ofi = context;
	struct attachment *attachment = region->attached[STRADS_SLOT_OFI];

	strads_ofi_server_bar(ofi);
	strads_baton_wait(&ofi->baton);
	if (region->id >= 0 && region->id < ofi->n_regions && ofi->regions[region->id] == region)
		ofi->regions[region->id] = NULL;
	if (attachment->mr)
		fi_close(&attachment->mr->fid);
	strads_baton_pass(&ofi->baton);
	region->attached[STRADS_SLOT_OFI] = NULL;
	free(attachment->remote);
	free(attachment);
}
