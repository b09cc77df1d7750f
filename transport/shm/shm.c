#include "shm.h"

#include "cursor.h"
#include "job/job.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- Life ---- */

/* "N": only ranks of one group of N count as being on one host. */
static int
parse_group(const char *argument, int *group)
{
	char *end;
	long value;

	if (!argument) {
		*group = 0;
		return STRADS_OK;
	}
	errno = 0;
	value = strtol(argument, &end, 10);
	if (errno || end == argument || *end || value < 1 || value > INT_MAX)
		return strads_fail(STRADS_ERR_ARGUMENT,
				   "shm: '%s' is not a number of ranks that share a host; give 1 "
				   "or more, or leave it out",
				   argument);
	*group = (int)value;
	return STRADS_OK;
}

static int
shm_open_context(struct strads_fabric *fabric, const char *argument, void **context)
{
	struct strads_shm *shm = calloc(1, sizeof *shm);
	int status;

	if (!shm)
		return strads_fail(STRADS_ERR_MEMORY, "shm: no memory");
	*shm = (struct strads_shm){.fabric = fabric,
				   .rank = strads_fabric_rank(fabric),
				   .size = strads_fabric_size(fabric),
				   .cookie = strads_fabric_job(fabric)->cookie,
				   .lost = -1,
				   .control_fd = -1,
				   .doorbell = -1,
				   .watch = -1,
				   .listener = -1};
	status = parse_group(argument, &shm->group);
	if (status)
		goto free_shm;
	shm->peers = calloc((size_t)shm->size, sizeof *shm->peers);
	if (!shm->peers) {
		status = strads_fail(STRADS_ERR_MEMORY, "shm: no memory for %d ranks", shm->size);
		goto free_shm;
	}
	for (int rank = 0; rank < shm->size; rank++)
		shm->peers[rank] = (struct strads_shm_peer){.doorbell = -1, .socket = -1};
	status = strads_shm_links_open(shm);
	if (status)
		goto free_peers;
	*context = shm;
	return STRADS_OK;

free_peers:
	free(shm->peers);
free_shm:
	free(shm);
	return status;
}

static void
shm_close_context(void *context)
{
	struct strads_shm *shm = context;

	strads_shm_links_close(shm);
	free(shm->peers);
	free(shm);
}

static int
shm_address(void *context, struct strads_address *mine)
{
	const struct strads_shm *shm = context;
	struct strads_shm_address address = {.version = STRADS_SHM_VERSION};

	memcpy(address.name, shm->name, sizeof address.name);
	memcpy(address.proof, shm->proof, sizeof address.proof);
	memcpy(mine->data, &address, sizeof address);
	mine->bytes = sizeof address;
	return STRADS_OK;
}

static int
shm_connect(void *context, const struct strads_address *all)
{
	return strads_shm_links_connect(context, all);
}

static bool
shm_reaches(void *context, int peer)
{
	const struct strads_shm *shm = context;

	return shm->peers[peer].control != NULL;
}

/* ---- Regions: nothing to register; what others need is a descriptor, see handover.c ---- */

static int
shm_register(void *context, struct strads_region *region)
{
	(void)context;
	region->attached[STRADS_SLOT_SHM] = NULL;
	return STRADS_OK;
}

static int
shm_key(void *context, struct strads_region *region, struct strads_region_key *mine)
{
	(void)context;
	*mine = (struct strads_region_key){.bytes = region->bytes};
	return STRADS_OK;
}

static const void *
shm_region_view(void *context, const struct strads_region *region, int peer)
{
	const struct strads_shm_view *views = region->attached[STRADS_SLOT_SHM];

	(void)context;
	return views[peer].base;
}

/* ---- Operations ---- */

static inline uint8_t *
view(const struct strads_transfer *transfer)
{
	const struct strads_shm_view *views = transfer->region->attached[STRADS_SLOT_SHM];

	return views[transfer->peer].base + transfer->offset;
}

/* The calling overhead of memcpy is a good part of the way of a few bytes. */
static inline void
copy(void *to, const void *from, size_t bytes)
{
	if (bytes == sizeof(uint64_t))
		memcpy(to, from, sizeof(uint64_t));
	else if (bytes > 0)
		memcpy(to, from, bytes);
}

/* Whether the local side is one range. */
static inline bool
plain(const struct strads_transfer *transfer)
{
	return __builtin_expect(transfer->bytes == 0 || transfer->bytes == transfer->local->bytes,
				1);
}

static __attribute__((noinline)) uint8_t *
gather(uint8_t *to, const struct strads_transfer *transfer)
{
	struct strads_cursor local = {.piece = transfer->local};

	strads_cursor_gather(&local, to, transfer->bytes);
	return to + transfer->bytes;
}

/* Writes the local side; returns where it ends. */
static inline uint8_t *
fill(uint8_t *to, const struct strads_transfer *transfer)
{
	size_t bytes = transfer->bytes;

	if (!plain(transfer))
		return gather(to, transfer);
	copy(to, transfer->local->base, bytes);
	return to + bytes;
}

static void
ring(struct strads_shm *shm, struct strads_shm_peer *peer)
{
	uint64_t once = 1;

	/* One writer rings for all that come before the sleeper is up. */
	if (!atomic_exchange_explicit(&peer->control->sleeping, 0, memory_order_acq_rel))
		return;
	while (write(peer->doorbell, &once, sizeof once) < 0 && errno == EINTR)
		;
	strads_fabric_rang(shm->fabric);
}

