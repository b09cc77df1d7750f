/* What arrives: whole, where it was sent, before its signal, in order. */
#include "conform.h"

#include <string.h>

#define WORD sizeof(uint64_t)

/* A ring of ranks: each sends to the next and hears from the one before. */
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

/* The path to every rank is the one that --fabric asks for. */
static int
paths_as_asked(struct conform *c)
{
	for (int peer = 0; peer < c->size; peer++) {
		bool near = c->group > 0 && peer / c->group == c->rank / c->group;
		const char *wanted = peer == c->rank ? "self"
				     : c->group == 0 ? c->fabric_name
				     : near          ? "shm"
						     : "ofi";
		struct strads_fabric_info info;

		strads_fabric_query(c->fabric, peer, &info);
		/* Where there is an RDMA device, it is preferred. */
		CHECK(strncmp(info.path, wanted, strlen(wanted)) == 0 ||
		      (c->group > 0 && !near && strncmp(info.path, "verbs:", 6) == 0));
		CHECK(info.signal[0] != '\0' && info.completion[0] != '\0');
	}
	return 0;
}

/* Payload and signal of one operation: who sees the signal sees all of the payload. The reader
 * answers each with a credit, so that nothing is overwritten while it looks. */
static int
payload_before_signal(struct conform *c)
{
	enum { ROUNDS = 600, BYTES_MAX = 4096 };
	struct strads_region *in = conform_region(c, STRADS_REMOTE_WRITE, BYTES_MAX + WORD);
	struct strads_region *credit = conform_region(c, STRADS_REMOTE_WRITE, WORD);
	struct strads_region *out = conform_region(c, STRADS_LOCAL, BYTES_MAX);
	struct strads_counter counter = {0};

	CHECK(in && credit && out && conform_wire(c) == 0);
	for (uint64_t round = 1; round <= ROUNDS; round++) {
		/* The signal word lies at a fixed place, the payload of any length before it. */
		size_t bytes = (round * 72) % (BYTES_MAX + WORD);
		size_t offset = BYTES_MAX - bytes;

		conform_fill(strads_region_base(out), bytes, round * 64 + (uint64_t)c->rank);
		CHECK_OK(CONFORM_RETRY(c, strads_put_signal(c->fabric, next_rank(c), in, offset,
							    strads_region_base(out), bytes, round,
							    &counter)));
		CHECK(conform_await(c, in, BYTES_MAX, round) == 0);
		CHECK(conform_filled((uint8_t *)strads_region_base(in) + offset, bytes,
				     round * 64 + (uint64_t)previous_rank(c)));
		CHECK_OK(CONFORM_RETRY(c, strads_put_signal(c->fabric, previous_rank(c), credit, 0,
							    NULL, 0, round, NULL)));
		CHECK(conform_await(c, credit, 0, round) == 0);
		CHECK_OK(strads_counter_wait(c->fabric, &counter));
	}
	return conform_flush(c, -1);
}

/* Who can look into a peer's memory sees there, behind a signal, what a get brings. */
static int
view_is_what_a_get_brings(struct conform *c)
{
	enum { ROUNDS = 50, BYTES = 10000 };
	struct strads_region *shelf = conform_region(c, STRADS_REMOTE_READ, BYTES);
	struct strads_region *closed = conform_region(c, STRADS_REMOTE_WRITE, BYTES);
	struct strads_region *local = conform_region(c, STRADS_LOCAL, BYTES);
	int peer = next_rank(c);

	CHECK(shelf && closed && local && conform_wire(c) == 0);
	CHECK(strads_region_view(shelf, c->rank) == strads_region_base(shelf));
	CHECK(!strads_region_view(shelf, -1) && !strads_region_view(shelf, c->size));
	CHECK(!strads_region_view(closed, c->rank) && !strads_region_view(local, c->rank));
	for (uint64_t round = 1; round <= ROUNDS; round++) {
		const void *view = strads_region_view(shelf, peer);
		struct strads_counter counter = {0};

		conform_fill(strads_region_base(shelf), BYTES, round * 64 + (uint64_t)c->rank);
		CHECK(conform_meet(c) == 0);
		CHECK_OK(CONFORM_RETRY(c, strads_get(c->fabric, peer, shelf, 0,
						     strads_region_base(local), BYTES, &counter)));
		CHECK_OK(strads_counter_wait(c->fabric, &counter));
		CHECK(
		    conform_filled(strads_region_base(local), BYTES, round * 64 + (uint64_t)peer));
		CHECK(!view || memcmp(view, strads_region_base(local), BYTES) == 0);
		CHECK(conform_meet(c) == 0);
	}
	return 0;
}

