#include "verbs/connection.h"

#include "job/job.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAGIC UINT32_C(0x4c425653)

enum kind {
	PAIR,   /* there is a queue pair */
	CALL,   /* the reader is to call */
	REFUSE, /* there will be no connection */
};

/* What travels. Little-endian. A later letter says all that an earlier one did. */
struct message {
	uint32_t magic;
	uint32_t kind;
	uint64_t from; /* token of the writer's endpoint */
	uint64_t to;   /* token of the reader's */
	uint32_t number;
	uint32_t first; /* number of the first packet that this queue pair sends */
	uint32_t seen;  /* the reader's queue pair that it takes packets of; 0: none yet */
	char why[300];  /* of a refusal; "" otherwise */
};

static_assert(sizeof(struct message) == 336, "a letter has no holes");
static_assert(sizeof(struct message) <= STRADS_MAIL_MAX, "a letter fits into the job's mail");

/* A letter that has come. */
struct strads_verbs_letter {
	struct strads_verbs_letter *next;
	int from;
	struct message message;
};

static int
rank_of(const struct strads_verbs *verbs, const struct strads_verbs_peer *peer)
{
	return (int)(peer - verbs->peers);
}

/* ---- Stages ---- */

void
strads_verbs_opening(struct strads_verbs *verbs, struct strads_verbs_peer *peer,
		     enum strads_verbs_stage stage)
{
	struct strads_verbs_connection *connection = &peer->connection;

	if (connection->stage == STRADS_VERBS_CLOSED)
		connection->since_ns = strads_monotone_ns();
	connection->stage = stage;
	connection->due = false; /* what was to be said is out of date */
	verbs->unsettled = true;
}

void
strads_verbs_ready(struct strads_verbs_peer *peer)
{
	peer->connection.stage = STRADS_VERBS_READY;
	peer->ready = true;
}

/* The peer is lost before it could be reached. */
static void
fail(struct strads_verbs_peer *peer, int status)
{
	if (peer->status)
		return;
	peer->status = status;
	peer->connection.stage = STRADS_VERBS_CLOSED;
	peer->connection.why = strdup(strads_error());
	strads_verbs_manager_drop(peer);
}

/* ---- Letters out ---- */

/* The first packet's number: different for every connection that has had these queue pairs. */
static uint32_t
first_packet(const struct strads_verbs *verbs, uint32_t number)
{
	return (uint32_t)((verbs->token ^ number) * UINT64_C(0x9e3779b97f4a7c15) >> 40);
}

static struct message
compose(const struct strads_verbs *verbs, const struct strads_verbs_peer *peer)
{
	const struct strads_verbs_connection *connection = &peer->connection;
	struct message message = {
	    .magic = MAGIC, .from = verbs->token, .to = strads_verbs_card_of(verbs, peer)->token};

	if (peer->status) {
		message.kind = REFUSE;
		snprintf(message.why, sizeof message.why, "%s",
			 connection->why ? connection->why : "it is lost");
	} else if (connection->stage == STRADS_VERBS_ASKED) {
		message.kind = CALL;
	} else {
		message.kind = PAIR;
		message.number = peer->qp->qp_num;
		message.first = first_packet(verbs, peer->qp->qp_num);
		message.seen = connection->number;
	}
	return message;
}

/* Sends the letter that the connection's state calls for; what the channel does not take now is
 * tried again at the next turn. */
static void
send_letter(struct strads_verbs *verbs, struct strads_verbs_peer *peer)
{
	struct message message = compose(verbs, peer);

	peer->connection.due =
	    strads_job_post(strads_fabric_job(verbs->fabric), rank_of(verbs, peer), &message,
			    sizeof message) != STRADS_OK;
	verbs->unsettled = verbs->unsettled || peer->connection.due;
}

void
strads_verbs_unreachable(struct strads_verbs *verbs, struct strads_verbs_peer *peer, int status)
{
	fail(peer, status);
	send_letter(verbs, peer);
}

/* Makes the queue pair with which both ends begin. */
static int
begin_pair(struct strads_verbs *verbs, struct strads_verbs_peer *peer)
{
	struct ibv_qp_attr init = {.qp_state = IBV_QPS_INIT,
				   .pkey_index = verbs->port.pkey_index,
				   .port_num = verbs->port.number};
	int status;

	strads_verbs_manager_drop(peer);
	peer->connection.by_job = true;
	strads_verbs_opening(verbs, peer, STRADS_VERBS_TOLD);
	status = strads_verbs_pair_open(verbs, peer);
	return status
		   ? status
		   : strads_verbs_pair_change(verbs, peer, &init, IBV_QP_PKEY_INDEX | IBV_QP_PORT);
}

void
strads_verbs_tell(struct strads_verbs *verbs, struct strads_verbs_peer *peer)
{
	int status = begin_pair(verbs, peer);

	if (status)
		strads_verbs_unreachable(verbs, peer, status);
	else
		send_letter(verbs, peer);
}

/* ---- Opening ---- */

