/* librdmacm, answered inside the test's own process: addresses are those of its listeners. */
#include "verbs_fake.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define LISTENERS 8

struct fake_event {
	struct rdma_cm_event event; /* first */
	struct fake_event *next;
	uint8_t words[64];
};

struct fake_channel {
	struct rdma_event_channel channel; /* first */
	struct fake_event *first;
};

struct fake_id {
	struct rdma_cm_id id;  /* first */
	struct fake_id *other; /* at the other end, once it is called */
	struct fake_id *to;    /* the listener that is to be called */
	uint32_t number;       /* of this end's queue pair */
};

static struct fake_id *listeners[LISTENERS];
static pthread_mutex_t lock = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;

static struct fake_id *
own(struct rdma_cm_id *id)
{
	return (struct fake_id *)id;
}

/* ---- Events ---- */

static void
tell(struct fake_id *to, enum rdma_cm_event_type type, int status,
     const struct rdma_conn_param *told)
{
	struct fake_channel *channel = (struct fake_channel *)to->id.channel;
	struct fake_event *event = calloc(1, sizeof *event);
	struct fake_event **last = &channel->first;
	uint64_t once = 1;

	event->event = (struct rdma_cm_event){.id = &to->id, .event = type, .status = status};
	if (told && told->private_data) {
		memcpy(event->words, told->private_data, told->private_data_len);
		event->event.param.conn.private_data = event->words;
		event->event.param.conn.private_data_len = told->private_data_len;
	}
	while (*last)
		last = &(*last)->next;
	*last = event;
	(void)!write(channel->channel.fd, &once, sizeof once);
}

/* What a step leads to: `type`, or what was asked for instead. */
static void
lead(struct fake_id *id, enum rdma_cm_event_type type, enum rdma_cm_event_type error)
{
	bool derailed = fake.derailed && fake.derail == error;

	fake.derailed = fake.derailed && !derailed;
	tell(id, derailed ? error : type, derailed ? -EHOSTUNREACH : 0, NULL);
}

struct rdma_event_channel *
rdma_create_event_channel(void)
{
	struct fake_channel *made;

	if (fake_fails("rdma_create_event_channel"))
		return NULL;
	made = calloc(1, sizeof *made);
	made->channel.fd = eventfd(0, EFD_CLOEXEC | EFD_SEMAPHORE);
	fake_count(1);
	return &made->channel;
}

void
rdma_destroy_event_channel(struct rdma_event_channel *channel)
{
	close(channel->fd);
	free(channel);
	fake_count(-1);
}

int
rdma_get_cm_event(struct rdma_event_channel *channel, struct rdma_cm_event **event)
{
	struct fake_channel *fake_channel = (struct fake_channel *)channel;
	uint64_t n;

	pthread_mutex_lock(&lock);
	*event = NULL;
	if (fake_channel->first) {
		*event = &fake_channel->first->event;
		fake_channel->first = fake_channel->first->next;
		(void)!read(channel->fd, &n, sizeof n);
		fake_count(1);
	}
	pthread_mutex_unlock(&lock);
	errno = EAGAIN;
	return *event ? 0 : -1;
}

int
rdma_ack_cm_event(struct rdma_cm_event *event)
{
	free(event);
	fake_count(-1);
	return 0;
}

/* ---- Identifiers ---- */

static struct fake_id *
create(struct rdma_event_channel *channel, void *context)
{
	struct fake_id *made = calloc(1, sizeof *made);

	made->id.channel = channel;
	made->id.context = context;
	fake_count(1);
	return made;
}

int
rdma_create_id(struct rdma_event_channel *channel, struct rdma_cm_id **id, void *context,
	       enum rdma_port_space space)
{
	(void)space;
	if (fake_fails("rdma_create_id"))
		return -1;
	*id = &create(channel, context)->id;
	return 0;
}

/* Forgets events of an identifier that nobody has read. */
static void
forget(struct fake_id *id)
{
	struct fake_channel *channel = (struct fake_channel *)id->id.channel;
	struct fake_event **at = &channel->first;
	uint64_t n;

	while (*at) {
		struct fake_event *event = *at;

		if (event->event.id != &id->id) {
			at = &event->next;
			continue;
		}
		*at = event->next;
		free(event);
		(void)!read(channel->channel.fd, &n, sizeof n);
	}
}

int
rdma_destroy_id(struct rdma_cm_id *id)
{
	pthread_mutex_lock(&lock);
	for (int i = 0; i < LISTENERS; i++) {
		if (listeners[i] == own(id))
			listeners[i] = NULL;
	}
	if (own(id)->other) {
		own(id)->other->other = NULL;
		tell(own(id)->other, RDMA_CM_EVENT_DISCONNECTED, 0, NULL);
	}
	forget(own(id));
	pthread_mutex_unlock(&lock);
	free(id);
	fake_count(-1);
	return 0;
}

static void
place(struct rdma_cm_id *id)
{
	id->verbs = fake_context(0);
	id->port_num = 1;
}

int
rdma_bind_addr(struct rdma_cm_id *id, struct sockaddr *address)
{
	if (fake_fails("rdma_bind_addr"))
		return -1;
	memcpy(&id->route.addr.src_storage, address, sizeof(struct sockaddr_in));
	place(id);
	return 0;
}

