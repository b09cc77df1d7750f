#include "verbs_fake.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#undef ibv_query_port
#undef ibv_reg_mr

#define QUEUE  4096 /* requests of one pair, completions of one queue */
#define PAIRS  64
#define MRS    256
#define EVENTS 8

struct fake_context {
	struct ibv_context context; /* first */
	struct ibv_async_event events[EVENTS];
	int n_events;
	int device;
};

struct fake_cq {
	struct ibv_cq cq; /* first */
	struct ibv_wc entries[QUEUE];
	uint32_t frees[QUEUE]; /* places in the send queue that the completion gives back */
	uint32_t put, got;
	bool armed;
	int rang; /* events of it that were not taken */
};

struct fake_srq {
	struct ibv_srq srq; /* first */
	uint64_t ids[QUEUE];
	uint32_t put, got, room;
};

struct fake_request {
	struct ibv_send_wr wr;
	struct ibv_sge sges[FAKE_SGES];
	uint8_t bytes[256]; /* of an inline request */
};

struct fake_qp {
	struct ibv_qp qp; /* first */
	enum ibv_qp_state state;
	uint32_t dest;
	uint32_t awaited, first; /* number of the first packet that comes, and that goes */
	bool broken;
	uint32_t room;
	uint32_t inline_max;
	uint32_t sges_max;
	uint32_t used, unreported; /* places taken, and those the next completion gives back */
	struct fake_request *requests;
	uint32_t put, got;
};

struct fake_mr {
	struct ibv_mr mr; /* first */
	int access;
};

struct fake fake;

static struct ibv_device devices[FAKE_DEVICES];
static struct fake_context *contexts[16];
static struct fake_qp *pairs[PAIRS];
static struct fake_mr *mrs[MRS];
static uint32_t next_number;
static struct fake_cq *queues[64];
static pthread_mutex_t lock = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;

bool
fake_fails(const char *what)
{
	bool now;

	pthread_mutex_lock(&lock);
	now = ++fake.calls == fake.fail_at;
	if (now)
		fake.what = what;
	pthread_mutex_unlock(&lock);
	if (now)
		errno = fake.fail_errno;
	return now;
}

void
fake_count(int change)
{
	__atomic_add_fetch(&fake.live, change, __ATOMIC_SEQ_CST);
}

static void *
create(const char *what, size_t bytes)
{
	void *made = fake_fails(what) ? NULL : calloc(1, bytes);

	if (made)
		fake_count(1);
	return made;
}

static int
destroy(void *object)
{
	free(object);
	fake_count(-1);
	return 0;
}

/* ---- What there is ---- */

void
fake_reset(void)
{
	static const uint8_t ipv4[16] = {[10] = 0xff, [11] = 0xff, 10, 77, 0, 1};
	struct fake_port *port = &fake.ports[0][0];

	memset(&fake, 0, sizeof fake);
	fake.devices = 1;
	fake.fail_errno = ENOMEM;
	fake.inline_max = 256;
	fake.attr = (struct ibv_device_attr){.max_qp = 1000,
					     .max_qp_wr = 1024,
					     .max_sge = FAKE_SGES,
					     .max_sge_rd = 2,
					     .max_cqe = 4096,
					     .max_srq_wr = 1024,
					     .max_qp_rd_atom = 4,
					     .max_qp_init_rd_atom = 4,
					     .atomic_cap = IBV_ATOMIC_GLOB,
					     .phys_port_cnt = 1};
	for (int device = 0; device < FAKE_DEVICES; device++) {
		strcpy(devices[device].name, device == 0 ? "fake0" : "fake1");
		for (int i = 0; i < FAKE_PORTS; i++) {
			fake.ports[device][i].attr =
			    (struct ibv_port_attr){.state = IBV_PORT_ACTIVE,
						   .active_mtu = IBV_MTU_1024,
						   .max_msg_sz = 4096,
						   .gid_tbl_len = FAKE_GIDS,
						   .pkey_tbl_len = FAKE_PKEYS,
						   .active_width = 2,
						   .active_speed = 32,
						   .link_layer = IBV_LINK_LAYER_ETHERNET};
			for (int gid = 0; gid < FAKE_GIDS; gid++)
				fake.ports[device][i].gids[gid].gid_type = UINT32_MAX;
			fake.ports[device][i].pkeys[0] = 0xffff;
		}
	}
	port->gids[0].gid_type = IBV_GID_TYPE_ROCE_V2;
	memcpy(port->gids[0].gid.raw, ipv4, sizeof ipv4);
}

