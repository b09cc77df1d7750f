#include "verbs/verbs.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define PORT_DOWN "check the cable and `ip link`, or `ibstat`"

/* What a completion status means here: whether it is the peer's doing, what probably happened and
 * what to check. */
struct meaning {
	enum ibv_wc_status refusal;
	int status;
	const char *sentence;
};

static const struct meaning meanings[] = {
    {IBV_WC_RETRY_EXC_ERR, STRADS_ERR_PEER,
     "it does not answer: it has died, has closed its fabric, or the network between is down; see "
     "what it printed last, and `rdma link` or `ibstat` on both hosts (a GID of another network, "
     "or "
     "a packet larger than a switch carries, look the same)"},
    {IBV_WC_RNR_RETRY_EXC_ERR, STRADS_ERR_PEER,
     "it has no receive for a signal: run the same build on all ranks"},
    {IBV_WC_REM_ACCESS_ERR, STRADS_ERR_PEER,
     "it refuses access to its memory: it is ending, or has deleted the region"},
    {IBV_WC_REM_INV_REQ_ERR, STRADS_ERR_PEER,
     "its adapter does not accept the request: it is ending, or runs another build"},
    {IBV_WC_REM_OP_ERR, STRADS_ERR_PEER,
     "its adapter could not carry out the request: see the kernel's log on its host"},
    {IBV_WC_REM_ABORT_ERR, STRADS_ERR_PEER, "its adapter has given the request up"},
    {IBV_WC_WR_FLUSH_ERR, STRADS_ERR_PEER,
     "the connection was closed: it has died, or an adapter was reset; see the kernel's log"},
    {IBV_WC_RESP_TIMEOUT_ERR, STRADS_ERR_PEER, "its adapter does not answer"},
    {IBV_WC_BAD_RESP_ERR, STRADS_ERR_PEER,
     "its adapter answers what was not asked: see the kernel's log on both hosts"},
    {IBV_WC_LOC_ACCESS_ERR, STRADS_ERR_FABRIC,
     "the local adapter may not write where an answer belongs: a region was deleted while in use"},
    {IBV_WC_LOC_PROT_ERR, STRADS_ERR_FABRIC,
     "a local buffer is not registered any more: a region was deleted while in use"},
    {IBV_WC_LOC_LEN_ERR, STRADS_ERR_FABRIC,
     "a request is longer than the port carries: check STRADS_VERBS_MTU"},
    {IBV_WC_LOC_QP_OP_ERR, STRADS_ERR_FABRIC,
     "the local adapter cannot send: its port has lost its link, its address or the route to that "
     "rank; see `ip address` and `ip route`, and the kernel's log"},
    {IBV_WC_FATAL_ERR, STRADS_ERR_FABRIC, "the local adapter has failed: see the kernel's log"},
};

static const struct meaning *
find_meaning(enum ibv_wc_status refusal)
{
	static const struct meaning other = {IBV_WC_GENERAL_ERR, STRADS_ERR_FABRIC,
					     "see the kernel's log on both hosts"};

	for (size_t i = 0; i < sizeof meanings / sizeof meanings[0]; i++) {
		if (meanings[i].refusal == refusal)
			return &meanings[i];
	}
	return &other;
}

int
strads_verbs_lost(const struct strads_verbs *verbs, const struct strads_verbs_peer *peer)
{
	int rank = (int)(peer - verbs->peers);
	const char *news = verbs->news ? verbs->news : "";

	if (!peer->ready)
		return strads_fail(
		    peer->status, "%s%s",
		    peer->connection.why ? peer->connection.why : "no memory to tell why", news);
	if (peer->refusal == IBV_WC_SUCCESS)
		return strads_fail(peer->status, "%s refuses a work request to rank %d: %s%s",
				   verbs->port.name, rank, strerror(peer->error), news);
	return strads_fail(peer->status, "rank %d is lost over %s: %s (%s, vendor code %#x)%s",
			   rank, verbs->port.name, find_meaning(peer->refusal)->sentence,
			   ibv_wc_status_str(peer->refusal), peer->vendor, news);
}

