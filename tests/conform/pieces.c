/* Local sides in many pieces: gathered by puts, scattered by gets, seen whole, refused outside. */
#include "conform.h"

#include <string.h>

#define WORD sizeof(uint64_t)

static int
next_rank(const struct conform *c)
{
	return (c->rank + 1) % c->size;
}

static int
previous_rank(const struct conform *c)
{
	return (c->rank + c->size - 1) % c->size;
}

static size_t
items(const struct strads_piece *piece)
{
	return piece->count > 1 ? piece->count : 1;
}

/* The bytes of the pieces in a row, item by item; returns how many. */
static size_t
collect(const struct strads_piece *pieces, size_t n, uint8_t *to)
{
	size_t bytes = 0;

	for (size_t i = 0; i < n; i++) {
		for (size_t item = 0; pieces[i].bytes > 0 && item < items(&pieces[i]); item++) {
			memcpy(to + bytes, (uint8_t *)pieces[i].base + item * pieces[i].stride,
			       pieces[i].bytes);
			bytes += pieces[i].bytes;
		}
	}
	return bytes;
}

/* Sets all items of the pieces to one value. */
static void
paint(const struct strads_piece *pieces, size_t n, int value)
{
	for (size_t i = 0; i < n; i++) {
		for (size_t item = 0; pieces[i].bytes > 0 && item < items(&pieces[i]); item++)
			memset((uint8_t *)pieces[i].base + item * pieces[i].stride, value,
			       pieces[i].bytes);
	}
}

/* Where a round trip goes: pieces of one region to a peer, and back into those of another. */
struct trip {
	struct strads_region *remote; /* of the peer, and read back from */
	size_t offset;
	struct strads_region *out, *in;
	uint8_t *row; /* room for what is expected, in a row */
};

/* strads_putv or strads_getv. */
typedef int transfer(struct strads_fabric *fabric, int peer, const struct strads_region *region,
		     size_t offset, const struct strads_piece *pieces, size_t n,
		     struct strads_counter *counter);

/* One way of the trip. The list must be read by the call: it is spoilt right after. */
static int
move(struct conform *c, const struct trip *trip, transfer *operation,
     const struct strads_piece *pieces, size_t n, struct strads_counter *counter)
{
	struct strads_piece spoilt[STRADS_PIECES_MAX];

	memcpy(spoilt, pieces, n * sizeof *pieces);
	CHECK_OK(CONFORM_RETRY(
	    c, operation(c->fabric, next_rank(c), trip->remote, trip->offset, spoilt, n, counter)));
	memset(spoilt, 0xff, sizeof spoilt);
	CHECK_OK(strads_counter_wait(c->fabric, counter));
	return 0;
}

/* Puts pieces of `out` and gets them back into pieces of `in` of the same length: what comes is
 * what went, and nothing beside the items has changed. */
static int
round_trip(struct conform *c, const struct trip *trip, const struct strads_piece *from, size_t n,
	   const struct strads_piece *into, size_t m)
{
	struct strads_counter counter = {0};
	size_t room = strads_region_bytes(trip->in, c->rank);
	uint8_t *in = strads_region_base(trip->in);
	size_t bytes;

	memset(in, 0xa5, room);
	CHECK(move(c, trip, strads_putv, from, n, &counter) == 0);
	CHECK(move(c, trip, strads_getv, into, m, &counter) == 0);
	CHECK(counter.posted == 2 && counter.done == 2);
	bytes = collect(from, n, trip->row);
	CHECK(collect(into, m, trip->row + bytes) == bytes);
	CHECK(memcmp(trip->row, trip->row + bytes, bytes) == 0);
	paint(into, m, 0xa5);
	for (size_t i = 0; i < room; i++)
		CHECK(in[i] == 0xa5);
	return 0;
}