/* Plain puts into several places, then a bare signal: the signal covers them all. */
static int
puts_before_signal(struct conform *c)
{
	enum { ROUNDS = 300, PIECES = 16, PIECE = 1000 };
	struct strads_region *in = conform_region(c, STRADS_REMOTE_WRITE, PIECES * PIECE);
	struct strads_region *words = conform_region(c, STRADS_REMOTE_WRITE, 2 * WORD);
	struct strads_region *out = conform_region(c, STRADS_LOCAL, PIECES * PIECE);
	uint8_t *base;

	CHECK(in && words && out && conform_wire(c) == 0);
	base = strads_region_base(out);
	for (uint64_t round = 1; round <= ROUNDS; round++) {
		conform_fill(base, PIECES * PIECE, round * 64 + (uint64_t)c->rank);
		for (size_t piece = PIECES; piece-- > 0;)
			CHECK_OK(
			    CONFORM_RETRY(c, strads_put(c->fabric, next_rank(c), in, piece * PIECE,
							base + piece * PIECE, PIECE, NULL)));
		CHECK_OK(CONFORM_RETRY(
		    c, strads_put_signal(c->fabric, next_rank(c), words, 0, NULL, 0, round, NULL)));
		CHECK(conform_await(c, words, 0, round) == 0);
		CHECK(conform_filled(strads_region_base(in), PIECES * PIECE,
				     round * 64 + (uint64_t)previous_rank(c)));
		CHECK_OK(CONFORM_RETRY(c, strads_put_signal(c->fabric, previous_rank(c), words,
							    WORD, NULL, 0, round, NULL)));
		CHECK(conform_await(c, words, WORD, round) == 0);
		CHECK(conform_flush(c, -1) == 0);
	}
	return 0;
}

/* Signals of one writer, unpaced, on two words in turn: who sees the second sees the first. */
static int
signals_in_order(struct conform *c)
{
	enum { SIGNALS = 3000 };
	struct strads_region *words = conform_region(c, STRADS_REMOTE_WRITE, 2 * WORD);
	uint64_t deadline;
	uint64_t sent = 0;
	uint64_t seen = 0;

	CHECK(words && conform_wire(c) == 0);
	deadline = strads_fabric_clock_ns(c->fabric) + CONFORM_DEADLINE_NS;
	while (sent < 2 * SIGNALS || seen < SIGNALS) {
		uint64_t second = strads_signal_load(words, WORD);
		uint64_t first = strads_signal_load(words, 0);
		bool moved = second > seen;

		CHECK(second >= seen && first >= second);
		seen = second;
		if (sent < 2 * SIGNALS) {
			int status =
			    strads_put_signal(c->fabric, next_rank(c), words, sent % 2 * WORD, NULL,
					      0, sent / 2 + 1, NULL);

			CHECK(status == STRADS_OK || status == STRADS_AGAIN);
			moved = moved || status == STRADS_OK;
			sent += status == STRADS_OK;
		}
		CHECK_OK(strads_fabric_progress(c->fabric));
		CHECK(strads_fabric_clock_ns(c->fabric) < deadline);
		if (moved)
			strads_fabric_awake(c->fabric);
		else
			strads_fabric_wait(c->fabric, deadline);
	}
	return conform_flush(c, -1);
}

static const size_t sizes[] = {1,    2,    3,     7,     8,     9,     31,     63,      64,
			       65,   127,  255,   256,   257,   1000,  4095,   4096,    4097,
			       8191, 9000, 16384, 65535, 65536, 65537, 262147, 1048579, 0};

/* One size: rank 0 puts to the last rank, which looks, and gets back what it put. */
static int
one_size(struct conform *c, struct strads_region *in, struct strads_region *word,
	 struct strads_region *out, size_t bytes, uint64_t round)
{
	uint8_t *base = strads_region_base(out);
	struct strads_counter counter = {0};
	int target = c->size - 1;

	if (c->rank == 0) {
		conform_fill(base, bytes, round);
		CHECK_OK(
		    CONFORM_RETRY(c, strads_put(c->fabric, target, in, 0, base, bytes, &counter)));
		CHECK_OK(CONFORM_RETRY(
		    c, strads_put_signal(c->fabric, target, word, 0, NULL, 0, round, &counter)));
		CHECK_OK(strads_counter_wait(c->fabric, &counter));
		CHECK(conform_await(c, word, 0, round) == 0);
		memset(base, 0, bytes);
		CHECK_OK(
		    CONFORM_RETRY(c, strads_get(c->fabric, target, in, 0, base, bytes, &counter)));
		CHECK_OK(strads_counter_wait(c->fabric, &counter));
		CHECK(conform_filled(base, bytes, round));
	} else if (c->rank == target) {
		CHECK(conform_await(c, word, 0, round) == 0);
		CHECK(conform_filled(strads_region_base(in), bytes, round));
		CHECK(((uint8_t *)strads_region_base(in))[bytes] == 0);
		CHECK_OK(CONFORM_RETRY(
		    c, strads_put_signal(c->fabric, 0, word, 0, NULL, 0, round, NULL)));
	}
	return 0;
}

