#include "verbs/connection.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <rdma/rdma_cma.h>
#include <stdio.h>
#include <string.h>

#define MAGIC      UINT32_C(0x43425653)
#define RESOLVE_MS 2000 /* for an address, and for a route */
#define BACKLOG    1024 /* calls that wait to be taken; more are lost, and repeated by the kernel */
#define EVENTS     64   /* taken at once: however many strangers call, others get their turn */

/* What a call, and the answer to it, carry to prove that their sender was told by the job. */
struct hello {
	uint32_t magic;
	uint32_t rank;
	uint64_t from; /* token of the sender's endpoint */
	uint64_t to;   /* token of the receiver's */
};

static_assert(sizeof(struct hello) == 24, "librdmacm carries 56 bytes");

/* An event, after it has been given back. */
struct event {
	enum rdma_cm_event_type type;
	int status;
	struct rdma_cm_id *id;
	bool greeted;
	struct hello hello;
};

static int
rank_of(const struct strads_verbs *verbs, const struct strads_verbs_peer *peer)
{
	return (int)(peer - verbs->peers);
}

/* ---- Life ---- */

static int
refused(const struct strads_verbs *verbs, const char *what)
{
	return strads_fail(STRADS_ERR_UNSUPPORTED,
			   "librdmacm cannot %s for %s port %u: %s; see whether the module "
			   "rdma_ucm is loaded, or use --wire job",
			   what, verbs->port.name, verbs->port.number, strerror(errno));
}

/* Whether librdmacm has led to the port that this endpoint uses. */
static bool
is_own(const struct strads_verbs *verbs, const struct rdma_cm_id *id)
{
	return id->verbs && id->port_num == verbs->port.number &&
	       strcmp(ibv_get_device_name(id->verbs->device), verbs->port.name) == 0;
}

static int
listen_at(struct strads_verbs *verbs, struct sockaddr_storage *address)
{
	struct strads_verbs_manager *manager = &verbs->manager;
	int flags;

	manager->channel = rdma_create_event_channel();
	if (!manager->channel)
		return refused(verbs, "open an event channel");
	flags = fcntl(manager->channel->fd, F_GETFL);
	if (flags < 0 || fcntl(manager->channel->fd, F_SETFL, flags | O_NONBLOCK))
		return refused(verbs, "read events without waiting");
	if (rdma_create_id(manager->channel, &manager->listener, NULL, RDMA_PS_TCP))
		return refused(verbs, "make an identifier");
	if (rdma_bind_addr(manager->listener, (struct sockaddr *)address))
		return refused(verbs, "take the address");
	if (!is_own(verbs, manager->listener))
		return strads_fail(STRADS_ERR_UNSUPPORTED,
				   "librdmacm takes the address of %s port %u to be another "
				   "adapter's; see `ip address`, or use --wire job",
				   verbs->port.name, verbs->port.number);
	if (rdma_listen(manager->listener, BACKLOG))
		return refused(verbs, "listen");
	return STRADS_OK;
}

static void
set_service(struct sockaddr_storage *address, uint16_t service)
{
	if (address->ss_family == AF_INET)
		((struct sockaddr_in *)(void *)address)->sin_port = service;
	else
		((struct sockaddr_in6 *)(void *)address)->sin6_port = service;
}

/* What the user asks for in particular, librdmacm would choose by the routing tables. */
static bool
asked_by_hand(const struct strads_verbs_settings *settings)
{
	return settings->gid >= 0 || settings->pkey >= 0 || settings->pkey_index != 0;
}

static int
open_listener(struct strads_verbs *verbs)
{
	struct sockaddr_storage address;
	int status;

	if (verbs->settings.wire == STRADS_VERBS_WIRE_AUTO && asked_by_hand(&verbs->settings))
		return strads_fail(STRADS_ERR_UNSUPPORTED, "a GID or partition key was asked for");
	status = strads_verbs_source(&verbs->port, &address);
	if (!status)
		status = listen_at(verbs, &address);
	if (status)
		return status;
	set_service(&address, rdma_get_src_port(verbs->manager.listener));
	verbs->manager.address = address;
	return STRADS_OK;
}

int
strads_verbs_manager_open(struct strads_verbs *verbs)
{
	struct strads_verbs_manager *manager = &verbs->manager;
	int status;

	if (verbs->settings.wire == STRADS_VERBS_WIRE_JOB) {
		snprintf(manager->why, sizeof manager->why, "as was asked for");
		return STRADS_OK;
	}
	status = open_listener(verbs);
	if (!status || verbs->settings.wire == STRADS_VERBS_WIRE_CM)
		return status;
	snprintf(manager->why, sizeof manager->why, "%s", strads_error());
	strads_verbs_manager_close(verbs);
	return STRADS_OK;
}

