/*
 * The path of a rank to itself: plain copies.
 */
#include "cursor.h"
#include "fabric.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

static int
self_put(void *context, const struct strads_transfer *transfer)
{
	struct strads_cursor local = {.piece = transfer->local};

	(void)context;
	strads_cursor_gather(&local, transfer->region->base + transfer->offset, transfer->bytes);
	strads_counter_done(transfer->counter, STRADS_OK);
	return STRADS_OK;
}

static int
self_put_signal(void *context, const struct strads_transfer *transfer)
{
	struct strads_cursor local = {.piece = transfer->local};
	uint8_t *to = transfer->region->base + transfer->offset;

	(void)context;
	strads_cursor_gather(&local, to, transfer->bytes);
	atomic_store_explicit((_Atomic uint64_t *)(void *)(to + transfer->bytes), transfer->value,
			      memory_order_release);
	strads_counter_done(transfer->counter, STRADS_OK);
	return STRADS_OK;
}

static int
self_get(void *context, const struct strads_transfer *transfer)
{
	struct strads_cursor local = {.piece = transfer->local};

	(void)context;
	strads_cursor_scatter(&local, transfer->region->base + transfer->offset, transfer->bytes);
	strads_counter_done(transfer->counter, STRADS_OK);
	return STRADS_OK;
}

/* Atomic against peers only where their provider's fetch-add is; on the own rank it always is one
 * instruction of the processor. */
static int
self_fetch_add(void *context, const struct strads_transfer *transfer)
{
	void *word = transfer->region->base + transfer->offset;
	uint64_t old = atomic_fetch_add((_Atomic uint64_t *)word, transfer->value);

	(void)context;
	memcpy(transfer->local->base, &old, sizeof old);
	strads_counter_done(transfer->counter, STRADS_OK);
	return STRADS_OK;
}

static const void *
self_region_view(void *context, const struct strads_region *region, int peer)
{
	(void)context;
	(void)peer;
	return region->base;
}

static uint64_t
self_outstanding(void *context, int peer)
{
	(void)context;
	(void)peer;
	return 0;
}

static void
self_query(void *context, int peer, struct strads_fabric_info *info)
{
	(void)context;
	(void)peer;
	snprintf(info->path, sizeof info->path, "self");
	info->fetch_add = true;
	info->passive_target = true;
	info->signal = "release store";
	info->completion = "delivered";
}

/* Not in the list of providers: the fabric sets it as the path to the own rank, and it never is
 * an endpoint, so only operations are asked of it. */
const struct strads_provider strads_provider_self = {
    .name = "self",
    .region_view = self_region_view,
    .put = self_put,
    .put_signal = self_put_signal,
    .get = self_get,
    .fetch_add = self_fetch_add,
    .outstanding = self_outstanding,
    .survey = strads_provider_no_survey,
    .query = self_query,
};