static int
sizes_from_one_byte(struct conform *c)
{
	size_t room = c->large_bytes + 64;
	bool end = c->rank == 0 || c->rank == c->size - 1;
	struct strads_region *in = conform_region(c, STRADS_REMOTE_WRITE | STRADS_REMOTE_READ,
						  c->rank == c->size - 1 ? room : 0);
	struct strads_region *word = conform_region(c, STRADS_REMOTE_WRITE, WORD);
	struct strads_region *out = conform_region(c, STRADS_LOCAL, end ? room : 0);
	uint64_t round = 1;

	CHECK(in && word && out && conform_wire(c) == 0);
	for (size_t i = 0; sizes[i]; i++, round++)
		CHECK(one_size(c, in, word, out, sizes[i], round) == 0);
	CHECK(one_size(c, in, word, out, c->large_bytes + 13, round) == 0);
	return conform_flush(c, -1);
}

/* Any offset and length: nothing beside the range changes. */
static int
unaligned_ranges(struct conform *c)
{
	enum { ROOM = 256 };
	struct strads_region *in =
	    conform_region(c, STRADS_REMOTE_WRITE | STRADS_REMOTE_READ, ROOM);
	struct strads_region *out = conform_region(c, STRADS_LOCAL, 2 * ROOM);
	struct strads_counter counter = {0};
	uint8_t expected[ROOM] = {0};
	uint8_t *base, *back;
	int to = next_rank(c);

	CHECK(in && out && conform_wire(c) == 0);
	base = strads_region_base(out);
	back = base + ROOM;
	for (size_t offset = 0; offset < 17; offset++) {
		for (size_t bytes = 1; bytes < 34; bytes += 1 + offset % 3) {
			size_t at = offset * 11 + bytes;

			conform_fill(base + offset, bytes, at);
			memcpy(expected + at, base + offset, bytes);
			CHECK_OK(CONFORM_RETRY(
			    c, strads_put(c->fabric, to, in, at, base + offset, bytes, &counter)));
			CHECK_OK(strads_counter_wait(c->fabric, &counter));
			CHECK_OK(CONFORM_RETRY(c, strads_get(c->fabric, to, in, at - 1, back + 1,
							     bytes + 2, &counter)));
			CHECK_OK(strads_counter_wait(c->fabric, &counter));
			CHECK(memcmp(back + 1, expected + at - 1, bytes + 2) == 0);
		}
	}
	CHECK(conform_meet(c) == 0);
	CHECK(memcmp(strads_region_base(in), expected, ROOM) == 0);
	return 0;
}

/* As after a reconnect, when it is not known which signals had arrived: all are written again. */
static int
signals_written_again(struct conform *c)
{
	enum { SIGNALS = 200, BYTES = 64, STEP = BYTES + WORD, EPOCH = 1 << 16 };
	struct strads_region *in = conform_region(c, STRADS_REMOTE_WRITE, SIGNALS * STEP);
	struct strads_region *out = conform_region(c, STRADS_LOCAL, BYTES);
	uint8_t *base;

	CHECK(in && out && conform_wire(c) == 0);
	base = strads_region_base(in);
	conform_fill(strads_region_base(out), BYTES, (uint64_t)c->rank);
	for (int time = 0; time < 3; time++) {
		for (size_t i = 0; i < SIGNALS; i++)
			CHECK_OK(CONFORM_RETRY(
			    c, strads_put_signal(c->fabric, next_rank(c), in, i * STEP,
						 strads_region_base(out), BYTES, EPOCH + i, NULL)));
		for (size_t i = 0; i < SIGNALS; i++) {
			CHECK(conform_await(c, in, i * STEP + BYTES, EPOCH + i) == 0);
			CHECK(strads_signal_load(in, i * STEP + BYTES) == EPOCH + i);
			CHECK(conform_filled(base + i * STEP, BYTES, (uint64_t)previous_rank(c)));
		}
	}
	return conform_flush(c, -1);
}

