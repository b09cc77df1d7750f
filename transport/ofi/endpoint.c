#include "ofi/ofi.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <unistd.h>

/* What a rank tells of its endpoint. Little-endian. */
struct card {
	uint32_t magic;
	uint32_t protocol;
	uint32_t protocol_version;
	uint32_t provider_version;
	uint64_t mailbox_base;
	uint64_t mailbox_key;
	char provider[64];
	uint32_t address_bytes;
	uint8_t address[128];
	uint32_t unused;
};

#define MAGIC UINT32_C(0x31494653)

static_assert(sizeof(struct card) <= sizeof((struct strads_address){.bytes = 0}.data),
	      "a card fits into an address");

static size_t
mailbox_bytes(const struct strads_ofi *ofi)
{
	return (size_t)ofi->size * STRADS_OFI_SLOTS * sizeof *ofi->mailbox;
}

/* libfabric 1.17 reads through a null pointer when an endpoint of tcp;ofi_rxm is closed while part
 * of a read's answer, or of a peer's write with completion data, has come in. Where the job ends in
 * order nothing of that kind is on its way. */
static bool
closes_safely(const struct strads_ofi *ofi)
{
	if (ofi->status || strads_job_check(strads_fabric_job(ofi->fabric)) != STRADS_OK)
		return false;
	for (int i = 0; ofi->ops && i < STRADS_OFI_OPS; i++) {
		if (ofi->ops[i].kind == STRADS_OFI_GET && ofi->ops[i].pending > 0)
			return false;
	}
	return true;
}

/* Closes what was opened of the endpoint, the newest first. */
static void
close_objects(struct strads_ofi *ofi)
{
	if (ofi->mailbox_mr)
		fi_close(&ofi->mailbox_mr->fid);
	if (ofi->stage_mr)
		fi_close(&ofi->stage_mr->fid);
	if (ofi->ops_mr)
		fi_close(&ofi->ops_mr->fid);
	if (ofi->ep)
		fi_close(&ofi->ep->fid);
	if (ofi->cq)
		fi_close(&ofi->cq->fid);
	if (ofi->av)
		fi_close(&ofi->av->fid);
	if (ofi->domain)
		fi_close(&ofi->domain->fid);
	if (ofi->root)
		fi_close(&ofi->root->fid);
	if (ofi->info)
		fi_freeinfo(ofi->info);
	strads_ofi_stages_close(ofi);
	free(ofi->ops);
	if (ofi->mailbox)
		munmap(ofi->mailbox, mailbox_bytes(ofi));
}

/* Endpoints that cannot be closed: what libfabric may refer to stays until the process ends. */
static _Atomic(struct strads_ofi *) abandoned;

static void
abandon(struct strads_ofi *ofi)
{
	ofi->next_abandoned = atomic_load(&abandoned);
	while (!atomic_compare_exchange_weak(&abandoned, &ofi->next_abandoned, ofi))
		;
}

void
strads_ofi_close(void *context)
{
	struct strads_ofi *ofi = context;

	strads_server_stop(&ofi->server);
	if (!closes_safely(ofi)) {
		abandon(ofi);
		return;
	}
	close_objects(ofi);
	if (ofi->gate >= 0)
		close(ofi->gate);
	free(ofi->regions);
	free(ofi->peers);
	free(ofi);
}

static int
open_queue(struct strads_ofi *ofi)
{
	struct fi_cq_attr attr = {
	    .format = FI_CQ_FORMAT_DATA, .wait_obj = FI_WAIT_FD, .size = 4 * STRADS_OFI_OPS};
	int code = fi_cq_open(ofi->domain, &attr, &ofi->cq, NULL);

	ofi->fd = -1;
	if (code == 0)
		return fi_control(&ofi->cq->fid, FI_GETWAIT, &ofi->fd);
	attr.wait_obj = FI_WAIT_NONE; /* then nobody can sleep on it */
	return fi_cq_open(ofi->domain, &attr, &ofi->cq, NULL);
}