/* Whether both ends have an address that librdmacm resolves. */
static bool
may_call(const struct strads_verbs *verbs, const struct strads_verbs_peer *peer)
{
	const struct strads_verbs_card *mine = &verbs->cards[verbs->rank];
	const struct strads_verbs_card *card = strads_verbs_card_of(verbs, peer);

	return !peer->connection.by_job && mine->service && card->service &&
	       mine->family == card->family;
}

static void
begin(struct strads_verbs *verbs, struct strads_verbs_peer *peer)
{
	if (!may_call(verbs, peer)) {
		strads_verbs_tell(verbs, peer);
	} else if (verbs->rank < rank_of(verbs, peer)) {
		strads_verbs_manager_call(verbs, peer);
	} else {
		strads_verbs_opening(verbs, peer, STRADS_VERBS_ASKED);
		send_letter(verbs, peer);
	}
}

int
strads_verbs_reach(struct strads_verbs *verbs, struct strads_verbs_peer *peer)
{
	if (peer->connection.stage == STRADS_VERBS_CLOSED && !peer->status)
		begin(verbs, peer);
	return peer->status ? strads_verbs_lost(verbs, peer) : STRADS_AGAIN;
}

/* ---- Letters in ---- */

void
strads_verbs_letter_arrived(void *context, int from, const void *bytes, size_t n)
{
	struct strads_verbs *verbs = context;
	struct strads_verbs_letter *letter;

	if (n != sizeof letter->message)
		return; /* of another build, or of something else: nobody here awaits it */
	letter = malloc(sizeof *letter);
	if (!letter)
		return; /* its writer's deadline tells */
	letter->from = from;
	memcpy(&letter->message, bytes, n);
	letter->next = atomic_load(&verbs->letters);
	while (!atomic_compare_exchange_weak(&verbs->letters, &letter->next, letter))
		;
	strads_server_nudge(&verbs->server); /* its owner may have brought it, in a collective */
}

static struct ibv_ah_attr
route(const struct strads_verbs *verbs, const struct strads_verbs_card *card)
{
	const struct strads_verbs_port *port = &verbs->port;
	struct ibv_ah_attr attr = {.dlid = card->lid, .port_num = port->number};

	/* A global header: always on Ethernet, on InfiniBand to another subnet. */
	attr.is_global = card->link_layer == IBV_LINK_LAYER_ETHERNET ||
			 port->attr.flags & IBV_QPF_GRH_REQUIRED ||
			 memcmp(card->gid, port->gid.raw, 8) != 0;
	if (attr.is_global) {
		memcpy(attr.grh.dgid.raw, card->gid, sizeof card->gid);
		attr.grh.sgid_index = port->gid_index;
		attr.grh.hop_limit = 64;
	}
	return attr;
}

/* Makes the queue pair ready to receive from the peer's, and to send to it. */
static int
join(struct strads_verbs *verbs, struct strads_verbs_peer *peer, const struct message *message)
{
	struct ibv_qp_attr receive = {.qp_state = IBV_QPS_RTR,
				      .dest_qp_num = message->number,
				      .rq_psn = message->first,
				      .ah_attr = route(verbs, strads_verbs_card_of(verbs, peer))};
	struct ibv_qp_attr send = {.qp_state = IBV_QPS_RTS,
				   .sq_psn = first_packet(verbs, peer->qp->qp_num)};
	int status = strads_verbs_pair_change(verbs, peer, &receive,
					      IBV_QP_AV | IBV_QP_DEST_QPN | IBV_QP_RQ_PSN);

	if (!status)
		status = strads_verbs_pair_change(verbs, peer, &send, IBV_QP_SQ_PSN);
	if (!status)
		peer->connection.number = message->number;
	return status;
}

static void
take_pair(struct strads_verbs *verbs, struct strads_verbs_peer *peer, const struct message *message)
{
	struct strads_verbs_connection *connection = &peer->connection;
	bool news = connection->number == 0;
	int status = STRADS_OK;

	if (peer->ready)
		return; /* the letter has crossed the one that says so */
	if (connection->stage != STRADS_VERBS_TOLD)
		status = begin_pair(verbs, peer); /* the peer's way, whatever this rank has tried */
	if (!status && news)
		status = join(verbs, peer, message);
	if (status) {
		strads_verbs_unreachable(verbs, peer, status);
		return;
	}
	if (news)
		send_letter(verbs, peer);
	if (message->seen == peer->qp->qp_num)
		strads_verbs_ready(peer);
}

static void
take_refusal(struct strads_verbs *verbs, struct strads_verbs_peer *peer,
	     const struct message *message)
{
	char ends[STRADS_VERBS_ENDS];

	if (peer->ready)
		return;
	fail(peer, strads_fail(STRADS_ERR_PEER, "no connection of %s, which says: %.*s",
			       strads_verbs_ends(verbs, peer, ends), (int)sizeof message->why - 1,
			       message->why));
}

/* Answers a letter to an endpoint that is closed, of which nothing is needed. A refusal has no
 * answer. */
static void
answer_closed(struct strads_job *job, int from, const struct message *message)
{
	struct message answer = {.magic = MAGIC,
				 .kind = REFUSE,
				 .from = message->to,
				 .to = message->from,
				 .why = "it has closed its fabric"};

	if (message->magic == MAGIC && message->kind != REFUSE &&
	    strads_job_post(job, from, &answer, sizeof answer))
		return; /* its writer's deadline tells */
}