/* What is flushed is in the peer's memory, without any signal. */
static int
flush_delivers(struct conform *c)
{
	enum { PIECES = 200, PIECE = 512 };
	struct strads_region *in = conform_region(c, STRADS_REMOTE_WRITE, PIECES * PIECE);
	struct strads_region *out = conform_region(c, STRADS_LOCAL, PIECES * PIECE);
	struct strads_counter counter = {0};
	uint8_t *base;

	CHECK(in && out && conform_wire(c) == 0);
	base = strads_region_base(out);
	conform_fill(base, PIECES * PIECE, (uint64_t)c->rank);
	for (size_t piece = 0; piece < PIECES; piece++)
		CHECK_OK(CONFORM_RETRY(c, strads_put(c->fabric, next_rank(c), in, piece * PIECE,
						     base + piece * PIECE, PIECE, &counter)));
	CHECK(conform_flush(c, next_rank(c)) == 0);
	CHECK(counter.posted == PIECES && counter.done == PIECES && counter.status == STRADS_OK);
	CHECK(conform_meet(c) == 0);
	CHECK(conform_filled(strads_region_base(in), PIECES * PIECE, (uint64_t)previous_rank(c)));
	return 0;
}

/* What a round of held_together sends, in this order, and where to. */
enum { HELD_ROUNDS = 200, HELD_LONG = 40000 };

static const struct {
	size_t offset, bytes;
	bool signal; /* a word follows */
} held_parts[] = {
    {0, 24, false},    {24, 8, true},    {40, 0, true},           {48, 600, false},
    {648, 2000, true}, {2656, 5, false}, {2664, HELD_LONG, true},
};

#define HELD_PARTS (sizeof held_parts / sizeof held_parts[0])
#define HELD_BYTES ((size_t)2664 + HELD_LONG + WORD)

static int
send_held(struct conform *c, const struct strads_region *in, uint8_t *base, uint64_t round,
	  struct strads_counter *counter)
{
	strads_fabric_hold(c->fabric);
	for (size_t i = 0; i < HELD_PARTS; i++) {
		size_t at = held_parts[i].offset, bytes = held_parts[i].bytes;

		conform_fill(base + at, bytes, round * 16 + i);
		if (held_parts[i].signal)
			CHECK_OK(
			    CONFORM_RETRY(c, strads_put_signal(c->fabric, next_rank(c), in, at,
							       base + at, bytes, round, counter)));
		else
			CHECK_OK(CONFORM_RETRY(c, strads_put(c->fabric, next_rank(c), in, at,
							     base + at, bytes, counter)));
	}
	if (round % 2 == 0) /* else progress releases them */
		(void)strads_fabric_release(c->fabric);
	return 0;
}

/* What is kept back together arrives whole and in order: behind each signal all that was started
 * before it, the last of them behind all. */
static int
held_together(struct conform *c)
{
	struct strads_region *in = conform_region(c, STRADS_REMOTE_WRITE, HELD_BYTES);
	struct strads_region *credit = conform_region(c, STRADS_REMOTE_WRITE, WORD);
	struct strads_region *out = conform_region(c, STRADS_LOCAL, HELD_BYTES);
	struct strads_counter counter = {0};
	const uint8_t *came;

	CHECK(in && credit && out && conform_wire(c) == 0);
	came = strads_region_base(in);
	for (uint64_t round = 1; round <= HELD_ROUNDS; round++) {
		CHECK(send_held(c, in, strads_region_base(out), round, &counter) == 0);
		for (size_t i = 0; i < HELD_PARTS; i++) {
			size_t end = held_parts[i].offset + held_parts[i].bytes;

			if (!held_parts[i].signal)
				continue;
			CHECK(conform_await(c, in, end, round) == 0);
			for (size_t k = 0; k <= i; k++)
				CHECK(conform_filled(came + held_parts[k].offset,
						     held_parts[k].bytes, round * 16 + k));
		}
		CHECK_OK(CONFORM_RETRY(c, strads_put_signal(c->fabric, previous_rank(c), credit, 0,
							    NULL, 0, round, NULL)));
		CHECK(conform_await(c, credit, 0, round) == 0);
		CHECK_OK(strads_counter_wait(c->fabric, &counter));
		CHECK(counter.status == STRADS_OK && counter.done == round * HELD_PARTS);
	}
	return conform_flush(c, -1);
}

const struct conform_case conform_data_cases[] = {
    {"data", "paths_as_asked", paths_as_asked, 0},
    {"data", "view_is_what_a_get_brings", view_is_what_a_get_brings, 0},
    {"data", "payload_before_signal", payload_before_signal, 0},
    {"data", "puts_before_signal", puts_before_signal, 0},
    {"data", "signals_in_order", signals_in_order, 0},
    {"data", "sizes_from_one_byte", sizes_from_one_byte, 0},
    {"data", "unaligned_ranges", unaligned_ranges, 0},
    {"data", "signals_written_again", signals_written_again, 0},
    {"data", "flush_delivers", flush_delivers, 0},
    {"data", "held_together", held_together, 0},
    {0},
};
