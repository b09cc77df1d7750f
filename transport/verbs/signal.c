#include "verbs/verbs.h"

#include <arpa/inet.h>
#include <stdatomic.h>

/* An immediate, 32 bits: what it is (2) | its own (20) | a count (10).
 *   NOTE: the slot of the mailbox
 *   TELL: low bits of the count of signals taken
 *   GROW: the same; before it the index of a word that both ends know (8) and by how much it grows
 *         (12) */
#define NOTE       UINT32_C(0)
#define TELL       UINT32_C(1)
#define GROW       UINT32_C(2)
#define KIND_SHIFT 30
#define WORD_SHIFT 22
#define GROW_SHIFT 10
#define GROW_MAX   ((UINT32_C(1) << (WORD_SHIFT - GROW_SHIFT)) - 1)
#define COUNT_MASK ((UINT32_C(1) << GROW_SHIFT) - 1)

static_assert(STRADS_VERBS_WINDOW * 2 <= COUNT_MASK + 1, "an old count differs from a new one");
static_assert(STRADS_VERBS_WORDS <= 1 << (KIND_SHIFT - WORD_SHIFT), "a word's index fits");

static uint32_t
word_index(uint32_t region, uint64_t offset)
{
	uint64_t mixed = (offset / sizeof(uint64_t) + region * UINT64_C(0x51ed2701)) *
			 UINT64_C(0x9e3779b97f4a7c15);

	return (uint32_t)(mixed >> 32) & (STRADS_VERBS_WORDS - 1);
}

/* ---- Sending ---- */

/* Whether the peer can tell the signal from the word's index and by how much it grows. */
static bool
grows(const struct strads_verbs_op *op, const struct strads_verbs_word *word)
{
	return word->known && word->region == op->region && word->offset == op->offset &&
	       op->value >= word->value && op->value - word->value <= GROW_MAX;
}

/* The low bits of the count of signals taken from the peer, which it is told hereby. */
static uint32_t
tell_taken(struct strads_verbs_peer *peer)
{
	peer->told = peer->taken;
	peer->telling = false;
	return (uint32_t)peer->taken & COUNT_MASK;
}

static struct ibv_send_wr *
push_payload(struct strads_verbs *verbs, struct strads_verbs_peer *peer, struct strads_verbs_op *op,
	     const struct ibv_sge *sges, uint32_t n, bool ends)
{
	struct strads_verbs_entry entry = {
	    .counter = op->counter, .kind = STRADS_VERBS_SIGNAL, .ends = ends};
	struct ibv_send_wr *request = strads_verbs_push(verbs, peer, entry, sges, n);

	request->opcode = IBV_WR_RDMA_WRITE;
	if (op->left > 0) {
		request->wr.rdma.remote_addr = op->remote;
		request->wr.rdma.rkey = op->rkey;
	}
	op->left = 0;
	return request;
}

static void
push_note(struct strads_verbs *verbs, struct strads_verbs_peer *peer, struct strads_verbs_op *op,
	  uint32_t word)
{
	struct strads_verbs_entry entry = {
	    .counter = op->counter, .kind = STRADS_VERBS_SIGNAL, .ends = true};
	uint32_t slot = (uint32_t)(peer->sent % verbs->window);
	size_t rank = (size_t)(peer - verbs->peers);
	struct strads_verbs_note *note = &verbs->outbox[rank * verbs->slots + slot];
	struct ibv_sge source = {
	    .addr = (uintptr_t)note, .length = sizeof *note, .lkey = verbs->own->lkey};
	struct ibv_send_wr *request;

	*note = (struct strads_verbs_note){.value = op->value,
					   .offset = op->offset,
					   .region = op->region,
					   .number = (uint32_t)peer->sent,
					   .taken = tell_taken(peer),
					   .word = word};
	request = strads_verbs_push(verbs, peer, entry, &source, 1);
	request->opcode = IBV_WR_RDMA_WRITE_WITH_IMM;
	request->imm_data = htonl(NOTE << KIND_SHIFT | slot);
	request->wr.rdma.remote_addr = peer->mailbox_base + slot * sizeof *note;
	request->wr.rdma.rkey = peer->mailbox_key;
}

bool
strads_verbs_signal_post(struct strads_verbs *verbs, struct strads_verbs_peer *peer,
			 struct strads_verbs_op *op, const struct ibv_sge *sges, uint32_t n)
{
	uint32_t index = word_index(op->region, op->offset);
	struct strads_verbs_word *word = &peer->words_out[index];

	if (strads_verbs_room(verbs, peer) < 2)
		return false;
	if (grows(op, word)) {
		struct ibv_send_wr *request = push_payload(verbs, peer, op, sges, n, true);

		request->opcode = IBV_WR_RDMA_WRITE_WITH_IMM;
		request->imm_data =
		    htonl(GROW << KIND_SHIFT | index << WORD_SHIFT |
			  (uint32_t)(op->value - word->value) << GROW_SHIFT | tell_taken(peer));
	} else {
		if (op->left > 0)
			push_payload(verbs, peer, op, sges, n, false);
		push_note(verbs, peer, op, index);
	}
	*word = (struct strads_verbs_word){
	    .value = op->value, .offset = op->offset, .region = op->region, .known = true};
	peer->sent++;
	op->signal_due = false;
	return true;
}

