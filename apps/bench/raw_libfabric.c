/*
 * Two processes on libfabric alone, over the provider and with the completion level that strads has
 * on this path: one write until it is delivered, one read, many of them under way, and what a
 * put-signal is made of: a write of the payload and of a note beside it, with completion data. As
 * of a put-signal its writer learns from the answer that the peer has the bytes. The queue can be
 * slept on (FI_WAIT_FD), as that of every program that does not burn a processor must be; one that
 * cannot saves about a microsecond.
 */
#include "raw.h"

#include <rdma/fabric.h>
#include <rdma/fi_cm.h>
#include <rdma/fi_domain.h>
#include <rdma/fi_endpoint.h>
#include <rdma/fi_errno.h>
#include <rdma/fi_rma.h>
#include <stdlib.h>
#include <string.h>

#define KEY         7
#define PAGE        4096
#define FUSED_BYTES 8192 /* a longer payload is a write of its own before the note's */
#define NOTE        32   /* bytes */

#define MR_MODES (FI_MR_LOCAL | FI_MR_VIRT_ADDR | FI_MR_ALLOCATED | FI_MR_PROV_KEY | FI_MR_ENDPOINT)

/* Registered as a whole: what the peer writes, what it reads, what this rank sends. */
enum part { PART_NOTE, PART_IN, PART_SHELF, PART_OWN, PARTS };

struct card {
	uint64_t base;
	uint64_t key;
	uint64_t bytes;
	char address[128];
};

struct bare {
	struct strads_bench *bench;
	struct fi_info *info;
	struct fid_fabric *fabric;
	struct fid_domain *domain;
	struct fid_av *av;
	struct fid_cq *cq;
	struct fid_ep *ep;
	struct fid_mr *mr;
	uint64_t delivered; /* the completion level */
	fi_addr_t peer;
	struct card remote;
	size_t stride;
	uint8_t *memory;              /* [PARTS] strides; the note's page first */
	struct fi_context2 *contexts; /* [tx_depth] */
	uint64_t posted, done;        /* writes and reads */
	uint64_t seen;                /* the last word that came */
	uint64_t word;
};

static int
failed(const char *what, long code)
{
	return strads_fail(STRADS_ERR_FABRIC, "bare libfabric cannot %s: %s", what,
			   fi_strerror((int)-code));
}

static size_t
offset_of(const struct bare *bare, enum part part)
{
	return part == PART_NOTE ? 0 : PAGE + (size_t)(part - 1) * bare->stride;
}

static size_t
memory_bytes(const struct bare *bare)
{
	return offset_of(bare, PARTS);
}

/* ---- Life ---- */

/* Of a fabric's path, "ofi:PROVIDER", the provider. */
static struct fi_info *
find_provider(const struct bare *bare, bool one_host)
{
	struct fi_info *hints = fi_allocinfo(), *info = NULL;

	if (!hints)
		return NULL;
	hints->caps = FI_RMA;
	hints->mode = FI_CONTEXT | FI_CONTEXT2;
	hints->ep_attr->type = FI_EP_RDM;
	hints->domain_attr->threading = FI_THREAD_DOMAIN;
	hints->domain_attr->mr_mode = MR_MODES;
	hints->tx_attr->op_flags = bare->delivered;
	hints->fabric_attr->prov_name = strdup(bare->bench->path + strlen("ofi:"));
	if (!one_host || fi_getinfo(FI_VERSION(1, 17), "127.0.0.1", NULL, FI_SOURCE, hints, &info))
		info = NULL;
	if (!info && fi_getinfo(FI_VERSION(1, 17), NULL, NULL, 0, hints, &info))
		info = NULL;
	fi_freeinfo(hints);
	if (info)
		info->tx_attr->op_flags = 0; /* asked for operation by operation */
	return info;
}

static int
register_memory(struct bare *bare)
{
	uint64_t access = FI_WRITE | FI_READ | FI_REMOTE_WRITE | FI_REMOTE_READ;
	int code = fi_mr_reg(bare->domain, bare->memory, memory_bytes(bare), access, 0, KEY, 0,
			     &bare->mr, NULL);

	if (!code && (bare->info->domain_attr->mr_mode & FI_MR_ENDPOINT)) {
		code = fi_mr_bind(bare->mr, &bare->ep->fid, 0);
		if (!code)
			code = fi_mr_enable(bare->mr);
	}
	return code;
}

