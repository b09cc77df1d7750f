#include "fabric.h"

#include <stdatomic.h>
#include <string.h>

/* The region that [buffer, buffer + bytes) lies in, or NULL. */
static struct strads_region *
find_local(struct strads_fabric *fabric, const void *buffer, size_t bytes)
{
	for (struct strads_region *region = fabric->regions; region; region = region->next) {
		uintptr_t at = (uintptr_t)buffer - (uintptr_t)region->base;

		if (at <= region->bytes && bytes <= region->bytes - at) {
			fabric->last_local = region;
			return region;
		}
	}
	return NULL;
}

/* The same, looking first where the last buffer lay. */
static inline const struct strads_region *
local_region(struct strads_fabric *fabric, const void *buffer, size_t bytes)
{
	const struct strads_region *region = fabric->last_local;

	if (region) {
		uintptr_t at = (uintptr_t)buffer - (uintptr_t)region->base;

		if (at <= region->bytes && bytes <= region->bytes - at)
			return region;
	}
	return find_local(fabric, buffer, bytes);
}

/* Says what is wrong with an operation that `admissible` has refused. */
static int
explain(const struct strads_fabric *fabric, const struct strads_transfer *transfer,
	enum strads_access access, size_t reach, const char *what)
{
	const struct strads_region *region = transfer->region;
	int peer = transfer->peer;

	if (!region || region->fabric != fabric)
		return strads_fail(STRADS_ERR_ARGUMENT,
				   "%s: the region does not belong to this fabric", what);
	if (peer < 0 || peer >= fabric->size)
		return strads_fail(STRADS_ERR_ARGUMENT, "%s: rank %d is not one of the %d ranks",
				   what, peer, fabric->size);
	if (!(region->access & access))
		return strads_fail(
		    STRADS_ERR_ACCESS, "%s: region %d does not allow it; create it with %s", what,
		    region->id,
		    access == STRADS_REMOTE_READ ? "STRADS_REMOTE_READ" : "STRADS_REMOTE_WRITE");
	if (!region->wired)
		return strads_fail(
		    STRADS_ERR_ARGUMENT,
		    "%s: region %d is not known to the other ranks; call strads_fabric_wire", what,
		    region->id);
	return strads_fail(
	    STRADS_ERR_BOUNDS, "%s: %zu bytes at offset %zu exceed region %d of rank %d, %zu bytes",
	    what, reach, transfer->offset, region->id, peer, region->peer_bytes[peer]);
}

/* Whether the peer's part of the region allows `access` to `reach` bytes at the offset. */
static inline bool
admissible(const struct strads_fabric *fabric, const struct strads_transfer *transfer,
	   enum strads_access access, size_t reach)
{
	const struct strads_region *region = transfer->region;
	int peer = transfer->peer;
	size_t room;

	if (!region || region->fabric != fabric || peer < 0 || peer >= fabric->size ||
	    !(region->access & access) || !region->wired)
		return false;
	room = region->peer_bytes[peer];
	return transfer->offset <= room && reach <= room - transfer->offset;
}

/* ---- The local side ---- */

static inline size_t
items(const struct strads_piece *piece)
{
	return piece->count > 1 ? piece->count : 1;
}

/* The bytes of all pieces; SIZE_MAX if that many cannot be counted. */
static inline size_t
total(const struct strads_piece *pieces, size_t n)
{
	size_t sum = 0;

	for (size_t i = 0; i < n; i++) {
		size_t bytes;

		if (__builtin_mul_overflow(pieces[i].bytes, items(&pieces[i]), &bytes) ||
		    __builtin_add_overflow(sum, bytes, &sum))
			return SIZE_MAX;
	}
	return sum;
}

/* Says what is wrong with a piece that `locate` has refused; by value, so that a caller need not
 * have it in memory. */
static int
explain_piece(struct strads_piece piece, const char *what)
{
	if (piece.count > 1 && piece.stride < piece.bytes)
		return strads_fail(STRADS_ERR_ARGUMENT,
				   "%s: items of %zu bytes overlap at a stride of %zu", what,
				   piece.bytes, piece.stride);
	if (piece.count > 1)
		return strads_fail(STRADS_ERR_ARGUMENT,
				   "%s: %zu items of %zu bytes, one every %zu, lie in no region of "
				   "this fabric; take them from strads_region_base",
				   what, piece.count, piece.bytes, piece.stride);
	return strads_fail(STRADS_ERR_ARGUMENT,
			   "%s: the local buffer of %zu bytes lies in no region of this fabric; "
			   "take it from strads_region_base",
			   what, piece.bytes);
}

/* Finds the region of a piece that is not empty; items that touch become one. */
static inline bool
locate(struct strads_fabric *fabric, const struct strads_piece *piece, struct strads_local *local)
{
	size_t reach = piece->bytes;

	local->base = piece->base;
	local->bytes = piece->bytes;
	local->count = 1;
	local->stride = 0;
	if (piece->count > 1) {
		if (piece->stride < piece->bytes ||
		    __builtin_mul_overflow(piece->stride, piece->count - 1, &reach) ||
		    __builtin_add_overflow(reach, piece->bytes, &reach))
			return false;
		if (piece->stride == piece->bytes) {
			local->bytes = reach;
		} else {
			local->count = piece->count;
			local->stride = piece->stride;
		}
	}
	local->region = local_region(fabric, piece->base, reach);
	return local->region != NULL;
}

