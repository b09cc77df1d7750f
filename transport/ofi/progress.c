#include "ofi/ofi.h"

#include <errno.h>
#include <sys/epoll.h>

#define ENTRIES         16        /* completions read at once */
#define BUSY_TURNS_MAX  16        /* turns that find work before peers are told what was taken */
#define IDLE_TURNS_MIN  16        /* turns that find none, before which it may go with a signal */
#define WATCH_PERIOD_NS 25000000  /* between two looks for quiet peers */
#define PROBE_NS        100000000 /* of quiet before a peer is asked for a sign of life */
#define PROBES_MAX      20        /* each after twice the time of the one before */

static void
complete(struct strads_ofi *ofi, struct strads_ofi_op *op)
{
	if (op->stage && op->kind == STRADS_OFI_GET && op->status == STRADS_OK)
		strads_ofi_stage_empty(op);
	for (struct strads_ofi_op *mate = op->mates; mate && mate != op;) {
		struct strads_ofi_op *next = mate->next;

		if (op->status)
			strads_ofi_op_fail(mate, op->status);
		mate->pending--;
		strads_ofi_op_settle(ofi, mate);
		mate = next;
	}
	op->mates = NULL;
	op->pending--;
	strads_ofi_op_settle(ofi, op);
}

static void
read_failure(struct strads_ofi *ofi)
{
	struct fi_cq_err_entry entry = {.err_data_size = 0};
	struct strads_ofi_op *op;
	int told;

	if (fi_cq_readerr(ofi->cq, &entry, 0) <= 0)
		return;
	op = strads_ofi_op_of(ofi, entry.op_context);
	told = strads_ofi_signal_told(ofi, entry.op_context);
	if (op) {
		strads_ofi_peer_lose(ofi, op->peer, entry.err, entry.prov_errno);
		strads_ofi_op_fail(op, STRADS_ERR_PEER);
		complete(ofi, op);
	} else if (told >= 0) {
		strads_ofi_peer_lose(ofi, told, entry.err, entry.prov_errno);
	} else if (entry.err != FI_ECANCELED) { /* that is a peer's operation cut short */
		strads_ofi_break(
		    ofi, STRADS_ERR_FABRIC, "libfabric provider %s fails: %s (%s)",
		    ofi->info->fabric_attr->prov_name, fi_strerror(entry.err),
		    fi_cq_strerror(ofi->cq, entry.prov_errno, entry.err_data, NULL, 0));
	}
}

static void
take_entries(struct strads_ofi *ofi, const struct fi_cq_data_entry *entries, ssize_t n)
{
	for (ssize_t i = 0; i < n; i++) {
		struct strads_ofi_op *op;

		if (entries[i].flags & FI_REMOTE_CQ_DATA) {
			strads_ofi_signal_arrived(ofi, entries[i].data);
			continue;
		}
		op = strads_ofi_op_of(ofi, entries[i].op_context);
		if (op)
			complete(ofi, op);
		else
			(void)strads_ofi_signal_told(ofi, entries[i].op_context);
	}
}

bool
strads_ofi_drain(struct strads_ofi *ofi)
{
	struct fi_cq_data_entry entries[ENTRIES];
	ssize_t n = fi_cq_read(ofi->cq, entries, ENTRIES);

	if (n > 0)
		take_entries(ofi, entries, n);
	else if (n == -FI_EAVAIL)
		read_failure(ofi);
	else if (n < 0 && n != -FI_EAGAIN)
		strads_ofi_break(ofi, STRADS_ERR_FABRIC,
				 "libfabric provider %s fails to read completions: %s",
				 ofi->info->fabric_attr->prov_name, fi_strerror((int)-n));
	if (ofi->first_loading)
		strads_ofi_bundles_post(ofi);
	if (ofi->first_held)
		strads_ofi_ops_advance(ofi);
	return n > 0 || n == -FI_EAVAIL;
}

/* Looks at one peer that owes answers. A put-signal completes for libfabric before it arrives, so
 * only a probe can show that nobody is there to take it. */
static void
watch(struct strads_ofi *ofi, int rank, uint64_t now)
{
	struct strads_ofi_peer *peer = &ofi->peers[rank];
	uint64_t quiet;

	if (peer->outstanding == 0 || peer->finished != peer->watched || peer->quiet_ns == 0) {
		peer->watched = peer->finished;
		peer->quiet_ns = peer->outstanding == 0 ? 0 : now;
		peer->probes = 0;
		return;
	}
	quiet = now - peer->quiet_ns;
	if (quiet >= ofi->timeout_ns) {
		strads_ofi_break(ofi, STRADS_ERR_TIMEOUT,
				 "rank %d has not answered for %.0f s: %llu operations wait", rank,
				 (double)quiet * 1e-9, (unsigned long long)peer->outstanding);
	} else if (peer->probes < PROBES_MAX && quiet >= (uint64_t)PROBE_NS << peer->probes) {
		peer->probes += strads_ofi_probe(ofi, rank);
	}
}