struct ibv_device **
ibv_get_device_list(int *n)
{
	struct ibv_device **list = create("ibv_get_device_list", (FAKE_DEVICES + 1) * sizeof *list);

	/* What a test has set since; two ranks that look at once find it set. */
	pthread_mutex_lock(&lock);
	for (int i = 0; list && i < fake.devices; i++) {
		const char *path = fake.sysfs[i] ? fake.sysfs[i] : "/nonexistent";

		list[i] = &devices[i];
		if (devices[i].transport_type != fake.transport[i])
			devices[i].transport_type = fake.transport[i];
		if (strcmp(devices[i].ibdev_path, path) != 0)
			snprintf(devices[i].ibdev_path, sizeof devices[i].ibdev_path, "%s", path);
	}
	pthread_mutex_unlock(&lock);
	if (n)
		*n = fake.devices;
	return list;
}

void
ibv_free_device_list(struct ibv_device **list)
{
	destroy(list);
}

const char *
ibv_get_device_name(struct ibv_device *device)
{
	return device->name;
}

struct ibv_context *
fake_context(int device)
{
	static struct ibv_context idle[FAKE_DEVICES];

	pthread_mutex_lock(&lock);
	if (!idle[device].device)
		idle[device].device = &devices[device];
	pthread_mutex_unlock(&lock);
	return &idle[device];
}

static int post_send(struct ibv_qp *qp, struct ibv_send_wr *wr, struct ibv_send_wr **bad);
static int post_srq_recv(struct ibv_srq *srq, struct ibv_recv_wr *wr, struct ibv_recv_wr **bad);
static int poll_cq(struct ibv_cq *cq, int n, struct ibv_wc *entries);
static int req_notify_cq(struct ibv_cq *cq, int solicited_only);

struct ibv_context *
ibv_open_device(struct ibv_device *device)
{
	struct fake_context *made = create("ibv_open_device", sizeof *made);

	if (!made)
		return NULL;
	made->device = (int)(device - devices);
	made->context.device = device;
	made->context.async_fd = eventfd(0, EFD_CLOEXEC);
	made->context.ops.post_send = post_send;
	made->context.ops.post_srq_recv = post_srq_recv;
	made->context.ops.poll_cq = poll_cq;
	made->context.ops.req_notify_cq = req_notify_cq;
	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < sizeof contexts / sizeof contexts[0]; i++) {
		if (!contexts[i]) {
			contexts[i] = made;
			break;
		}
	}
	pthread_mutex_unlock(&lock);
	return &made->context;
}

int
ibv_close_device(struct ibv_context *context)
{
	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < sizeof contexts / sizeof contexts[0]; i++) {
		if (contexts[i] && &contexts[i]->context == context)
			contexts[i] = NULL;
	}
	pthread_mutex_unlock(&lock);
	close(context->async_fd);
	return destroy(context);
}

int
ibv_query_device(struct ibv_context *context, struct ibv_device_attr *attr)
{
	(void)context;
	if (fake_fails("ibv_query_device"))
		return errno;
	*attr = fake.attr;
	return 0;
}

int
ibv_query_port(struct ibv_context *context, uint8_t number, struct _compat_ibv_port_attr *attr)
{
	const struct fake_context *own = (struct fake_context *)context;

	if (fake_fails("ibv_query_port"))
		return errno;
	memcpy(attr, &fake.ports[own->device][number - 1].attr, sizeof(struct ibv_port_attr));
	return 0;
}

int
_ibv_query_gid_ex(struct ibv_context *context, uint32_t number, uint32_t index,
		  struct ibv_gid_entry *entry, uint32_t flags, size_t bytes)
{
	const struct fake_context *own = (struct fake_context *)context;
	const struct ibv_gid_entry *have = &fake.ports[own->device][number - 1].gids[index];

	(void)flags;
	if (have->gid_type == UINT32_MAX)
		return ENODATA;
	memcpy(entry, have, bytes);
	return 0;
}

int
ibv_query_pkey(struct ibv_context *context, uint8_t number, int index, __be16 *key)
{
	const struct fake_context *own = (struct fake_context *)context;

	*key = htobe16(fake.ports[own->device][number - 1].pkeys[index]);
	return 0;
}

enum ibv_fork_status
ibv_is_fork_initialized(void)
{
	return IBV_FORK_UNNEEDED;
}

/* ---- Objects ---- */

