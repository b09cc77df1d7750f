#include "verbs/verbs.h"

#define DEFER_BYTES 4096 /* a longer put is worth a doorbell of its own */

static const enum ibv_wr_opcode opcodes[] = {
    [STRADS_VERBS_PUT] = IBV_WR_RDMA_WRITE,
    [STRADS_VERBS_SIGNAL] = IBV_WR_RDMA_WRITE,
    [STRADS_VERBS_GET] = IBV_WR_RDMA_READ,
    [STRADS_VERBS_ADD] = IBV_WR_ATOMIC_FETCH_AND_ADD,
};

static bool
reads(enum strads_verbs_kind kind)
{
	return kind == STRADS_VERBS_GET || kind == STRADS_VERBS_ADD;
}

/* Passes the cursor over as much of what is left as one request carries: into sges[0 … *n). Returns
 * the bytes. */
static size_t
gather(const struct strads_verbs *verbs, const struct strads_verbs_op *op,
       struct strads_cursor *cursor, struct ibv_sge sges[static STRADS_VERBS_SGES], uint32_t *n)
{
	size_t most = op->left < verbs->request_bytes ? op->left : verbs->request_bytes;
	uint32_t limit = reads(op->kind) ? verbs->read_sges : verbs->sges;
	size_t bytes = 0;

	for (*n = 0; bytes < most && *n < limit; ++*n) {
		struct strads_run run = strads_cursor_next(cursor, most - bytes);

		sges[*n] = (struct ibv_sge){.addr = (uintptr_t)run.at,
					    .length = (uint32_t)run.bytes,
					    .lkey = strads_verbs_local_key(run.region)};
		bytes += run.bytes;
	}
	return bytes;
}

/* Pushes a request of `bytes`, sges[0 … n). */
static void
push_part(struct strads_verbs *verbs, struct strads_verbs_peer *peer, struct strads_verbs_op *op,
	  const struct ibv_sge *sges, uint32_t n, size_t bytes)
{
	struct strads_verbs_entry entry = {.counter = op->counter,
					   .kind = (uint8_t)op->kind,
					   .ends = bytes == op->left && !op->signal_due};
	struct ibv_send_wr *request = strads_verbs_push(verbs, peer, entry, sges, n);

	request->opcode = opcodes[op->kind];
	if (op->kind == STRADS_VERBS_ADD) {
		request->wr.atomic.remote_addr = op->remote;
		request->wr.atomic.rkey = op->rkey;
		request->wr.atomic.compare_add = op->value;
	} else {
		request->wr.rdma.remote_addr = op->remote;
		request->wr.rdma.rkey = op->rkey;
	}
	op->remote += bytes;
	op->left -= bytes;
}

/* Pushes what there is room for; true: all of it. The last request of a put-signal goes with the
 * signal. */
static bool
post(struct strads_verbs *verbs, struct strads_verbs_peer *peer, struct strads_verbs_op *op)
{
	while (op->left > 0 || op->signal_due) {
		struct strads_cursor next = op->local;
		struct ibv_sge sges[STRADS_VERBS_SGES];
		uint32_t n;
		size_t bytes = gather(verbs, op, &next, sges, &n);

		if (op->signal_due && bytes == op->left)
			return strads_verbs_signal_post(verbs, peer, op, sges, n);
		if (strads_verbs_room(verbs, peer) == 0 ||
		    (reads(op->kind) && peer->reads >= peer->reads_max))
			return false;
		push_part(verbs, peer, op, sges, n, bytes);
		op->local = next;
	}
	return true;
}

void
strads_verbs_advance(struct strads_verbs *verbs, struct strads_verbs_peer *peer)
{
	if (peer->holding && !peer->status && post(verbs, peer, &peer->held))
		peer->holding = false;
}

/* Whether the window has room. A peer that takes nothing for as long as the fabric's deadline is
 * an error: it is stopped, or computes without end. */
static int
admit_signal(struct strads_verbs *verbs, struct strads_verbs_peer *peer)
{
	uint64_t now;

	if (peer->sent - peer->acknowledged < verbs->window)
		return STRADS_OK;
	now = strads_monotone_ns();
	if (peer->full_ns == 0)
		peer->full_ns = now;
	if (now - peer->full_ns < verbs->timeout_ns)
		return STRADS_AGAIN;
	return strads_fail(
	    STRADS_ERR_TIMEOUT,
	    "rank %d has taken none of the last %u signals for %.0f s: it is stopped, "
	    "or its host hangs; see what it does, or raise --timeout",
	    (int)(peer - verbs->peers), verbs->window, (double)verbs->timeout_ns * 1e-9);
}

static int
admit(struct strads_verbs *verbs, struct strads_verbs_peer *peer, enum strads_verbs_kind kind)
{
	if (peer->status)
		return strads_verbs_lost(verbs, peer);
	if (!peer->ready)
		return strads_verbs_reach(verbs, peer);
	if (peer->holding || strads_verbs_room(verbs, peer) < 2 ||
	    (reads(kind) && peer->reads >= peer->reads_max))
		return STRADS_AGAIN;
	return kind == STRADS_VERBS_SIGNAL ? admit_signal(verbs, peer) : STRADS_OK;
}

