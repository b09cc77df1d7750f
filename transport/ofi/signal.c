#include "ofi/ofi.h"

/* Completion data, 32 bits: what it is (1) | the writer's rank (19) | a count (12), or a slot and
 * how many more follow it. */
#define TELLS      (UINT32_C(1) << 31)
#define RANK_SHIFT 12
#define COUNT_MASK ((UINT32_C(1) << RANK_SHIFT) - 1)

static_assert(STRADS_OFI_WINDOW * 4 <= COUNT_MASK + 1, "an old count differs from a new one");

static_assert(STRADS_OFI_WINDOW * STRADS_OFI_NOTES <= COUNT_MASK + 1, "slot and notes fit");

uint64_t
strads_ofi_signal_data(const struct strads_ofi *ofi, uint64_t first, uint32_t n)
{
	return (uint32_t)ofi->rank << RANK_SHIFT |
	       ((uint32_t)(first % STRADS_OFI_WINDOW) + (n - 1) * STRADS_OFI_WINDOW);
}

/* The peer has taken `count` put-signals of this rank, of which the low bits are known. */
static void
acknowledge(struct strads_ofi *ofi, int from, uint32_t count)
{
	struct strads_ofi_peer *peer = &ofi->peers[from];
	uint32_t more = (count - (uint32_t)peer->acknowledged) & COUNT_MASK;

	if (peer->sent - peer->acknowledged < more) {
		/* Out of order, what was told earlier may come later. */
		if (ofi->ordered || COUNT_MASK - more > 2 * STRADS_OFI_WINDOW)
			strads_ofi_break(ofi, STRADS_ERR_PROTOCOL,
					 "rank %d tells of %u signals taken, of %u sent", from,
					 more, (unsigned)(peer->sent - peer->acknowledged));
		return;
	}
	peer->acknowledged += more;
	while (peer->untaken_first && peer->untaken_first->number <= peer->acknowledged) {
		struct strads_ofi_op *op = peer->untaken_first;

		peer->untaken_first = op->next;
		op->untaken = false;
		strads_ofi_op_settle(ofi, op);
	}
}

/* A write of nothing with completion data. It is not injected: libfabric 1.17 reads through a null
 * pointer when a connection ends with an injected write in its queue. */
static ssize_t
post_telling(struct strads_ofi *ofi, struct strads_ofi_peer *peer)
{
	void *desc = ofi->ops_mr ? fi_mr_desc(ofi->ops_mr) : NULL;
	struct iovec nothing = {.iov_base = ofi->ops, .iov_len = 0};
	struct fi_rma_iov remote = {.addr = peer->mailbox_base, .key = peer->mailbox_key};
	struct fi_msg_rma message = {.msg_iov = &nothing,
				     .desc = &desc,
				     .iov_count = 1,
				     .addr = peer->address,
				     .rma_iov = &remote,
				     .rma_iov_count = 1,
				     .context = &peer->io,
				     .data = TELLS | (uint32_t)ofi->rank << RANK_SHIFT |
					     ((uint32_t)peer->taken & COUNT_MASK)};

	return fi_writemsg(ofi->ep, &message, FI_COMPLETION | FI_REMOTE_CQ_DATA);
}

/* Returns whether the peer knows what there is to know. */
static bool
tell(struct strads_ofi *ofi, struct strads_ofi_peer *peer)
{
	ssize_t code;

	if (peer->told == peer->taken || peer->error)
		return true;
	if (peer->told_pending)
		return false;
	code = post_telling(ofi, peer);
	if (code)
		return strads_ofi_op_refused(ofi, (int)(peer - ofi->peers), code) != STRADS_AGAIN;
	strads_ofi_op_accepted(peer);
	peer->told_pending = true;
	peer->told = peer->taken;
	return true;
}

int
strads_ofi_signal_told(struct strads_ofi *ofi, const void *context)
{
	uintptr_t at = (uintptr_t)context - (uintptr_t)ofi->peers;
	int peer;

	if (at >= (size_t)ofi->size * sizeof *ofi->peers)
		return -1;
	peer = (int)(at / sizeof *ofi->peers);
	ofi->peers[peer].told_pending = false;
	return peer;
}

