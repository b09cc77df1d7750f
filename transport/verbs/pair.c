#include "verbs/connection.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Adapters refuse to carry more in a request than they can: asks for less until one agrees. */
static struct ibv_qp *
create(struct strads_verbs *verbs)
{
	for (uint32_t bytes = STRADS_VERBS_INLINE;; bytes /= 2) {
		struct ibv_qp_init_attr attr = {.send_cq = verbs->cq,
						.recv_cq = verbs->inbound,
						.srq = verbs->srq,
						.cap = {.max_send_wr = verbs->depth,
							.max_send_sge = verbs->sges,
							.max_inline_data = bytes},
						.qp_type = IBV_QPT_RC};
		struct ibv_qp *qp = ibv_create_qp(verbs->pd, &attr);

		if (qp && attr.cap.max_inline_data < verbs->inline_bytes)
			verbs->inline_bytes = attr.cap.max_inline_data;
		if (qp || bytes == 0 || (errno != EINVAL && errno != ENOMEM))
			return qp;
	}
}

/* Enters the peer where completions look for it: open addressing, half full at most. */
static void
enter(struct strads_verbs *verbs, struct strads_verbs_peer *peer)
{
	uint32_t at = peer->qp->qp_num;

	while (verbs->by_number[at & (verbs->numbers - 1)])
		at++;
	verbs->by_number[at & (verbs->numbers - 1)] = peer;
}

struct strads_verbs_peer *
strads_verbs_peer_of(const struct strads_verbs *verbs, uint32_t number)
{
	for (uint32_t at = number;; at++) {
		struct strads_verbs_peer *peer = verbs->by_number[at & (verbs->numbers - 1)];

		if (!peer || peer->qp->qp_num == number)
			return peer;
	}
}

/* The first packet's number of a connection that was not opened in the end is of no use to the next
 * one: only a queue pair as it was born takes another. */
static int
start_anew(struct strads_verbs *verbs, struct strads_verbs_peer *peer)
{
	struct ibv_qp_attr attr = {.qp_state = IBV_QPS_RESET};
	int error = ibv_modify_qp(peer->qp, &attr, IBV_QP_STATE);

	if (error)
		return strads_fail(STRADS_ERR_FABRIC,
				   "cannot reset the queue pair of %s for rank %d: %s",
				   verbs->port.name, (int)(peer - verbs->peers), strerror(error));
	return STRADS_OK;
}

void
strads_verbs_pair_close(struct strads_verbs_peer *peer)
{
	if (peer->qp)
		ibv_destroy_qp(peer->qp);
	free(peer->entries);
	free(peer->words_out);
	free(peer->words_in);
	peer->qp = NULL;
	peer->entries = NULL;
	peer->words_out = NULL;
	peer->words_in = NULL;
}

static int
make(struct strads_verbs *verbs, struct strads_verbs_peer *peer)
{
	int rank = (int)(peer - verbs->peers);

	peer->entries = calloc(verbs->depth, sizeof *peer->entries);
	peer->words_out = calloc(STRADS_VERBS_WORDS, sizeof *peer->words_out);
	peer->words_in = calloc(STRADS_VERBS_WORDS, sizeof *peer->words_in);
	if (!peer->entries || !peer->words_out || !peer->words_in) {
		strads_verbs_pair_close(peer);
		return strads_fail(STRADS_ERR_MEMORY, "no memory for the connection to rank %d",
				   rank);
	}
	peer->qp = create(verbs);
	if (!peer->qp) {
		int error = errno;

		strads_verbs_pair_close(peer);
		return strads_fail(STRADS_ERR_FABRIC,
				   "cannot create a queue pair on %s for rank %d: %s (the device "
				   "has %d in all)",
				   verbs->port.name, rank, strerror(error),
				   verbs->port.device.max_qp);
	}
	enter(verbs, peer);
	return STRADS_OK;
}

int
strads_verbs_pair_open(struct strads_verbs *verbs, struct strads_verbs_peer *peer)
{
	int status = peer->qp ? start_anew(verbs, peer) : make(verbs, peer);

	if (status || peer->connection.provided)
		return status;
	status = strads_verbs_receives_post(verbs, verbs->window + STRADS_VERBS_TELLS);
	peer->connection.provided = status == STRADS_OK;
	return status;
}

/* Sets what does not depend on the way of wiring. */
static int
complete(const struct strads_verbs *verbs, const struct strads_verbs_peer *peer,
	 struct ibv_qp_attr *attr)
{
	const struct strads_verbs_settings *settings = &verbs->settings;
	enum ibv_mtu mtu = strads_verbs_mtu(verbs);

	switch (attr->qp_state) {
	case IBV_QPS_INIT:
		attr->qp_access_flags = IBV_ACCESS_REMOTE_READ | IBV_ACCESS_REMOTE_WRITE |
					(verbs->adds ? IBV_ACCESS_REMOTE_ATOMIC : 0);
		return IBV_QP_STATE | IBV_QP_ACCESS_FLAGS;
	case IBV_QPS_RTR:
		if (attr->path_mtu == 0 || attr->path_mtu > mtu)
			attr->path_mtu = mtu;
		if (attr->path_mtu > strads_verbs_card_of(verbs, peer)->mtu)
			attr->path_mtu = strads_verbs_card_of(verbs, peer)->mtu;
		attr->max_dest_rd_atomic =
		    (uint8_t)strads_verbs_reads(verbs->port.device.max_qp_rd_atom);
		attr->min_rnr_timer = 12; /* 0.64 ms; no receive is ever missing */
		if (settings->service_level)
			attr->ah_attr.sl = (uint8_t)settings->service_level;
		if (settings->traffic_class)
			attr->ah_attr.grh.traffic_class = (uint8_t)settings->traffic_class;
		return IBV_QP_STATE | IBV_QP_PATH_MTU | IBV_QP_MAX_DEST_RD_ATOMIC |
		       IBV_QP_MIN_RNR_TIMER;
	default: /* IBV_QPS_RTS */
		attr->timeout = (uint8_t)settings->timeout;
		attr->retry_cnt = (uint8_t)settings->retries;
		attr->rnr_retry = 7; /* without end */
		attr->max_rd_atomic = (uint8_t)peer->reads_max;
		return IBV_QP_STATE | IBV_QP_TIMEOUT | IBV_QP_RETRY_CNT | IBV_QP_RNR_RETRY |
		       IBV_QP_MAX_QP_RD_ATOMIC;
	}
}

static const char *
name_of(enum ibv_qp_state state)
{
	return state == IBV_QPS_INIT ? "INIT" : state == IBV_QPS_RTR ? "RTR" : "RTS";
}

int
strads_verbs_pair_change(struct strads_verbs *verbs, struct strads_verbs_peer *peer,
			 struct ibv_qp_attr *attr, int mask)
{
	char ends[STRADS_VERBS_ENDS];
	int error;

	mask |= complete(verbs, peer, attr);
	error = ibv_modify_qp(peer->qp, attr, mask);
	if (!error)
		return STRADS_OK;
	return strads_fail(STRADS_ERR_FABRIC,
			   "cannot bring the connection of %s to state %s: %s; see whether both "
			   "ports' GIDs are of one network (`ibv_devinfo -v`), or choose others "
			   "with --gid",
			   strads_verbs_ends(verbs, peer, ends), name_of(attr->qp_state),
			   strerror(error));
}
