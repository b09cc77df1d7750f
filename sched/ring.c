#include "ring.h"

#include <stdlib.h>
#include <string.h>

static const char *const lane_names[] = {"schedule", "partial", "commit", "additions"};

/* ---- Life -------------------------------------------------------------------------------- */

int
strads_lane_init(struct strads_lane *lane)
{
	size_t ranks = (size_t)lane->tree.ranks;
	size_t relays = (size_t)strads_tree_inner(&lane->tree) - 1;

	lane->waits = -1;
	lane->out = calloc(ranks, sizeof *lane->out);
	lane->in = calloc(ranks, sizeof *lane->in);
	if (!lane->out || !lane->in)
		return strads_fail(STRADS_ERR_MEMORY, "no memory for %zu rings", ranks);
	if (relays == 0)
		return STRADS_OK;
	lane->relays = calloc(relays, sizeof *lane->relays);
	lane->handed = calloc(relays * lane->slots, sizeof *lane->handed);
	if (!lane->relays || !lane->handed)
		return strads_fail(STRADS_ERR_MEMORY, "no memory to pass on what %zu ranks send",
				   relays);
	return STRADS_OK;
}

void
strads_lane_free(struct strads_lane *lane)
{
	free(lane->handed);
	free(lane->relays);
	free(lane->in);
	free(lane->out);
	*lane = (struct strads_lane){0};
}

/* ---- Where things are -------------------------------------------------------------------- */

/* Offset in an inbox of the end of the slot of a ring's message number `sequence` (from 1). Slots
 * are used downwards: a processor that reads one fetches what lies above it, too, which is not to
 * be the slot that is being written. */
static size_t
slot_end(const struct strads_lane *lane, int root, uint64_t sequence)
{
	size_t ring = (size_t)root * lane->slots;
	size_t slot = lane->slots - 1 - ((size_t)(sequence - 1) & (lane->slots - 1));

	return lane->rings_offset + (ring + slot + 1) * lane->slot_bytes;
}

static size_t
credit_at(const struct strads_lane *lane, int place)
{
	return lane->credit_offset + (size_t)place * STRADS_CREDIT_BYTES;
}

static int
own_place(const struct strads_lane *lane, int root)
{
	return strads_tree_place(&lane->tree, root, lane->rank);
}

/* ---- Out --------------------------------------------------------------------------------- */

/* Whether the reader has taken enough for one more message; looks at the credit word only when what
 * it said last does not suffice. A word of another epoch says nothing. */
static bool
has_credit(struct strads_lane *lane, int place)
{
	struct strads_ring_out *ring = &lane->out[place];
	uint64_t word;

	if (ring->sent - ring->credit < lane->slots)
		return true;
	word = strads_signal_load(lane->inbox, credit_at(lane, place)) - lane->epoch;
	if (word <= ring->sent && word > ring->credit)
		ring->credit = word;
	return ring->sent - ring->credit < lane->slots;
}

/* Writes a message into the ring of `root` at a place of its tree. */
static int
put(struct strads_lane *lane, int root, int place, const struct strads_piece *pieces, size_t n,
    struct strads_counter *counter)
{
	struct strads_ring_out *ring = &lane->out[place];
	int peer = strads_tree_rank(&lane->tree, root, place);
	size_t bytes = 0;
	size_t signal;
	int status;

	if (!has_credit(lane, place))
		return STRADS_AGAIN;
	for (size_t i = 0; i < n; i++)
		bytes += pieces[i].bytes;
	signal = slot_end(lane, root, ring->sent + 1) - sizeof(uint64_t);
	if (n == 1)
		status =
		    strads_put_signal(lane->fabric, peer, lane->inbox, signal - bytes, pieces->base,
				      bytes, lane->epoch | (ring->sent + 1), counter);
	else
		status = strads_put_signalv(lane->fabric, peer, lane->inbox, signal - bytes, pieces,
					    n, lane->epoch | (ring->sent + 1), counter);
	if (status != STRADS_OK)
		return status;
	ring->sent++;
	if (peer != lane->rank) {
		lane->sent_stats->messages++;
		lane->sent_stats->bytes += bytes + sizeof(uint64_t);
	}
	return STRADS_OK;
}