static int
open_endpoint(struct bare *bare)
{
	struct fi_av_attr av = {.type = FI_AV_UNSPEC};
	struct fi_cq_attr cq = {.format = FI_CQ_FORMAT_DATA,
				.wait_obj = FI_WAIT_FD,
				.size = 4 * (bare->bench->options->tx_depth + 2)};
	int code = fi_fabric(bare->info->fabric_attr, &bare->fabric, NULL);

	if (!code)
		code = fi_domain(bare->fabric, bare->info, &bare->domain, NULL);
	if (!code)
		code = fi_av_open(bare->domain, &av, &bare->av, NULL);
	if (!code && fi_cq_open(bare->domain, &cq, &bare->cq, NULL)) {
		cq.wait_obj = FI_WAIT_NONE;
		code = fi_cq_open(bare->domain, &cq, &bare->cq, NULL);
	}
	if (!code)
		code = fi_endpoint(bare->domain, bare->info, &bare->ep, NULL);
	if (!code)
		code = fi_ep_bind(bare->ep, &bare->av->fid, 0);
	if (!code)
		code = fi_ep_bind(bare->ep, &bare->cq->fid, FI_TRANSMIT | FI_RECV);
	if (!code)
		code = fi_enable(bare->ep);
	if (!code)
		code = register_memory(bare);
	return code ? failed("open an endpoint", code) : STRADS_OK;
}

static int
describe(struct bare *bare, struct card *card)
{
	size_t bytes = sizeof card->address;
	int code = fi_getname(&bare->ep->fid, card->address, &bytes);
	bool virtual = bare->info->domain_attr->mr_mode & FI_MR_VIRT_ADDR;

	if (code)
		return failed("tell its address", code);
	card->bytes = bytes;
	card->base = virtual ? (uint64_t)(uintptr_t)bare->memory : 0;
	card->key = fi_mr_key(bare->mr);
	return STRADS_OK;
}

static int
open_end(struct bare *bare, bool one_host)
{
	size_t depth = bare->bench->options->tx_depth + 2;

	bare->memory = aligned_alloc(PAGE, memory_bytes(bare));
	bare->contexts = calloc(depth, sizeof *bare->contexts);
	if (!bare->memory || !bare->contexts)
		return strads_fail(STRADS_ERR_MEMORY, "no memory for bare libfabric");
	memset(bare->memory, 0, memory_bytes(bare));
	bare->info = find_provider(bare, one_host);
	return bare->info ? open_endpoint(bare) : failed("find the provider", -FI_ENODATA);
}

static int
join(struct bare *bare)
{
	struct strads_job *job = strads_fabric_job(bare->bench->fabric);
	int rank = bare->bench->team.rank, status;
	struct card mine = {.bytes = 0};
	bool one_host = true;
	void *all;

	status = strads_raw_one_host(bare->bench, &one_host);
	if (status)
		return status;
	if (rank < 2)
		status = open_end(bare, one_host);
	if (!status && rank < 2)
		status = describe(bare, &mine);
	status = strads_job_gather(job, status, &mine, sizeof mine, &all);
	if (status)
		return status;
	if (rank < 2 && bare->av) {
		bare->remote = ((const struct card *)all)[1 - rank];
		if (fi_av_insert(bare->av, bare->remote.address, 1, &bare->peer, 0, NULL) != 1)
			status = failed("take the peer's address", -FI_EINVAL);
	}
	free(all);
	return strads_job_agree(job, status);
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
	free(bare->contexts);
	free(bare->memory);
	free(bare);
}