struct ibv_pd *
ibv_alloc_pd(struct ibv_context *context)
{
	struct ibv_pd *pd = create("ibv_alloc_pd", sizeof *pd);

	if (pd)
		pd->context = context;
	return pd;
}

int
ibv_dealloc_pd(struct ibv_pd *pd)
{
	return destroy(pd);
}

struct ibv_mr *
ibv_reg_mr(struct ibv_pd *pd, void *base, size_t bytes, int access)
{
	struct fake_mr *made = create("ibv_reg_mr", sizeof *made);

	if (!made)
		return NULL;
	made->mr = (struct ibv_mr){.context = pd->context, .pd = pd, .addr = base, .length = bytes};
	made->access = access;
	pthread_mutex_lock(&lock);
	for (uint32_t i = 0; i < MRS; i++) {
		if (!mrs[i]) {
			mrs[i] = made;
			made->mr.lkey = 1000 + i;
			made->mr.rkey = 5000 + i;
			break;
		}
	}
	pthread_mutex_unlock(&lock);
	return &made->mr;
}

struct ibv_mr *
ibv_reg_mr_iova2(struct ibv_pd *pd, void *base, size_t bytes, uint64_t iova, unsigned int access)
{
	(void)iova;
	return ibv_reg_mr(pd, base, bytes, (int)access);
}

int
ibv_dereg_mr(struct ibv_mr *mr)
{
	pthread_mutex_lock(&lock);
	mrs[mr->lkey - 1000] = NULL;
	pthread_mutex_unlock(&lock);
	return destroy(mr);
}

struct ibv_comp_channel *
ibv_create_comp_channel(struct ibv_context *context)
{
	struct ibv_comp_channel *made = create("ibv_create_comp_channel", sizeof *made);

	if (!made)
		return NULL;
	made->context = context;
	made->fd = eventfd(0, EFD_CLOEXEC | EFD_SEMAPHORE);
	return made;
}

int
ibv_destroy_comp_channel(struct ibv_comp_channel *channel)
{
	close(channel->fd);
	return destroy(channel);
}

struct ibv_cq *
ibv_create_cq(struct ibv_context *context, int entries, void *own, struct ibv_comp_channel *channel,
	      int vector)
{
	struct fake_cq *made = create("ibv_create_cq", sizeof *made);

	(void)vector;
	if (!made)
		return NULL;
	made->cq.context = context;
	made->cq.cq_context = own;
	made->cq.channel = channel;
	made->cq.cqe = entries;
	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < sizeof queues / sizeof queues[0]; i++) {
		if (!queues[i]) {
			queues[i] = made;
			break;
		}
	}
	pthread_mutex_unlock(&lock);
	return &made->cq;
}

int
ibv_destroy_cq(struct ibv_cq *cq)
{
	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < sizeof queues / sizeof queues[0]; i++) {
		if (queues[i] && &queues[i]->cq == cq)
			queues[i] = NULL;
	}
	pthread_mutex_unlock(&lock);
	return destroy(cq);
}

struct ibv_srq *
ibv_create_srq(struct ibv_pd *pd, struct ibv_srq_init_attr *attr)
{
	struct fake_srq *made = create("ibv_create_srq", sizeof *made);

	if (!made)
		return NULL;
	made->srq.context = pd->context;
	made->srq.pd = pd;
	made->room = attr->attr.max_wr;
	return &made->srq;
}

int
ibv_destroy_srq(struct ibv_srq *srq)
{
	return destroy(srq);
}

struct ibv_qp *
ibv_create_qp(struct ibv_pd *pd, struct ibv_qp_init_attr *attr)
{
	struct fake_qp *made;

	if (attr->cap.max_inline_data > fake.inline_max ||
	    attr->cap.max_send_sge > (uint32_t)fake.attr.max_sge ||
	    attr->cap.max_send_sge > FAKE_SGES) {
		errno = EINVAL;
		return NULL;
	}
	made = create("ibv_create_qp", sizeof *made);
	if (!made)
		return NULL;
	made->requests = calloc(QUEUE, sizeof *made->requests);
	made->room = attr->cap.max_send_wr;
	made->inline_max = attr->cap.max_inline_data;
	made->sges_max = attr->cap.max_send_sge;
	made->qp.context = pd->context;
	made->qp.pd = pd;
	made->qp.send_cq = attr->send_cq;
	made->qp.recv_cq = attr->recv_cq;
	made->qp.srq = attr->srq;
	pthread_mutex_lock(&lock);
	made->qp.qp_num = 0x100 + next_number++ * 7;
	for (size_t i = 0; i < PAIRS; i++) {
		if (!pairs[i]) {
			pairs[i] = made;
			break;
		}
	}
	pthread_mutex_unlock(&lock);
	return &made->qp;
}

