/*
 * Two processes exchange what a put-signal over ofi is made of, by libfabric alone: one RMA write
 * of the 8 bytes and of a note beside them, with completion data, over tcp;ofi_rxm on the loopback.
 * As in a put-signal the writer learns from the answer, not from its own completion, that the peer
 * has the bytes; with FI_DELIVERY_COMPLETE, where libfabric acknowledges every write by itself, the
 * exchange takes twice as long. The queue can be slept on (FI_WAIT_FD), as that of every program
 * that does not burn a processor must be; one that cannot saves about a microsecond.
 */
#include "baseline.h"

#include <rdma/fabric.h>
#include <rdma/fi_cm.h>
#include <rdma/fi_domain.h>
#include <rdma/fi_endpoint.h>
#include <rdma/fi_errno.h>
#include <rdma/fi_rma.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY      7
#define CONTEXTS 64 /* writes that may be under way; answers come much sooner */

/* What the peer writes, and what is written to it. */
struct memory {
	uint64_t in[2]; /* payload, word */
	uint64_t note[4];
	uint64_t out[2];
	uint64_t own_note[4];
};

struct card {
	uint64_t base;
	uint64_t bytes;
	char address[128];
};

struct bare {
	struct fi_info *info;
	struct fid_fabric *fabric;
	struct fid_domain *domain;
	struct fid_av *av;
	struct fid_cq *cq;
	struct fid_ep *ep;
	struct fid_mr *mr;
	fi_addr_t peer;
	uint64_t remote; /* base of the peer's memory */
	uint64_t seen;   /* the last word that came */
	uint64_t posted;
	struct fi_context2 contexts[CONTEXTS];
	struct memory memory;
};

static int
failed(const char *what, long code)
{
	fprintf(stderr, "%s: %s\n", what, fi_strerror((int)-code));
	return -1;
}

static int
bare_prepare(void **context)
{
	*context = calloc(1, sizeof(struct bare)); /* each rank has a copy once it is forked */
	return *context ? 0 : -1;
}

static struct fi_info *
find_provider(void)
{
	struct fi_info *hints = fi_allocinfo();
	struct fi_info *info = NULL;

	if (!hints)
		return NULL;
	hints->caps = FI_RMA;
	hints->mode = FI_CONTEXT | FI_CONTEXT2;
	hints->ep_attr->type = FI_EP_RDM;
	hints->domain_attr->threading = FI_THREAD_DOMAIN;
	hints->fabric_attr->prov_name = strdup("tcp;ofi_rxm");
	if (fi_getinfo(FI_VERSION(1, 17), "127.0.0.1", NULL, FI_SOURCE, hints, &info))
		info = NULL;
	fi_freeinfo(hints);
	return info;
}

static int
open_endpoint(struct bare *bare)
{
	struct fi_av_attr av = {.type = FI_AV_UNSPEC};
	struct fi_cq_attr cq = {.format = FI_CQ_FORMAT_DATA, .wait_obj = FI_WAIT_FD};
	int code = fi_fabric(bare->info->fabric_attr, &bare->fabric, NULL);

	if (!code)
		code = fi_domain(bare->fabric, bare->info, &bare->domain, NULL);
	if (!code)
		code = fi_av_open(bare->domain, &av, &bare->av, NULL);
	if (!code)
		code = fi_cq_open(bare->domain, &cq, &bare->cq, NULL);
	if (!code)
		code = fi_endpoint(bare->domain, bare->info, &bare->ep, NULL);
	if (!code)
		code = fi_ep_bind(bare->ep, &bare->av->fid, 0);
	if (!code)
		code = fi_ep_bind(bare->ep, &bare->cq->fid, FI_TRANSMIT | FI_RECV);
	if (!code)
		code = fi_enable(bare->ep);
	if (!code)
		code = fi_mr_reg(bare->domain, &bare->memory, sizeof bare->memory,
				 FI_WRITE | FI_REMOTE_WRITE, 0, KEY, 0, &bare->mr, NULL);
	return code ? failed("open", code) : 0;
}

