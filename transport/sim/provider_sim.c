#include "sim/sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Life ---- */

static int
enlist(struct strads_sim_endpoint *endpoint)
{
	struct strads_sim_rank *rank = endpoint->owner;
	size_t count = (size_t)rank->n_endpoints + 1;
	struct strads_sim_endpoint **grown =
	    realloc(rank->endpoints, count * sizeof(struct strads_sim_endpoint *));

	if (!grown)
		return strads_fail(STRADS_ERR_MEMORY, "no memory for %zu fabrics", count);
	rank->endpoints = grown;
	endpoint->ordinal = rank->n_endpoints;
	rank->endpoints[rank->n_endpoints++] = endpoint;
	return STRADS_OK;
}

static int
sim_open(struct strads_fabric *fabric, const char *argument, void **context)
{
	struct strads_job *job = strads_fabric_job(fabric);
	struct strads_sim_endpoint *made;
	int status;

	if (job->ops != &strads_job_sim_ops)
		return strads_fail(STRADS_ERR_UNSUPPORTED,
				   "fabric sim needs a simulated job, not one of kind %s",
				   strads_job_kind_name(job));
	if (argument)
		return strads_fail(STRADS_ERR_ARGUMENT,
				   "fabric sim takes no argument, but got '%s'", argument);
	made = calloc(1, sizeof *made);
	if (made)
		made->pairs = calloc((size_t)job->size, sizeof *made->pairs);
	if (!made || !made->pairs) {
		status =
		    strads_fail(STRADS_ERR_MEMORY, "no memory for a fabric of %d ranks", job->size);
		goto free_made;
	}
	made->owner = job->context;
	made->fabric = fabric;
	status = enlist(made);
	if (status)
		goto free_made;
	*context = made;
	return STRADS_OK;

free_made:
	if (made)
		free(made->pairs);
	free(made);
	return status;
}

static void
sim_close(void *context)
{
	struct strads_sim_endpoint *gone = context;

	strads_sim_give_up(gone, NULL);
	gone->owner->endpoints[gone->ordinal] = NULL;
	free(gone->regions);
	free(gone->pairs);
	free(gone);
}

/* ---- Wire-up: all there is to know of a peer is which of its fabrics belongs to this one ---- */

static int
sim_address(void *context, struct strads_address *mine)
{
	const struct strads_sim_endpoint *endpoint = context;

	mine->bytes = sizeof endpoint->ordinal;
	memcpy(mine->data, &endpoint->ordinal, sizeof endpoint->ordinal);
	return STRADS_OK;
}

static int
sim_connect(void *context, const struct strads_address *all)
{
	const struct strads_sim_endpoint *endpoint = context;

	for (int peer = 0; peer < endpoint->owner->sim->size; peer++) {
		int ordinal;

		memcpy(&ordinal, all[peer].data, sizeof ordinal);
		if (all[peer].bytes != sizeof ordinal || ordinal != endpoint->ordinal)
			return strads_fail(STRADS_ERR_PROTOCOL,
					   "rank %d has opened another number of fabrics than "
					   "rank %d: opening is collective",
					   peer, endpoint->owner->rank);
	}
	return STRADS_OK;
}

static bool
sim_reaches(void *context, int peer)
{
	(void)context;
	(void)peer;
	return true;
}

/* ---- Regions ---- */

static int
sim_region_register(void *context, struct strads_region *region)
{
	(void)context;
	(void)region;
	return STRADS_OK;
}

/* Makes the region known under its id to whoever operates on this rank. */
static int
sim_region_key(void *context, struct strads_region *region, struct strads_region_key *mine)
{
	struct strads_sim_endpoint *endpoint = context;
	int count = region->id + 1;

	if (count > endpoint->n_regions) {
		struct strads_region **grown =
		    realloc(endpoint->regions, (size_t)count * sizeof(struct strads_region *));

		if (!grown)
			return strads_fail(STRADS_ERR_MEMORY, "no memory for %d regions", count);
		for (int id = endpoint->n_regions; id < count; id++)
			grown[id] = NULL;
		endpoint->regions = grown;
		endpoint->n_regions = count;
	}
	endpoint->regions[region->id] = region;
	*mine = (struct strads_region_key){.bytes = region->bytes};
	return STRADS_OK;
}

static int
sim_region_attach(void *context, struct strads_region *region, const struct strads_region_key *all)
{
	(void)context;
	(void)region;
	(void)all;
	return STRADS_OK;
}

static void
sim_region_release(void *context, struct strads_region *region)
{
	struct strads_sim_endpoint *endpoint = context;

	strads_sim_give_up(endpoint, region);
	if (region->id >= 0 && region->id < endpoint->n_regions)
		endpoint->regions[region->id] = NULL;
}

/* ---- Operations ---- */