int
strads_lane_send(struct strads_lane *lane, int peer, const struct strads_piece *pieces, size_t n,
		 struct strads_counter *counter)
{
	int place = strads_tree_place(&lane->tree, lane->rank, peer);

	return put(lane, lane->rank, place, pieces, n, counter);
}

/* ---- In ---------------------------------------------------------------------------------- */

/* Whether message number `sequence` of root's ring is here, if its slot is no longer another's. */
static bool
arrived(const struct strads_lane *lane, int root, uint64_t sequence)
{
	size_t signal = slot_end(lane, root, sequence) - sizeof(uint64_t);

	return strads_signal_load(lane->inbox, signal) == (lane->epoch | sequence);
}

static const struct strads_trailer *
trailer_of(const struct strads_lane *lane, int root, uint64_t sequence)
{
	const uint8_t *base = strads_region_base(lane->inbox);

	return (const void *)(base + slot_end(lane, root, sequence) - STRADS_WIRE_TAIL);
}

/* Whether that message, which is here, can be one. */
static int
check(const struct strads_lane *lane, int root, uint64_t sequence)
{
	const struct strads_trailer *tail = trailer_of(lane, root, sequence);

	if (tail->lane == (uint32_t)lane->id && tail->zero == 0 &&
	    tail->bytes <= strads_lane_payload(lane) && tail->offset <= tail->total &&
	    tail->bytes <= tail->total - tail->offset)
		return STRADS_OK;
	return strads_fail(STRADS_ERR_PROTOCOL,
			   "rank %d: message %llu of rank %d's %s ring is malformed", lane->rank,
			   (unsigned long long)sequence, root, lane_names[lane->id]);
}

int
strads_lane_writer(const struct strads_lane *lane, int root)
{
	int above = strads_tree_parent(&lane->tree, own_place(lane, root));

	return strads_tree_rank(&lane->tree, root, above);
}

bool
strads_lane_ready(const struct strads_lane *lane, int root)
{
	return arrived(lane, root, lane->in[root].read + 1);
}

struct strads_signal
strads_lane_awaits(const struct strads_lane *lane, int root)
{
	uint64_t sequence = lane->in[root].read + 1;

	return (struct strads_signal){.region = lane->inbox,
				      .offset = slot_end(lane, root, sequence) - sizeof(uint64_t),
				      .value = lane->epoch | sequence};
}

int
strads_lane_peek(const struct strads_lane *lane, int root, const struct strads_trailer **trailer,
		 const void **payload)
{
	uint64_t sequence = lane->in[root].read + 1;
	const struct strads_trailer *tail = trailer_of(lane, root, sequence);
	int status;

	if (!arrived(lane, root, sequence))
		return STRADS_AGAIN;
	status = check(lane, root, sequence);
	if (status != STRADS_OK)
		return status;
	*trailer = tail;
	*payload = (const uint8_t *)tail - strads_wire_pad(tail->bytes);
	return STRADS_OK;
}

/* ---- On ---------------------------------------------------------------------------------- */

/* What is passed on of root, NULL: this rank has none below. */
static struct strads_relay *
relay_of(const struct strads_lane *lane, int root)
{
	int place = own_place(lane, root);

	return place > 0 && place < strads_tree_inner(&lane->tree) ? &lane->relays[place - 1]
								   : NULL;
}

static struct strads_counter *
relay_counter(const struct strads_lane *lane, const struct strads_relay *relay, uint64_t sequence)
{
	size_t first = (size_t)(relay - lane->relays) * lane->slots;

	return &lane->handed[first + ((sequence - 1) & (lane->slots - 1))];
}

/* The message as it lies in its slot. */
static struct strads_piece
message_of(const struct strads_lane *lane, int root, uint64_t sequence)
{
	size_t bytes = strads_wire_pad(trailer_of(lane, root, sequence)->bytes) +
		       sizeof(struct strads_trailer);
	uint8_t *base = strads_region_base(lane->inbox);

	return (struct strads_piece){.base = base + slot_end(lane, root, sequence) -
					     sizeof(uint64_t) - bytes,
				     .bytes = bytes};
}