/* The adapter may have said why a peer is lost; where it has not yet, its port tells. */
static void
look_for_reasons(struct strads_verbs *verbs)
{
	struct ibv_port_attr attr;

	strads_verbs_hear(verbs);
	if (ibv_query_port(verbs->port.context, verbs->port.number, &attr))
		verbs->news = "; its port cannot be queried any more: the device was removed, see "
			      "`rdma link` or `ibv_devices`";
	else if (attr.state != IBV_PORT_ACTIVE)
		verbs->news = "; its port is down: " PORT_DOWN;
}

void
strads_verbs_lose(struct strads_verbs *verbs, struct strads_verbs_peer *peer,
		  enum ibv_wc_status refusal, uint32_t vendor, int error)
{
	if (peer->status)
		return;
	look_for_reasons(verbs);
	peer->refusal = refusal;
	peer->vendor = vendor;
	peer->error = error;
	peer->status =
	    refusal == IBV_WC_SUCCESS ? STRADS_ERR_FABRIC : find_meaning(refusal)->status;
	/* The owner ends what was on the way, at its next turn: its counters are its own. */
	peer->dropping = true;
	strads_verbs_mind(verbs, peer);
}

void
strads_verbs_break(struct strads_verbs *verbs, int status, const char *format, ...)
{
	va_list args;

	if (verbs->status)
		return;
	verbs->status = status;
	va_start(args, format);
	vsnprintf(verbs->why, sizeof verbs->why, format, args);
	va_end(args);
}

/* ---- What the adapter says of itself ---- */

/* An event after which nothing works any more, or one that may explain a failure to come. */
struct event {
	enum ibv_event_type type;
	bool fatal;
	const char *sentence;
};

static const struct event events[] = {
    {IBV_EVENT_DEVICE_FATAL, true, "it has failed or was removed: see the kernel's log"},
    {IBV_EVENT_CQ_ERR, true, "its completion queue overran: see the kernel's log"},
    {IBV_EVENT_SRQ_ERR, true, "its shared receive queue has failed: see the kernel's log"},
    {IBV_EVENT_QP_FATAL, false, "; the adapter has said that a connection broke"},
    {IBV_EVENT_QP_REQ_ERR, false, "; the adapter has said that a peer sends what is not valid"},
    {IBV_EVENT_QP_ACCESS_ERR, false, "; the adapter has refused a peer access"},
    {IBV_EVENT_PORT_ERR, false, "; the port went down meanwhile: " PORT_DOWN},
    {IBV_EVENT_GID_CHANGE, false, "; the port's addresses changed meanwhile"},
    {IBV_EVENT_LID_CHANGE, false, "; the port's LID changed meanwhile"},
    {IBV_EVENT_PKEY_CHANGE, false, "; the port's partition keys changed meanwhile"},
    {IBV_EVENT_SM_CHANGE, false, "; the subnet manager changed meanwhile"},
};

/* Whether an event is of a port that this endpoint does not use. */
static bool
elsewhere(const struct strads_verbs *verbs, const struct ibv_async_event *event)
{
	switch (event->event_type) {
	case IBV_EVENT_PORT_ACTIVE:
	case IBV_EVENT_PORT_ERR:
	case IBV_EVENT_LID_CHANGE:
	case IBV_EVENT_PKEY_CHANGE:
	case IBV_EVENT_SM_CHANGE:
	case IBV_EVENT_GID_CHANGE:
		return event->element.port_num != verbs->port.number;
	default:
		return false;
	}
}

static void
take_event(struct strads_verbs *verbs, enum ibv_event_type type)
{
	for (size_t i = 0; i < sizeof events / sizeof events[0]; i++) {
		if (events[i].type != type)
			continue;
		if (events[i].fatal)
			strads_verbs_break(verbs, STRADS_ERR_FABRIC, "RDMA device %s: %s",
					   verbs->port.name, events[i].sentence);
		else
			verbs->news = events[i].sentence;
	}
	if (type == IBV_EVENT_PORT_ACTIVE)
		verbs->news = NULL;
}

bool
strads_verbs_hear(struct strads_verbs *verbs)
{
	struct ibv_async_event event;

	while (ibv_get_async_event(verbs->port.context, &event) == 0) {
		if (!elsewhere(verbs, &event))
			take_event(verbs, event.event_type);
		ibv_ack_async_event(&event);
	}
	return errno == EAGAIN; /* a device that is gone hangs up */
}