static int
sim_put(void *context, const struct strads_transfer *transfer)
{
	return strads_sim_start(context, STRADS_OP_PUT, transfer);
}

static int
sim_put_signal(void *context, const struct strads_transfer *transfer)
{
	return strads_sim_start(context, STRADS_OP_PUT_SIGNAL, transfer);
}

static int
sim_get(void *context, const struct strads_transfer *transfer)
{
	return strads_sim_start(context, STRADS_OP_GET, transfer);
}

static int
sim_fetch_add(void *context, const struct strads_transfer *transfer)
{
	return strads_sim_start(context, STRADS_OP_FETCH_ADD, transfer);
}

static uint64_t
sim_outstanding(void *context, int peer)
{
	const struct strads_sim_endpoint *endpoint = context;

	return endpoint->pairs[peer].outstanding;
}

/* Pays for the signals that have come, before the caller looks at them. */
static void
receive(struct strads_sim_rank *rank)
{
	if (rank->owes == 0)
		return;
	rank->clock += rank->owes;
	rank->owes = 0;
	strads_sim_pass(rank);
}

static int
sim_progress(void *context)
{
	struct strads_sim_rank *rank = ((struct strads_sim_endpoint *)context)->owner;

	rank->clock += STRADS_SIM_POLL_PS;
	strads_sim_pass(rank);
	receive(rank);
	return strads_sim_check(rank->sim);
}

/* ---- Sleep: the time operations replace it ---- */

static int
sim_wait_fd(void *context)
{
	(void)context;
	return -1;
}

static int
sim_sleep_prepare(void *context)
{
	(void)context;
	return STRADS_OK;
}

static void
sim_sleep_done(void *context)
{
	(void)context;
}

/* ---- Time ---- */

/* A look at the clock costs a little, so that a loop that waits for nothing but a time ends. */
static uint64_t
sim_clock_ns(void *context)
{
	struct strads_sim_rank *rank = ((struct strads_sim_endpoint *)context)->owner;

	rank->clock += STRADS_SIM_CLOCK_PS;
	return rank->clock / STRADS_SIM_PS;
}

static void
sim_charge(void *context, double ns)
{
	struct strads_sim_rank *rank = ((struct strads_sim_endpoint *)context)->owner;
	double scale = rank->sim->options.compute_scale;
	double ps = ns * (scale > 0 ? scale : 1) * STRADS_SIM_PS;

	if (ps > 0 && ps < (double)(STRADS_SIM_NEVER / 2))
		rank->clock += (uint64_t)ps;
	strads_sim_pass(rank);
}

/* Blocks at once: there is nothing to gain from spinning. But what has happened since the last
 * wait ended may have been missed by a caller that was past the place where it looks for it, so
 * then it returns for one more pass. */
static void
sim_wait(void *context, uint64_t until_ns)
{
	struct strads_sim_rank *rank = ((struct strads_sim_endpoint *)context)->owner;
	uint64_t until = strads_sim_ps(until_ns);

	if (rank->news || until <= rank->clock) {
		rank->clock += STRADS_SIM_POLL_PS;
		strads_sim_pass(rank);
	} else {
		strads_sim_block(rank, STRADS_SIM_WAITING, until);
	}
	receive(rank);
	rank->news = false;
}

static void
sim_awake(void *context)
{
	(void)context;
}

static void
sim_query(void *context, int peer, struct strads_fabric_info *info)
{
	(void)context;
	(void)peer;
	snprintf(info->path, sizeof info->path, "sim");
	info->fetch_add = true;
	info->passive_target = true;
	info->signal = "a word that lands after the payload";
	info->completion = "delivered";
}

static const struct strads_time_ops sim_time = {
    .clock_ns = sim_clock_ns,
    .charge = sim_charge,
    .wait = sim_wait,
    .awake = sim_awake,
};

const struct strads_provider strads_provider_sim = {
    .name = "sim",
    .slot = STRADS_SLOT_SIM,
    .open = sim_open,
    .close = sim_close,
    .address = sim_address,
    .connect = sim_connect,
    .reaches = sim_reaches,
    .region_register = sim_region_register,
    .region_key = sim_region_key,
    .region_attach = sim_region_attach,
    .region_release = sim_region_release,
    .region_view = strads_provider_no_view,
    .put = sim_put,
    .put_signal = sim_put_signal,
    .get = sim_get,
    .fetch_add = sim_fetch_add,
    .hold = strads_provider_no_hold,
    .release = strads_provider_no_release,
    .outstanding = sim_outstanding,
    .progress = sim_progress,
    .wait_fd = sim_wait_fd,
    .sleep_prepare = sim_sleep_prepare,
    .sleep_done = sim_sleep_done,
    .time = &sim_time,
    .survey = strads_provider_no_survey,
    .query = sim_query,
};