static int
open_objects(struct strads_ofi *ofi)
{
	struct fi_av_attr av = {.type = FI_AV_UNSPEC, .count = (size_t)ofi->size};
	const char *what = "open a fabric";
	int code = fi_fabric(ofi->info->fabric_attr, &ofi->root, NULL);

	if (!code) {
		what = "open a domain";
		code = fi_domain(ofi->root, ofi->info, &ofi->domain, NULL);
	}
	if (!code) {
		what = "open an address vector";
		code = fi_av_open(ofi->domain, &av, &ofi->av, NULL);
	}
	if (!code) {
		what = "open a completion queue";
		code = open_queue(ofi);
	}
	if (!code) {
		what = "open an endpoint";
		code = fi_endpoint(ofi->domain, ofi->info, &ofi->ep, NULL);
	}
	if (!code)
		code = fi_ep_bind(ofi->ep, &ofi->av->fid, 0);
	if (!code)
		code = fi_ep_bind(ofi->ep, &ofi->cq->fid, FI_TRANSMIT | FI_RECV);
	if (!code)
		code = fi_enable(ofi->ep);
	if (code)
		return strads_ofi_refused(ofi, STRADS_ERR_FABRIC, what, code);
	ofi->gate = epoll_create1(EPOLL_CLOEXEC);
	if (ofi->gate < 0)
		return strads_fail(STRADS_ERR_IO, "cannot open an epoll: %s; see `ulimit -n`",
				   strerror(errno));
	return STRADS_OK;
}

