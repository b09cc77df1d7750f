/*
 * The simulated network. A rank has one outgoing and one incoming link of bytes_per_ns each. A
 * message occupies the two one after the other but passes at once (cut-through): the first byte
 * takes the latency, the last one follows at the links' pace. Requests and acknowledgements carry
 * no payload: a request waits for the outgoing link but occupies none, an acknowledgement does
 * not wait.
 *
 *	put    post ──link, latency──▶ ARRIVE ──link──▶ LAND ──latency──▶ COMPLETE
 *	get    post ──latency──▶ REQUEST ──link, latency──▶ ARRIVE ──link──▶ LAND = COMPLETE
 *
 * Nothing is staged: bytes are copied from source to destination when they land, so that whoever
 * touches a borrowed buffer too early, or looks at data before their completion or signal, is
 * found out. With `tear` they land in pieces, in any order; the last one with LAND.
 *
 * Signals: a message with a signal reaches the link not before any earlier one of the same writer
 * to the same rank, and links are first come, first served; so it lands after them.
 */
#include "sim/sim.h"

#include "cursor.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <Random123/philox.h>

#define PIECES  4       /* of torn data */
#define TEAR_PS 1000000 /* torn data land over up to this and once the latency longer */

struct strads_sim_operation {
	struct strads_sim_operation *next;     /* among the unused */
	struct strads_sim_endpoint *initiator; /* NULL: given up, or unused */
	enum strads_op kind;
	int peer;
	int region; /* id of the peer's */
	int status;
	uint64_t number; /* in the order started: what is random about it depends on it */
	size_t offset;
	size_t bytes;
	struct strads_local local[STRADS_PIECES_MAX];
	size_t pieces;
	uint64_t value; /* the signal; the addend, later the old value of a fetch-add */
	struct strads_counter *counter;
};

#define SLAB_OPERATIONS 255

struct strads_sim_slab {
	struct strads_sim_slab *next;
	struct strads_sim_operation operations[SLAB_OPERATIONS];
};

/* ---- Chance ---- */

enum draw { DRAW_DELAYS, DRAW_TIMES, DRAW_CUTS };

/* Four numbers, uniform in [0, 1), that depend on the seed, the operation and the purpose only. */
struct chance {
	double u[4];
};

/* The delays drawn for an operation, as indices into its chance. */
enum delay { DELAY_THERE, DELAY_BACK, DELAY_TEAR };

static struct chance
draw(const struct strads_sim *sim, const struct strads_sim_operation *operation, enum draw purpose)
{
	uint64_t seed = sim->options.seed;
	philox4x32_ctr_t counter = {{(uint32_t)operation->number,
				     (uint32_t)(operation->number >> 32), (uint32_t)purpose, 0}};
	philox4x32_key_t key = {{(uint32_t)seed, (uint32_t)(seed >> 32)}};
	philox4x32_ctr_t random = philox4x32(counter, key);
	struct chance chance;

	for (int i = 0; i < 4; i++)
		chance.u[i] = random.v[i] * 0x1p-32;
	return chance;
}

/* One way through the network: latency · (1 + jitter · u). */
static uint64_t
latency(const struct strads_sim *sim, const struct strads_sim_operation *operation, enum delay way)
{
	const struct strads_sim_options *options = &sim->options;
	double ns = options->latency_ns;

	if (options->jitter > 0)
		ns *= 1 + options->jitter * draw(sim, operation, DRAW_DELAYS).u[way];
	return (uint64_t)(ns * STRADS_SIM_PS);
}

/* ---- Operations ---- */

/* Makes more operations for want of unused ones, unless there is no memory. */
static void
grow(struct strads_sim *sim)
{
	struct strads_sim_slab *slab = malloc(sizeof *slab);

	if (!slab) {
		strads_fail(STRADS_ERR_MEMORY, "no memory for %llu operations under way",
			    (unsigned long long)sim->under_way + 1);
		return;
	}
	slab->next = sim->slabs;
	sim->slabs = slab;
	for (int i = 0; i < SLAB_OPERATIONS; i++) {
		slab->operations[i].next = sim->unused;
		sim->unused = &slab->operations[i];
	}
}

/* An operation, and room for all its events. NULL: there is no memory for them. */
static struct strads_sim_operation *
take(struct strads_sim *sim)
{
	size_t events = strads_sim_news_max(sim) + (sim->under_way + 1) * PIECES;
	struct strads_sim_operation *taken;

	if (strads_events_reserve(&sim->events, events))
		return NULL;
	if (!sim->unused)
		grow(sim);
	taken = sim->unused;
	if (!taken)
		return NULL;
	sim->unused = taken->next;
	sim->under_way++;
	return taken;
}