/* Fills in the transfer's local side, leaving out what is empty. */
static inline int
assemble(struct strads_fabric *fabric, struct strads_transfer *transfer,
	 struct strads_local local[static STRADS_PIECES_MAX], const struct strads_piece *pieces,
	 size_t n, const char *what)
{
	transfer->local = local;
	for (size_t i = 0; i < n; i++) {
		if (pieces[i].bytes == 0)
			continue;
		if (__builtin_expect(!locate(fabric, &pieces[i], &local[transfer->pieces]), 0))
			return explain_piece(pieces[i], what);
		transfer->pieces++;
	}
	return STRADS_OK;
}

static int
too_many(size_t n, const char *what)
{
	return strads_fail(STRADS_ERR_ARGUMENT, "%s: %zu pieces; at most %d go at once", what, n,
			   STRADS_PIECES_MAX);
}

/* ---- Starting ---- */

/* Hands the transfer to the path's provider and counts it if it was started. */
static inline int
start(struct strads_fabric *fabric, const struct strads_transfer *transfer,
      int (*operation)(void *, const struct strads_transfer *), enum strads_op op, size_t bytes)
{
	struct strads_path *path = &fabric->paths[transfer->peer];
	int status;

	if (transfer->counter)
		transfer->counter->posted++;
	status = operation(path->context, transfer);
	if (__builtin_expect(status != STRADS_OK, 0)) {
		if (transfer->counter)
			transfer->counter->posted--;
		return status == STRADS_AGAIN ? status : strads_fabric_explain(fabric, status);
	}
	path->stats->operations[op]++;
	path->stats->bytes[op] += bytes;
	return STRADS_OK;
}

/* An operation on one buffer is one on a single piece, inlined so that it pays for no more. */
#define INLINED static inline __attribute__((always_inline))

INLINED int
get(struct strads_fabric *fabric, int peer, const struct strads_region *region, size_t offset,
    const struct strads_piece *pieces, size_t n, struct strads_counter *counter)
{
	struct strads_local local[STRADS_PIECES_MAX];
	struct strads_transfer transfer = {.peer = peer,
					   .region = region,
					   .offset = offset,
					   .bytes = total(pieces, n),
					   .counter = counter};
	int status;

	if (!admissible(fabric, &transfer, STRADS_REMOTE_READ, transfer.bytes))
		return explain(fabric, &transfer, STRADS_REMOTE_READ, transfer.bytes, "get");
	status = assemble(fabric, &transfer, local, pieces, n, "get");
	if (status)
		return status;
	return start(fabric, &transfer, fabric->paths[peer].provider->get, STRADS_OP_GET,
		     transfer.bytes);
}

INLINED int
put(struct strads_fabric *fabric, int peer, const struct strads_region *region, size_t offset,
    const struct strads_piece *pieces, size_t n, struct strads_counter *counter)
{
	struct strads_local local[STRADS_PIECES_MAX];
	struct strads_transfer transfer = {.peer = peer,
					   .region = region,
					   .offset = offset,
					   .bytes = total(pieces, n),
					   .counter = counter};
	int status;

	if (!admissible(fabric, &transfer, STRADS_REMOTE_WRITE, transfer.bytes))
		return explain(fabric, &transfer, STRADS_REMOTE_WRITE, transfer.bytes, "put");
	status = assemble(fabric, &transfer, local, pieces, n, "put");
	if (status)
		return status;
	return start(fabric, &transfer, fabric->paths[peer].provider->put, STRADS_OP_PUT,
		     transfer.bytes);
}

INLINED int
put_signal(struct strads_fabric *fabric, int peer, const struct strads_region *region,
	   size_t offset, const struct strads_piece *pieces, size_t n, uint64_t value,
	   struct strads_counter *counter)
{
	struct strads_local local[STRADS_PIECES_MAX];
	struct strads_transfer transfer = {.peer = peer,
					   .region = region,
					   .offset = offset,
					   .bytes = total(pieces, n),
					   .value = value,
					   .counter = counter};
	size_t reach =
	    transfer.bytes <= SIZE_MAX - sizeof value ? transfer.bytes + sizeof value : SIZE_MAX;
	int status;

	if ((offset | transfer.bytes) % sizeof value != 0)
		return strads_fail(STRADS_ERR_ARGUMENT,
				   "put-signal: offset %zu and length %zu must be multiples of 8",
				   offset, transfer.bytes);
	if (!admissible(fabric, &transfer, STRADS_REMOTE_WRITE, reach))
		return explain(fabric, &transfer, STRADS_REMOTE_WRITE, reach, "put-signal");
	status = assemble(fabric, &transfer, local, pieces, n, "put-signal");
	if (status)
		return status;
	return start(fabric, &transfer, fabric->paths[peer].provider->put_signal,
		     STRADS_OP_PUT_SIGNAL, reach);
}

