#include "verbs_fake_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PAIRS 64

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

static struct fake_qp *pairs[PAIRS];
static uint32_t next_number;

/* ---- Queue pairs ---- */

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
	made = fake_create("ibv_create_qp", sizeof *made);
	if (!made)
		return NULL;
	made->requests = calloc(FAKE_QUEUE, sizeof *made->requests);
	made->room = attr->cap.max_send_wr;
	made->inline_max = attr->cap.max_inline_data;
	made->sges_max = attr->cap.max_send_sge;
	made->qp.context = pd->context;
	made->qp.pd = pd;
	made->qp.send_cq = attr->send_cq;
	made->qp.recv_cq = attr->recv_cq;
	made->qp.srq = attr->srq;
	fake_lock();
	made->qp.qp_num = 0x100 + next_number++ * 7;
	for (size_t i = 0; i < PAIRS; i++) {
		if (!pairs[i]) {
			pairs[i] = made;
			break;
		}
	}
	fake_unlock();
	return &made->qp;
}

int
ibv_destroy_qp(struct ibv_qp *qp)
{
	struct fake_qp *gone = (struct fake_qp *)qp;

	fake_lock();
	for (size_t i = 0; i < PAIRS; i++) {
		if (pairs[i] == gone)
			pairs[i] = NULL;
	}
	fake_unlock();
	free(gone->requests);
	return fake_destroy(gone);
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
	fake_lock();
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
	fake_unlock();
	return error;
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

void
fake_give_back(uint32_t number, uint32_t places)
{
	struct fake_qp *pair = pair_of(number);

	if (pair)
		pair->used -= places;
}

/* ---- Requests ---- */

static void
deliver_immediate(struct fake_qp *to, const struct ibv_send_wr *wr)
{
	uint64_t id;

	if (!fake_take_receive(to->qp.srq, &id)) {
		fake.missing++;
		return;
	}
	fake_complete(to->qp.recv_cq,
		      (struct ibv_wc){.wr_id = id,
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
					 : fake_find(sge->lkey, FAKE_LKEY, sge->addr, sge->length,
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
		remote = adding ? fake_find(wr->wr.atomic.rkey, FAKE_RKEY,
					    wr->wr.atomic.remote_addr, bytes, access)
				: fake_find(wr->wr.rdma.rkey, FAKE_RKEY, wr->wr.rdma.remote_addr,
					    bytes, access);
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
	struct fake_request *request = &pair->requests[pair->got++ % FAKE_QUEUE];
	enum ibv_wc_status status = carry_out(pair, request);

	pair->unreported++;
	if (status)
		pair->broken = true;
	if (!status && !(request->wr.send_flags & IBV_SEND_SIGNALED))
		return;
	fake_complete(pair->qp.send_cq,
		      (struct ibv_wc){
			  .wr_id = request->wr.wr_id, .status = status, .qp_num = pair->qp.qp_num},
		      pair->unreported);
	pair->unreported = 0;
}

void
fake_run(int n)
{
	fake_lock();
	for (size_t i = 0; i < PAIRS; i++) {
		while (n > 0 && pairs[i] && pairs[i]->got != pairs[i]->put) {
			run_one(pairs[i]);
			n--;
		}
	}
	fake_unlock();
}

static int
post_one(struct fake_qp *own, const struct ibv_send_wr *wr)
{
	struct fake_request *request = &own->requests[own->put % FAKE_QUEUE];

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

int
fake_post_send(struct ibv_qp *qp, struct ibv_send_wr *wr, struct ibv_send_wr **bad)
{
	struct fake_qp *own = (struct fake_qp *)qp;
	int error = 0;

	fake_lock();
	fake.posts++;
	for (; wr && !error; wr = wr->next) {
		*bad = wr;
		error = post_one(own, wr);
	}
	fake_unlock();
	return error;
}