int
ibv_destroy_qp(struct ibv_qp *qp)
{
	struct fake_qp *gone = (struct fake_qp *)qp;

	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < PAIRS; i++) {
		if (pairs[i] == gone)
			pairs[i] = NULL;
	}
	pthread_mutex_unlock(&lock);
	free(gone->requests);
	return destroy(gone);
}

/* What a change to each state needs. */
static const int needed[] = {
    [IBV_QPS_RESET] = IBV_QP_STATE,
    [IBV_QPS_INIT] = IBV_QP_STATE | IBV_QP_PKEY_INDEX | IBV_QP_PORT | IBV_QP_ACCESS_FLAGS,
    [IBV_QPS_RTR] = IBV_QP_STATE | IBV_QP_AV | IBV_QP_PATH_MTU | IBV_QP_DEST_QPN | IBV_QP_RQ_PSN |
		    IBV_QP_MAX_DEST_RD_ATOMIC | IBV_QP_MIN_RNR_TIMER,
    [IBV_QPS_RTS] = IBV_QP_STATE | IBV_QP_TIMEOUT | IBV_QP_RETRY_CNT | IBV_QP_RNR_RETRY |
		    IBV_QP_SQ_PSN | IBV_QP_MAX_QP_RD_ATOMIC,
};

int
ibv_modify_qp(struct ibv_qp *qp, struct ibv_qp_attr *attr, int mask)
{
	struct fake_qp *own = (struct fake_qp *)qp;
	int error = 0;

	if (fake_fails("ibv_modify_qp"))
		return errno;
	pthread_mutex_lock(&lock);
	/* Through all states, one after the other, each with what belongs to it. */
	if (attr->qp_state != IBV_QPS_RESET &&
	    (attr->qp_state != own->state + 1 ||
	     (mask & needed[attr->qp_state]) != needed[attr->qp_state]))
		error = EINVAL;
	else
		own->state = attr->qp_state;
	if (!error && own->state == IBV_QPS_RTR) {
		own->dest = attr->dest_qp_num;
		own->awaited = attr->rq_psn;
	}
	if (!error && own->state == IBV_QPS_RTS)
		own->first = attr->sq_psn;
	pthread_mutex_unlock(&lock);
	return error;
}

/* ---- Events ---- */

void
fake_event(enum ibv_event_type type, int port)
{
	uint64_t once = 1;

	for (size_t i = 0; i < sizeof contexts / sizeof contexts[0]; i++) {
		struct fake_context *context = contexts[i];

		if (!context || context->n_events == EVENTS)
			continue;
		context->events[context->n_events++] =
		    (struct ibv_async_event){.event_type = type, .element.port_num = port};
		(void)!write(context->context.async_fd, &once, sizeof once);
	}
}

int
ibv_get_async_event(struct ibv_context *context, struct ibv_async_event *event)
{
	struct fake_context *own = (struct fake_context *)context;
	uint64_t n;

	if (own->n_events == 0) {
		(void)!read(context->async_fd, &n, sizeof n);
		return -1;
	}
	*event = own->events[--own->n_events];
	fake_count(1);
	return 0;
}

void
ibv_ack_async_event(struct ibv_async_event *event)
{
	(void)event;
	fake_count(-1);
}

int
ibv_get_cq_event(struct ibv_comp_channel *channel, struct ibv_cq **cq, void **own)
{
	uint64_t n;

	if (read(channel->fd, &n, sizeof n) < 0)
		return -1;
	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < sizeof queues / sizeof queues[0]; i++) {
		if (queues[i] && queues[i]->cq.channel == channel && queues[i]->rang > 0) {
			queues[i]->rang--;
			*cq = &queues[i]->cq;
			break;
		}
	}
	pthread_mutex_unlock(&lock);
	*own = NULL;
	fake_count(1);
	return 0;
}

void
ibv_ack_cq_events(struct ibv_cq *cq, unsigned int n)
{
	(void)cq;
	fake_count(-(int)n);
}

/* ---- Queues ---- */

