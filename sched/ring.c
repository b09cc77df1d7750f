#include "ring.h"

#include <string.h>

static const char *const lane_names[STRADS_LANES] = {"schedule", "partial", "commit"};

/* Offset in an inbox of the end of the slot of a ring's message number `sequence` (from 1). */
static size_t
slot_end(const struct strads_lane *lane, int writer, uint64_t sequence)
{
	size_t ring = (size_t)writer * lane->slots;
	size_t slot = (size_t)(sequence - 1) & (lane->slots - 1);

	return lane->rings_offset + (ring + slot + 1) * lane->slot_bytes;
}

static size_t
credit_at(const struct strads_lane *lane, int reader)
{
	return lane->credit_offset + (size_t)reader * STRADS_CREDIT_BYTES;
}

/* Whether the reader has taken enough for one more message; looks at the credit word only when what
 * it said last does not suffice. A word of another epoch says nothing. */
static bool
has_credit(struct strads_lane *lane, int reader)
{
	struct strads_ring_out *ring = &lane->out[reader];
	uint64_t word;

	if (ring->sent - ring->credit < lane->slots)
		return true;
	word = strads_signal_load(lane->inbox, credit_at(lane, reader)) - lane->epoch;
	if (word <= ring->sent && word > ring->credit)
		ring->credit = word;
	return ring->sent - ring->credit < lane->slots;
}

int
strads_lane_send(struct strads_lane *lane, int peer, const struct strads_piece *pieces, size_t n,
		 struct strads_counter *counter)
{
	struct strads_ring_out *ring = &lane->out[peer];
	size_t bytes = 0;
	size_t signal;
	int status;

	if (!has_credit(lane, peer))
		return STRADS_AGAIN;
	for (size_t i = 0; i < n; i++)
		bytes += pieces[i].bytes;
	signal = slot_end(lane, lane->rank, ring->sent + 1) - sizeof(uint64_t);
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

bool
strads_lane_ready(const struct strads_lane *lane, int writer)
{
	uint64_t expected = lane->in[writer].taken + 1;
	size_t signal = slot_end(lane, writer, expected) - sizeof(uint64_t);

	return strads_signal_load(lane->inbox, signal) == (lane->epoch | expected);
}

int
strads_lane_peek(const struct strads_lane *lane, int writer, const struct strads_trailer **trailer,
		 const void **payload)
{
	uint64_t expected = lane->in[writer].taken + 1;
	const uint8_t *base = strads_region_base(lane->inbox);
	const uint8_t *at = base + slot_end(lane, writer, expected) - STRADS_WIRE_TAIL;
	const struct strads_trailer *tail = (const void *)at;

	if (!strads_lane_ready(lane, writer))
		return STRADS_AGAIN;
	if (tail->lane != (uint32_t)lane->id || tail->zero != 0 ||
	    tail->bytes > strads_lane_payload(lane) || tail->offset > tail->total ||
	    tail->bytes > tail->total - tail->offset)
		return strads_fail(
		    STRADS_ERR_PROTOCOL, "rank %d: message %llu of rank %d's %s ring is malformed",
		    lane->rank, (unsigned long long)expected, writer, lane_names[lane->id]);
	*trailer = tail;
	*payload = at - strads_wire_pad(tail->bytes);
	return STRADS_OK;
}

static int
credit_return(struct strads_lane *lane, int writer)
{
	struct strads_ring_in *ring = &lane->in[writer];
	int status =
	    strads_put_signal(lane->fabric, writer, lane->inbox, credit_at(lane, lane->rank), NULL,
			      0, lane->epoch | ring->taken, NULL);

	if (status != STRADS_OK)
		return status;
	ring->returned = ring->taken;
	if (writer != lane->rank) {
		lane->credit_stats->messages++;
		lane->credit_stats->bytes += sizeof(uint64_t);
	}
	return STRADS_OK;
}

int
strads_lane_take(struct strads_lane *lane, int writer)
{
	struct strads_ring_in *ring = &lane->in[writer];
	int status;

	ring->taken++;
	if (ring->owed || ring->taken - ring->returned < lane->slots / 2)
		return STRADS_OK;
	status = credit_return(lane, writer);
	if (status != STRADS_AGAIN)
		return status;
	ring->owed = true;
	ring->next = lane->owed;
	lane->owed = writer;
	return STRADS_OK;
}

int
strads_lane_settle(struct strads_lane *lane)
{
	while (lane->owed >= 0) {
		struct strads_ring_in *ring = &lane->in[lane->owed];
		int status = credit_return(lane, lane->owed);

		if (status != STRADS_OK)
			return status;
		ring->owed = false;
		lane->owed = ring->next;
	}
	return STRADS_OK;
}

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
strads_cast_add(struct strads_cast *cast, const void *payload, const struct strads_trailer *trailer)
{
	size_t room = strads_cast_bytes(cast->lane->slot_bytes);
	uint32_t at = place(cast, cast->composed++);
	struct strads_message *message = &cast->messages[at];
	uint8_t *end = cast->places + (at + 1) * room - sizeof *trailer;
	size_t bytes = trailer->bytes;
	size_t pad = strads_wire_pad(bytes) - bytes;
	size_t copied = bytes <= room - STRADS_WIRE_TAIL ? bytes : 0;
	uint8_t *own = end - pad - copied;

	memcpy(end, trailer, sizeof *trailer);
	if (pad)
		memset(end - pad, 0, pad);
	if (copied)
		memcpy(own, payload, copied);
	message->n = 0;
	if (bytes > copied)
		message->pieces[message->n++] =
		    (struct strads_piece){.base = (void *)payload, .bytes = bytes};
	message->pieces[message->n++] =
	    (struct strads_piece){.base = own, .bytes = copied + pad + sizeof *trailer};
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

/* From the next rank on, so that several casts do not meet at one rank. */
int
strads_cast_waits_for(const struct strads_cast *cast)
{
	return (cast->lane->rank + 1 + cast->next) % cast->ranks;
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
	while (cast->sent < cast->composed) {
		struct strads_message *message = &cast->messages[place(cast, cast->sent)];
		int status = strads_lane_send(cast->lane, strads_cast_waits_for(cast),
					      message->pieces, message->n, &message->counter);

		if (status != STRADS_OK)
			return status;
		*moved = true;
		if (++cast->next == cast->ranks - 1) {
			cast->next = 0;
			cast->sent++;
		}
	}
	return STRADS_OK;
}