int
rdma_listen(struct rdma_cm_id *id, int backlog)
{
	(void)backlog;
	if (fake_fails("rdma_listen"))
		return -1;
	pthread_mutex_lock(&lock);
	for (int i = 0; i < LISTENERS; i++) {
		if (!listeners[i]) {
			listeners[i] = own(id);
			id->route.addr.src_sin.sin_port = htons((uint16_t)(7000 + i));
			break;
		}
	}
	pthread_mutex_unlock(&lock);
	return 0;
}

__be16
rdma_get_src_port(struct rdma_cm_id *id)
{
	return id->route.addr.src_sin.sin_port;
}

/* ---- Calling and being called ---- */

int
rdma_resolve_addr(struct rdma_cm_id *id, struct sockaddr *from, struct sockaddr *to, int timeout_ms)
{
	(void)from;
	(void)timeout_ms;
	if (fake_fails("rdma_resolve_addr"))
		return -1;
	pthread_mutex_lock(&lock);
	own(id)->to = listeners[ntohs(((struct sockaddr_in *)(void *)to)->sin_port) - 7000];
	place(id);
	lead(own(id), RDMA_CM_EVENT_ADDR_RESOLVED, RDMA_CM_EVENT_ADDR_ERROR);
	pthread_mutex_unlock(&lock);
	return 0;
}

int
rdma_resolve_route(struct rdma_cm_id *id, int timeout_ms)
{
	(void)timeout_ms;
	if (fake_fails("rdma_resolve_route"))
		return -1;
	pthread_mutex_lock(&lock);
	lead(own(id), RDMA_CM_EVENT_ROUTE_RESOLVED, RDMA_CM_EVENT_ROUTE_ERROR);
	pthread_mutex_unlock(&lock);
	return 0;
}

static void
call(struct fake_id *from, struct fake_id *listener, const struct rdma_conn_param *told)
{
	struct fake_id *end = create(listener->id.channel, NULL);

	place(&end->id);
	end->other = from;
	if (from)
		from->other = end;
	fake.calls_made++;
	tell(end, RDMA_CM_EVENT_CONNECT_REQUEST, 0, told);
}

int
rdma_connect(struct rdma_cm_id *id, struct rdma_conn_param *told)
{
	struct fake_id *from = own(id);

	if (fake_fails("rdma_connect"))
		return -1;
	pthread_mutex_lock(&lock);
	from->number = told->qp_num;
	if (fake.derailed) {
		fake.derailed = false;
		if (fake.derail != RDMA_CM_EVENT_CONNECT_REQUEST)
			tell(from, fake.derail, -ETIMEDOUT, NULL);
	} else if (from->to) {
		call(from, from->to, told);
	} else {
		tell(from, RDMA_CM_EVENT_REJECTED, 8, NULL); /* nobody listens there */
	}
	pthread_mutex_unlock(&lock);
	return 0;
}

int
fake_call_all(const void *words, size_t bytes)
{
	struct rdma_conn_param told = {.private_data = words, .private_data_len = (uint8_t)bytes};
	int n = 0;

	for (int i = 0; i < LISTENERS; i++) {
		if (!listeners[i])
			continue;
		call(NULL, listeners[i], &told);
		n++;
	}
	return n;
}

int
rdma_accept(struct rdma_cm_id *id, struct rdma_conn_param *told)
{
	if (fake_fails("rdma_accept"))
		return -1;
	pthread_mutex_lock(&lock);
	own(id)->number = told->qp_num;
	if (own(id)->other)
		tell(own(id)->other, RDMA_CM_EVENT_CONNECT_RESPONSE, 0, told);
	pthread_mutex_unlock(&lock);
	return 0;
}

int
rdma_reject(struct rdma_cm_id *id, const void *words, uint8_t bytes)
{
	struct fake_id *other;

	(void)words;
	(void)bytes;
	if (fake_fails("rdma_reject"))
		return -1;
	pthread_mutex_lock(&lock);
	other = own(id)->other;
	if (other) {
		other->other = NULL;
		own(id)->other = NULL;
		tell(other, RDMA_CM_EVENT_REJECTED, 28, NULL);
	}
	pthread_mutex_unlock(&lock);
	return 0;
}

int
rdma_establish(struct rdma_cm_id *id)
{
	if (fake_fails("rdma_establish"))
		return -1;
	pthread_mutex_lock(&lock);
	if (own(id)->other)
		tell(own(id)->other, RDMA_CM_EVENT_ESTABLISHED, 0, NULL);
	pthread_mutex_unlock(&lock);
	return 0;
}

int
rdma_init_qp_attr(struct rdma_cm_id *id, struct ibv_qp_attr *attr, int *mask)
{
	const struct fake_id *other = own(id)->other;

	if (fake_fails("rdma_init_qp_attr"))
		return -1;
	*mask = IBV_QP_STATE;
	if (attr->qp_state == IBV_QPS_INIT)
		*mask |= IBV_QP_PKEY_INDEX | IBV_QP_PORT;
	if (attr->qp_state == IBV_QPS_RTR) {
		*mask |= IBV_QP_AV | IBV_QP_DEST_QPN | IBV_QP_RQ_PSN;
		attr->dest_qp_num = other ? other->number : 0;
		attr->path_mtu = IBV_MTU_4096;
	}
	if (attr->qp_state == IBV_QPS_RTS)
		*mask |= IBV_QP_SQ_PSN;
	return 0;
}
