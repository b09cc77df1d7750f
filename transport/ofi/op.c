#include "ofi/ofi.h"

#define RECONNECT_NS 250000000 /* of refusal before a connection counts as broken */

void
strads_ofi_ops_init(struct strads_ofi *ofi)
{
	ofi->free = NULL;
	for (int i = STRADS_OFI_OPS - 1; i >= 0; i--)
		strads_ofi_op_free(ofi, &ofi->ops[i]);
}

void
strads_ofi_op_free(struct strads_ofi *ofi, struct strads_ofi_op *op)
{
	if (op->stage)
		strads_ofi_stage_give(ofi, op);
	op->next = ofi->free;
	ofi->free = op;
}

struct strads_ofi_op *
strads_ofi_op_of(const struct strads_ofi *ofi, const void *context)
{
	uintptr_t at = (uintptr_t)context - (uintptr_t)ofi->ops;

	return at < STRADS_OFI_OPS * sizeof *ofi->ops ? &ofi->ops[at / sizeof *ofi->ops] : NULL;
}

void
strads_ofi_op_fail(struct strads_ofi_op *op, int status)
{
	if (op->status == STRADS_OK)
		op->status = status;
	op->left = 0;
	op->note_due = false;
	op->untaken = false;
}

void
strads_ofi_op_settle(struct strads_ofi *ofi, struct strads_ofi_op *op)
{
	if (op->pending > 0 || op->left > 0 || op->note_due || op->untaken)
		return;
	if (op->kind == STRADS_OFI_PUT || op->kind == STRADS_OFI_SIGNAL)
		ofi->peers[op->peer].writes--;
	op->next = NULL;
	if (ofi->done_first)
		ofi->done_last->next = op;
	else
		ofi->done_first = op;
	ofi->done_last = op;
}

/* A peer that is connected refuses only for a moment. ofi_rxm does not tell that a connection is
 * gone, but tries to make it again, for ever if the peer is dead; and what was under way on the old
 * one is lost in any case. */
int
strads_ofi_op_refused(struct strads_ofi *ofi, int peer, ssize_t code)
{
	struct strads_ofi_peer *refusing = &ofi->peers[peer];
	bool broken = refusing->accepted && ofi->info->ep_attr->protocol == FI_PROTO_RXM;
	uint64_t patience =
	    broken && RECONNECT_NS < ofi->timeout_ns ? RECONNECT_NS : ofi->timeout_ns;
	uint64_t now;

	if (code == -FI_EAGAIN) {
		now = strads_monotone_ns();
		if (refusing->refused_ns == 0)
			refusing->refused_ns = now;
		if (now - refusing->refused_ns < patience)
			return STRADS_AGAIN;
		code = broken ? -FI_ENOTCONN : -FI_ETIMEDOUT;
	}
	strads_ofi_peer_lose(ofi, peer, (int)-code, 0);
	return STRADS_ERR_PEER;
}

void
strads_ofi_op_accepted(struct strads_ofi_peer *peer)
{
	peer->refused_ns = 0;
	peer->accepted = true;
}

void
strads_ofi_side_gather(const struct strads_ofi *ofi, const struct strads_ofi_op *op,
		       struct strads_cursor *cursor, size_t limit, struct strads_ofi_side *side)
{
	size_t most = op->left < ofi->message_bytes ? op->left : ofi->message_bytes;

	if (op->stage) {
		most = most < STRADS_OFI_STAGE_BYTES ? most : STRADS_OFI_STAGE_BYTES;
		if (side->n < limit)
			strads_ofi_stage_fill(ofi, op, cursor, most, side);
		return;
	}
	for (; most > 0 && side->n < limit; side->n++) {
		struct strads_run run = strads_cursor_next(cursor, most);

		side->iov[side->n] = (struct iovec){.iov_base = run.at, .iov_len = run.bytes};
		side->desc[side->n] = strads_ofi_desc(run.region);
		side->bytes += run.bytes;
		most -= run.bytes;
	}
}