/* After a store that a sleeper may wait for. Its counterpart is shm_sleep_prepare. */
static inline void
rouse(struct strads_shm *shm, struct strads_shm_peer *peer)
{
	atomic_thread_fence(memory_order_seq_cst);
	if (__builtin_expect(
		atomic_load_explicit(&peer->control->sleeping, memory_order_relaxed) != 0, 0))
		ring(shm, peer);
}

static int
shm_put(void *context, const struct strads_transfer *transfer)
{
	struct strads_shm *shm = context;

	if (__builtin_expect(shm->peers[transfer->peer].gone, 0))
		return strads_shm_fail_gone(shm, transfer->peer);
	(void)fill(view(transfer), transfer);
	strads_counter_done(transfer->counter, STRADS_OK);
	return STRADS_OK;
}

static int
shm_put_signal(void *context, const struct strads_transfer *transfer)
{
	struct strads_shm *shm = context;
	struct strads_shm_peer *peer = &shm->peers[transfer->peer];
	uint8_t *word;

	if (__builtin_expect(peer->gone, 0))
		return strads_shm_fail_gone(shm, transfer->peer);
	word = fill(view(transfer), transfer);
	atomic_store_explicit((_Atomic uint64_t *)(void *)word, transfer->value,
			      memory_order_release);
	strads_counter_done(transfer->counter, STRADS_OK);
	rouse(shm, peer);
	return STRADS_OK;
}

static int
shm_get(void *context, const struct strads_transfer *transfer)
{
	struct strads_cursor local = {.piece = transfer->local};
	struct strads_shm *shm = context;

	if (__builtin_expect(shm->peers[transfer->peer].gone, 0))
		return strads_shm_fail_gone(shm, transfer->peer);
	if (plain(transfer))
		copy(transfer->local->base, view(transfer), transfer->bytes);
	else
		strads_cursor_scatter(&local, view(transfer), transfer->bytes);
	strads_counter_done(transfer->counter, STRADS_OK);
	return STRADS_OK;
}

static int
shm_fetch_add(void *context, const struct strads_transfer *transfer)
{
	struct strads_shm *shm = context;
	struct strads_shm_peer *peer = &shm->peers[transfer->peer];
	uint64_t old;

	if (__builtin_expect(peer->gone, 0))
		return strads_shm_fail_gone(shm, transfer->peer);
	old = atomic_fetch_add((_Atomic uint64_t *)(void *)view(transfer), transfer->value);
	memcpy(transfer->local->base, &old, sizeof old);
	strads_counter_done(transfer->counter, STRADS_OK);
	rouse(shm, peer);
	return STRADS_OK;
}

/* Operations are complete when they return. */
static uint64_t
shm_outstanding(void *context, int peer)
{
	(void)context;
	(void)peer;
	return 0;
}

/* ---- Progress and sleep ---- */

static int
shm_progress(void *context)
{
	struct strads_shm *shm = context;

	if (__builtin_expect(strads_pace_due(&shm->pace), 0))
		strads_shm_watch_look(shm);
	return __builtin_expect(shm->lost >= 0, 0) ? strads_shm_fail_gone(shm, shm->lost)
						   : STRADS_OK;
}

static int
shm_wait_fd(void *context)
{
	const struct strads_shm *shm = context;

	return shm->watch;
}

static int
shm_sleep_prepare(void *context)
{
	struct strads_shm *shm = context;

	shm->drowsy = true;
	atomic_store_explicit(&shm->control->sleeping, 1, memory_order_relaxed);
	atomic_thread_fence(memory_order_seq_cst);
	return STRADS_OK;
}

static void
shm_sleep_done(void *context)
{
	struct strads_shm *shm = context;

	atomic_store_explicit(&shm->control->sleeping, 0, memory_order_relaxed);
	shm->drowsy = false;
	strads_shm_watch_look(shm);
}

static void
shm_query(void *context, int peer, struct strads_fabric_info *info)
{
	(void)context;
	(void)peer;
	snprintf(info->path, sizeof info->path, "shm");
	snprintf(info->why, sizeof info->why, "ranks that can map each other's memory");
	info->fetch_add = true;
	info->passive_target = true;
	info->signal = "release store";
	info->completion = "delivered";
}

const struct strads_provider strads_provider_shm = {
    .name = "shm",
    .slot = STRADS_SLOT_SHM,
    .needs_fd = true,
    .open = shm_open_context,
    .close = shm_close_context,
    .address = shm_address,
    .connect = shm_connect,
    .reaches = shm_reaches,
    .region_register = shm_register,
    .region_key = shm_key,
    .region_attach = strads_shm_attach,
    .region_release = strads_shm_release,
    .region_view = shm_region_view,
    .put = shm_put,
    .put_signal = shm_put_signal,
    .get = shm_get,
    .fetch_add = shm_fetch_add,
    .hold = strads_provider_no_hold,
    .release = strads_provider_no_release,
    .outstanding = shm_outstanding,
    .progress = shm_progress,
    .wait_fd = shm_wait_fd,
    .sleep_prepare = shm_sleep_prepare,
    .sleep_done = shm_sleep_done,
    .survey = strads_provider_no_survey,
    .query = shm_query,
};
