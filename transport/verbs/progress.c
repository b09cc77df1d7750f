#include "verbs/verbs.h"

#include <arpa/inet.h>

#define ENTRIES 16           /* completions read, and receives given, at once */
#define RECEIVE (UINT64_MAX) /* wr_id of all of them */

int
strads_verbs_receives_post(struct strads_verbs *verbs, uint32_t n)
{
	while (n > 0) {
		struct ibv_recv_wr receives[ENTRIES];
		struct ibv_recv_wr *refused;
		uint32_t some = n < ENTRIES ? n : ENTRIES;
		int error;

		for (uint32_t i = 0; i < some; i++)
			receives[i] = (struct ibv_recv_wr){
			    .wr_id = RECEIVE, .next = i + 1 < some ? &receives[i + 1] : NULL};
		error = ibv_post_srq_recv(verbs->srq, receives, &refused);
		if (error)
			return strads_fail(STRADS_ERR_FABRIC,
					   "%s refuses a receive of its shared queue (error %d)",
					   verbs->port.name, error);
		n -= some;
	}
	return STRADS_OK;
}

/* An immediate. */
static void
take_received(struct strads_verbs *verbs, const struct ibv_wc *completion)
{
	struct strads_verbs_peer *peer = strads_verbs_peer_of(verbs, completion->qp_num);

	if (!peer)
		strads_verbs_break(verbs, STRADS_ERR_FABRIC,
				   "%s tells of queue pair %#x, which is none of this rank's",
				   verbs->port.name, completion->qp_num);
	else if (completion->status != IBV_WC_SUCCESS)
		strads_verbs_lose(verbs, peer, completion->status, completion->vendor_err, 0);
	else if (!(completion->wc_flags & IBV_WC_WITH_IMM))
		strads_verbs_break(verbs, STRADS_ERR_PROTOCOL,
				   "rank %d sends a message: it runs another build",
				   (int)(peer - verbs->peers));
	else
		strads_verbs_signal_arrived(verbs, peer, ntohl(completion->imm_data));
}

/* Only the identifier, the status and the queue pair are valid of a failed completion. */
static void
take_sent(struct strads_verbs *verbs, const struct ibv_wc *completion)
{
	uint32_t rank = (uint32_t)(completion->wr_id >> 32);
	struct strads_verbs_peer *peer;

	if (rank >= (uint32_t)verbs->size || !verbs->peers[rank].qp) {
		strads_verbs_break(verbs, STRADS_ERR_FABRIC,
				   "%s completes a work request that nobody has posted",
				   verbs->port.name);
		return;
	}
	peer = &verbs->peers[rank];
	if (peer->status)
		return; /* flushed after the failure that has ended all of it */
	if (completion->status == IBV_WC_SUCCESS)
		strads_verbs_retire(verbs, peer, (uint32_t)completion->wr_id);
	else
		strads_verbs_lose(verbs, peer, completion->status, completion->vendor_err, 0);
}

/* Tells, and goes on posting, where there was no room before. */
static void
attend(struct strads_verbs *verbs)
{
	struct strads_verbs_peer **link = &verbs->first_busy;

	while (*link) {
		struct strads_verbs_peer *peer = *link;

		strads_verbs_signal_tell(verbs, peer);
		if (peer->holding)
			strads_verbs_advance(verbs, peer);
		if (peer->holding || peer->telling) {
			link = &peer->next_busy;
		} else {
			*link = peer->next_busy;
			peer->busy = false;
		}
	}
}

/* One turn; returns whether there was anything. */
static bool
turn(struct strads_verbs *verbs)
{
	struct ibv_wc completions[ENTRIES];
	uint32_t received = 0;
	int n = ibv_poll_cq(verbs->cq, ENTRIES, completions);

	if (n < 0) {
		strads_verbs_break(verbs, STRADS_ERR_FABRIC,
				   "%s fails to read completions (error %d)", verbs->port.name, n);
		return true;
	}
	for (int i = 0; i < n; i++) {
		if (completions[i].wr_id == RECEIVE) {
			received++;
			take_received(verbs, &completions[i]);
		} else {
			take_sent(verbs, &completions[i]);
		}
	}
	/* Before anyone is told that there is room for more. */
	if (received > 0) {
		int status = strads_verbs_receives_post(verbs, received);

		if (status)
			strads_verbs_break(verbs, status, "%s", strads_error());
	}
	if (verbs->first_busy)
		attend(verbs);
	strads_verbs_ring(verbs);
	return n > 0;
}

int
strads_verbs_progress(void *context)
{
	struct strads_verbs *verbs = context;

	(void)turn(verbs);
	if (__builtin_expect(strads_pace_due(&verbs->pace), 0))
		strads_verbs_hear(verbs);
	return __builtin_expect(verbs->status != STRADS_OK, 0)
		   ? strads_fail(verbs->status, "%s", verbs->why)
		   : STRADS_OK;
}

int
strads_verbs_wait_fd(void *context)
{
	const struct strads_verbs *verbs = context;

	return verbs->gate;
}

/* A completion that comes after the request for an event, and before the sleep, is an event too;
 * one that was there before must be looked for. */
int
strads_verbs_sleep_prepare(void *context)
{
	struct strads_verbs *verbs = context;

	strads_verbs_ring(verbs);
	if (!verbs->armed && ibv_req_notify_cq(verbs->cq, 0))
		return STRADS_AGAIN;
	verbs->armed = true;
	return turn(verbs) || verbs->status ? STRADS_AGAIN : STRADS_OK;
}

void
strads_verbs_sleep_done(void *context)
{
	struct strads_verbs *verbs = context;
	struct ibv_cq *cq;
	void *own;

	if (verbs->armed && ibv_get_cq_event(verbs->channel, &cq, &own) == 0) {
		ibv_ack_cq_events(cq, 1);
		verbs->armed = false;
	}
	verbs->pace.turns = 0;
	verbs->pace.due_ns = 0;
}