/* Posts as much of the operation's bytes as one message carries. */
static ssize_t
post_part(struct strads_ofi *ofi, struct strads_ofi_op *op)
{
	struct strads_ofi_peer *peer = &ofi->peers[op->peer];
	struct strads_cursor next = op->local;
	struct strads_ofi_side side;
	struct fi_rma_iov remote;
	struct fi_msg_rma message;
	uint64_t flags = FI_COMPLETION;
	ssize_t code;

	side.n = side.bytes = 0;
	strads_ofi_side_gather(ofi, op, &next, ofi->iov_limit, &side);
	remote = (struct fi_rma_iov){.addr = op->remote, .len = side.bytes, .key = op->key};
	message = (struct fi_msg_rma){.msg_iov = side.iov,
				      .desc = side.desc,
				      .iov_count = side.n,
				      .addr = peer->address,
				      .rma_iov = &remote,
				      .rma_iov_count = 1,
				      .context = &op->io[0]};
	/* That a signal was taken shows that its payload had arrived before, if in order. */
	if (op->kind == STRADS_OFI_PUT || !ofi->ordered)
		flags |= ofi->delivered;
	if (op->kind == STRADS_OFI_GET)
		code = fi_readmsg(ofi->ep, &message, FI_COMPLETION);
	else
		code = fi_writemsg(ofi->ep, &message, flags);
	if (code)
		return code;
	strads_ofi_op_accepted(peer);
	op->pending++;
	op->local = next;
	op->remote += side.bytes;
	op->left -= side.bytes;
	return 0;
}

/* Posts the operation, which is alone in its bundle, and takes it out again if libfabric refuses.
 */
static ssize_t
post_alone(struct strads_ofi *ofi, const struct strads_ofi_op *op)
{
	ssize_t code = strads_ofi_bundle_post(ofi, op->peer);

	if (code)
		ofi->peers[op->peer].bundle = (struct strads_ofi_bundle){.notes = 0};
	return code;
}

/* Posts what can be posted of the operation now, with nothing before it. Returns libfabric's code
 * if it refuses. */
static ssize_t
post(struct strads_ofi *ofi, struct strads_ofi_op *op)
{
	ssize_t code;

	if (op->note_due && op->pending == 0 && strads_ofi_bundle_add(ofi, op))
		return post_alone(ofi, op);
	if (op->left > 0 && op->pending == 0) {
		code = post_part(ofi, op);
		if (code)
			return code;
	}
	if (!op->note_due || op->left > 0 || (!ofi->ordered && op->pending > 0) ||
	    !strads_ofi_bundle_add(ofi, op))
		return 0;
	return post_alone(ofi, op);
}

/* Keeps the operation back with those before it, if there is a reason and room. */
static bool
keep(struct strads_ofi *ofi, struct strads_ofi_op *op)
{
	if (!ofi->holding || op->kind == STRADS_OFI_GET || !strads_ofi_bundle_add(ofi, op))
		return false;
	strads_ofi_bundle_keep(ofi, op->peer);
	return true;
}

/* Posts the operation after what was kept back before it, or keeps it back too. */
static ssize_t
launch(struct strads_ofi *ofi, struct strads_ofi_op *op)
{
	ssize_t code;

	if (keep(ofi, op))
		return 0;
	code = strads_ofi_bundle_post(ofi, op->peer);
	if (code)
		return code;
	return keep(ofi, op) ? 0 : post(ofi, op);
}

/* Whether nothing more of the operation is to be posted but with its bundle. */
static bool
posted(const struct strads_ofi *ofi, const struct strads_ofi_op *op)
{
	return (op->left == 0 && !op->note_due) || ofi->peers[op->peer].bundle.last == op;
}

static void
hold(struct strads_ofi *ofi, struct strads_ofi_op *op)
{
	struct strads_ofi_peer *peer = &ofi->peers[op->peer];

	peer->held = op;
	peer->next_held = ofi->first_held;
	ofi->first_held = peer;
}

void
strads_ofi_ops_advance(struct strads_ofi *ofi)
{
	struct strads_ofi_peer **link = &ofi->first_held;

	while (*link) {
		struct strads_ofi_peer *peer = *link;
		ssize_t code = peer->held ? post(ofi, peer->held) : 0;

		if (code)
			strads_ofi_op_refused(ofi, (int)(peer - ofi->peers), code);
		if (peer->held && posted(ofi, peer->held))
			peer->held = NULL;
		if (peer->held)
			link = &peer->next_held;
		else
			*link = peer->next_held;
	}
}

/* Whether one more operation of this kind may be started to the peer. */
static bool
admits(const struct strads_ofi *ofi, const struct strads_ofi_peer *peer, enum strads_ofi_kind kind)
{
	if (peer->held || !ofi->free)
		return false;
	if (kind != STRADS_OFI_SIGNAL)
		return true;
	/* Out of order, a signal must wait until all that it vouches for has arrived. */
	return peer->sent + peer->bundle.notes - peer->acknowledged < STRADS_OFI_WINDOW &&
	       (ofi->ordered || peer->writes == 0);
}