static void
complete(struct ibv_cq *cq, struct ibv_wc entry, uint32_t frees)
{
	struct fake_cq *own = (struct fake_cq *)cq;
	uint64_t once = 1;

	if (own->put - own->got >= (uint32_t)cq->cqe) {
		fake.overrun++;
		return;
	}
	own->frees[own->put % QUEUE] = frees;
	own->entries[own->put++ % QUEUE] = entry;
	if (own->armed) {
		own->armed = false;
		own->rang++;
		(void)!write(cq->channel->fd, &once, sizeof once);
	}
}

static struct fake_qp *
pair_of(uint32_t number)
{
	for (size_t i = 0; i < PAIRS; i++) {
		if (pairs[i] && pairs[i]->qp.qp_num == number)
			return pairs[i];
	}
	return NULL;
}

static int
poll_cq(struct ibv_cq *cq, int n, struct ibv_wc *entries)
{
	struct fake_cq *own = (struct fake_cq *)cq;
	int found = 0;

	pthread_mutex_lock(&lock);
	for (; found < n && own->got != own->put; found++, own->got++) {
		struct fake_qp *pair;

		entries[found] = own->entries[own->got % QUEUE];
		pair = pair_of(entries[found].qp_num);
		if (pair)
			pair->used -= own->frees[own->got % QUEUE];
	}
	pthread_mutex_unlock(&lock);
	return found;
}

static int
req_notify_cq(struct ibv_cq *cq, int solicited_only)
{
	(void)solicited_only;
	pthread_mutex_lock(&lock);
	((struct fake_cq *)cq)->armed = true;
	pthread_mutex_unlock(&lock);
	return 0;
}

static int
post_srq_recv(struct ibv_srq *srq, struct ibv_recv_wr *wr, struct ibv_recv_wr **bad)
{
	struct fake_srq *own = (struct fake_srq *)srq;
	int error = fake_fails("ibv_post_srq_recv") ? ENOMEM : 0;

	*bad = wr;
	pthread_mutex_lock(&lock);
	for (; wr && !error; wr = wr->next) {
		*bad = wr;
		if (own->put - own->got >= own->room)
			error = ENOMEM;
		else
			own->ids[own->put++ % QUEUE] = wr->wr_id;
	}
	pthread_mutex_unlock(&lock);
	return error;
}

/* The memory behind a key, NULL if it may not be used so. */
static void *
find(uint32_t key, uint32_t first, uint64_t at, uint64_t bytes, int access)
{
	const struct fake_mr *mr = key >= first && key < first + MRS ? mrs[key - first] : NULL;
	uint64_t from;

	if (!mr || (mr->access & access) != access)
		return NULL;
	from = at - (uintptr_t)mr->mr.addr;
	return from <= mr->mr.length && bytes <= mr->mr.length - from ? (void *)(uintptr_t)at
								      : NULL;
}

static void
deliver_immediate(struct fake_qp *to, const struct ibv_send_wr *wr)
{
	struct fake_srq *srq = (struct fake_srq *)to->qp.srq;

	if (srq->put == srq->got) {
		fake.missing++;
		return;
	}
	complete(to->qp.recv_cq,
		 (struct ibv_wc){.wr_id = srq->ids[srq->got++ % QUEUE],
				 .opcode = IBV_WC_RECV_RDMA_WITH_IMM,
				 .imm_data = wr->imm_data,
				 .wc_flags = IBV_WC_WITH_IMM,
				 .qp_num = to->qp.qp_num},
		 0);
}

static uint64_t
length_of(const struct fake_request *request)
{
	uint64_t bytes = 0;

	for (int i = 0; i < request->wr.num_sge; i++)
		bytes += request->sges[i].length;
	return bytes;
}

/* Moves the bytes between the local side, in as many places as it may be, and the remote one. */
static bool
move(struct fake_request *request, uint8_t *remote, bool into)
{
	uint8_t *inlined = request->wr.send_flags & IBV_SEND_INLINE ? request->bytes : NULL;

	for (int i = 0; i < request->wr.num_sge; i++) {
		const struct ibv_sge *sge = &request->sges[i];
		uint8_t *local = inlined ? inlined
					 : find(sge->lkey, 1000, sge->addr, sge->length,
						into ? IBV_ACCESS_LOCAL_WRITE : 0);

		if (!local)
			return false;
		memcpy(into ? local : remote, into ? remote : local, sge->length);
		remote += sge->length;
		if (inlined)
			inlined += sge->length;
	}
	return true;
}

