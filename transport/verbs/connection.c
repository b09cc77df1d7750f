#include "verbs/verbs.h"

#include "job/job.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MAGIC UINT32_C(0x31425653)

/* What a rank tells of its endpoint. Little-endian. */
struct card {
	uint32_t magic;
	uint32_t slots; /* of the mailbox, for each peer: the longest window */
	uint64_t mailbox_base;
	uint64_t scratch_base;
	uint32_t mailbox_key;
	uint32_t scratch_key;
	uint32_t reads_served; /* that its adapter answers at once */
	uint16_t lid;
	uint8_t link_layer;
	uint8_t mtu; /* enum ibv_mtu */
	uint8_t gid[16];
	char device[32];
};

static_assert(sizeof(struct card) == 88, "a card has no holes");
static_assert(sizeof(struct card) <= sizeof((struct strads_address){.bytes = 0}.data),
	      "a card fits into an address");

/* ---- Addresses ---- */

static enum ibv_mtu
wanted_mtu(const struct strads_verbs *verbs)
{
	enum ibv_mtu mtu = verbs->port.attr.active_mtu;

	while (verbs->settings.mtu_bytes > 0 && mtu > IBV_MTU_256 &&
	       128u << (unsigned)mtu > verbs->settings.mtu_bytes)
		mtu--;
	return mtu;
}

/* How many reads an adapter may have on the way from, or answer to, one peer. */
static uint32_t
reads_of(int limit)
{
	return limit < 1 ? 1 : limit > UINT8_MAX ? UINT8_MAX : (uint32_t)limit;
}

int
strads_verbs_address(void *context, struct strads_address *mine)
{
	const struct strads_verbs *verbs = context;
	const struct strads_verbs_port *port = &verbs->port;
	struct card card = {.magic = MAGIC,
			    .slots = verbs->slots,
			    .mailbox_base = (uintptr_t)verbs->mailbox,
			    .scratch_base = (uintptr_t)verbs->scratch,
			    .mailbox_key = verbs->mailbox_mr->rkey,
			    .scratch_key = verbs->own->rkey,
			    .reads_served = reads_of(port->device.max_qp_rd_atom),
			    .lid = port->attr.lid,
			    .link_layer = port->attr.link_layer,
			    .mtu = (uint8_t)wanted_mtu(verbs)};

	memcpy(card.gid, port->gid.raw, sizeof card.gid);
	strncpy(card.device, port->name, sizeof card.device - 1);
	mine->bytes = sizeof card;
	memcpy(mine->data, &card, sizeof card);
	return STRADS_OK;
}

/* Reads and checks what a rank tells. */
static int
read_card(const struct strads_verbs *verbs, int rank, const struct strads_address *address,
	  struct card *card)
{
	if (address->bytes != sizeof *card)
		return strads_fail(STRADS_ERR_PROTOCOL,
				   "rank %d tells of its RDMA port in %u bytes, not %zu: run the "
				   "same build on all ranks",
				   rank, address->bytes, sizeof *card);
	memcpy(card, address->data, sizeof *card);
	if (card->magic != MAGIC || card->slots < 1 || card->slots > STRADS_VERBS_WINDOW ||
	    card->reads_served < 1 || card->mtu < IBV_MTU_256 || card->mtu > IBV_MTU_4096 ||
	    !memchr(card->device, '\0', sizeof card->device))
		return strads_fail(STRADS_ERR_PROTOCOL,
				   "rank %d tells of its RDMA port in another format: run the same "
				   "build on all ranks",
				   rank);
	if (card->link_layer != verbs->port.attr.link_layer)
		return strads_fail(
		    STRADS_ERR_UNSUPPORTED,
		    "rank %d is on %s by %s, rank %d on %s by %s: choose ports of "
		    "one network with --device",
		    rank, strads_verbs_layer_name(card->link_layer), card->device, verbs->rank,
		    strads_verbs_layer_name(verbs->port.attr.link_layer), verbs->port.name);
	return STRADS_OK;
}

/* ---- Queue pairs ---- */

/* Adapters refuse to carry more in a request than they can: asks for less until one agrees. */
static struct ibv_qp *
create_pair(struct strads_verbs *verbs)
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