bool
strads_ofi_signal_tell(struct strads_ofi *ofi)
{
	struct strads_ofi_peer **link = &ofi->first_telling;

	while (*link) {
		struct strads_ofi_peer *peer = *link;

		if (tell(ofi, peer)) {
			*link = peer->next_telling;
			peer->telling = false;
		} else {
			link = &peer->next_telling;
		}
	}
	return ofi->first_telling == NULL;
}

/* Stores the word that a note names, if this rank has such a word and lets peers write it. */
static bool
store(struct strads_ofi *ofi, const struct strads_ofi_note *note)
{
	const struct strads_region *region =
	    note->region < (uint32_t)ofi->n_regions ? ofi->regions[note->region] : NULL;

	if (!region || !(region->access & STRADS_REMOTE_WRITE) ||
	    note->offset % sizeof note->value != 0 || region->bytes < sizeof note->value ||
	    note->offset > region->bytes - sizeof note->value)
		return false;
	atomic_store_explicit((_Atomic uint64_t *)(void *)(region->base + note->offset),
			      note->value, memory_order_release);
	return true;
}

/* Takes the signal whose note is in a slot; false if that breaks the endpoint. */
static bool
take(struct strads_ofi *ofi, int from, uint32_t slot)
{
	struct strads_ofi_peer *peer = &ofi->peers[from];
	struct strads_ofi_note note = ofi->mailbox[(size_t)from * STRADS_OFI_SLOTS + slot];

	if (note.number != (uint32_t)peer->taken) {
		strads_ofi_break(ofi, STRADS_ERR_PROTOCOL,
				 "signal %u of rank %d came where %u was due: some were lost",
				 note.number, from, (uint32_t)peer->taken);
		return false;
	}
	if (!store(ofi, &note)) {
		strads_ofi_break(ofi, STRADS_ERR_PROTOCOL,
				 "rank %d signals offset %llu of region %u, where this rank has no "
				 "word to write",
				 from, (unsigned long long)note.offset, note.region);
		return false;
	}
	peer->taken++;
	acknowledge(ofi, from, note.taken);
	return true;
}

/* Takes the signals whose notes are in `n` slots. */
static void
take_all(struct strads_ofi *ofi, int from, uint32_t slot, uint32_t n)
{
	struct strads_ofi_peer *peer = &ofi->peers[from];

	if (slot != peer->taken % STRADS_OFI_WINDOW) {
		strads_ofi_break(ofi, STRADS_ERR_PROTOCOL,
				 "a signal of rank %d came in slot %u where %u was due", from, slot,
				 (unsigned)(peer->taken % STRADS_OFI_WINDOW));
		return;
	}
	for (uint32_t i = 0; i < n; i++) {
		if (!take(ofi, from, slot + i))
			return;
	}
	if (!peer->telling) {
		peer->telling = true;
		peer->next_telling = ofi->first_telling;
		ofi->first_telling = peer;
	}
	if (peer->taken - peer->told >= STRADS_OFI_WINDOW / 2)
		tell(ofi, peer);
}

void
strads_ofi_signal_arrived(struct strads_ofi *ofi, uint64_t data)
{
	uint32_t from = ((uint32_t)data & ~TELLS) >> RANK_SHIFT;
	uint32_t count = (uint32_t)data & COUNT_MASK;

	if (from >= (uint32_t)ofi->size || (int)from == ofi->rank) {
		strads_ofi_break(ofi, STRADS_ERR_PROTOCOL,
				 "a signal came from rank %u; there are %d ranks", from, ofi->size);
		return;
	}
	if ((uint32_t)data & TELLS)
		acknowledge(ofi, (int)from, count);
	else if (count < STRADS_OFI_WINDOW * STRADS_OFI_NOTES)
		take_all(ofi, (int)from, count % STRADS_OFI_WINDOW, count / STRADS_OFI_WINDOW + 1);
	else
		strads_ofi_break(ofi, STRADS_ERR_PROTOCOL, "rank %u signals %u times at once", from,
				 count / STRADS_OFI_WINDOW + 1);
}