static void
fill(struct strads_ofi_op *op, enum strads_ofi_kind kind, const struct strads_transfer *transfer)
{
	const struct strads_region_key *remote =
	    strads_ofi_remote(transfer->region, transfer->peer);

	op->counter = transfer->counter;
	op->kind = kind;
	op->peer = transfer->peer;
	op->status = STRADS_OK;
	op->pending = 0;
	op->note_due = kind == STRADS_OFI_SIGNAL;
	op->untaken = op->note_due;
	op->mates = NULL;
	op->stage = NULL;
	op->local = (struct strads_cursor){.piece = transfer->local};
	op->remote = remote->base + transfer->offset;
	op->key = remote->key;
	op->left = transfer->bytes;
	op->note.value = transfer->value;
	op->note.offset = transfer->offset + transfer->bytes;
	op->note.region = (uint32_t)transfer->region->id;
}

static int
start(struct strads_ofi *ofi, enum strads_ofi_kind kind, const struct strads_transfer *transfer)
{
	struct strads_ofi_peer *peer = &ofi->peers[transfer->peer];
	bool staged = strads_ofi_stage_pays(ofi, transfer);
	struct strads_ofi_op *op;
	ssize_t code;

	if (peer->error)
		return STRADS_ERR_PEER;
	if (!admits(ofi, peer, kind) || (staged && !ofi->free_stage))
		return STRADS_AGAIN;
	op = ofi->free;
	ofi->free = op->next;
	fill(op, kind, transfer);
	if (staged)
		strads_ofi_stage_take(ofi, op, transfer);
	code = launch(ofi, op);
	if (code && op->pending == 0) {
		strads_ofi_op_free(ofi, op);
		return strads_ofi_op_refused(ofi, transfer->peer, code);
	}
	if (!posted(ofi, op)) {
		if (!staged)
			strads_cursor_keep(&op->local, transfer, peer->held_local);
		hold(ofi, op);
	}
	if (kind != STRADS_OFI_GET)
		peer->writes++;
	peer->outstanding++;
	ofi->outstanding++;
	return STRADS_OK;
}

static int
transfer_start(void *context, enum strads_ofi_kind kind, const struct strads_transfer *transfer)
{
	struct strads_ofi *ofi = context;
	int status;

	if (transfer->bytes == 0 && kind != STRADS_OFI_SIGNAL) {
		strads_counter_done(transfer->counter, STRADS_OK);
		return STRADS_OK;
	}
	if (!strads_baton_try(&ofi->baton))
		return STRADS_AGAIN;
	status = start(ofi, kind, transfer);
	if (status < 0)
		status = strads_ofi_lost(ofi, transfer->peer);
	strads_baton_pass(&ofi->baton);
	return status;
}

int
strads_ofi_put(void *context, const struct strads_transfer *transfer)
{
	return transfer_start(context, STRADS_OFI_PUT, transfer);
}

int
strads_ofi_put_signal(void *context, const struct strads_transfer *transfer)
{
	return transfer_start(context, STRADS_OFI_SIGNAL, transfer);
}

int
strads_ofi_get(void *context, const struct strads_transfer *transfer)
{
	return transfer_start(context, STRADS_OFI_GET, transfer);
}

uint64_t
strads_ofi_outstanding(void *context, int peer)
{
	const struct strads_ofi *ofi = context;

	return ofi->peers[peer].outstanding;
}

/* The write of nothing that a probe is. */
static ssize_t
post_probe(struct strads_ofi *ofi, struct strads_ofi_op *op)
{
	struct strads_ofi_peer *peer = &ofi->peers[op->peer];
	void *desc = ofi->ops_mr ? fi_mr_desc(ofi->ops_mr) : NULL;
	struct iovec nothing = {.iov_base = &op->note, .iov_len = 0};
	struct fi_rma_iov remote = {.addr = peer->mailbox_base, .key = peer->mailbox_key};
	struct fi_msg_rma message = {.msg_iov = &nothing,
				     .desc = &desc,
				     .iov_count = 1,
				     .addr = peer->address,
				     .rma_iov = &remote,
				     .rma_iov_count = 1,
				     .context = &op->io[0]};

	return fi_writemsg(ofi->ep, &message, FI_COMPLETION | ofi->delivered);
}

bool
strads_ofi_probe(struct strads_ofi *ofi, int peer)
{
	struct strads_ofi_op *op = ofi->free;
	ssize_t code;

	if (!op)
		return false;
	*op = (struct strads_ofi_op){.kind = STRADS_OFI_PROBE, .peer = peer, .next = op->next};
	code = post_probe(ofi, op);
	if (code) {
		strads_ofi_op_refused(ofi, peer, code);
		return false;
	}
	strads_ofi_op_accepted(&ofi->peers[peer]);
	ofi->free = op->next;
	op->pending = 1;
	return true;
}