static int
open_peer(struct strads_verbs *verbs, int rank, const struct card *card)
{
	struct strads_verbs_peer *peer = &verbs->peers[rank];

	peer->entries = calloc(verbs->depth, sizeof *peer->entries);
	peer->words_out = calloc(STRADS_VERBS_WORDS, sizeof *peer->words_out);
	peer->words_in = calloc(STRADS_VERBS_WORDS, sizeof *peer->words_in);
	if (!peer->entries || !peer->words_out || !peer->words_in)
		return strads_fail(STRADS_ERR_MEMORY, "no memory for the connection to rank %d",
				   rank);
	peer->mailbox_base = card->mailbox_base +
			     (uint64_t)verbs->rank * card->slots * sizeof(struct strads_verbs_note);
	peer->mailbox_key = card->mailbox_key;
	peer->scratch_base = card->scratch_base;
	peer->scratch_key = card->scratch_key;
	peer->reads_max = reads_of(verbs->port.device.max_qp_init_rd_atom);
	if (peer->reads_max > card->reads_served)
		peer->reads_max = card->reads_served;
	peer->qp = create_pair(verbs);
	if (!peer->qp)
		return strads_fail(STRADS_ERR_FABRIC,
				   "cannot create a queue pair on %s for rank %d: %s (the device "
				   "has %d in all)",
				   verbs->port.name, rank, strerror(errno),
				   verbs->port.device.max_qp);
	return STRADS_OK;
}