/* Hands the message to those below that miss it: STRADS_OK (all have it), AGAIN, or an error. */
static int
hand_on(struct strads_lane *lane, int root, struct strads_relay *relay, uint64_t sequence,
	bool *moved)
{
	int place = own_place(lane, root);
	int first = strads_tree_first(&lane->tree, place);
	int children = strads_tree_children(&lane->tree, place);
	struct strads_piece message;
	int status = check(lane, root, sequence);

	if (status != STRADS_OK)
		return status;
	message = message_of(lane, root, sequence);
	for (; relay->next < children; relay->next++) {
		status = put(lane, root, first + relay->next, &message, 1,
			     relay_counter(lane, relay, sequence));
		if (status != STRADS_OK)
			return status;
		*moved = true;
	}
	relay->next = 0;
	return STRADS_OK;
}

/* Passes on what has come of root: STRADS_OK (all of it), AGAIN (there is no room), an error. */
static int
pass_on(struct strads_lane *lane, int root, struct strads_relay *relay, bool *moved)
{
	/* A slot whose message was not taken, or not passed on, still has it. */
	while (arrived(lane, root, relay->passed + 1)) {
		int status = hand_on(lane, root, relay, relay->passed + 1, moved);

		if (status != STRADS_OK)
			return status;
		relay->passed++;
	}
	return STRADS_OK;
}

/* Frees the slots that are done with: STRADS_OK (of all messages taken) or AGAIN. */
static int
free_slots(struct strads_lane *lane, struct strads_ring_in *ring, const struct strads_relay *relay)
{
	while (ring->freed < ring->read) {
		if (relay) {
			const struct strads_counter *counter =
			    relay_counter(lane, relay, ring->freed + 1);

			if (relay->passed == ring->freed || counter->done != counter->posted)
				return STRADS_AGAIN;
		}
		ring->freed++;
	}
	return STRADS_OK;
}

static int
credit_return(struct strads_lane *lane, int root)
{
	struct strads_ring_in *ring = &lane->in[root];
	int writer, status;

	if (ring->freed - ring->returned < lane->slots / 2)
		return STRADS_OK;
	writer = strads_lane_writer(lane, root);
	status = strads_put_signal(lane->fabric, writer, lane->inbox,
				   credit_at(lane, own_place(lane, root)), NULL, 0,
				   lane->epoch | ring->freed, NULL);
	if (status != STRADS_OK)
		return status;
	ring->returned = ring->freed;
	if (writer != lane->rank) {
		lane->credit_stats->messages++;
		lane->credit_stats->bytes += sizeof(uint64_t);
	}
	return STRADS_OK;
}

/* Does for root's ring all that can be done: STRADS_OK (nothing left), AGAIN, or an error. */
static int
advance(struct strads_lane *lane, int root, bool *moved)
{
	struct strads_ring_in *ring = &lane->in[root];
	struct strads_relay *relay = relay_of(lane, root);
	int passed = relay ? pass_on(lane, root, relay, moved) : STRADS_OK;
	int freed, credited;

	if (passed < 0)
		return passed;
	freed = free_slots(lane, ring, relay);
	credited = credit_return(lane, root);
	if (credited < 0)
		return credited;
	return passed || freed || credited ? STRADS_AGAIN : STRADS_OK;
}

/* advance; what is left waits. */
static int
advance_or_wait(struct strads_lane *lane, int root, bool *moved)
{
	struct strads_ring_in *ring = &lane->in[root];
	int status;

	if (ring->waits)
		return STRADS_OK;
	status = advance(lane, root, moved);
	if (status != STRADS_AGAIN)
		return status;
	ring->waits = true;
	ring->next = lane->waits;
	lane->waits = root;
	return STRADS_OK;
}

int
strads_lane_take(struct strads_lane *lane, int root)
{
	bool moved = false;

	lane->in[root].read++;
	return advance_or_wait(lane, root, &moved);
}