void
strads_verbs_manager_close(struct strads_verbs *verbs)
{
	struct strads_verbs_manager *manager = &verbs->manager;

	if (manager->listener)
		rdma_destroy_id(manager->listener);
	if (manager->channel)
		rdma_destroy_event_channel(manager->channel);
	manager->listener = NULL;
	manager->channel = NULL;
}

void
strads_verbs_manager_drop(struct strads_verbs_peer *peer)
{
	if (peer->connection.id)
		rdma_destroy_id(peer->connection.id);
	peer->connection.id = NULL;
}

/* ---- The queue pair ---- */

/* Brings it to a state, with what librdmacm knows of the connection: the path record's service
 * level and partition, the path, both ends' numbers. */
static int
change(struct strads_verbs *verbs, struct strads_verbs_peer *peer, enum ibv_qp_state state)
{
	struct ibv_qp_attr attr = {.qp_state = state};
	int mask = 0;

	if (rdma_init_qp_attr(peer->connection.id, &attr, &mask))
		return strads_fail(STRADS_ERR_FABRIC,
				   "librdmacm does not tell how to reach rank %d: %s",
				   rank_of(verbs, peer), strerror(errno));
	return strads_verbs_pair_change(verbs, peer, &attr, mask);
}

static int
join(struct strads_verbs *verbs, struct strads_verbs_peer *peer)
{
	int status = change(verbs, peer, IBV_QPS_RTR);

	return status ? status : change(verbs, peer, IBV_QPS_RTS);
}

static int
open_pair(struct strads_verbs *verbs, struct strads_verbs_peer *peer)
{
	int status = strads_verbs_pair_open(verbs, peer);

	return status ? status : change(verbs, peer, IBV_QPS_INIT);
}

static struct hello
greet(const struct strads_verbs *verbs, const struct strads_verbs_peer *peer)
{
	return (struct hello){.magic = MAGIC,
			      .rank = (uint32_t)verbs->rank,
			      .from = verbs->token,
			      .to = strads_verbs_card_of(verbs, peer)->token};
}

static struct rdma_conn_param
parameters(const struct strads_verbs *verbs, const struct strads_verbs_peer *peer,
	   const struct hello *hello)
{
	return (struct rdma_conn_param){.private_data = hello,
					.private_data_len = sizeof *hello,
					.responder_resources = RDMA_MAX_RESP_RES,
					.initiator_depth = RDMA_MAX_INIT_DEPTH,
					.retry_count = (uint8_t)verbs->settings.retries,
					.rnr_retry_count = 7,
					.srq = 1,
					.qp_num = peer->qp->qp_num};
}

/* ---- Calling ---- */

void
strads_verbs_manager_give_up(struct strads_verbs *verbs, struct strads_verbs_peer *peer, int status)
{
	struct strads_verbs_manager *manager = &verbs->manager;

	if (verbs->settings.wire == STRADS_VERBS_WIRE_CM) {
		strads_verbs_unreachable(verbs, peer, status);
		return;
	}
	snprintf(manager->why, sizeof manager->why, "%s", strads_error());
	strads_verbs_tell(verbs, peer);
}

static void
give_up(struct strads_verbs *verbs, struct strads_verbs_peer *peer, int status, const char *what,
	int error)
{
	char ends[STRADS_VERBS_ENDS];

	strads_verbs_manager_give_up(
	    verbs, peer,
	    strads_fail(status,
			"librdmacm cannot %s of %s: %s; try `rping` between the hosts, or "
			"use --wire job",
			what, strads_verbs_ends(verbs, peer, ends),
			error ? strerror(error) : "refused"));
}

static struct sockaddr_storage
address_of(const struct strads_verbs_card *card)
{
	struct sockaddr_storage address = {.ss_family = AF_INET};
	struct sockaddr_in *ipv4 = (void *)&address;
	struct sockaddr_in6 *ipv6 = (void *)&address;

	if (card->family == 4) {
		memcpy(&ipv4->sin_addr, card->address + 12, sizeof ipv4->sin_addr);
	} else {
		address.ss_family = AF_INET6;
		memcpy(&ipv6->sin6_addr, card->address, sizeof card->address);
	}
	set_service(&address, card->service);
	return address;
}