static void
release(struct strads_sim *sim, struct strads_sim_operation *operation)
{
	operation->initiator = NULL;
	operation->next = sim->unused;
	sim->unused = operation;
	sim->under_way--;
}

void
strads_sim_network_free(struct strads_sim *sim)
{
	while (sim->slabs) {
		struct strads_sim_slab *slab = sim->slabs;

		sim->slabs = slab->next;
		free(slab);
	}
	sim->unused = NULL;
}

static void
add(struct strads_sim *sim, uint64_t time, enum strads_event_kind kind,
    struct strads_sim_operation *operation, int number)
{
	strads_events_add(&sim->events, (struct strads_event){.time = time,
							      .kind = kind,
							      .operation = operation,
							      .number = number});
}

/* Takes an operation that is not to touch its initiator any more off that one's books. */
static void
strike(struct strads_sim_operation *operation)
{
	struct strads_sim_endpoint *initiator = operation->initiator;

	initiator->outstanding--;
	initiator->pairs[operation->peer].outstanding--;
	operation->initiator = NULL;
}

/* Whether the operation moves bytes of the region; of any, if NULL. */
static bool
concerns(const struct strads_sim_operation *operation, const struct strads_region *local)
{
	for (size_t i = 0; local && i < operation->pieces; i++) {
		if (operation->local[i].region == local)
			return true;
	}
	return !local;
}

void
strads_sim_give_up(struct strads_sim_endpoint *endpoint, const struct strads_region *local)
{
	const struct strads_events *events = &endpoint->owner->sim->events;

	for (size_t i = 0; i < events->count && endpoint->outstanding > 0; i++) {
		struct strads_sim_operation *operation = events->heap[i].operation;

		if (operation && operation->initiator == endpoint && concerns(operation, local))
			strike(operation);
	}
}

static void
complete(struct strads_sim *sim, struct strads_sim_operation *operation, uint64_t time)
{
	struct strads_sim_endpoint *initiator = operation->initiator;

	strike(operation);
	strads_counter_done(operation->counter, operation->status);
	if (operation->status < 0)
		strads_fabric_failed(initiator->fabric, operation->peer, operation->status);
	strads_sim_notify(initiator->owner, time);
	release(sim, operation);
}

/* The peer's memory is not there (any more): its initiator learns of it by a timeout if the peer
 * was killed, by an answer if it has closed its fabric. */
static void
fail(struct strads_sim *sim, struct strads_sim_operation *operation, uint64_t time)
{
	uint64_t learnt = time + latency(sim, operation, DELAY_BACK);

	if (sim->ranks[operation->peer].state == STRADS_SIM_KILLED &&
	    learnt < strads_sim_detected(sim))
		learnt = strads_sim_detected(sim);
	operation->status = STRADS_ERR_PEER;
	add(sim, learnt, STRADS_EVENT_COMPLETE, operation, 0);
}

/* ---- Memory ---- */

/* Where the operation lies in the memory of its peer; NULL: that is not there any more. */
static uint8_t *
remote(const struct strads_sim *sim, const struct strads_sim_operation *operation)
{
	const struct strads_sim_rank *peer = &sim->ranks[operation->peer];
	int ordinal = operation->initiator->ordinal;
	const struct strads_sim_endpoint *endpoint;

	if (peer->state == STRADS_SIM_KILLED || ordinal >= peer->n_endpoints)
		return NULL;
	endpoint = peer->endpoints[ordinal];
	if (!endpoint || operation->region >= endpoint->n_regions ||
	    !endpoint->regions[operation->region])
		return NULL;
	return endpoint->regions[operation->region]->base + operation->offset;
}

/* Moves bytes [from, to) of a put or get. */
static void
copy(const struct strads_sim_operation *operation, uint8_t *at, size_t from, size_t to)
{
	struct strads_cursor local = {.piece = operation->local};

	if (from == to)
		return;
	strads_cursor_skip(&local, from);
	if (operation->kind == STRADS_OP_GET)
		strads_cursor_scatter(&local, at + from, to - from);
	else
		strads_cursor_gather(&local, at + from, to - from);
}

static bool
torn(const struct strads_sim *sim, const struct strads_sim_operation *operation)
{
	return sim->options.tear && operation->bytes > 0 && operation->kind != STRADS_OP_FETCH_ADD;
}