int
strads_get(struct strads_fabric *fabric, int peer, const struct strads_region *region,
	   size_t offset, void *into, size_t bytes, struct strads_counter *counter)
{
	struct strads_piece all = {.base = into, .bytes = bytes};

	return get(fabric, peer, region, offset, &all, 1, counter);
}

int
strads_getv(struct strads_fabric *fabric, int peer, const struct strads_region *region,
	    size_t offset, const struct strads_piece *pieces, size_t n,
	    struct strads_counter *counter)
{
	return n > STRADS_PIECES_MAX ? too_many(n, "get")
				     : get(fabric, peer, region, offset, pieces, n, counter);
}

int
strads_put(struct strads_fabric *fabric, int peer, const struct strads_region *region,
	   size_t offset, const void *from, size_t bytes, struct strads_counter *counter)
{
	struct strads_piece all = {.base = (void *)from, .bytes = bytes};

	return put(fabric, peer, region, offset, &all, 1, counter);
}

int
strads_putv(struct strads_fabric *fabric, int peer, const struct strads_region *region,
	    size_t offset, const struct strads_piece *pieces, size_t n,
	    struct strads_counter *counter)
{
	return n > STRADS_PIECES_MAX ? too_many(n, "put")
				     : put(fabric, peer, region, offset, pieces, n, counter);
}

int
strads_put_signal(struct strads_fabric *fabric, int peer, const struct strads_region *region,
		  size_t offset, const void *from, size_t bytes, uint64_t value,
		  struct strads_counter *counter)
{
	struct strads_piece all = {.base = (void *)from, .bytes = bytes};

	return put_signal(fabric, peer, region, offset, &all, 1, value, counter);
}

int
strads_put_signalv(struct strads_fabric *fabric, int peer, const struct strads_region *region,
		   size_t offset, const struct strads_piece *pieces, size_t n, uint64_t value,
		   struct strads_counter *counter)
{
	return n > STRADS_PIECES_MAX
		   ? too_many(n, "put-signal")
		   : put_signal(fabric, peer, region, offset, pieces, n, value, counter);
}

int
strads_fetch_add(struct strads_fabric *fabric, int peer, const struct strads_region *region,
		 size_t offset, uint64_t add, uint64_t *old, struct strads_counter *counter)
{
	struct strads_local local[STRADS_PIECES_MAX];
	struct strads_piece all = {.base = old, .bytes = sizeof *old};
	struct strads_transfer transfer = {.peer = peer,
					   .region = region,
					   .offset = offset,
					   .bytes = sizeof *old,
					   .value = add,
					   .counter = counter};
	int status;

	if (offset % sizeof *old != 0)
		return strads_fail(STRADS_ERR_ARGUMENT,
				   "fetch-add: offset %zu must be a multiple of 8", offset);
	if (!admissible(fabric, &transfer, STRADS_REMOTE_WRITE, sizeof *old))
		return explain(fabric, &transfer, STRADS_REMOTE_WRITE, sizeof *old, "fetch-add");
	status = assemble(fabric, &transfer, local, &all, 1, "fetch-add");
	if (status)
		return status;
	return start(fabric, &transfer, fabric->paths[peer].provider->fetch_add,
		     STRADS_OP_FETCH_ADD, sizeof *old);
}

/* ---- Together ---- */

void
strads_fabric_hold(struct strads_fabric *fabric)
{
	for (int i = 0; i < fabric->n_endpoints; i++)
		fabric->endpoints[i].provider->hold(fabric->endpoints[i].context);
}

bool
strads_fabric_release(struct strads_fabric *fabric)
{
	bool any = false;

	for (int i = 0; i < fabric->n_endpoints; i++)
		any |= fabric->endpoints[i].provider->release(fabric->endpoints[i].context);
	return any;
}

/* ---- What has become of them ---- */

uint64_t
strads_signal_load(const struct strads_region *region, size_t offset)
{
	return atomic_load_explicit((const _Atomic uint64_t *)(void *)(region->base + offset),
				    memory_order_acquire);
}

static int
flush_path(const struct strads_path *path, int peer)
{
	if (path->failed)
		return strads_fail(path->failed, "an operation on rank %d failed (%s)", peer,
				   strads_status_name(path->failed));
	return path->provider->outstanding(path->context, peer) > 0 ? STRADS_AGAIN : STRADS_OK;
}

int
strads_flush(struct strads_fabric *fabric, int peer)
{
	int result = STRADS_OK;

	if (peer < -1 || peer >= fabric->size)
		return strads_fail(STRADS_ERR_ARGUMENT, "flush: rank %d is not one of the %d ranks",
				   peer, fabric->size);
	if (peer >= 0)
		return strads_fabric_explain(fabric, flush_path(&fabric->paths[peer], peer));
	for (int rank = 0; rank < fabric->size; rank++) {
		int status = flush_path(&fabric->paths[rank], rank);

		if (status < 0)
			return strads_fabric_explain(fabric, status);
		if (status > 0)
			result = status;
	}
	return result;
}