static void
watch_all(struct strads_ofi *ofi)
{
	uint64_t now = strads_monotone_ns();

	if (now < ofi->watch_ns)
		return;
	ofi->watch_ns = now + WATCH_PERIOD_NS;
	for (int peer = 0; peer < ofi->size; peer++) {
		if (peer != ofi->rank && !ofi->peers[peer].error)
			watch(ofi, peer, now);
	}
}

/* Counts the operations that are done. */
static void
settle(struct strads_ofi *ofi, struct strads_ofi_op *op)
{
	while (op) {
		struct strads_ofi_op *next = op->next;
		struct strads_ofi_peer *peer = &ofi->peers[op->peer];

		if (op->kind != STRADS_OFI_PROBE) {
			peer->outstanding--;
			peer->finished++;
			ofi->outstanding--;
			if (op->status) {
				strads_ofi_lost(ofi, op->peer);
				strads_fabric_failed(ofi->fabric, op->peer, op->status);
			}
			strads_counter_done(op->counter, op->status);
		}
		strads_ofi_op_free(ofi, op);
		op = next;
	}
}

/* Whether it is time for what can wait: nothing comes any more, or something all the time. */
static bool
is_quiet(struct strads_ofi *ofi, bool worked)
{
	if (worked) {
		ofi->idle_turns = 0;
		if (++ofi->busy_turns < BUSY_TURNS_MAX)
			return false;
	} else if (++ofi->idle_turns < IDLE_TURNS_MIN) {
		return false;
	}
	ofi->busy_turns = 0;
	return true;
}

int
strads_ofi_progress(void *context)
{
	struct strads_ofi *ofi = context;
	struct strads_ofi_op *done;
	int status;

	strads_server_turn(&ofi->server);
	atomic_store_explicit(&ofi->barred_ns, 0, memory_order_relaxed);
	ofi->holding = false;
	if (!strads_baton_try(&ofi->baton))
		return STRADS_OK;
	if (is_quiet(ofi, strads_ofi_drain(ofi))) {
		if (ofi->first_telling)
			strads_ofi_signal_tell(ofi);
		if (ofi->outstanding > 0 && strads_pace_due(&ofi->pace))
			watch_all(ofi);
	}
	ofi->kept = ofi->first_loading != NULL;
	if (ofi->kept)
		strads_server_leave(&ofi->server);
	done = ofi->done_first;
	ofi->done_first = NULL;
	status = ofi->status;
	strads_baton_pass(&ofi->baton);
	settle(ofi, done);
	return status ? strads_fail(status, "%s", ofi->why) : STRADS_OK;
}

int
strads_ofi_wait_fd(void *context)
{
	const struct strads_ofi *ofi = context;

	return ofi->gate;
}

/* Links libfabric's descriptor with the one that the owner sleeps on. It stays apart while the
 * owner is awake, for every packet would notify the whole chain of epolls on its way in. */
static bool
open_gate(struct strads_ofi *ofi)
{
	struct epoll_event event = {.events = EPOLLIN};

	return epoll_ctl(ofi->gate, EPOLL_CTL_ADD, ofi->fd, &event) == 0 || errno == EEXIST;
}

/* Everything that the server may have done for the owner must be seen before it sleeps, and from
 * then on the server leaves the descriptor alone. */
int
strads_ofi_sleep_prepare(void *context)
{
	struct strads_ofi *ofi = context;
	struct fid *fids[] = {&ofi->cq->fid};
	bool quiet;

	if (ofi->fd < 0 || !strads_baton_try(&ofi->baton))
		return STRADS_AGAIN;
	quiet = !ofi->done_first && !ofi->status && strads_ofi_bundles_post(ofi) &&
		strads_ofi_signal_tell(ofi) && fi_trywait(ofi->root, fids, 1) == 0 &&
		open_gate(ofi);
	if (quiet)
		strads_server_hush(&ofi->server);
	strads_baton_pass(&ofi->baton);
	return quiet ? STRADS_OK : STRADS_AGAIN;
}

void
strads_ofi_sleep_done(void *context)
{
	struct strads_ofi *ofi = context;

	if (!atomic_load_explicit(&ofi->server.asleep, memory_order_relaxed))
		return;
	epoll_ctl(ofi->gate, EPOLL_CTL_DEL, ofi->fd, NULL);
	strads_server_resume(&ofi->server);
}