int
strads_lane_relay(struct strads_lane *lane, int root, bool *moved)
{
	const struct strads_relay *relay = relay_of(lane, root);

	if (!relay || !arrived(lane, root, relay->passed + 1))
		return STRADS_OK;
	return advance_or_wait(lane, root, moved);
}

bool
strads_lane_passed(const struct strads_lane *lane, int root, uint64_t last)
{
	const struct strads_relay *relay = relay_of(lane, root);

	return !relay || relay->passed >= last;
}

int
strads_lane_settle(struct strads_lane *lane, bool *moved)
{
	int *link = &lane->waits;

	while (*link >= 0) {
		struct strads_ring_in *ring = &lane->in[*link];
		int status = advance(lane, *link, moved);

		if (status < 0)
			return status;
		if (status == STRADS_AGAIN) {
			link = &ring->next;
			continue;
		}
		ring->waits = false;
		*link = ring->next;
	}
	return lane->waits < 0 ? STRADS_OK : STRADS_AGAIN;
}

/* ---- To all ------------------------------------------------------------------------------ */

static uint32_t
place(const struct strads_cast *cast, uint64_t message)
{
	return (uint32_t)message & (cast->lane->slots - 1);
}

/* Whether all that was started of a message is done. */
static bool
idle(const struct strads_message *message)
{
	return message->counter.done == message->counter.posted;
}

bool
strads_cast_room(const struct strads_cast *cast)
{
	return cast->composed - cast->sent < cast->lane->slots &&
	       idle(&cast->messages[place(cast, cast->composed)]);
}

void
strads_cast_add(struct strads_cast *cast, uint8_t *payload, const struct strads_trailer *trailer)
{
	uint32_t at = place(cast, cast->composed++);
	struct strads_message *message = &cast->messages[at];
	size_t bytes = trailer->bytes;
	size_t padded = strads_wire_pad(bytes);

	if (trailer->offset + bytes == trailer->total) {
		memset(payload + bytes, 0, padded - bytes);
		memcpy(payload + padded, trailer, sizeof *trailer);
		message->pieces[0] =
		    (struct strads_piece){.base = payload, .bytes = padded + sizeof *trailer};
		message->n = 1;
		return;
	}
	cast->trailers[at] = *trailer;
	message->pieces[0] = (struct strads_piece){.base = payload, .bytes = bytes};
	message->pieces[1] =
	    (struct strads_piece){.base = &cast->trailers[at], .bytes = sizeof *trailer};
	message->n = 2;
}

bool
strads_cast_returned(const struct strads_cast *cast, const struct strads_loan *loan)
{
	uint64_t slots = cast->lane->slots;
	uint64_t message = loan->first;

	if (cast->sent < loan->end)
		return false;
	/* The place of an earlier one was free when it was taken by another. */
	if (cast->composed > message + slots)
		message = cast->composed - slots;
	for (; message < loan->end; message++) {
		if (!idle(&cast->messages[place(cast, message)]))
			return false;
	}
	return true;
}

int
strads_cast_waits_for(const struct strads_cast *cast)
{
	return strads_tree_rank(&cast->lane->tree, cast->lane->rank, 1 + cast->next);
}

const struct strads_trailer *
strads_cast_waiting(const struct strads_cast *cast)
{
	const struct strads_message *message = &cast->messages[place(cast, cast->sent)];
	const struct strads_piece *last = &message->pieces[message->n - 1];

	return (const void *)((const uint8_t *)last->base + last->bytes -
			      sizeof(struct strads_trailer));
}

int
strads_cast_step(struct strads_cast *cast, bool *moved)
{
	struct strads_lane *lane = cast->lane;
	int children = strads_tree_children(&lane->tree, 0);

	while (cast->sent < cast->composed) {
		struct strads_message *message = &cast->messages[place(cast, cast->sent)];
		int status = put(lane, lane->rank, 1 + cast->next, message->pieces, message->n,
				 &message->counter);

		if (status != STRADS_OK)
			return status;
		*moved = true;
		if (++cast->next == children) {
			cast->next = 0;
			cast->sent++;
		}
	}
	return STRADS_OK;
}