/* Regions for round trips of up to `bytes` in items spread over `room`. */
static int
open_trip(struct conform *c, struct trip *trip, size_t bytes, size_t room)
{
	struct strads_region *row;

	trip->remote = conform_region(c, STRADS_REMOTE_WRITE | STRADS_REMOTE_READ, bytes + 64);
	trip->out = conform_region(c, STRADS_LOCAL, room);
	trip->in = conform_region(c, STRADS_LOCAL, room);
	row = conform_region(c, STRADS_LOCAL, 2 * bytes);
	CHECK(trip->remote && trip->out && trip->in && row && conform_wire(c) == 0);
	trip->row = strads_region_base(row);
	conform_fill(strads_region_base(trip->out), room, (uint64_t)c->rank);
	return 0;
}

/* Lists of pieces of all kinds, some of them empty, at any offset. */
static int
pieces_of_odd_sizes(struct conform *c)
{
	struct trip trip;
	uint8_t *out, *in;

	CHECK(open_trip(c, &trip, 4096, 8192) == 0);
	out = strads_region_base(trip.out);
	in = strads_region_base(trip.in);
	for (size_t shift = 0; shift < 9; shift++) {
		const struct strads_piece from[] = {
		    {.base = out + shift, .bytes = 1},
		    {.base = NULL, .bytes = 0, .count = 100},
		    {.base = out + 700, .bytes = 7, .count = 5, .stride = 11 + shift},
		    {.base = out + 30, .bytes = 13 + shift},
		    {.base = out + 2000, .bytes = 64, .count = 3, .stride = 64},
		    {.base = out + 8192 - 600, .bytes = 600, .count = 1},
		    {.base = out + 5000, .bytes = 3, .count = 100, .stride = 3 + shift},
		    {.base = out + 6000, .bytes = 8, .count = 9, .stride = 40},
		};
		size_t bytes = collect(from, STRADS_PIECES_MAX, trip.row);
		const struct strads_piece into[] = {
		    {.base = in + 8192 - 10, .bytes = 10},
		    {.base = in + shift, .bytes = bytes - 10 - 20 * 9 - 2 * 130},
		    {.base = in + 4001, .bytes = 9, .count = 20, .stride = 10},
		    {.base = in + 5003, .bytes = 130, .count = 2, .stride = 1000 + shift},
		};

		trip.offset = shift;
		CHECK(round_trip(c, &trip, from, STRADS_PIECES_MAX, into, 4) == 0);
		CHECK(round_trip(c, &trip, from + 1, 1, into, 0) == 0);
	}
	CHECK(conform_meet(c) == 0);
	return 0;
}

/* Columns of matrices: more items than any adapter takes at once, and than its queue takes. */
static int
columns_of_a_matrix(struct conform *c)
{
	enum { ROWS = 3000, COLUMNS = 7 };
	struct trip trip = {.offset = 8};
	uint8_t *out, *in;

	CHECK(open_trip(c, &trip, 3 * ROWS * WORD, ROWS * COLUMNS * WORD) == 0);
	out = strads_region_base(trip.out);
	in = strads_region_base(trip.in);
	for (size_t column = 0; column < COLUMNS; column += 3) {
		const struct strads_piece from = {.base = out + column * WORD,
						  .bytes = WORD,
						  .count = ROWS,
						  .stride = COLUMNS * WORD};
		const struct strads_piece into = {.base = in + (COLUMNS - 1 - column) * WORD,
						  .bytes = WORD,
						  .count = ROWS,
						  .stride = COLUMNS * WORD};

		CHECK(round_trip(c, &trip, &from, 1, &into, 1) == 0);
	}
	return conform_meet(c);
}

/* Items longer than what a provider sends at once. */
static int
long_items(struct conform *c)
{
	enum { ITEM = 70001, COUNT = 20, STRIDE = 80000 };
	struct trip trip = {.offset = 3};
	struct strads_piece from[2], into;

	CHECK(open_trip(c, &trip, ITEM * COUNT, STRIDE * COUNT) == 0);
	from[0] = (struct strads_piece){strads_region_base(trip.out), ITEM, COUNT - 1, STRIDE};
	from[1] = (struct strads_piece){(uint8_t *)from[0].base + STRIDE * (COUNT - 1), ITEM, 0, 0};
	into = (struct strads_piece){strads_region_base(trip.in), ITEM, COUNT, STRIDE};
	CHECK(round_trip(c, &trip, from, 2, &into, 1) == 0);
	return conform_meet(c);
}

