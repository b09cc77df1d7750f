/*
 * How two endpoints are joined. Internal to transport/verbs/.
 *
 * At wire-up every rank tells a card of its endpoint: no more than one for each rank travels, and
 * no queue pair exists. The first operation on a peer opens the connection, in one of two ways that
 * both ends conclude from the two cards.
 *
 * By librdmacm (manager.c), where both have an address that it resolves. The lower rank of the two
 * calls; the higher, where it is the first to want the connection, asks it to, so that calls never
 * cross.
 *
 *     caller                                  called
 *       ◀──────────── letter CALL ────────────  (where that one wants the connection)
 *     resolve address, route; queue pair
 *       ──────────────── REQ ────────────────▶  queue pair, ready to receive
 *     ready to receive  ◀─────── REP ─────────
 *     READY ──────────── RTU ────────────────▶ READY
 *
 * Over the job's control channel (connection.c), where one of them has none, where it is asked for,
 * or where the first way failed: then the caller begins anew. It is the same at both ends, so that
 * letters may cross: whoever wants the connection, or reads that the other does, makes its queue
 * pair and tells of it; who knows the other's makes its own ready to receive, and tells what it has
 * seen; who is told that its own was seen may send.
 *
 *     LETTER {own queue pair, seen: 0}  ─────▶
 *       ◀─────  LETTER {own queue pair, seen: the other's}     ready to receive
 *     READY   LETTER {own, seen: the other's} ─────▶  READY
 *
 * Letters and calls carry the tokens of both endpoints: random numbers that only the cards tell, so
 * that what an older fabric of the job, or a stranger, has sent is known for what it is. A rank
 * that has closed its fabric answers letters as long as it looks after the job: that it has.
 */
#ifndef STRADS_VERBS_CONNECTION_H
#define STRADS_VERBS_CONNECTION_H

#include "verbs/verbs.h"

#define STRADS_VERBS_ENDS 320 /* bytes of a text of both ends of a connection */

/* What a rank tells of its endpoint. Little-endian. */
struct strads_verbs_card {
	uint32_t magic;
	uint32_t slots; /* of the mailbox, for each peer: the longest window */
	uint64_t mailbox_base;
	uint64_t scratch_base;
	uint32_t mailbox_key;
	uint32_t scratch_key;
	uint64_t token;
	uint32_t reads_served; /* that its adapter answers at once */
	uint16_t lid;
	uint8_t link_layer;
	uint8_t mtu; /* enum ibv_mtu */
	uint8_t gid[16];
	uint8_t address[16]; /* that its connection manager listens at: IPv6, or IPv4 mapped … */
	uint16_t service;    /* … and the port, in the network's order; 0: it does not listen */
	uint8_t family;      /* … 4 or 6 */
	uint8_t reserved[5];
	char device[32];
};

static_assert(sizeof(struct strads_verbs_card) == 120, "a card has no holes");
static_assert(sizeof(struct strads_verbs_card) <= sizeof((struct strads_address){.bytes = 0}.data),
	      "a card fits into an address");

/* ---- card.c ---- */

/* The card of a peer. */
static inline const struct strads_verbs_card *
strads_verbs_card_of(const struct strads_verbs *verbs, const struct strads_verbs_peer *peer)
{
	return &verbs->cards[peer - verbs->peers];
}

/* The bytes in a packet that this end allows. */
enum ibv_mtu strads_verbs_mtu(const struct strads_verbs *verbs);

/* How many reads an adapter whose limit this is has on the way from, or answers to, one peer. */
uint32_t strads_verbs_reads(int limit);

/* Describes both ends, for a sentence: devices, ports, addresses. Returns `text`. */
const char *strads_verbs_ends(const struct strads_verbs *verbs,
			      const struct strads_verbs_peer *peer, char text[STRADS_VERBS_ENDS]);

/* ---- pair.c ---- */

/* Makes sure that the peer has a queue pair, in the state in which it was born, and the receives
 * that its signals will take. Returns STRADS_OK, ERR_MEMORY, ERR_FABRIC. */
int strads_verbs_pair_open(struct strads_verbs *verbs, struct strads_verbs_peer *peer);

/* Brings the queue pair to attr->qp_state. The caller sets what belongs to the way of wiring: of
 * INIT the port and partition, of RTR the path, the peer's number and first packet, of RTS the own
 * first packet, with their bits in `mask`; all else is set here. Returns STRADS_OK, ERR_FABRIC. */
int strads_verbs_pair_change(struct strads_verbs *verbs, struct strads_verbs_peer *peer,
			     struct ibv_qp_attr *attr, int mask);

/* ---- connection.c ---- */

/* The job's mail brings a letter. Thread: any. */
void strads_verbs_letter_arrived(void *context, int from, const void *bytes, size_t n);

/* The peer's end takes what is posted. */
void strads_verbs_ready(struct strads_verbs_peer *peer);

/* The connection cannot be opened, for the reason in strads_error(): the peer is lost, and told. */
void strads_verbs_unreachable(struct strads_verbs *verbs, struct strads_verbs_peer *peer,
			      int status);

/* Opens the connection over the job's control channel, whatever was tried before. */
void strads_verbs_tell(struct strads_verbs *verbs, struct strads_verbs_peer *peer);

/* Marks that the connection to the peer is opening. */
void strads_verbs_opening(struct strads_verbs *verbs, struct strads_verbs_peer *peer,
			  enum strads_verbs_stage stage);

/* ---- source.c: the address of a port ---- */

/* The IP address by which the port is reached. Returns STRADS_OK, or ERR_UNSUPPORTED with why there
 * is none. */
int strads_verbs_source(const struct strads_verbs_port *port, struct sockaddr_storage *address);

/* ---- manager.c: librdmacm ---- */

/* Listens for calls, unless the settings say otherwise or the port has no address: then peers are
 * told of none. Returns STRADS_OK; ERR_UNSUPPORTED where the settings want nothing else. */
int strads_verbs_manager_open(struct strads_verbs *verbs);
void strads_verbs_manager_close(struct strads_verbs *verbs);

/* Starts to call a peer. A failure, now or later, leads to another way or to the peer's loss. */
void strads_verbs_manager_call(struct strads_verbs *verbs, struct strads_verbs_peer *peer);

/* The call has failed, for the reason in strads_error(): over the job instead, if that may be. */
void strads_verbs_manager_give_up(struct strads_verbs *verbs, struct strads_verbs_peer *peer,
				  int status);

/* Forgets what librdmacm knows of the peer. */
void strads_verbs_manager_drop(struct strads_verbs_peer *peer);

/* Takes the events that have come. */
void strads_verbs_manager_turn(struct strads_verbs *verbs);

#endif