/* Carries out one request; returns what it ends with. */
static enum ibv_wc_status
carry_out(struct fake_qp *from, struct fake_request *request)
{
	struct ibv_send_wr *wr = &request->wr;
	struct fake_qp *to = pair_of(from->dest);
	bool reading = wr->opcode == IBV_WR_RDMA_READ;
	bool adding = wr->opcode == IBV_WR_ATOMIC_FETCH_AND_ADD;
	uint64_t bytes = length_of(request);
	int access = reading  ? IBV_ACCESS_REMOTE_READ
		     : adding ? IBV_ACCESS_REMOTE_ATOMIC
			      : IBV_ACCESS_REMOTE_WRITE;
	uint8_t *remote = NULL;

	if (from->broken)
		return IBV_WC_WR_FLUSH_ERR;
	if (fake.refuse) {
		enum ibv_wc_status refused = fake.refuse;

		fake.refuse = IBV_WC_SUCCESS;
		return refused;
	}
	if (!to || to->state < IBV_QPS_RTR || to->dest != from->qp.qp_num ||
	    to->awaited != from->first)
		return IBV_WC_RETRY_EXC_ERR;
	if (bytes > 0) {
		remote =
		    adding
			? find(wr->wr.atomic.rkey, 5000, wr->wr.atomic.remote_addr, bytes, access)
			: find(wr->wr.rdma.rkey, 5000, wr->wr.rdma.remote_addr, bytes, access);
		if (!remote)
			return IBV_WC_REM_ACCESS_ERR;
		if (!move(request, remote, reading || adding))
			return IBV_WC_LOC_PROT_ERR;
	}
	if (adding)
		*(uint64_t *)(void *)remote += wr->wr.atomic.compare_add;
	fake.packets++;
	if (wr->opcode == IBV_WR_RDMA_WRITE_WITH_IMM)
		deliver_immediate(to, wr);
	return IBV_WC_SUCCESS;
}

static void
run_one(struct fake_qp *pair)
{
	struct fake_request *request = &pair->requests[pair->got++ % QUEUE];
	enum ibv_wc_status status = carry_out(pair, request);

	pair->unreported++;
	if (status)
		pair->broken = true;
	if (!status && !(request->wr.send_flags & IBV_SEND_SIGNALED))
		return;
	complete(pair->qp.send_cq,
		 (struct ibv_wc){
		     .wr_id = request->wr.wr_id, .status = status, .qp_num = pair->qp.qp_num},
		 pair->unreported);
	pair->unreported = 0;
}

void
fake_run(int n)
{
	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < PAIRS; i++) {
		while (n > 0 && pairs[i] && pairs[i]->got != pairs[i]->put) {
			run_one(pairs[i]);
			n--;
		}
	}
	pthread_mutex_unlock(&lock);
}

static int
post_one(struct fake_qp *own, const struct ibv_send_wr *wr)
{
	struct fake_request *request = &own->requests[own->put % QUEUE];

	if (fake_fails("ibv_post_send"))
		return ENOMEM;
	if (own->state != IBV_QPS_RTS)
		return EINVAL;
	if (own->used == own->room) {
		fake.overrun++;
		return ENOMEM;
	}
	*request = (struct fake_request){.wr = *wr};
	if ((uint32_t)wr->num_sge > own->sges_max ||
	    (wr->opcode == IBV_WR_RDMA_READ && wr->num_sge > fake.attr.max_sge_rd))
		return EINVAL;
	for (int i = 0; i < wr->num_sge; i++)
		request->sges[i] = wr->sg_list[i];
	if (wr->send_flags & IBV_SEND_INLINE) {
		uint8_t *to = request->bytes;

		if (length_of(request) > own->inline_max)
			return EINVAL;
		for (int i = 0; i < wr->num_sge; i++) {
			memcpy(to, (void *)(uintptr_t)wr->sg_list[i].addr, wr->sg_list[i].length);
			to += wr->sg_list[i].length;
		}
	}
	own->put++;
	own->used++;
	if (!fake.paused)
		run_one(own);
	return 0;
}

static int
post_send(struct ibv_qp *qp, struct ibv_send_wr *wr, struct ibv_send_wr **bad)
{
	struct fake_qp *own = (struct fake_qp *)qp;
	int error = 0;

	pthread_mutex_lock(&lock);
	fake.posts++;
	for (; wr && !error; wr = wr->next) {
		*bad = wr;
		error = post_one(own, wr);
	}
	pthread_mutex_unlock(&lock);
	return error;
}
