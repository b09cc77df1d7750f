#include "verbs_fake_parts.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#undef ibv_reg_mr

#define QUEUES 64
#define MRS    256

struct fake_cq {
	struct ibv_cq cq; /* first */
	struct ibv_wc entries[FAKE_QUEUE];
	uint32_t frees[FAKE_QUEUE]; /* places in the send queue that the completion gives back */
	uint32_t put, got;
	bool armed;
	int rang; /* events of it that were not taken */
};

struct fake_srq {
	struct ibv_srq srq; /* first */
	uint64_t ids[FAKE_QUEUE];
	uint32_t put, got, room;
};

struct fake_mr {
	struct ibv_mr mr; /* first */
	int access;
};

static struct fake_mr *mrs[MRS];
static struct fake_cq *queues[QUEUES];

/* ---- Memory ---- */

struct ibv_pd *
ibv_alloc_pd(struct ibv_context *context)
{
	struct ibv_pd *pd = fake_create("ibv_alloc_pd", sizeof *pd);

	if (pd)
		pd->context = context;
	return pd;
}

int
ibv_dealloc_pd(struct ibv_pd *pd)
{
	return fake_destroy(pd);
}

struct ibv_mr *
ibv_reg_mr(struct ibv_pd *pd, void *base, size_t bytes, int access)
{
	struct fake_mr *made = fake_create("ibv_reg_mr", sizeof *made);

	if (!made)
		return NULL;
	made->mr = (struct ibv_mr){.context = pd->context, .pd = pd, .addr = base, .length = bytes};
	made->access = access;
	fake_lock();
	for (uint32_t i = 0; i < MRS; i++) {
		if (!mrs[i]) {
			mrs[i] = made;
			made->mr.lkey = FAKE_LKEY + i;
			made->mr.rkey = FAKE_RKEY + i;
			break;
		}
	}
	fake_unlock();
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
	fake_lock();
	mrs[mr->lkey - FAKE_LKEY] = NULL;
	fake_unlock();
	return fake_destroy(mr);
}

void *
fake_find(uint32_t key, uint32_t first, uint64_t at, uint64_t bytes, int access)
{
	const struct fake_mr *mr = key >= first && key < first + MRS ? mrs[key - first] : NULL;
	uint64_t from;

	if (!mr || (mr->access & access) != access)
		return NULL;
	from = at - (uintptr_t)mr->mr.addr;
	return from <= mr->mr.length && bytes <= mr->mr.length - from ? (void *)(uintptr_t)at
								      : NULL;
}

/* ---- Completion queues ---- */

struct ibv_comp_channel *
ibv_create_comp_channel(struct ibv_context *context)
{
	struct ibv_comp_channel *made = fake_create("ibv_create_comp_channel", sizeof *made);

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
	return fake_destroy(channel);
}

struct ibv_cq *
ibv_create_cq(struct ibv_context *context, int entries, void *own, struct ibv_comp_channel *channel,
	      int vector)
{
	struct fake_cq *made = fake_create("ibv_create_cq", sizeof *made);

	(void)vector;
	if (!made)
		return NULL;
	made->cq.context = context;
	made->cq.cq_context = own;
	made->cq.channel = channel;
	made->cq.cqe = entries;
	fake_lock();
	for (size_t i = 0; i < QUEUES; i++) {
		if (!queues[i]) {
			queues[i] = made;
			break;
		}
	}
	fake_unlock();
	return &made->cq;
}

int
ibv_destroy_cq(struct ibv_cq *cq)
{
	fake_lock();
	for (size_t i = 0; i < QUEUES; i++) {
		if (queues[i] && &queues[i]->cq == cq)
			queues[i] = NULL;
	}
	fake_unlock();
	return fake_destroy(cq);
}

void
fake_complete(struct ibv_cq *cq, struct ibv_wc entry, uint32_t frees)
{
	struct fake_cq *own = (struct fake_cq *)cq;
	uint64_t once = 1;

	if (own->put - own->got >= (uint32_t)cq->cqe) {
		fake.overrun++;
		return;
	}
	own->frees[own->put % FAKE_QUEUE] = frees;
	own->entries[own->put++ % FAKE_QUEUE] = entry;
	if (own->armed) {
		own->armed = false;
		own->rang++;
		(void)!write(cq->channel->fd, &once, sizeof once);
	}
}

int
fake_poll_cq(struct ibv_cq *cq, int n, struct ibv_wc *entries)
{
	struct fake_cq *own = (struct fake_cq *)cq;
	int found = 0;

	fake_lock();
	for (; found < n && own->got != own->put; found++, own->got++) {
		entries[found] = own->entries[own->got % FAKE_QUEUE];
		fake_give_back(entries[found].qp_num, own->frees[own->got % FAKE_QUEUE]);
	}
	fake_unlock();
	return found;
}

int
fake_req_notify_cq(struct ibv_cq *cq, int solicited_only)
{
	(void)solicited_only;
	fake_lock();
	((struct fake_cq *)cq)->armed = true;
	fake_unlock();
	return 0;
}

int
ibv_get_cq_event(struct ibv_comp_channel *channel, struct ibv_cq **cq, void **own)
{
	uint64_t n;

	if (read(channel->fd, &n, sizeof n) < 0)
		return -1;
	fake_lock();
	for (size_t i = 0; i < QUEUES; i++) {
		if (queues[i] && queues[i]->cq.channel == channel && queues[i]->rang > 0) {
			queues[i]->rang--;
			*cq = &queues[i]->cq;
			break;
		}
	}
	fake_unlock();
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

/* ---- Shared receive queues ---- */

struct ibv_srq *
ibv_create_srq(struct ibv_pd *pd, struct ibv_srq_init_attr *attr)
{
	struct fake_srq *made = fake_create("ibv_create_srq", sizeof *made);

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
	return fake_destroy(srq);
}

int
fake_post_srq_recv(struct ibv_srq *srq, struct ibv_recv_wr *wr, struct ibv_recv_wr **bad)
{
	struct fake_srq *own = (struct fake_srq *)srq;
	int error = fake_fails("ibv_post_srq_recv") ? ENOMEM : 0;

	*bad = wr;
	fake_lock();
	for (; wr && !error; wr = wr->next) {
		*bad = wr;
		if (own->put - own->got >= own->room)
			error = ENOMEM;
		else
			own->ids[own->put++ % FAKE_QUEUE] = wr->wr_id;
	}
	fake_unlock();
	return error;
}

bool
fake_take_receive(struct ibv_srq *srq, uint64_t *id)
{
	struct fake_srq *own = (struct fake_srq *)srq;

	if (own->put == own->got)
		return false;
	*id = own->ids[own->got++ % FAKE_QUEUE];
	return true;
}
