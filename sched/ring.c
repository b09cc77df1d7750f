#include "ring.h"

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
strads_lane_send(struct strads_lane *lane, int peer, const void *from, size_t bytes,
		 struct strads_counter *counter)
{
	struct strads_ring_out *ring = &lane->out[peer];
	size_t signal;
	int status;

	if (!has_credit(lane, peer))
		return STRADS_AGAIN;
	signal = slot_end(lane, lane->rank, ring->sent + 1) - sizeof(uint64_t);
	status = strads_put_signal(lane->fabric, peer, lane->inbox, signal - bytes, from, bytes,
				   lane->epoch | (ring->sent + 1), counter);
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

void *
strads_cast_room(struct strads_cast *cast)
{
	uint32_t slot = (uint32_t)cast->composed & (cast->lane->slots - 1);
	const struct strads_counter *counter = &cast->counters[slot];

	if (cast->composed - cast->sent == cast->lane->slots || counter->done != counter->posted)
		return NULL;
	return cast->mirror + slot * cast->lane->slot_bytes;
}

void
strads_cast_add(struct strads_cast *cast, size_t bytes)
{
	cast->bytes[cast->composed & (cast->lane->slots - 1)] = (uint32_t)bytes;
	cast->composed++;
}

/* Peers from the next rank on, this rank last, so that several casts do not meet at one rank. */
int
strads_cast_waits_for(const struct strads_cast *cast)
{
	return (cast->lane->rank + 1 + cast->next) % cast->ranks;
}

int
strads_cast_step(struct strads_cast *cast, bool *moved)
{
	while (cast->sent < cast->composed) {
		uint32_t slot = (uint32_t)cast->sent & (cast->lane->slots - 1);
		int status = strads_lane_send(cast->lane, strads_cast_waits_for(cast),
					      cast->mirror + slot * cast->lane->slot_bytes,
					      cast->bytes[slot], &cast->counters[slot]);

		if (status != STRADS_OK)
			return status;
		*moved = true;
		if (++cast->next == cast->ranks) {
			cast->next = 0;
			cast->sent++;
		}
	}
	return STRADS_OK;
}