void
strads_verbs_manager_call(struct strads_verbs *verbs, struct strads_verbs_peer *peer)
{
	struct sockaddr_storage from = verbs->manager.address;
	struct sockaddr_storage to = address_of(strads_verbs_card_of(verbs, peer));

	set_service(&from, 0);
	strads_verbs_opening(verbs, peer, STRADS_VERBS_CALLING);
	if (rdma_create_id(verbs->manager.channel, &peer->connection.id, peer, RDMA_PS_TCP)) {
		peer->connection.id = NULL;
		give_up(verbs, peer, STRADS_ERR_FABRIC, "make an identifier for the connection",
			errno);
	} else if (rdma_resolve_addr(peer->connection.id, (struct sockaddr *)&from,
				     (struct sockaddr *)&to, RESOLVE_MS)) {
		give_up(verbs, peer, STRADS_ERR_FABRIC, "resolve the address", errno);
	}
}

static void
address_resolved(struct strads_verbs *verbs, struct strads_verbs_peer *peer)
{
	if (!is_own(verbs, peer->connection.id))
		give_up(verbs, peer, STRADS_ERR_FABRIC, "start at the port", EADDRNOTAVAIL);
	else if (rdma_resolve_route(peer->connection.id, RESOLVE_MS))
		give_up(verbs, peer, STRADS_ERR_FABRIC, "find a route", errno);
}

static void
route_resolved(struct strads_verbs *verbs, struct strads_verbs_peer *peer)
{
	struct hello hello = greet(verbs, peer);
	struct rdma_conn_param wanted;
	int status = open_pair(verbs, peer);

	if (status) {
		strads_verbs_manager_give_up(verbs, peer, status);
		return;
	}
	wanted = parameters(verbs, peer, &hello);
	if (rdma_connect(peer->connection.id, &wanted))
		give_up(verbs, peer, STRADS_ERR_FABRIC, "send the call", errno);
}

static bool
proves(const struct strads_verbs *verbs, const struct event *event,
       const struct strads_verbs_peer *peer)
{
	const struct hello *hello = &event->hello;

	return event->greeted && hello->magic == MAGIC && hello->to == verbs->token &&
	       hello->rank == (uint32_t)rank_of(verbs, peer) &&
	       hello->from == strads_verbs_card_of(verbs, peer)->token;
}

static void
answered(struct strads_verbs *verbs, struct strads_verbs_peer *peer, const struct event *event)
{
	int status;

	if (!proves(verbs, event, peer)) {
		give_up(verbs, peer, STRADS_ERR_PROTOCOL, "trust the answer to the call", EPERM);
		return;
	}
	status = join(verbs, peer);
	if (status)
		strads_verbs_manager_give_up(verbs, peer, status);
	else if (rdma_establish(peer->connection.id))
		give_up(verbs, peer, STRADS_ERR_FABRIC, "confirm the connection", errno);
	else
		strads_verbs_ready(peer);
}

/* ---- Being called ---- */

/* The peer that calls, NULL if that is a stranger. */
static struct strads_verbs_peer *
find_caller(const struct strads_verbs *verbs, const struct event *event)
{
	struct strads_verbs_peer *peer;

	if (!event->greeted || event->hello.rank >= (uint32_t)verbs->rank)
		return NULL; /* the lower rank of two calls */
	peer = &verbs->peers[event->hello.rank];
	return proves(verbs, event, peer) && is_own(verbs, event->id) ? peer : NULL;
}

/* The caller learns of it, or knows already: a letter will come, or another call. */
static void
abandon(struct strads_verbs_peer *peer)
{
	strads_verbs_manager_drop(peer);
	peer->connection.stage = STRADS_VERBS_ASKED;
}

static int
accept_call(struct strads_verbs *verbs, struct strads_verbs_peer *peer)
{
	struct hello hello = greet(verbs, peer);
	struct rdma_conn_param offered;
	int status = open_pair(verbs, peer);

	if (!status)
		status = join(verbs, peer);
	if (status)
		return status;
	offered = parameters(verbs, peer, &hello);
	if (rdma_accept(peer->connection.id, &offered))
		return strads_fail(STRADS_ERR_FABRIC, "librdmacm cannot accept rank %d's call: %s",
				   rank_of(verbs, peer), strerror(errno));
	return STRADS_OK;
}