static int
bare_open(void *context, struct strads_job *job)
{
	struct bare *bare = context;
	int peer = 1 - strads_job_rank(job);
	struct card mine = {.bytes = sizeof mine.address};
	struct card all[2];

	bare->info = find_provider();
	if (!bare->info)
		return failed("find tcp;ofi_rxm", -FI_ENODATA);
	if (open_endpoint(bare))
		return -1;
	if (fi_getname(&bare->ep->fid, mine.address, &mine.bytes))
		return failed("name", -FI_EINVAL);
	if (strads_job_allgather(job, &mine, sizeof mine, all) != STRADS_OK)
		return -1;
	bare->remote = all[peer].base;
	if (fi_av_insert(bare->av, all[peer].address, 1, &bare->peer, 0, NULL) != 1)
		return failed("insert", -FI_EINVAL);
	return 0;
}

static void
bare_close(void *context)
{
	struct bare *bare = context;

	if (bare->mr)
		fi_close(&bare->mr->fid);
	if (bare->ep)
		fi_close(&bare->ep->fid);
	if (bare->cq)
		fi_close(&bare->cq->fid);
	if (bare->av)
		fi_close(&bare->av->fid);
	if (bare->domain)
		fi_close(&bare->domain->fid);
	if (bare->fabric)
		fi_close(&bare->fabric->fid);
	if (bare->info)
		fi_freeinfo(bare->info);
	free(bare);
}

static int
progress(struct bare *bare)
{
	struct fi_cq_data_entry entries[16];
	ssize_t n = fi_cq_read(bare->cq, entries, 16);

	if (n < 0 && n != -FI_EAGAIN)
		return failed("read completions", n);
	for (ssize_t i = 0; i < n; i++) {
		if (entries[i].flags & FI_REMOTE_CQ_DATA)
			bare->seen = bare->memory.note[0];
	}
	return 0;
}

static int
send_word(struct bare *bare, uint64_t word)
{
	struct memory *memory = &bare->memory;
	struct iovec local[2] = {
	    {.iov_base = memory->out, .iov_len = sizeof memory->out[0]},
	    {.iov_base = memory->own_note, .iov_len = sizeof memory->own_note}};
	struct fi_rma_iov remote[2] = {{.addr = bare->remote + offsetof(struct memory, in),
					.len = sizeof memory->in[0],
					.key = KEY},
				       {.addr = bare->remote + offsetof(struct memory, note),
					.len = sizeof memory->note,
					.key = KEY}};
	struct fi_msg_rma message = {.msg_iov = local,
				     .iov_count = 2,
				     .addr = bare->peer,
				     .rma_iov = remote,
				     .rma_iov_count = 2,
				     .context = &bare->contexts[bare->posted++ % CONTEXTS],
				     .data = word};
	ssize_t code;

	memory->own_note[0] = word;
	while ((code = fi_writemsg(bare->ep, &message, FI_COMPLETION | FI_REMOTE_CQ_DATA)) ==
	       -FI_EAGAIN) {
		if (progress(bare))
			return -1;
	}
	return code ? failed("write", code) : 0;
}

static int
bare_ping_pong(void *context, int rank, uint64_t first, uint64_t rounds)
{
	struct bare *bare = context;

	for (uint64_t k = first + 1; k <= first + rounds; k++) {
		if (rank == 0 && send_word(bare, k))
			return -1;
		while (bare->seen < k) {
			if (progress(bare))
				return -1;
		}
		if (rank == 1 && send_word(bare, k))
			return -1;
	}
	return 0;
}

const struct baseline baseline_libfabric_write = {
    .fabric = "ofi",
    .what = "libfabric, the same write",
    .prepare = bare_prepare,
    .open = bare_open,
    .close = bare_close,
    .ping_pong = bare_ping_pong,
};
