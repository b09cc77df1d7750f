#include "verbs/verbs.h"

#include <arpa/inet.h>
#include <sys/timerfd.h>

#define ENTRIES 16           /* completions read, and receives given, at once */
#define BLIND   16           /* turns between two looks for failures of what yields no completion */
#define LOOK_NS 100000000    /* a sleeping owner's between two looks at opening connections */
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
	if (completion->status == IBV_WC_SUCCESS) {
		verbs->signalled--;
		strads_verbs_retire(verbs, peer, (uint32_t)completion->wr_id);
	} else {
		strads_verbs_lose(verbs, peer, completion->status, completion->vendor_err, 0);
	}
}

/* Reads completions of this rank's requests, if one is to come or it is time; returns whether there
 * were any. A request that was to yield none does if it fails. */
static bool
take_own(struct strads_verbs *verbs)
{
	struct ibv_wc completions[ENTRIES];
	int n;

	if (verbs->signalled == 0 && verbs->blind > 0) {
		verbs->blind--;
		return false;
	}
	verbs->blind = BLIND;
	n = ibv_poll_cq(verbs->cq, ENTRIES, completions);
	if (n < 0)
		strads_verbs_break(verbs, STRADS_ERR_FABRIC,
				   "%s fails to read completions (error %d)", verbs->port.name, n);
	for (int i = 0; i < n; i++)
		take_sent(verbs, &completions[i]);
	return n != 0;
}

bool
strads_verbs_take(struct strads_verbs *verbs)
{
	struct ibv_wc completions[ENTRIES];
	int n = ibv_poll_cq(verbs->inbound, ENTRIES, completions);

	if (n < 0)
		strads_verbs_break(verbs, STRADS_ERR_FABRIC,
				   "%s fails to read completions (error %d)", verbs->port.name, n);
	for (int i = 0; i < n; i++)
		take_received(verbs, &completions[i]);
	/* Before anyone is told that there is room for more. */
	if (n > 0) {
		int status = strads_verbs_receives_post(verbs, (uint32_t)n);

		verbs->arrivals += (uint64_t)n;
		if (status)
			strads_verbs_break(verbs, status, "%s", strads_error());
	}
	return n > 0;
}

void
strads_verbs_tell_all(struct strads_verbs *verbs)
{
	for (struct strads_verbs_peer *peer = verbs->first_busy; peer; peer = peer->next_busy)
		strads_verbs_signal_tell(verbs, peer);
}

/* Goes on with what there was no room for, and ends what is on the way to lost peers. */
static void
attend(struct strads_verbs *verbs)
{
	struct strads_verbs_peer *peer = verbs->first_busy;

	verbs->first_busy = NULL;
	while (peer) {
		struct strads_verbs_peer *next = peer->next_busy;

		peer->busy = false;
		strads_verbs_signal_tell(verbs, peer);
		strads_verbs_advance(verbs, peer);
		if (peer->dropping)
			strads_verbs_drop(verbs, peer);
		if (peer->holding || peer->telling)
			strads_verbs_mind(verbs, peer);
		peer = next;
	}
}

/* One turn of the owner; returns whether there was anything. */
static bool
turn(struct strads_verbs *verbs)
{
	bool taken = strads_verbs_take(verbs);
	bool told = strads_verbs_letters_wait(verbs) && strads_verbs_letters_read(verbs);
	bool sent = take_own(verbs);

	strads_verbs_ring(verbs);
	if (verbs->first_busy) {
		attend(verbs);
		strads_verbs_ring(verbs);
	}
	return taken || told || sent;
}

int
strads_verbs_progress(void *context)
{
	struct strads_verbs *verbs = context;
	int status;

	strads_server_turn(&verbs->server);
	if (!strads_baton_try(&verbs->baton))
		return STRADS_OK;
	(void)turn(verbs);
	if (__builtin_expect(verbs->unsettled, 0) && strads_pace_due(&verbs->pace))
		strads_verbs_connections_turn(verbs);
	status = verbs->status;
	strads_baton_pass(&verbs->baton);
	return __builtin_expect(status != STRADS_OK, 0) ? strads_fail(status, "%s", verbs->why)
							: STRADS_OK;
}

int
strads_verbs_wait_fd(void *context)
{
	const struct strads_verbs *verbs = context;

	return verbs->gate;
}

/* Lets the next completion of a queue be an event. */
static bool
arm(struct ibv_cq *cq, bool *armed)
{
	if (!*armed)
		*armed = ibv_req_notify_cq(cq, 0) == 0;
	return *armed;
}

bool
strads_verbs_arm_inbound(struct strads_verbs *verbs)
{
	return arm(verbs->inbound, &verbs->inbound_armed);
}

void
strads_verbs_events_read(struct strads_verbs *verbs)
{
	struct ibv_cq *cq;
	void *own;

	while ((verbs->armed || verbs->inbound_armed) &&
	       ibv_get_cq_event(verbs->channel, &cq, &own) == 0) {
		ibv_ack_cq_events(cq, 1);
		if (cq == verbs->inbound)
			verbs->inbound_armed = false;
		else
			verbs->armed = false;
	}
}

/* A connection that is opening has a deadline of its own, however long the owner would sleep. The
 * times are valid, so that this cannot fail. */
static void
set_timer(struct strads_verbs *verbs, long ns)
{
	const struct itimerspec time = {.it_value.tv_nsec = ns};

	(void)timerfd_settime(verbs->timer, 0, &time, NULL); /* 0 stops it, and hushes its ring */
	verbs->timed = ns > 0;
}

/* A completion that comes after the request for an event, and before the sleep, is an event too;
 * one that was there before must be looked for. */
int
strads_verbs_sleep_prepare(void *context)
{
	struct strads_verbs *verbs = context;
	bool quiet;

	if (!strads_baton_try(&verbs->baton))
		return STRADS_AGAIN;
	verbs->blind = 0;
	quiet = arm(verbs->cq, &verbs->armed) && strads_verbs_arm_inbound(verbs) && !turn(verbs) &&
		verbs->status == STRADS_OK;
	if (quiet && verbs->unsettled)
		set_timer(verbs, LOOK_NS);
	if (quiet)
		strads_server_hush(&verbs->server);
	strads_baton_pass(&verbs->baton);
	return quiet ? STRADS_OK : STRADS_AGAIN;
}

void
strads_verbs_sleep_done(void *context)
{
	struct strads_verbs *verbs = context;

	strads_server_resume(&verbs->server);
	if (verbs->timed)
		set_timer(verbs, 0);
	if (strads_baton_try(&verbs->baton)) { /* the server, if it has it, reads them too */
		strads_verbs_events_read(verbs);
		strads_baton_pass(&verbs->baton);
	}
	verbs->pace = (struct strads_pace){.turns = 0};
}