static int
open_memory(struct strads_ofi *ofi)
{
	size_t ops_bytes = STRADS_OFI_OPS * sizeof *ofi->ops;
	void *mailbox = mmap(NULL, mailbox_bytes(ofi), PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int status = STRADS_OK;

	ofi->mailbox = mailbox == MAP_FAILED ? NULL : mailbox;
	ofi->ops = calloc(STRADS_OFI_OPS, sizeof *ofi->ops);
	ofi->peers = calloc((size_t)ofi->size, sizeof *ofi->peers);
	if (!ofi->mailbox || !ofi->ops || !ofi->peers)
		return strads_fail(STRADS_ERR_MEMORY, "no memory for the operations of %d ranks",
				   ofi->size);
	strads_ofi_ops_init(ofi);
	if (ofi->info->domain_attr->mr_mode & FI_MR_LOCAL)
		status = strads_ofi_register(ofi, ofi->ops, ops_bytes, FI_WRITE, &ofi->ops_mr);
	if (!status)
		status = strads_ofi_register(ofi, ofi->mailbox, mailbox_bytes(ofi), FI_REMOTE_WRITE,
					     &ofi->mailbox_mr);
	if (!status)
		status = strads_ofi_stages_open(ofi);
	return status;
}

/* Settles how to use what was chosen. */
static void
read_abilities(struct strads_ofi *ofi)
{
	const struct fi_tx_attr *tx = ofi->info->tx_attr;
	uint64_t order = tx->msg_order & ofi->info->rx_attr->msg_order;

	ofi->ordered = order & (FI_ORDER_WAW | FI_ORDER_RMA_WAW);
	ofi->iov_limit = tx->iov_limit < STRADS_OFI_IOV ? tx->iov_limit : STRADS_OFI_IOV;
	ofi->range_limit = tx->rma_iov_limit < STRADS_OFI_IOV ? tx->rma_iov_limit : STRADS_OFI_IOV;
	ofi->fused = ofi->iov_limit >= 2 && ofi->range_limit >= 2;
	ofi->message_bytes = ofi->info->ep_attr->max_msg_size;
}

int
strads_ofi_open(struct strads_fabric *fabric, const char *argument, void **context)
{
	struct strads_job *job = strads_fabric_job(fabric);
	struct strads_ofi *ofi;
	char node[64];
	int status = strads_ofi_source_find(job, node, sizeof node);

	if (status)
		return status;
	if (strads_fabric_size(fabric) > STRADS_OFI_RANKS_MAX)
		return strads_fail(STRADS_ERR_ARGUMENT, "fabric ofi carries at most %d ranks",
				   STRADS_OFI_RANKS_MAX);
	ofi = calloc(1, sizeof *ofi);
	if (!ofi)
		return strads_fail(STRADS_ERR_MEMORY, "no memory for an endpoint");
	ofi->fabric = fabric;
	ofi->rank = strads_fabric_rank(fabric);
	ofi->size = strads_fabric_size(fabric);
	ofi->timeout_ns = strads_fabric_timeout_ms(fabric) * 1000000u;
	ofi->server.wake = -1;
	ofi->server.rouse = -1;
	ofi->gate = -1;
	status = strads_ofi_choose(argument, node, &ofi->info, &ofi->delivered);
	if (!status) {
		read_abilities(ofi);
		status = open_objects(ofi);
	}
	if (!status)
		status = open_memory(ofi);
	if (status) {
		strads_ofi_close(ofi);
		return status;
	}
	*context = ofi;
	return STRADS_OK;
}

int
strads_ofi_address(void *context, struct strads_address *mine)
{
	struct strads_ofi *ofi = context;
	const struct fi_info *info = ofi->info;
	struct card card = {.magic = MAGIC,
			    .protocol = info->ep_attr->protocol,
			    .protocol_version = info->ep_attr->protocol_version,
			    .provider_version = info->fabric_attr->prov_version,
			    .mailbox_base = strads_ofi_remote_base(ofi, ofi->mailbox),
			    .mailbox_key = fi_mr_key(ofi->mailbox_mr)};
	size_t bytes = sizeof card.address, length;
	int code = fi_getname(&ofi->ep->fid, card.address, &bytes);

	if (code)
		return strads_ofi_refused(ofi, STRADS_ERR_FABRIC, "tell the address of an endpoint",
					  code);
	length = strlen(info->fabric_attr->prov_name);
	if (length >= sizeof card.provider)
		return strads_fail(STRADS_ERR_UNSUPPORTED,
				   "the name of libfabric's provider %s is too long",
				   info->fabric_attr->prov_name);
	memcpy(card.provider, info->fabric_attr->prov_name, length + 1);
	card.address_bytes = (uint32_t)bytes;
	mine->bytes = sizeof card;
	memcpy(mine->data, &card, sizeof card);
	return STRADS_OK;
}

/* Two ranks must speak the same protocol. */
static int
compare(const struct strads_ofi *ofi, int rank, const struct card *card)
{
	const struct fi_info *mine = ofi->info;

	if (card->magic != MAGIC || card->address_bytes > sizeof card->address ||
	    !memchr(card->provider, '\0', sizeof card->provider))
		return strads_fail(STRADS_ERR_PROTOCOL,
				   "rank %d tells of its libfabric endpoint in another format: "
				   "run the same build on all ranks",
				   rank);
	if (strcmp(card->provider, mine->fabric_attr->prov_name) == 0 &&
	    card->protocol == mine->ep_attr->protocol &&
	    card->protocol_version == mine->ep_attr->protocol_version &&
	    card->provider_version == mine->fabric_attr->prov_version)
		return STRADS_OK;
	return strads_fail(
	    STRADS_ERR_PROTOCOL,
	    "rank %d uses libfabric provider %s (release %u.%u, protocol %u.%u), and rank %d uses "
	    "%s (release %u.%u, protocol %u.%u): install the same libfabric, or force one provider "
	    "with --fabric ofi:PROVIDER",
	    rank, card->provider, FI_MAJOR(card->provider_version),
	    FI_MINOR(card->provider_version), card->protocol, card->protocol_version, ofi->rank,
	    mine->fabric_attr->prov_name, FI_MAJOR(mine->fabric_attr->prov_version),
	    FI_MINOR(mine->fabric_attr->prov_version), mine->ep_attr->protocol,
	    mine->ep_attr->protocol_version);
}

static int
connect_peer(struct strads_ofi *ofi, int rank, const struct strads_address *address)
{
	struct strads_ofi_peer *peer = &ofi->peers[rank];
	struct card card;
	int status;

	if (address->bytes != sizeof card)
		return strads_fail(STRADS_ERR_PROTOCOL,
				   "rank %d tells of its libfabric endpoint in %u bytes, not %zu: "
				   "run the same build on all ranks",
				   rank, address->bytes, sizeof card);
	memcpy(&card, address->data, sizeof card);
	status = compare(ofi, rank, &card);
	if (status)
		return status;
	if (fi_av_insert(ofi->av, card.address, 1, &peer->address, 0, NULL) != 1)
		return strads_fail(STRADS_ERR_FABRIC,
				   "libfabric provider %s cannot use the address of rank %d",
				   card.provider, rank);
	peer->mailbox_base = card.mailbox_base + (uint64_t)ofi->rank * STRADS_OFI_SLOTS *
						     sizeof(struct strads_ofi_note);
	peer->mailbox_key = card.mailbox_key;
	peer->reached = true;
	return STRADS_OK;
}

int
strads_ofi_connect(void *context, const struct strads_address *all)
{
	struct strads_ofi *ofi = context;

	for (int rank = 0; rank < ofi->size; rank++) {
		int status;

		if (rank == ofi->rank || all[rank].bytes == 0)
			continue;
		status = connect_peer(ofi, rank, &all[rank]);
		if (status)
			return status;
	}
	return strads_ofi_server_start(ofi);
}

bool
strads_ofi_reaches(void *context, int peer)
{
	const struct strads_ofi *ofi = context;

	return ofi->peers[peer].reached;
}