/* The bytes before piece k, 0 … PIECES: cuts at random within equal parts. */
static size_t
cut(const struct strads_sim_operation *operation, const struct chance *chance, int k)
{
	if (k == 0)
		return 0;
	if (k == PIECES)
		return operation->bytes;
	return (size_t)((double)operation->bytes * (k - 1 + chance->u[k - 1]) / (PIECES - 1));
}

/* Lets the n-th piece land, counted from one drawn at random. */
static void
copy_piece(const struct strads_sim *sim, const struct strads_sim_operation *operation, uint8_t *at,
	   int n)
{
	struct chance chance = draw(sim, operation, DRAW_CUTS);
	int k = ((int)(chance.u[PIECES - 1] * PIECES) + n) % PIECES;

	copy(operation, at, cut(operation, &chance, k), cut(operation, &chance, k + 1));
}

/* ---- The way of an operation ---- */

/* How long a message of `bytes` occupies a link. */
static uint64_t
occupancy(const struct strads_sim *sim, const struct strads_sim_operation *operation)
{
	size_t bytes = operation->bytes;

	if (operation->kind == STRADS_OP_PUT_SIGNAL)
		bytes += sizeof operation->value;
	return (uint64_t)((double)bytes * sim->ps_per_byte + 0.5);
}

static uint64_t
later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* Sends the payload by the outgoing link of `from` at `time`. */
static void
send(struct strads_sim *sim, struct strads_sim_operation *operation, struct strads_sim_rank *from,
     uint64_t time, enum delay way)
{
	struct strads_sim_pair *pair = &operation->initiator->pairs[operation->peer];
	uint64_t leaves = later(time, from->out_free);
	uint64_t arrives = leaves + latency(sim, operation, way);
	uint64_t first = operation->kind == STRADS_OP_GET ? time : arrives;

	from->out_free = leaves + occupancy(sim, operation);
	if (torn(sim, operation))
		arrives += (uint64_t)(draw(sim, operation, DRAW_DELAYS).u[DELAY_TEAR] *
				      (sim->options.latency_ns * STRADS_SIM_PS + TEAR_PS));
	if (operation->kind == STRADS_OP_PUT_SIGNAL)
		arrives = later(arrives, pair->settled);
	if (operation->kind != STRADS_OP_GET && operation->kind != STRADS_OP_FETCH_ADD)
		pair->settled = later(arrives, pair->settled);
	if (torn(sim, operation)) {
		struct chance chance = draw(sim, operation, DRAW_TIMES);

		for (int n = 0; n < PIECES - 1; n++)
			add(sim, first + (uint64_t)(chance.u[n] * (double)(arrives - first)),
			    STRADS_EVENT_PIECE, operation, n);
	}
	add(sim, arrives, STRADS_EVENT_ARRIVE, operation, 0);
}

static void
serve_request(struct strads_sim *sim, struct strads_sim_operation *operation, uint64_t time)
{
	uint8_t *at = remote(sim, operation);

	if (!at) {
		fail(sim, operation, time);
		return;
	}
	if (operation->kind == STRADS_OP_FETCH_ADD) {
		operation->value =
		    atomic_fetch_add((_Atomic uint64_t *)(void *)at, operation->value);
		strads_sim_notify(&sim->ranks[operation->peer], time);
	}
	send(sim, operation, &sim->ranks[operation->peer], time, DELAY_BACK);
}

/* The last byte of a put. */
static void
land_put(struct strads_sim *sim, struct strads_sim_operation *operation, uint64_t time)
{
	uint8_t *at = remote(sim, operation);

	if (!at) {
		fail(sim, operation, time);
		return;
	}
	if (torn(sim, operation))
		copy_piece(sim, operation, at, PIECES - 1);
	else
		copy(operation, at, 0, operation->bytes);
	if (operation->kind == STRADS_OP_PUT_SIGNAL) {
		atomic_store_explicit((_Atomic uint64_t *)(void *)(at + operation->bytes),
				      operation->value, memory_order_release);
		sim->ranks[operation->peer].owes += sim->receive;
	}
	strads_sim_notify(&sim->ranks[operation->peer], time);
	add(sim, time + latency(sim, operation, DELAY_BACK), STRADS_EVENT_COMPLETE, operation, 0);
}