/* The message of a ring: a header and a payload from different regions, the payload strided now and
 * then, all of it there once the signal is. */
static int
gathered_before_signal(struct conform *c)
{
	enum { ROUNDS = 300, ITEM = 24, COUNT = 100, HEADER = 40, ROOM = HEADER + ITEM * COUNT };
	struct strads_region *in = conform_region(c, STRADS_REMOTE_WRITE, ROOM + WORD);
	struct strads_region *credit = conform_region(c, STRADS_REMOTE_WRITE, WORD);
	struct strads_region *header = conform_region(c, STRADS_LOCAL, HEADER);
	struct strads_region *body = conform_region(c, STRADS_LOCAL, 2 * ITEM * COUNT);
	struct strads_counter counter = {0};
	uint8_t *seen;

	CHECK(in && credit && header && body && conform_wire(c) == 0);
	for (uint64_t round = 1; round <= ROUNDS; round++) {
		size_t count = round * 7 % COUNT;
		size_t bytes = HEADER + count * ITEM;
		uint8_t *base = strads_region_base(body);
		const struct strads_piece pieces[] = {
		    {.base = strads_region_base(header), .bytes = HEADER},
		    {.base = base,
		     .bytes = count ? ITEM : 0,
		     .count = count,
		     .stride = ITEM * (1 + round % 2)},
		};

		conform_fill(strads_region_base(header), HEADER, round * 64 + (uint64_t)c->rank);
		for (size_t i = 0; i < count; i++)
			conform_fill(base + i * pieces[1].stride, ITEM,
				     round * 64 + (uint64_t)c->rank + i);
		CHECK_OK(
		    CONFORM_RETRY(c, strads_put_signalv(c->fabric, next_rank(c), in, ROOM - bytes,
							pieces, 2, round, &counter)));
		CHECK(conform_await(c, in, ROOM, round) == 0);
		seen = (uint8_t *)strads_region_base(in) + ROOM - bytes;
		CHECK(conform_filled(seen, HEADER, round * 64 + (uint64_t)previous_rank(c)));
		for (size_t i = 0; i < count; i++)
			CHECK(conform_filled(seen + HEADER + i * ITEM, ITEM,
					     round * 64 + (uint64_t)previous_rank(c) + i));
		CHECK_OK(CONFORM_RETRY(c, strads_put_signal(c->fabric, previous_rank(c), credit, 0,
							    NULL, 0, round, NULL)));
		CHECK(conform_await(c, credit, 0, round) == 0);
		CHECK_OK(strads_counter_wait(c->fabric, &counter));
	}
	return conform_flush(c, -1);
}

/* A signal waits for every item of its payload, however many requests they take. */
static int
columns_before_signal(struct conform *c)
{
	enum { ROUNDS = 20, ROWS = 1500, COLUMNS = 3, BYTES = ROWS * (int)WORD };
	struct strads_region *in = conform_region(c, STRADS_REMOTE_WRITE, BYTES + WORD);
	struct strads_region *matrix =
	    conform_region(c, STRADS_LOCAL, (size_t)ROWS * COLUMNS * WORD);
	const uint64_t *seen;

	CHECK(in && matrix && conform_wire(c) == 0);
	seen = strads_region_base(in);
	for (uint64_t round = 1; round <= ROUNDS; round++) {
		uint64_t *base = strads_region_base(matrix);
		struct strads_piece column = {base + 1, WORD, ROWS, COLUMNS * WORD};

		for (size_t row = 0; row < ROWS; row++)
			base[row * COLUMNS + 1] = round * 1000000 + row;
		CHECK_OK(CONFORM_RETRY(c, strads_put_signalv(c->fabric, next_rank(c), in, 0,
							     &column, 1, round, NULL)));
		CHECK(conform_await(c, in, BYTES, round) == 0);
		for (size_t row = 0; row < ROWS; row++)
			CHECK(seen[row] == round * 1000000 + row);
		CHECK(conform_flush(c, -1) == 0);
		CHECK(conform_meet(c) == 0);
	}
	return 0;
}