static void
fill(struct strads_verbs_op *op, enum strads_verbs_kind kind,
     const struct strads_transfer *transfer)
{
	const struct strads_region_key *remote =
	    strads_verbs_remote(transfer->region, transfer->peer);

	op->counter = transfer->counter;
	op->kind = kind;
	op->signal_due = kind == STRADS_VERBS_SIGNAL;
	op->local = (struct strads_cursor){.piece = transfer->local};
	op->rkey = (uint32_t)remote->key;
	op->remote = remote->base + transfer->offset;
	op->left = transfer->bytes;
	op->value = transfer->value;
	op->offset = transfer->offset + transfer->bytes;
	op->region = (uint32_t)transfer->region->id;
}

static int
start_alone(struct strads_verbs *verbs, enum strads_verbs_kind kind,
	    const struct strads_transfer *transfer)
{
	struct strads_verbs_peer *peer = &verbs->peers[transfer->peer];
	struct strads_verbs_op op;
	int status;

	status = admit(verbs, peer, kind);
	if (status)
		return status;
	fill(&op, kind, transfer);
	peer->outstanding++;
	peer->unproven = peer->unproven || kind == STRADS_VERBS_PUT || kind == STRADS_VERBS_SIGNAL;
	if (!post(verbs, peer, &op)) {
		strads_cursor_keep(&op.local, transfer, peer->held_local);
		peer->held = op;
		peer->holding = true;
		strads_verbs_mind(verbs, peer);
	}
	/* Who puts little and often signals it in the end: one doorbell for all, or progress's. */
	if (kind != STRADS_VERBS_PUT || transfer->bytes > DEFER_BYTES)
		strads_verbs_ring(verbs);
	return STRADS_OK;
}

static int
start(struct strads_verbs *verbs, enum strads_verbs_kind kind,
      const struct strads_transfer *transfer)
{
	int status;

	if (transfer->bytes == 0 && kind != STRADS_VERBS_SIGNAL) {
		strads_counter_done(transfer->counter, STRADS_OK);
		return STRADS_OK;
	}
	if (!strads_baton_try(&verbs->baton))
		return STRADS_AGAIN;
	status = start_alone(verbs, kind, transfer);
	strads_baton_pass(&verbs->baton);
	return status;
}

int
strads_verbs_put(void *context, const struct strads_transfer *transfer)
{
	return start(context, STRADS_VERBS_PUT, transfer);
}

int
strads_verbs_put_signal(void *context, const struct strads_transfer *transfer)
{
	return start(context, STRADS_VERBS_SIGNAL, transfer);
}

int
strads_verbs_get(void *context, const struct strads_transfer *transfer)
{
	return start(context, STRADS_VERBS_GET, transfer);
}

/* An adapter that is atomic only to itself would lose what processors add meanwhile: this rank's
 * own, and those that share its memory. */
int
strads_verbs_fetch_add(void *context, const struct strads_transfer *transfer)
{
	struct strads_verbs *verbs = context;

	return verbs->adds ? start(verbs, STRADS_VERBS_ADD, transfer)
			   : strads_provider_no_transfer(verbs, transfer);
}

/* A write is complete when the peer's adapter has it; a read behind it completes when it is in the
 * peer's memory, for reads and writes of one connection are carried out in order. Its completion
 * also vouches for requests before it that yield none. */
static void
probe(struct strads_verbs *verbs, struct strads_verbs_peer *peer)
{
	struct strads_verbs_entry entry = {.kind = STRADS_VERBS_PROBE, .ends = true};
	struct ibv_sge sink = {.addr = (uintptr_t)verbs->scratch,
			       .length = STRADS_VERBS_FENCE,
			       .lkey = verbs->own->lkey};
	struct ibv_send_wr *request;

	if (peer->probing || peer->holding || strads_verbs_room(verbs, peer) == 0 ||
	    peer->reads >= peer->reads_max)
		return;
	peer->unproven = false;
	peer->probing = true;
	request = strads_verbs_push(verbs, peer, entry, &sink, 1);
	request->opcode = IBV_WR_RDMA_READ;
	request->wr.rdma.remote_addr = peer->scratch_base;
	request->wr.rdma.rkey = peer->scratch_key;
	strads_verbs_ring(verbs);
}

uint64_t
strads_verbs_outstanding(void *context, int rank)
{
	struct strads_verbs *verbs = context;
	struct strads_verbs_peer *peer = &verbs->peers[rank];
	uint64_t left;

	if (!strads_baton_try(&verbs->baton))
		return 1; /* or none: to be asked again */
	if (peer->unproven && !peer->status)
		probe(verbs, peer);
	left = peer->outstanding;
	if (!peer->status)
		left += peer->unproven + peer->probing;
	strads_baton_pass(&verbs->baton);
	return left;
}