static int
bare_open(struct strads_bench *bench, void **context)
{
	struct bare *bare = calloc(1, sizeof *bare);
	struct strads_fabric_info info;
	int status = bare ? STRADS_OK : strads_fail(STRADS_ERR_MEMORY, "no memory");

	status = strads_job_agree(strads_fabric_job(bench->fabric), status);
	if (status || !bare) {
		free(bare);
		return status;
	}
	strads_fabric_query(bench->fabric, bench->team.rank == 0, &info);
	bare->bench = bench;
	bare->stride = (bench->bytes_max + PAGE - 1) / PAGE * PAGE;
	bare->delivered =
	    strcmp(info.completion, "delivered") == 0 ? FI_DELIVERY_COMPLETE : FI_TRANSMIT_COMPLETE;
	status = join(bare);
	if (status)
		bare_close(bare);
	else
		*context = bare;
	return status;
}

/* ---- Operations ---- */

static int
progress(struct bare *bare)
{
	struct fi_cq_data_entry entries[16];
	ssize_t n = fi_cq_read(bare->cq, entries, 16);

	if (n < 0 && n != -FI_EAGAIN)
		return failed("read completions", n);
	for (ssize_t i = 0; i < n; i++) {
		if (entries[i].flags & FI_REMOTE_CQ_DATA)
			memcpy(&bare->seen, bare->memory, sizeof bare->seen);
		else
			bare->done++;
	}
	return STRADS_OK;
}

/* Until the peer's word has come, or so many operations are done. */
static int
await(struct bare *bare, uint64_t word, uint64_t done)
{
	struct strads_raw_wait wait = {0};
	int status = STRADS_OK;

	while (!status && (bare->seen < word || bare->done < done)) {
		status = progress(bare);
		if (!status)
			status = strads_raw_turn(bare->bench, &wait);
	}
	return status;
}

static void *
context_of(struct bare *bare)
{
	return &bare->contexts[bare->posted % (bare->bench->options->tx_depth + 2)];
}

/* Starts a write into the peer's inbox, or a read of its shelf. */
static int
start(struct bare *bare, bool read, size_t bytes, uint64_t flags)
{
	void *desc = fi_mr_desc(bare->mr);
	struct iovec local = {.iov_base = bare->memory + offset_of(bare, PART_OWN),
			      .iov_len = bytes};
	struct fi_rma_iov remote = {.addr = bare->remote.base +
					    offset_of(bare, read ? PART_SHELF : PART_IN),
				    .len = bytes,
				    .key = bare->remote.key};
	struct fi_msg_rma message = {.msg_iov = &local,
				     .desc = &desc,
				     .iov_count = 1,
				     .addr = bare->peer,
				     .rma_iov = &remote,
				     .rma_iov_count = 1,
				     .context = context_of(bare)};
	ssize_t code;

	while ((code = read ? fi_readmsg(bare->ep, &message, FI_COMPLETION)
			    : fi_writemsg(bare->ep, &message, FI_COMPLETION | flags)) ==
	       -FI_EAGAIN) {
		int status = progress(bare);

		if (status)
			return status;
	}
	bare->posted++;
	return code ? failed(read ? "read" : "write", code) : STRADS_OK;
}

/* The note, and a payload of up to FUSED_BYTES with it. */
static int
send_note(struct bare *bare, size_t bytes, uint64_t word)
{
	uint8_t *own = bare->memory + offset_of(bare, PART_OWN), *note = bare->memory + PAGE / 2;
	void *desc[2] = {fi_mr_desc(bare->mr), fi_mr_desc(bare->mr)};
	struct iovec local[2] = {{.iov_base = own, .iov_len = bytes},
				 {.iov_base = note, .iov_len = NOTE}};
	struct fi_rma_iov remote[2] = {
	    {.addr = bare->remote.base + offset_of(bare, PART_IN),
	     .len = bytes,
	     .key = bare->remote.key},
	    {.addr = bare->remote.base, .len = NOTE, .key = bare->remote.key}};
	size_t first = bytes > 0 ? 0 : 1;
	struct fi_msg_rma message = {.msg_iov = local + first,
				     .desc = desc + first,
				     .iov_count = 2 - first,
				     .addr = bare->peer,
				     .rma_iov = remote + first,
				     .rma_iov_count = 2 - first,
				     .context = context_of(bare),
				     .data = (uint32_t)word};
	ssize_t code;

	memcpy(note, &word, sizeof word);
	while ((code = fi_writemsg(bare->ep, &message, FI_COMPLETION | FI_REMOTE_CQ_DATA)) ==
	       -FI_EAGAIN) {
		int status = progress(bare);

		if (status)
			return status;
	}
	bare->posted++;
	return code ? failed("write with data", code) : STRADS_OK;
}