/* Enters the peers where completions look for them: open addressing, half full at most. */
static int
enter_numbers(struct strads_verbs *verbs)
{
	verbs->numbers = 2;
	while (verbs->numbers < 2 * (uint32_t)verbs->size)
		verbs->numbers *= 2;
	verbs->by_number = calloc(verbs->numbers, sizeof(struct strads_verbs_peer *));
	if (!verbs->by_number)
		return strads_fail(STRADS_ERR_MEMORY, "no memory for %d peers", verbs->size);
	for (int rank = 0; rank < verbs->size; rank++) {
		struct strads_verbs_peer *peer = &verbs->peers[rank];
		uint32_t at;

		if (!peer->qp)
			continue;
		for (at = peer->qp->qp_num; verbs->by_number[at & (verbs->numbers - 1)]; at++)
			;
		verbs->by_number[at & (verbs->numbers - 1)] = peer;
	}
	return STRADS_OK;
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

static int
open_peers(struct strads_verbs *verbs, const struct strads_address *all, struct card *cards)
{
	for (int rank = 0; rank < verbs->size; rank++) {
		int status = read_card(verbs, rank, &all[rank], &cards[rank]);

		if (status)
			return status;
		if (cards[rank].slots < verbs->window)
			verbs->window = cards[rank].slots;
		if (strads_fabric_reaches(verbs->fabric, rank))
			continue;
		status = open_peer(verbs, rank, &cards[rank]);
		if (status)
			return status;
	}
	return enter_numbers(verbs);
}

/* ---- Wiring ---- */

/* The first packet's number: known to both ends, and not to packets of an older connection. */
static uint32_t
first_packet(const struct strads_verbs *verbs, uint32_t number)
{
	uint64_t mixed =
	    (strads_fabric_job(verbs->fabric)->cookie ^ number) * UINT64_C(0x9e3779b97f4a7c15);

	return (uint32_t)(mixed >> 40);
}

static struct ibv_ah_attr
route(const struct strads_verbs *verbs, const struct card *card)
{
	const struct strads_verbs_port *port = &verbs->port;
	struct ibv_ah_attr attr = {.dlid = card->lid,
				   .sl = (uint8_t)verbs->settings.service_level,
				   .port_num = port->number};

	/* A global header: always on Ethernet, on InfiniBand to another subnet. */
	attr.is_global = card->link_layer == IBV_LINK_LAYER_ETHERNET ||
			 port->attr.flags & IBV_QPF_GRH_REQUIRED ||
			 memcmp(card->gid, port->gid.raw, 8) != 0;
	if (attr.is_global) {
		memcpy(attr.grh.dgid.raw, card->gid, sizeof card->gid);
		attr.grh.sgid_index = port->gid_index;
		attr.grh.hop_limit = 64;
		attr.grh.traffic_class = (uint8_t)verbs->settings.traffic_class;
	}
	return attr;
}

static int
refused(const struct strads_verbs *verbs, int rank, const struct card *card, const char *state,
	int error)
{
	return strads_fail(STRADS_ERR_FABRIC,
			   "cannot bring the connection of %s port %u to rank %d (%s) to state %s: "
			   "%s; see whether both ports' GIDs are of one network (`ibv_devinfo -v`)",
			   verbs->port.name, verbs->port.number, rank, card->device, state,
			   strerror(error));
}

static int
wire(struct strads_verbs *verbs, int rank, const struct card *card, uint32_t number)
{
	struct strads_verbs_peer *peer = &verbs->peers[rank];
	const struct strads_verbs_settings *settings = &verbs->settings;
	enum ibv_mtu mtu = wanted_mtu(verbs);
	struct ibv_qp_attr init = {.qp_state = IBV_QPS_INIT,
				   .pkey_index = verbs->port.pkey_index,
				   .port_num = verbs->port.number,
				   .qp_access_flags = IBV_ACCESS_REMOTE_READ |
						      IBV_ACCESS_REMOTE_WRITE |
						      (verbs->adds ? IBV_ACCESS_REMOTE_ATOMIC : 0)};
	struct ibv_qp_attr receive = {.qp_state = IBV_QPS_RTR,
				      .path_mtu = mtu < card->mtu ? mtu : (enum ibv_mtu)card->mtu,
				      .dest_qp_num = number,
				      .rq_psn = first_packet(verbs, number),
				      .max_dest_rd_atomic =
					  (uint8_t)reads_of(verbs->port.device.max_qp_rd_atom),
				      .min_rnr_timer = 12, /* 0.64 ms; no receive is ever missing */
				      .ah_attr = route(verbs, card)};
	struct ibv_qp_attr send = {.qp_state = IBV_QPS_RTS,
				   .timeout = (uint8_t)settings->timeout,
				   .retry_cnt = (uint8_t)settings->retries,
				   .rnr_retry = 7, /* without end */
				   .sq_psn = first_packet(verbs, peer->qp->qp_num),
				   .max_rd_atomic = (uint8_t)peer->reads_max};
	int error = ibv_modify_qp(
	    peer->qp, &init, IBV_QP_STATE | IBV_QP_PKEY_INDEX | IBV_QP_PORT | IBV_QP_ACCESS_FLAGS);

	if (error)
		return refused(verbs, rank, card, "INIT", error);
	error = ibv_modify_qp(peer->qp, &receive,
			      IBV_QP_STATE | IBV_QP_AV | IBV_QP_PATH_MTU | IBV_QP_DEST_QPN |
				  IBV_QP_RQ_PSN | IBV_QP_MAX_DEST_RD_ATOMIC | IBV_QP_MIN_RNR_TIMER);
	if (error)
		return refused(verbs, rank, card, "RTR", error);
	error = ibv_modify_qp(peer->qp, &send,
			      IBV_QP_STATE | IBV_QP_TIMEOUT | IBV_QP_RETRY_CNT | IBV_QP_RNR_RETRY |
				  IBV_QP_SQ_PSN | IBV_QP_MAX_QP_RD_ATOMIC);
	if (error)
		return refused(verbs, rank, card, "RTS", error);
	peer->reached = true;
	return STRADS_OK;
}

/* Every rank tells the numbers of its queue pairs, one for each rank, 0 where it has none. */
static int
exchange_numbers(struct strads_verbs *verbs, uint32_t *all)
{
	struct strads_job *job = strads_fabric_job(verbs->fabric);
	size_t size = (size_t)verbs->size;
	uint32_t *mine = calloc(size, sizeof *mine);
	int status = strads_job_agree(
	    job,
	    mine ? STRADS_OK
		 : strads_fail(STRADS_ERR_MEMORY, "no memory for the numbers of %zu peers", size));

	for (size_t rank = 0; mine && rank < size && !status; rank++) {
		if (verbs->peers[rank].qp)
			mine[rank] = verbs->peers[rank].qp->qp_num;
	}
	if (!status)
		status = strads_job_allgather(job, mine, size * sizeof *mine, all);
	free(mine);
	return status;
}

int
strads_verbs_connect(void *context, const struct strads_address *all)
{
	struct strads_verbs *verbs = context;
	size_t size = (size_t)verbs->size;
	struct card *cards = calloc(size, sizeof *cards);
	uint32_t *numbers = calloc(size * size, sizeof *numbers);
	int status;

	if (!cards || !numbers)
		status = strads_fail(STRADS_ERR_MEMORY, "no memory to connect %zu ranks", size);
	else
		status = open_peers(verbs, all, cards);
	status = strads_job_agree(strads_fabric_job(verbs->fabric), status);
	if (!status)
		status = exchange_numbers(verbs, numbers);
	for (int rank = 0; rank < verbs->size && !status; rank++) {
		uint32_t number = numbers[(size_t)rank * size + (size_t)verbs->rank];

		if (verbs->peers[rank].qp && number)
			status = wire(verbs, rank, &cards[rank], number);
	}
	free(numbers);
	free(cards);
	return status ? status : strads_verbs_server_start(verbs);
}

bool
strads_verbs_reaches(void *context, int peer)
{
	const struct strads_verbs *verbs = context;

	return verbs->peers[peer].reached;
}
