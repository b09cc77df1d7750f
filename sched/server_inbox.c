#include "server_state.h"

#include <string.h>

/* Declared cost of adding one double to a row, for the simulator's clock. */
#define ADD_COST_NS 1.0

/* ---- Out: additions, as records of a key and `width` doubles ------------------------------- */

static size_t
record_bytes(const struct strads_server *server)
{
	return sizeof(strads_key) + server->options.width * sizeof(double);
}

/* The first of the rows touched, from `position` on, that `owner` has; count: none. */
static uint32_t
next_of(const struct strads_server *server, const struct strads_server_added *added, int owner,
	uint32_t position)
{
	while (position < added->count && server->rows[added->numbers[position]].owner != owner)
		position++;
	return position;
}

/* Writes records for server->peer while there is room; returns their bytes, and in *position where
 * to go on. */
static size_t
write_records(const struct strads_server *server, const struct strads_server_added *added,
	      uint8_t *payload, uint32_t *position)
{
	size_t room = strads_lane_payload(&server->lane), record = record_bytes(server), bytes = 0;
	uint32_t width = server->options.width;
	uint32_t at = next_of(server, added, server->peer, *position);

	while (at < added->count && bytes + record <= room) {
		uint32_t number = added->numbers[at];

		memcpy(payload + bytes, &server->map.key[number], sizeof(strads_key));
		memcpy(payload + bytes + sizeof(strads_key), added->delta + (size_t)number * width,
		       width * sizeof(double));
		bytes += record;
		at = next_of(server, added, server->peer, at + 1);
	}
	*position = at;
	return bytes;
}

int
strads_server_send(struct strads_server *server)
{
	const struct strads_server_added *added = strads_server_added_at(server, server->clock);
	struct strads_server_out *out = &server->out[server->peer];
	size_t place = (size_t)server->peer * 2 + out->next;
	uint8_t *payload =
	    (uint8_t *)strads_region_base(server->outbox) + place * server->lane.slot_bytes;
	struct strads_counter *counter = &out->counter[out->next];
	uint32_t position = server->position;
	struct strads_piece message = {.base = payload};
	struct strads_trailer trailer = {.set = server->clock, .lane = (uint32_t)server->lane.id};
	int status;

	if (counter->done != counter->posted)
		return STRADS_AGAIN;
	trailer.bytes = (uint32_t)write_records(server, added, payload, &position);
	trailer.total = trailer.bytes;
	trailer.block = position == added->count ? STRADS_SERVER_LAST : 0;
	memcpy(payload + trailer.bytes, &trailer, sizeof trailer);
	message.bytes = trailer.bytes + sizeof trailer;
	status = strads_lane_send(&server->lane, server->peer, &message, 1, counter);
	if (status)
		return status;
	out->next ^= 1;
	server->position = position;
	return STRADS_OK;
}

/* ---- In ------------------------------------------------------------------------------------ */

/* row ← row + delta, with all of the worker's additions up to `clock` in it. */
static int
apply(struct strads_server *server, int worker, uint64_t clock, strads_key key,
      const uint8_t *delta)
{
	uint64_t *stored = server->scratch;
	double *row = (void *)(stored + server->ranks);

	if (!strads_hashed_get(server->hashed, key, stored))
		memset(stored, 0, strads_server_row_words(server) * sizeof *stored);
	for (uint32_t i = 0; i < server->options.width; i++) {
		double more;

		memcpy(&more, delta + i * sizeof more, sizeof more);
		row[i] += more;
	}
	stored[worker] = clock + 1;
	strads_fabric_charge(server->fabric, ADD_COST_NS * server->options.width);
	return strads_hashed_put(server->hashed, key, stored);
}

int
strads_server_apply_own(struct strads_server *server)
{
	const struct strads_server_added *added = strads_server_added_at(server, server->clock);
	uint32_t width = server->options.width, at = 0;
	int status = STRADS_OK;

	while (!status && (at = next_of(server, added, server->rank, at)) < added->count) {
		uint32_t number = added->numbers[at++];

		status = apply(server, server->rank, server->clock, server->map.key[number],
			       (const uint8_t *)(added->delta + (size_t)number * width));
	}
	if (!status)
		server->applied[server->rank] = server->clock + 1;
	return status;
}

static int
malformed(const struct strads_server *server, int worker, const char *what)
{
	return strads_fail(STRADS_ERR_PROTOCOL,
			   "rank %d: additions of rank %d after its clock %llu %s", server->rank,
			   worker, (unsigned long long)server->applied[worker], what);
}

/* Applies the next message of a worker. */
static int
take_message(struct strads_server *server, int worker)
{
	const struct strads_trailer *trailer;
	size_t record = record_bytes(server);
	const void *payload;
	int status = strads_lane_peek(&server->lane, worker, &trailer, &payload);

	if (status)
		return status;
	if (trailer->set != server->applied[worker] || trailer->block > STRADS_SERVER_LAST)
		return malformed(server, worker, "are of another clock");
	if (trailer->offset != 0 || trailer->total != trailer->bytes || trailer->bytes % record)
		return malformed(server, worker, "are no whole rows");
	for (size_t at = 0; !status && at < trailer->bytes; at += record) {
		const uint8_t *from = (const uint8_t *)payload + at;
		strads_key key;

		memcpy(&key, from, sizeof key);
		if (strads_hashed_owner(server->hashed, key) != server->rank)
			return malformed(server, worker, "are to rows of another rank");
		status = apply(server, worker, trailer->set, key, from + sizeof key);
	}
	if (status)
		return status;
	server->applied[worker] += trailer->block;
	return strads_lane_take(&server->lane, worker);
}

/* Makes the floor known to those peers that there is room to tell. */
static int
tell_floor(struct strads_server *server)
{
	size_t offset = server->floors_offset + (size_t)server->rank * sizeof(uint64_t);

	for (int peer = 0; peer < server->ranks; peer++) {
		int status;

		if (peer == server->rank || server->told[peer] == server->floor)
			continue;
		status = strads_put_signal(server->fabric, peer, server->inbox, offset, NULL, 0,
					   server->floor, NULL);
		if (status == STRADS_OK)
			server->told[peer] = server->floor;
		else if (status != STRADS_AGAIN)
			return status;
	}
	return STRADS_OK;
}

uint64_t
strads_server_floor(const struct strads_server *server, int owner)
{
	if (owner == server->rank)
		return server->floor;
	return strads_signal_load(server->inbox,
				  server->floors_offset + (size_t)owner * sizeof(uint64_t));
}

int
strads_server_step(struct strads_server *server)
{
	uint64_t floor = UINT64_MAX;
	bool moved = false;
	int status;

	for (int worker = 0; worker < server->ranks; worker++) {
		while (worker != server->rank && strads_lane_ready(&server->lane, worker)) {
			status = take_message(server, worker);
			if (status)
				return status;
		}
		if (server->applied[worker] < floor)
			floor = server->applied[worker];
	}
	server->floor = floor;
	status = tell_floor(server);
	if (!status)
		status = strads_lane_settle(&server->lane, &moved);
	return status == STRADS_AGAIN ? STRADS_OK : status;
}