/* The same, once no endpoint takes letters. Thread: any. */
static void
letter_came_late(void *context, int from, const void *bytes, size_t n)
{
	struct message message;

	if (n != sizeof message)
		return;
	memcpy(&message, bytes, n);
	answer_closed(context, from, &message);
}

static void
take_letter(struct strads_verbs *verbs, const struct strads_verbs_letter *letter)
{
	struct strads_verbs_peer *peer = &verbs->peers[letter->from];
	const struct message *message = &letter->message;

	if (message->magic != MAGIC)
		return;
	if (message->to != verbs->token)
		answer_closed(strads_fabric_job(verbs->fabric), letter->from, message);
	else if (message->from != verbs->cards[letter->from].token)
		return; /* of a fabric that was closed */
	else if (!peer->served)
		strads_verbs_unreachable(
		    verbs, peer,
		    strads_fail(STRADS_ERR_UNSUPPORTED,
				"it reaches rank %d another way; use the same --fabric, and let "
				"both share memory, or neither",
				verbs->rank));
	else if (message->kind == REFUSE)
		take_refusal(verbs, peer, message);
	else if (peer->status)
		send_letter(verbs, peer);
	else if (message->kind == PAIR && message->number)
		take_pair(verbs, peer, message);
	else if (message->kind == CALL && peer->connection.stage == STRADS_VERBS_CLOSED)
		begin(verbs, peer);
}

/* The list that was put together from behind, the other way round. */
static struct strads_verbs_letter *
reverse(struct strads_verbs_letter *letter)
{
	struct strads_verbs_letter *first = NULL;

	while (letter) {
		struct strads_verbs_letter *next = letter->next;

		letter->next = first;
		first = letter;
		letter = next;
	}
	return first;
}

bool
strads_verbs_letters_read(struct strads_verbs *verbs)
{
	struct strads_verbs_letter *letter = reverse(atomic_exchange(&verbs->letters, NULL));
	bool any = letter != NULL;

	while (letter) {
		struct strads_verbs_letter *next = letter->next;

		take_letter(verbs, letter);
		free(letter);
		letter = next;
	}
	return any;
}

/* ---- Time ---- */

/* A connection that is opening for too long ends with a sentence. A call that has taken half of
 * that was not heard: it is tried the other way. */
static void
look_after(struct strads_verbs *verbs, struct strads_verbs_peer *peer, uint64_t now_ns)
{
	struct strads_verbs_connection *connection = &peer->connection;
	uint64_t waited_ns = now_ns - connection->since_ns;
	char ends[STRADS_VERBS_ENDS];

	if (waited_ns < verbs->timeout_ns / 2)
		return;
	if (connection->stage == STRADS_VERBS_CALLING &&
	    verbs->settings.wire == STRADS_VERBS_WIRE_AUTO) {
		strads_verbs_manager_give_up(verbs, peer,
					     strads_fail(STRADS_ERR_TIMEOUT,
							 "rank %d does not answer librdmacm's call",
							 rank_of(verbs, peer)));
	} else if (waited_ns >= verbs->timeout_ns) {
		strads_verbs_unreachable(
		    verbs, peer,
		    strads_fail(STRADS_ERR_TIMEOUT,
				"no connection of %s within %.0f s: rank %d is stopped or its host "
				"hangs, or the network between carries no RDMA; try `rping` "
				"between the hosts, or --wire job, or raise --timeout",
				strads_verbs_ends(verbs, peer, ends),
				(double)verbs->timeout_ns * 1e-9, rank_of(verbs, peer)));
	}
}

void
strads_verbs_connections_turn(struct strads_verbs *verbs)
{
	uint64_t now_ns;

	(void)strads_verbs_letters_read(verbs);
	if (!verbs->unsettled)
		return;
	verbs->unsettled = false;
	now_ns = strads_monotone_ns();
	for (int rank = 0; rank < verbs->size; rank++) {
		struct strads_verbs_peer *peer = &verbs->peers[rank];

		if (peer->connection.due)
			send_letter(verbs, peer);
		if (peer->ready || peer->connection.stage == STRADS_VERBS_CLOSED)
			continue;
		verbs->unsettled = true;
		look_after(verbs, peer, now_ns);
	}
}

void
strads_verbs_connections_close(struct strads_verbs *verbs)
{
	struct strads_job *job = strads_fabric_job(verbs->fabric);
	struct strads_verbs_letter *letter;

	strads_job_take_mail(job, letter_came_late, job);
	letter = atomic_exchange(&verbs->letters, NULL);
	while (letter) {
		struct strads_verbs_letter *next = letter->next;

		answer_closed(job, letter->from, &letter->message);
		free(letter);
		letter = next;
	}
	for (int rank = 0; verbs->peers && rank < verbs->size; rank++) {
		strads_verbs_manager_drop(&verbs->peers[rank]);
		free(verbs->peers[rank].connection.why);
	}
}