/* The last byte of what a get or fetch-add brings back. */
static void
land_answer(struct strads_sim *sim, struct strads_sim_operation *operation, uint64_t time)
{
	uint8_t *at = remote(sim, operation);

	if (operation->kind == STRADS_OP_FETCH_ADD) {
		memcpy(operation->local[0].base, &operation->value, sizeof operation->value);
	} else if (!at) {
		fail(sim, operation, time);
		return;
	} else if (torn(sim, operation)) {
		copy_piece(sim, operation, at, PIECES - 1);
	} else {
		copy(operation, at, 0, operation->bytes);
	}
	complete(sim, operation, time);
}

static void
land(struct strads_sim *sim, struct strads_sim_operation *operation, uint64_t time)
{
	if (operation->kind == STRADS_OP_GET || operation->kind == STRADS_OP_FETCH_ADD)
		land_answer(sim, operation, time);
	else
		land_put(sim, operation, time);
}

/* The first byte is at the incoming link of where it goes, which serves first come, first. */
static void
arrive(struct strads_sim *sim, struct strads_sim_operation *operation, uint64_t time)
{
	bool answer = operation->kind == STRADS_OP_GET || operation->kind == STRADS_OP_FETCH_ADD;
	struct strads_sim_rank *at =
	    answer ? operation->initiator->owner : &sim->ranks[operation->peer];

	at->in_free = later(at->in_free, time) + occupancy(sim, operation);
	if (at->in_free == time)
		land(sim, operation, time);
	else
		add(sim, at->in_free, STRADS_EVENT_LAND, operation, 0);
}

static void
land_piece(struct strads_sim *sim, const struct strads_sim_operation *operation, int n)
{
	uint8_t *at = remote(sim, operation);

	if (at)
		copy_piece(sim, operation, at, n);
}

void
strads_sim_advance(struct strads_sim *sim, const struct strads_event *event)
{
	struct strads_sim_operation *operation = event->operation;
	const struct strads_sim_endpoint *initiator = operation->initiator;

	/* Nobody waits for it any more. Its other events, pieces, have all been before. */
	if (!initiator || initiator->owner->state == STRADS_SIM_KILLED) {
		if (event->kind != STRADS_EVENT_PIECE)
			release(sim, operation);
		return;
	}
	switch (event->kind) {
	case STRADS_EVENT_REQUEST:
		serve_request(sim, operation, event->time);
		break;
	case STRADS_EVENT_PIECE:
		land_piece(sim, operation, event->number);
		break;
	case STRADS_EVENT_ARRIVE:
		arrive(sim, operation, event->time);
		break;
	case STRADS_EVENT_LAND:
		land(sim, operation, event->time);
		break;
	default:
		complete(sim, operation, event->time);
	}
}

/* Whether an operation on `peer` can be started now. */
static int
admit(const struct strads_sim_endpoint *endpoint, int peer)
{
	const struct strads_sim_rank *rank = endpoint->owner;
	const struct strads_sim *sim = rank->sim;

	if (sim->ranks[peer].state == STRADS_SIM_KILLED && rank->clock >= strads_sim_detected(sim))
		return strads_fail(STRADS_ERR_PEER, "rank %d was killed by the simulator", peer);
	return endpoint->outstanding < STRADS_SIM_QUEUE ? STRADS_OK : STRADS_AGAIN;
}

int
strads_sim_start(struct strads_sim_endpoint *endpoint, enum strads_op kind,
		 const struct strads_transfer *transfer)
{
	struct strads_sim_rank *rank = endpoint->owner;
	struct strads_sim *sim = rank->sim;
	struct strads_sim_operation *operation;
	int status = admit(endpoint, transfer->peer);

	if (status)
		return status;
	operation = take(sim);
	if (!operation)
		return STRADS_ERR_MEMORY;
	*operation = (struct strads_sim_operation){
	    .initiator = endpoint,
	    .kind = kind,
	    .peer = transfer->peer,
	    .region = transfer->region->id,
	    .number = sim->started++,
	    .offset = transfer->offset,
	    .bytes = transfer->bytes,
	    .pieces = transfer->pieces,
	    .value = transfer->value,
	    .counter = transfer->counter,
	};
	memcpy(operation->local, transfer->local, transfer->pieces * sizeof *transfer->local);
	endpoint->outstanding++;
	endpoint->pairs[transfer->peer].outstanding++;
	rank->clock += sim->overhead;
	if (kind == STRADS_OP_GET || kind == STRADS_OP_FETCH_ADD)
		add(sim, later(rank->clock, rank->out_free) + latency(sim, operation, DELAY_THERE),
		    STRADS_EVENT_REQUEST, operation, 0);
	else
		send(sim, operation, rank, rank->clock, DELAY_THERE);
	return STRADS_OK;
}