/* A call that nobody here awaits disturbs nobody: it is refused. */
static void
called(struct strads_verbs *verbs, const struct event *event)
{
	struct strads_verbs_peer *peer = find_caller(verbs, event);
	enum strads_verbs_stage stage = peer ? peer->connection.stage : STRADS_VERBS_READY;
	int status;

	if (!peer || !peer->served || peer->status ||
	    (stage != STRADS_VERBS_CLOSED && stage != STRADS_VERBS_ASKED)) {
		(void)rdma_reject(event->id, NULL, 0); /* the caller's deadline tells, otherwise */
		rdma_destroy_id(event->id);
		return;
	}
	event->id->context = peer;
	peer->connection.id = event->id;
	strads_verbs_opening(verbs, peer, STRADS_VERBS_ACCEPTED);
	status = accept_call(verbs, peer);
	if (status && verbs->settings.wire == STRADS_VERBS_WIRE_CM)
		strads_verbs_unreachable(verbs, peer, status);
	else if (status)
		abandon(peer);
}

/* ---- Events ---- */

/* What the caller could not do. */
static void
call_failed(struct strads_verbs *verbs, struct strads_verbs_peer *peer, const struct event *event)
{
	int error = event->status < 0 ? -event->status : 0;

	switch (event->type) {
	case RDMA_CM_EVENT_ADDR_ERROR:
		give_up(verbs, peer, STRADS_ERR_FABRIC, "resolve the address", error);
		break;
	case RDMA_CM_EVENT_ROUTE_ERROR:
		give_up(verbs, peer, STRADS_ERR_FABRIC, "find a route", error);
		break;
	case RDMA_CM_EVENT_DEVICE_REMOVAL:
		give_up(verbs, peer, STRADS_ERR_FABRIC, "open the connection", ENODEV);
		break;
	case RDMA_CM_EVENT_UNREACHABLE:
		give_up(verbs, peer, STRADS_ERR_PEER, "reach the other end", error);
		break;
	default:
		give_up(verbs, peer, STRADS_ERR_PEER, "open the connection", error);
	}
}

static void
take_event(struct strads_verbs *verbs, const struct event *event)
{
	struct strads_verbs_peer *peer = event->id->context;

	if (event->type == RDMA_CM_EVENT_CONNECT_REQUEST) {
		called(verbs, event);
		return;
	}
	if (!peer || peer->ready)
		return; /* of the listener, or the end: operations tell of that */
	switch (event->type) {
	case RDMA_CM_EVENT_ADDR_RESOLVED:
		address_resolved(verbs, peer);
		break;
	case RDMA_CM_EVENT_ROUTE_RESOLVED:
		route_resolved(verbs, peer);
		break;
	case RDMA_CM_EVENT_CONNECT_RESPONSE:
		answered(verbs, peer, event);
		break;
	case RDMA_CM_EVENT_ESTABLISHED:
		strads_verbs_ready(peer);
		break;
	case RDMA_CM_EVENT_ADDR_ERROR:
	case RDMA_CM_EVENT_ROUTE_ERROR:
	case RDMA_CM_EVENT_CONNECT_ERROR:
	case RDMA_CM_EVENT_UNREACHABLE:
	case RDMA_CM_EVENT_REJECTED:
	case RDMA_CM_EVENT_DISCONNECTED:
	case RDMA_CM_EVENT_DEVICE_REMOVAL:
		if (peer->connection.stage == STRADS_VERBS_ACCEPTED)
			abandon(peer);
		else
			call_failed(verbs, peer, event);
		break;
	default:
		break; /* of no consequence here */
	}
}

/* Reads the next event and gives it back; false: there is none. */
static bool
next_event(struct strads_verbs *verbs, struct event *event)
{
	struct rdma_cm_event *news;
	const struct rdma_conn_param *told;

	if (rdma_get_cm_event(verbs->manager.channel, &news))
		return false;
	told = &news->param.conn;
	*event = (struct event){.type = news->event, .status = news->status, .id = news->id};
	event->greeted = (news->event == RDMA_CM_EVENT_CONNECT_REQUEST ||
			  news->event == RDMA_CM_EVENT_CONNECT_RESPONSE) &&
			 told->private_data && told->private_data_len >= sizeof event->hello;
	if (event->greeted)
		memcpy(&event->hello, told->private_data, sizeof event->hello);
	rdma_ack_cm_event(news);
	return true;
}

void
strads_verbs_manager_turn(struct strads_verbs *verbs)
{
	struct event event;

	if (!verbs->manager.channel)
		return;
	for (int n = 0; n < EVENTS && next_event(verbs, &event); n++)
		take_event(verbs, &event);
}