static int
send_word(struct bare *bare, size_t bytes, uint64_t word)
{
	if (bytes > FUSED_BYTES) {
		int status = start(bare, false, bytes, 0);

		if (status)
			return status;
		bytes = 0;
	}
	return send_note(bare, bytes, word);
}

/* ---- The patterns ---- */

static int
run_word(void *context, const struct strads_task *task, struct strads_samples *samples,
	 struct strads_taken *taken)
{
	struct bare *bare = context;
	bool first = bare->bench->team.rank == 0;
	struct strads_lap lap;

	if (bare->bench->team.rank > 1)
		return STRADS_OK;
	lap = strads_lap_start(bare->bench, task, samples);
	for (uint64_t k = 0; k < task->count; k++) {
		uint64_t word = ++bare->word;
		int status = first ? send_word(bare, task->bytes, word) : STRADS_OK;

		if (!status)
			status = await(bare, word, 0);
		if (!status && !first)
			status = send_word(bare, task->bytes, word);
		if (status)
			return status;
		if (first)
			strads_lap_done(&lap);
	}
	if (first)
		taken->elapsed_ns = strads_lap_elapsed(&lap);
	return await(bare, 0, bare->posted);
}

/* Rank 0 has up to `depth` operations under way; rank 1 keeps its endpoint moving until it is told
 * that all are done. */
static int
run_many(struct bare *bare, const struct strads_task *task, bool read, uint64_t depth,
	 struct strads_samples *samples, struct strads_taken *taken)
{
	uint64_t word = ++bare->word, before = bare->posted;
	struct strads_lap lap;
	int status;

	if (bare->bench->team.rank > 1)
		return STRADS_OK;
	if (bare->bench->team.rank == 1)
		return await(bare, word, 0);
	lap = strads_lap_start(bare->bench, task, samples);
	for (uint64_t k = 1; k <= task->count; k++) {
		status = start(bare, read, task->bytes, bare->delivered);
		if (!status && k >= depth)
			status = await(bare, 0, before + k - depth + 1);
		if (status)
			return status;
		strads_lap_done(&lap);
	}
	status = await(bare, 0, bare->posted);
	taken->elapsed_ns = strads_lap_elapsed(&lap);
	if (!status)
		status = send_note(bare, 0, word);
	return status ? status : await(bare, 0, bare->posted);
}

static int
run_put(void *context, const struct strads_task *task, struct strads_samples *samples,
	struct strads_taken *taken)
{
	return run_many(context, task, false, 1, samples, taken);
}

static int
run_get(void *context, const struct strads_task *task, struct strads_samples *samples,
	struct strads_taken *taken)
{
	return run_many(context, task, true, 1, samples, taken);
}

static int
run_put_bw(void *context, const struct strads_task *task, struct strads_samples *samples,
	   struct strads_taken *taken)
{
	const struct bare *bare = context;

	return run_many(context, task, false, bare->bench->options->tx_depth, samples, taken);
}

static int
run_get_bw(void *context, const struct strads_task *task, struct strads_samples *samples,
	   struct strads_taken *taken)
{
	const struct bare *bare = context;

	return run_many(context, task, true, bare->bench->options->tx_depth, samples, taken);
}

#define BARE(case, how)                                                                            \
	{                                                                                          \
		.what = (case), .name = "libfabric", .path = "ofi", .one_way = true,               \
		.open = bare_open, .run = (how), .close = bare_close                               \
	}

const struct strads_side strads_raw_libfabric[] = {
    BARE(STRADS_BENCH_PUT, run_put),
    BARE(STRADS_BENCH_GET, run_get),
    BARE(STRADS_BENCH_PUT_SIGNAL, run_word),
    BARE(STRADS_BENCH_PUT_BW, run_put_bw),
    BARE(STRADS_BENCH_GET_BW, run_get_bw),
    BARE(STRADS_BENCH_RATE, run_put_bw),
    {0},
};
