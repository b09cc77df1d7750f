#include "verbs/verbs.h"

#include <string.h>

static bool
reads(enum strads_verbs_kind kind)
{
	return kind == STRADS_VERBS_GET || kind == STRADS_VERBS_ADD || kind == STRADS_VERBS_PROBE;
}

void
strads_verbs_mind(struct strads_verbs *verbs, struct strads_verbs_peer *peer)
{
	if (peer->busy)
		return;
	peer->busy = true;
	peer->next_busy = verbs->first_busy;
	verbs->first_busy = peer;
}

/* Enters the local side of a request of the batch. */
static void
enter(struct strads_verbs *verbs, struct ibv_send_wr *request, bool reading,
      const struct ibv_sge *sges, uint32_t n)
{
	struct ibv_sge *own = verbs->batch.sges[request - verbs->batch.requests];
	size_t bytes = 0;

	for (uint32_t i = 0; i < n; i++) {
		own[i] = sges[i];
		bytes += sges[i].length;
	}
	request->sg_list = own;
	request->num_sge = (int)n;
	if (!reading && bytes > 0 && bytes <= verbs->inline_bytes)
		request->send_flags = IBV_SEND_INLINE;
}

struct ibv_send_wr *
strads_verbs_push(struct strads_verbs *verbs, struct strads_verbs_peer *peer,
		  struct strads_verbs_entry entry, const struct ibv_sge *sges, uint32_t n)
{
	struct strads_verbs_batch *batch = &verbs->batch;
	bool reading = reads((enum strads_verbs_kind)entry.kind);
	struct ibv_send_wr *request;

	if (batch->n == STRADS_VERBS_BATCH || batch->peer != peer)
		strads_verbs_ring(verbs);
	batch->peer = peer;
	/* Reads give their credit back, and somebody may count on the end of an operation. */
	batch->wanted = batch->wanted || reading || (entry.ends && entry.counter);
	request = &batch->requests[batch->n++];
	memset(request, 0, sizeof *request);
	request->wr_id = (uint64_t)(peer - verbs->peers) << 32 | peer->posted;
	enter(verbs, request, reading, sges, n);
	peer->entries[peer->posted++ & (verbs->depth - 1)] = entry;
	peer->reads += reading;
	return request;
}

void
strads_verbs_ring(struct strads_verbs *verbs)
{
	struct strads_verbs_batch *batch = &verbs->batch;
	struct strads_verbs_peer *peer = batch->peer;
	struct ibv_send_wr *refused;
	bool signalled;
	int n = batch->n;
	int error;

	if (n == 0)
		return;
	for (int i = 0; i < n; i++)
		batch->requests[i].next = i + 1 < n ? &batch->requests[i + 1] : NULL;
	/* A completion vouches for all before it, and only it frees their places in the queue. */
	peer->unsignalled += (uint32_t)n;
	signalled = batch->wanted || peer->unsignalled >= verbs->depth / 4;
	if (signalled) {
		batch->requests[n - 1].send_flags |= IBV_SEND_SIGNALED;
		peer->unsignalled = 0;
	}
	batch->n = 0;
	batch->wanted = false;
	if (peer->status) {
		peer->dropping = true;
		strads_verbs_mind(verbs, peer);
		return;
	}
	error = ibv_post_send(peer->qp, batch->requests, &refused);
	if (error)
		strads_verbs_lose(verbs, peer, IBV_WC_SUCCESS, 0, error);
	else
		verbs->signalled += signalled;
}

/* Ends one work request; returns whether it was the caller's business that it failed. */
static bool
finish(struct strads_verbs *verbs, struct strads_verbs_peer *peer,
       const struct strads_verbs_entry *entry, int status)
{
	peer->reads -= reads((enum strads_verbs_kind)entry->kind);
	if (entry->kind == STRADS_VERBS_TELL || !entry->ends)
		return false;
	if (status)
		strads_fabric_failed(verbs->fabric, (int)(peer - verbs->peers), status);
	if (entry->kind == STRADS_VERBS_PROBE) {
		peer->probing = false;
		return status != STRADS_OK;
	}
	peer->outstanding--;
	strads_counter_done(entry->counter, status);
	return status != STRADS_OK;
}

void
strads_verbs_retire(struct strads_verbs *verbs, struct strads_verbs_peer *peer, uint32_t number)
{
	uint32_t count = number + 1 - peer->retired;

	if (count > peer->posted - peer->retired) {
		strads_verbs_break(verbs, STRADS_ERR_FABRIC,
				   "%s completes work request %u to rank %d, of %u posted and %u "
				   "complete: its driver or library is broken",
				   verbs->port.name, number, (int)(peer - verbs->peers),
				   peer->posted, peer->retired);
		return;
	}
	for (; count > 0; count--)
		(void)finish(verbs, peer, &peer->entries[peer->retired++ & (verbs->depth - 1)],
			     STRADS_OK);
}

void
strads_verbs_drop(struct strads_verbs *verbs, struct strads_verbs_peer *peer)
{
	bool missed = false;

	while (peer->retired != peer->posted) {
		uint32_t at = peer->retired++ & (verbs->depth - 1);

		missed = finish(verbs, peer, &peer->entries[at], peer->status) || missed;
	}
	if (peer->holding) {
		struct strads_verbs_entry entry = {
		    .counter = peer->held.counter, .kind = STRADS_VERBS_PUT, .ends = true};

		peer->holding = false;
		missed = finish(verbs, peer, &entry, peer->status) || missed;
	}
	peer->telling = false;
	peer->dropping = false;
	/* Only what the caller asked for is its failure: a peer that has closed its fabric may well
	 * have left without being told how many of its signals were taken. */
	if (missed) {
		int status = strads_verbs_lost(verbs, peer);

		strads_verbs_break(verbs, status, "%s", strads_error());
	}
}