/* Every way in which a list can be wrong; then nothing was sent. */
static int
pieces_refused(struct conform *c)
{
	struct strads_region *in =
	    conform_region(c, STRADS_REMOTE_WRITE | STRADS_REMOTE_READ, 4096);
	struct strads_region *local = conform_region(c, STRADS_LOCAL, 4096);
	struct strads_piece many[STRADS_PIECES_MAX + 1];
	struct strads_counter counter = {0};
	struct strads_fabric_stats stats;
	int peer = next_rank(c);
	uint8_t outside[16] = {0};
	uint8_t *base;

	CHECK(in && local && conform_wire(c) == 0);
	base = strads_region_base(local);
	conform_fill(base, 4096, 1);
	{
		const struct strads_piece good = {.base = base, .bytes = 8};
		const struct strads_piece bad[][2] = {
		    {good, {.base = outside, .bytes = 8}},
		    {good, {.base = base + 4089, .bytes = 8}},
		    {good, {.base = base - 1, .bytes = 8}},
		    {good, {.base = base, .bytes = 8, .count = 3, .stride = 2045}},
		    {good, {.base = base, .bytes = 8, .count = 3, .stride = 7}},
		    {good, {.base = base, .bytes = 8, .count = 3, .stride = SIZE_MAX / 2}},
		    {good, {.base = base, .bytes = 8, .count = 2, .stride = SIZE_MAX - 7}},
		};

		for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
			CHECK(strads_putv(c->fabric, peer, in, 0, bad[i], 2, &counter) ==
			      STRADS_ERR_ARGUMENT);
			CHECK(strads_getv(c->fabric, peer, in, 0, bad[i], 2, &counter) ==
			      STRADS_ERR_ARGUMENT);
			CHECK(strads_put_signalv(c->fabric, peer, in, 0, bad[i], 2, 1, &counter) ==
			      STRADS_ERR_ARGUMENT);
		}
		for (int i = 0; i <= STRADS_PIECES_MAX; i++)
			many[i] = good;
	}
	CHECK(strads_putv(c->fabric, peer, in, 0, many, STRADS_PIECES_MAX + 1, &counter) ==
	      STRADS_ERR_ARGUMENT);
	many[0] = (struct strads_piece){base, 8, 513, 8};
	CHECK(strads_putv(c->fabric, peer, in, 0, many, 1, &counter) == STRADS_ERR_BOUNDS);
	many[0] = (struct strads_piece){base, 8, SIZE_MAX / 4, 8};
	CHECK(strads_getv(c->fabric, peer, in, 0, many, 2, &counter) == STRADS_ERR_BOUNDS);
	many[0] = (struct strads_piece){.base = base, .bytes = 4};
	CHECK(strads_put_signalv(c->fabric, peer, in, 0, many, 2, 1, &counter) ==
	      STRADS_ERR_ARGUMENT);
	many[1] = many[0];
	CHECK(strads_put_signalv(c->fabric, peer, in, 4088, many, 2, 1, &counter) ==
	      STRADS_ERR_BOUNDS);
	CHECK(counter.posted == 0 && counter.done == 0);
	strads_fabric_stats(c->fabric, &stats);
	for (int op = 0; op < STRADS_OPS; op++)
		CHECK(stats.operations[op] == 0 && stats.bytes[op] == 0);
	CHECK(conform_flush(c, -1) == 0);
	CHECK(conform_meet(c) == 0);
	for (size_t i = 0; i < 4096; i++)
		CHECK(((const uint8_t *)strads_region_base(in))[i] == 0);
	return 0;
}

const struct conform_case conform_pieces_cases[] = {
    {"pieces", "pieces_of_odd_sizes", pieces_of_odd_sizes, 0},
    {"pieces", "columns_of_a_matrix", columns_of_a_matrix, 0},
    {"pieces", "long_items", long_items, 0},
    {"pieces", "gathered_before_signal", gathered_before_signal, 0},
    {"pieces", "columns_before_signal", columns_before_signal, 0},
    {"pieces", "pieces_refused", pieces_refused, 0},
    {0},
};
