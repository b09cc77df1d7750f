#include "ofi/ofi.h"

/* Whether the operation may go with those that the bundle has. */
static bool
suits(const struct strads_ofi *ofi, const struct strads_ofi_bundle *bundle,
      const struct strads_ofi_op *op)
{
	size_t ranges = bundle->ranges + (op->left > 0);
	bool noted = op->note_due || bundle->notes > 0;

	if (op->left > 0 && (!ofi->fused || ranges + noted > ofi->range_limit))
		return false;
	if (!bundle->first)
		return op->left <= STRADS_OFI_FUSED_BYTES;
	/* Out of order, what vouches for writes follows their completion. */
	return ofi->ordered && bundle->notes + op->note_due <= STRADS_OFI_NOTES &&
	       bundle->side.bytes + op->left <= STRADS_OFI_BUNDLE_BYTES;
}

static void
append(struct strads_ofi_bundle *bundle, struct strads_ofi_op *op)
{
	if (op->left > 0)
		bundle->remote[bundle->ranges++] =
		    (struct fi_rma_iov){.addr = op->remote, .len = op->left, .key = op->key};
	bundle->notes += op->note_due;
	op->next = NULL;
	if (bundle->first)
		bundle->last->next = op;
	else
		bundle->first = op;
	bundle->last = op;
}

bool
strads_ofi_bundle_add(struct strads_ofi *ofi, struct strads_ofi_op *op)
{
	struct strads_ofi_bundle *bundle = &ofi->peers[op->peer].bundle;
	struct strads_ofi_side *side = &bundle->side;
	size_t runs = side->n, bytes = side->bytes;

	if (!suits(ofi, bundle, op))
		return false;
	if (op->left > 0) {
		struct strads_cursor local = op->local;

		/* One run is left to the notes. */
		strads_ofi_side_gather(ofi, op, &local, ofi->iov_limit - 1, side);
		if (side->bytes - bytes < op->left) {
			side->n = runs;
			side->bytes = bytes;
			return false;
		}
	}
	append(bundle, op);
	return true;
}

void
strads_ofi_bundle_keep(struct strads_ofi *ofi, int rank)
{
	struct strads_ofi_peer *peer = &ofi->peers[rank];

	ofi->kept = true;
	if (peer->loading)
		return;
	if (!ofi->first_loading)
		strads_server_leave(&ofi->server);
	peer->loading = true;
	peer->next_loading = ofi->first_loading;
	ofi->first_loading = peer;
}

/* Where the notes go: one after the other from the slot that is next. */
static void
add_notes(struct strads_ofi *ofi, struct strads_ofi_peer *peer, struct strads_ofi_op *carrier)
{
	struct strads_ofi_bundle *bundle = &peer->bundle;
	struct strads_ofi_side *side = &bundle->side;
	size_t slot = peer->sent % STRADS_OFI_WINDOW,
	       bytes = bundle->notes * sizeof *carrier->notes;
	uint32_t n = 0;

	for (const struct strads_ofi_op *op = bundle->first; op; op = op->next) {
		if (!op->note_due)
			continue;
		carrier->notes[n] = op->note;
		carrier->notes[n].number = (uint32_t)peer->sent + n;
		carrier->notes[n++].taken = (uint32_t)peer->taken;
	}
	side->iov[side->n] = (struct iovec){.iov_base = carrier->notes, .iov_len = bytes};
	side->desc[side->n] = ofi->ops_mr ? fi_mr_desc(ofi->ops_mr) : NULL;
	bundle->remote[bundle->ranges] =
	    (struct fi_rma_iov){.addr = peer->mailbox_base + slot * sizeof *carrier->notes,
				.len = bytes,
				.key = peer->mailbox_key};
}

/* The bundle's operations are on their way, and wait for what each of them is to wait for: to be
 * told that the peer has taken the signals, or where there are none for the write to be complete.
 */
static void
depart(struct strads_ofi_peer *peer, struct strads_ofi_op *carrier)
{
	struct strads_ofi_bundle *bundle = &peer->bundle;

	peer->sent += bundle->notes;
	carrier->pending++;
	for (struct strads_ofi_op *op = bundle->first; op; op = op->next) {
		op->left = 0;
		op->note_due = false;
		op->untaken = bundle->notes > 0;
		op->number = peer->sent;
		if (!op->untaken && op != carrier)
			op->pending++;
	}
	if (bundle->notes == 0) {
		carrier->mates = bundle->first == carrier ? NULL : bundle->first;
	} else if (peer->untaken_first) {
		peer->untaken_last->next = bundle->first;
		peer->untaken_last = carrier;
	} else {
		peer->untaken_first = bundle->first;
		peer->untaken_last = carrier;
	}
}

ssize_t
strads_ofi_bundle_post(struct strads_ofi *ofi, int rank)
{
	struct strads_ofi_peer *peer = &ofi->peers[rank];
	struct strads_ofi_bundle *bundle = &peer->bundle;
	struct strads_ofi_op *carrier = bundle->last;
	struct fi_msg_rma message = {.msg_iov = bundle->side.iov,
				     .desc = bundle->side.desc,
				     .iov_count = bundle->side.n,
				     .addr = peer->address,
				     .rma_iov = bundle->remote,
				     .rma_iov_count = bundle->ranges};
	uint64_t flags = FI_COMPLETION | ofi->delivered;
	ssize_t code;

	if (!carrier)
		return 0;
	message.context = &carrier->io[1];
	if (bundle->notes > 0) {
		add_notes(ofi, peer, carrier);
		message.iov_count++;
		message.rma_iov_count++;
		message.data = strads_ofi_signal_data(ofi, peer->sent, bundle->notes);
		flags = FI_COMPLETION | FI_REMOTE_CQ_DATA;
	}
	code = fi_writemsg(ofi->ep, &message, flags);
	if (code)
		return code;
	strads_ofi_op_accepted(peer);
	depart(peer, carrier);
	if (bundle->notes > 0)
		peer->told = peer->taken;
	peer->bundle = (struct strads_ofi_bundle){.notes = 0};
	return 0;
}

bool
strads_ofi_bundles_post(struct strads_ofi *ofi)
{
	struct strads_ofi_peer **link = &ofi->first_loading;

	while (*link) {
		struct strads_ofi_peer *peer = *link;
		int rank = (int)(peer - ofi->peers);
		ssize_t code = strads_ofi_bundle_post(ofi, rank);

		if (code)
			strads_ofi_op_refused(ofi, rank, code);
		if (peer->bundle.first) {
			link = &peer->next_loading;
		} else {
			*link = peer->next_loading;
			peer->loading = false;
		}
	}
	return ofi->first_loading == NULL;
}

void
strads_ofi_hold(void *context)
{
	struct strads_ofi *ofi = context;

	ofi->holding = ofi->ordered;
}

/* Where the server has the baton it posts them too, or the owner's next turn does. */
bool
strads_ofi_release(void *context)
{
	struct strads_ofi *ofi = context;

	ofi->holding = false;
	if (!ofi->kept)
		return false;
	ofi->kept = false;
	if (strads_baton_try(&ofi->baton)) {
		strads_ofi_bundles_post(ofi);
		strads_baton_pass(&ofi->baton);
	}
	return true;
}
