#include "verbs/connection.h"

#include "job/job.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAGIC UINT32_C(0x32425653)

/* ---- Own ---- */

enum ibv_mtu
strads_verbs_mtu(const struct strads_verbs *verbs)
{
	enum ibv_mtu mtu = verbs->port.attr.active_mtu;

	while (verbs->settings.mtu_bytes > 0 && mtu > IBV_MTU_256 &&
	       128u << (unsigned)mtu > verbs->settings.mtu_bytes)
		mtu--;
	return mtu;
}

uint32_t
strads_verbs_reads(int limit)
{
	return limit < 1 ? 1 : limit > UINT8_MAX ? UINT8_MAX : (uint32_t)limit;
}

static void
fill_address(struct strads_verbs_card *card, const struct sockaddr_storage *address)
{
	if (address->ss_family == AF_INET) {
		const struct sockaddr_in *ipv4 = (const void *)address;

		card->family = 4;
		card->service = ipv4->sin_port;
		memset(card->address + 10, 0xff, 2);
		memcpy(card->address + 12, &ipv4->sin_addr, 4);
	} else if (address->ss_family == AF_INET6) {
		const struct sockaddr_in6 *ipv6 = (const void *)address;

		card->family = 6;
		card->service = ipv6->sin6_port;
		memcpy(card->address, &ipv6->sin6_addr, sizeof card->address);
	}
}

int
strads_verbs_address(void *context, struct strads_address *mine)
{
	const struct strads_verbs *verbs = context;
	const struct strads_verbs_port *port = &verbs->port;
	struct strads_verbs_card card = {.magic = MAGIC,
					 .slots = verbs->slots,
					 .mailbox_base = (uintptr_t)verbs->mailbox,
					 .scratch_base = (uintptr_t)verbs->scratch,
					 .mailbox_key = verbs->mailbox_mr->rkey,
					 .scratch_key = verbs->own->rkey,
					 .token = verbs->token,
					 .reads_served =
					     strads_verbs_reads(port->device.max_qp_rd_atom),
					 .lid = port->attr.lid,
					 .link_layer = port->attr.link_layer,
					 .mtu = (uint8_t)strads_verbs_mtu(verbs)};

	memcpy(card.gid, port->gid.raw, sizeof card.gid);
	memcpy(card.device, port->name, strnlen(port->name, sizeof card.device - 1));
	fill_address(&card, &verbs->manager.address);
	mine->bytes = sizeof card;
	memcpy(mine->data, &card, sizeof card);
	return STRADS_OK;
}

/* ---- All ranks' ---- */

/* Reads and checks what a rank tells. */
static int
read_card(const struct strads_verbs *verbs, int rank, const struct strads_address *address,
	  struct strads_verbs_card *card)
{
	if (address->bytes != sizeof *card)
		return strads_fail(STRADS_ERR_PROTOCOL,
				   "rank %d tells of its RDMA port in %u bytes, not %zu: run the "
				   "same build on all ranks",
				   rank, address->bytes, sizeof *card);
	memcpy(card, address->data, sizeof *card);
	if (card->magic != MAGIC || card->slots < 1 || card->slots > STRADS_VERBS_WINDOW ||
	    card->reads_served < 1 || card->mtu < IBV_MTU_256 || card->mtu > IBV_MTU_4096 ||
	    (card->service != 0 && card->family != 4 && card->family != 6) ||
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

/* Takes from a peer's card what operations on it need. */
static int
serve(struct strads_verbs *verbs, int rank)
{
	const struct strads_verbs_card *card = &verbs->cards[rank];
	uint8_t family = verbs->cards[verbs->rank].family;
	struct strads_verbs_peer *peer = &verbs->peers[rank];

	if (verbs->settings.wire == STRADS_VERBS_WIRE_CM && card->family != family)
		return strads_fail(STRADS_ERR_UNSUPPORTED,
				   "rank %d has no IPv%u address on %s for librdmacm: give its "
				   "interface one, or use --wire auto",
				   rank, family, card->device);
	peer->served = true;
	peer->mailbox_base = card->mailbox_base +
			     (uint64_t)verbs->rank * card->slots * sizeof(struct strads_verbs_note);
	peer->mailbox_key = card->mailbox_key;
	peer->scratch_base = card->scratch_base;
	peer->scratch_key = card->scratch_key;
	peer->reads_max = strads_verbs_reads(verbs->port.device.max_qp_init_rd_atom);
	if (peer->reads_max > card->reads_served)
		peer->reads_max = card->reads_served;
	return STRADS_OK;
}

static int
read_cards(struct strads_verbs *verbs, const struct strads_address *all)
{
	int status = read_card(verbs, verbs->rank, &all[verbs->rank], &verbs->cards[verbs->rank]);

	for (int rank = 0; rank < verbs->size && !status; rank++) {
		status = read_card(verbs, rank, &all[rank], &verbs->cards[rank]);
		if (status)
			break;
		if (verbs->cards[rank].slots < verbs->window)
			verbs->window = verbs->cards[rank].slots;
		if (!strads_fabric_reaches(verbs->fabric, rank))
			status = serve(verbs, rank);
	}
	return status;
}

int
strads_verbs_connect(void *context, const struct strads_address *all)
{
	struct strads_verbs *verbs = context;
	int status = read_cards(verbs, all);

	if (status)
		return status;
	strads_job_take_mail(strads_fabric_job(verbs->fabric), strads_verbs_letter_arrived, verbs);
	return strads_verbs_server_start(verbs);
}

bool
strads_verbs_reaches(void *context, int peer)
{
	const struct strads_verbs *verbs = context;

	return verbs->peers[peer].served;
}

/* ---- In words ---- */

static const char *
place(uint8_t link_layer, uint16_t lid, const uint8_t gid[16], char text[80])
{
	char address[INET6_ADDRSTRLEN];

	inet_ntop(AF_INET6, gid, address, sizeof address);
	if (link_layer == IBV_LINK_LAYER_ETHERNET)
		snprintf(text, 80, "GID %s", address);
	else
		snprintf(text, 80, "LID %u, GID %s", lid, address);
	return text;
}

const char *
strads_verbs_ends(const struct strads_verbs *verbs, const struct strads_verbs_peer *peer,
		  char text[STRADS_VERBS_ENDS])
{
	const struct strads_verbs_port *port = &verbs->port;
	const struct strads_verbs_card *card = strads_verbs_card_of(verbs, peer);
	char here[80], there[80];

	snprintf(text, STRADS_VERBS_ENDS, "%s port %u (%s) to rank %d's %s (%s)", port->name,
		 port->number, place(port->attr.link_layer, port->attr.lid, port->gid.raw, here),
		 (int)(peer - verbs->peers), card->device,
		 place(card->link_layer, card->lid, card->gid, there));
	return text;
}