void
strads_verbs_signal_tell(struct strads_verbs *verbs, struct strads_verbs_peer *peer)
{
	struct strads_verbs_entry entry = {.kind = STRADS_VERBS_TELL, .ends = true};
	struct ibv_send_wr *request;

	if (!peer->telling || !peer->ready || strads_verbs_room(verbs, peer) == 0)
		return;
	request = strads_verbs_push(verbs, peer, entry, NULL, 0);
	request->opcode = IBV_WR_RDMA_WRITE_WITH_IMM;
	request->imm_data = htonl(TELL << KIND_SHIFT | tell_taken(peer));
	strads_verbs_ring(verbs);
}

/* ---- Receiving ---- */

static int
rank_of(const struct strads_verbs *verbs, const struct strads_verbs_peer *peer)
{
	return (int)(peer - verbs->peers);
}

/* The peer has taken `count` put-signals of this rank, of which the low bits are known. */
static void
acknowledge(struct strads_verbs *verbs, struct strads_verbs_peer *peer, uint32_t count)
{
	uint32_t more = (count - (uint32_t)peer->acknowledged) & COUNT_MASK;

	if (more > peer->sent - peer->acknowledged) {
		strads_verbs_break(
		    verbs, STRADS_ERR_PROTOCOL, "rank %d tells of %u signals taken, of %u sent",
		    rank_of(verbs, peer), more, (unsigned)(peer->sent - peer->acknowledged));
		return;
	}
	peer->acknowledged += more;
	if (more > 0)
		peer->full_ns = 0;
}

/* Stores a word, if this rank has such a word and lets peers write it. */
static bool
store(const struct strads_verbs *verbs, const struct strads_verbs_word *word)
{
	const struct strads_region *region =
	    word->region < (uint32_t)verbs->n_regions ? verbs->regions[word->region] : NULL;

	if (!region || !(region->access & STRADS_REMOTE_WRITE) ||
	    word->offset % sizeof word->value != 0 || region->bytes < sizeof word->value ||
	    word->offset > region->bytes - sizeof word->value)
		return false;
	atomic_store_explicit((_Atomic uint64_t *)(void *)(region->base + word->offset),
			      word->value, memory_order_release);
	return true;
}

static void
refuse(struct strads_verbs *verbs, const struct strads_verbs_peer *peer,
       const struct strads_verbs_word *word)
{
	strads_verbs_break(
	    verbs, STRADS_ERR_PROTOCOL,
	    "rank %d signals offset %llu of region %u, where this rank has no word to write",
	    rank_of(verbs, peer), (unsigned long long)word->offset, word->region);
}

/* A signal was taken. Its writer is told once for half a window. */
static void
count_taken(struct strads_verbs *verbs, struct strads_verbs_peer *peer)
{
	peer->taken++;
	if (peer->taken - peer->told < (verbs->window + 1) / 2)
		return;
	peer->telling = true;
	strads_verbs_mind(verbs, peer);
}

static void
take_note(struct strads_verbs *verbs, struct strads_verbs_peer *peer, uint32_t slot)
{
	size_t rank = (size_t)rank_of(verbs, peer);
	struct strads_verbs_note note;
	struct strads_verbs_word word;

	if (slot != peer->taken % verbs->window) {
		strads_verbs_break(verbs, STRADS_ERR_PROTOCOL,
				   "a signal of rank %zu came in slot %u where %u was due", rank,
				   slot, (unsigned)(peer->taken % verbs->window));
		return;
	}
	note = verbs->mailbox[rank * verbs->slots + slot];
	word = (struct strads_verbs_word){
	    .value = note.value, .offset = note.offset, .region = note.region, .known = true};
	if (note.number != (uint32_t)peer->taken || note.word >= STRADS_VERBS_WORDS) {
		strads_verbs_break(verbs, STRADS_ERR_PROTOCOL,
				   "signal %u of rank %zu came where %u was due", note.number, rank,
				   (uint32_t)peer->taken);
		return;
	}
	if (!store(verbs, &word)) {
		refuse(verbs, peer, &word);
		return;
	}
	peer->words_in[note.word] = word;
	acknowledge(verbs, peer, note.taken);
	count_taken(verbs, peer);
}

static void
take_growth(struct strads_verbs *verbs, struct strads_verbs_peer *peer, uint32_t immediate)
{
	uint32_t index = immediate >> WORD_SHIFT & (STRADS_VERBS_WORDS - 1);
	struct strads_verbs_word *word = &peer->words_in[index];

	if (!word->known) {
		strads_verbs_break(verbs, STRADS_ERR_PROTOCOL,
				   "rank %d lets word %u grow, of which it has sent no note",
				   rank_of(verbs, peer), index);
		return;
	}
	word->value += immediate >> GROW_SHIFT & GROW_MAX;
	if (!store(verbs, word)) {
		refuse(verbs, peer, word);
		return;
	}
	acknowledge(verbs, peer, immediate & COUNT_MASK);
	count_taken(verbs, peer);
}

void
strads_verbs_signal_arrived(struct strads_verbs *verbs, struct strads_verbs_peer *peer,
			    uint32_t immediate)
{
	uint32_t kind = immediate >> KIND_SHIFT;

	if (kind == GROW)
		take_growth(verbs, peer, immediate);
	else if (kind == TELL)
		acknowledge(verbs, peer, immediate & COUNT_MASK);
	else if (kind == NOTE)
		take_note(verbs, peer, immediate & COUNT_MASK);
	else
		strads_verbs_break(verbs, STRADS_ERR_PROTOCOL,
				   "rank %d signals %#x: it runs another build",
				   rank_of(verbs, peer), immediate);
}
