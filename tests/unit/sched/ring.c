#include "sched/ring.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../share.h"
#include "sched/stream.h"
#include "strads/random.h"

#define SLOTS      4
#define SLOT_BYTES 8192 /* so that long payloads are sent from where they lie */
#define EPOCH      (UINT64_C(7) << 48)
#define PAYLOAD    (SLOT_BYTES - STRADS_WIRE_TAIL)

/* One lane between all ranks, with the regions it needs. */
struct fixture {
	struct strads_fabric *fabric;
	struct strads_region *inbox;
	struct strads_region *outbox;
	struct strads_lane lane;
	struct strads_stage_stats sent;
	struct strads_stage_stats credits;
};

/* What a test does on every rank; 0 if all went as it should, else the line. */
typedef int body(struct strads_job *job, struct fixture *fixture);

#define EXPECT(condition)                                                                          \
	do {                                                                                       \
		if (!(condition))                                                                  \
			return __LINE__;                                                           \
	} while (0)

/* A lane of the fixture's regions, by trees of that arity. */
static struct strads_lane
lane_of(struct strads_job *job, struct fixture *f, int arity)
{
	int ranks = strads_job_size(job);

	return (struct strads_lane){.id = STRADS_LANE_PARTIAL,
				    .fabric = f->fabric,
				    .inbox = f->inbox,
				    .epoch = EPOCH,
				    .rank = strads_job_rank(job),
				    .tree = {.ranks = ranks, .arity = arity},
				    .slots = SLOTS,
				    .slot_bytes = SLOT_BYTES,
				    .credit_offset = (size_t)ranks * SLOTS * SLOT_BYTES,
				    .sent_stats = &f->sent,
				    .credit_stats = &f->credits};
}

static int
fixture_open(struct strads_job *job, struct fixture *f)
{
	struct strads_fabric_options options = {.fabric = "auto"};
	size_t ranks = (size_t)strads_job_size(job);
	size_t rings = ranks * SLOTS * SLOT_BYTES;

	EXPECT(strads_fabric_open(job, &options, &f->fabric) == STRADS_OK);
	EXPECT(strads_region_new(f->fabric, STRADS_REMOTE_WRITE,
				 rings + ranks * STRADS_CREDIT_BYTES, &f->inbox) == STRADS_OK);
	EXPECT(strads_region_new(f->fabric, STRADS_LOCAL, 65536, &f->outbox) == STRADS_OK);
	EXPECT(strads_fabric_wire(f->fabric) == STRADS_OK);
	f->lane = lane_of(job, f, strads_job_size(job));
	EXPECT(strads_lane_init(&f->lane) == STRADS_OK);
	return 0;
}

static void
fixture_close(struct fixture *f)
{
	strads_lane_free(&f->lane);
	if (f->outbox)
		strads_region_delete(&f->outbox);
	if (f->inbox)
		strads_region_delete(&f->inbox);
	if (f->fabric)
		strads_fabric_close(&f->fabric);
}

static int
rank_main(struct strads_job *job, void *arg)
{
	body *run = *(body **)arg;
	struct fixture *fixture = calloc(1, sizeof *fixture);
	int line = fixture ? fixture_open(job, fixture) : __LINE__;

	if (line == 0)
		line = run(job, fixture);
	if (strads_job_barrier(job) != STRADS_OK && line == 0)
		line = __LINE__;
	if (fixture)
		fixture_close(fixture);
	free(fixture);
	if (line)
		print_error("rank %d failed at line %d: %s\n", strads_job_rank(job), line,
			    strads_error());
	return line != 0;
}

static void
run_self(body *run)
{
	struct strads_job_options options = {.kind = STRADS_JOB_SELF, .timeout_ms = 10000};

	assert_int_equal(strads_job_run(&options, rank_main, &run), 0);
}

static void
run_sim(body *run, int ranks, uint64_t seed)
{
	struct strads_job_options options = {.kind = STRADS_JOB_SIM,
					     .ranks = ranks,
					     .timeout_ms = 10000,
					     .sim = {.seed = seed,
						     .latency_ns = 1000,
						     .overhead_ns = 50,
						     .bytes_per_ns = 1,
						     .jitter = 3,
						     .tear = true}};

	assert_int_equal(strads_job_run(&options, rank_main, &run), 0);
}

/* A message of `bytes` bytes of `fill` in the outbox at `at`; returns its length. */
static size_t
compose(struct fixture *f, size_t at, uint64_t set, uint32_t bytes, uint8_t fill)
{
	uint8_t *base = (uint8_t *)strads_region_base(f->outbox) + at;
	size_t padded = strads_wire_pad(bytes);
	struct strads_trailer trailer = {
	    .set = set, .total = bytes, .bytes = bytes, .lane = (uint32_t)f->lane.id};

	memset(base, fill, padded);
	memcpy(base + padded, &trailer, sizeof trailer);
	return padded + sizeof trailer;
}

static int
send_composed(struct fixture *f, int peer, size_t bytes)
{
	struct strads_piece message = {.base = strads_region_base(f->outbox), .bytes = bytes};

	return strads_lane_send(&f->lane, peer, &message, 1, NULL);
}

/* ---- One rank to itself ------------------------------------------------------------------ */

static int
full_ring(struct strads_job *job, struct fixture *f)
{
	const struct strads_trailer *trailer;
	const void *payload;

	(void)job;
	EXPECT(!strads_lane_ready(&f->lane, 0));
	EXPECT(strads_lane_peek(&f->lane, 0, &trailer, &payload) == STRADS_AGAIN);
	for (uint64_t i = 0; i < SLOTS; i++)
		EXPECT(send_composed(f, 0, compose(f, 0, i, 8, (uint8_t)i)) == STRADS_OK);
	EXPECT(send_composed(f, 0, compose(f, 0, 99, 8, 0)) == STRADS_AGAIN);
	/* Credit comes back by halves. */
	EXPECT(strads_lane_take(&f->lane, 0) == STRADS_OK);
	EXPECT(send_composed(f, 0, compose(f, 0, 99, 8, 0)) == STRADS_AGAIN);
	EXPECT(strads_lane_take(&f->lane, 0) == STRADS_OK);
	EXPECT(send_composed(f, 0, compose(f, 0, 4, 8, 4)) == STRADS_OK);
	for (uint64_t i = 2; i < 5; i++) {
		EXPECT(strads_lane_peek(&f->lane, 0, &trailer, &payload) == STRADS_OK);
		EXPECT(trailer->set == i && *(const uint8_t *)payload == i);
		EXPECT(strads_lane_take(&f->lane, 0) == STRADS_OK);
	}
	EXPECT(!strads_lane_ready(&f->lane, 0));
	return 0;
}

static void
strads_lane_send__full_ring_waits_for_credit(void **state)
{
	(void)state;
	run_self(full_ring);
}

static int
all_lengths(struct strads_job *job, struct fixture *f)
{
	(void)job;
	for (uint32_t bytes = 0; bytes <= PAYLOAD; bytes++) {
		const struct strads_trailer *trailer;
		const void *payload;

		EXPECT(send_composed(f, 0, compose(f, 0, bytes, bytes, (uint8_t)bytes)) ==
		       STRADS_OK);
		EXPECT(strads_lane_peek(&f->lane, 0, &trailer, &payload) == STRADS_OK);
		EXPECT(trailer->set == bytes && trailer->bytes == bytes);
		for (uint32_t i = 0; i < bytes; i++)
			EXPECT(((const uint8_t *)payload)[i] == (uint8_t)bytes);
		EXPECT(strads_lane_take(&f->lane, 0) == STRADS_OK);
	}
	EXPECT(f->sent.messages == 0); /* the own rank is no peer */
	return 0;
}

static void
strads_lane_peek__payloads_of_every_length(void **state)
{
	(void)state;
	run_self(all_lengths);
}

/* Sends a message with the trailer changed and expects it refused. */
static int
refused(struct fixture *f, const struct strads_trailer *trailer)
{
	uint8_t *base = strads_region_base(f->outbox);
	const struct strads_trailer *seen;
	const void *payload;

	memcpy(base, trailer, sizeof *trailer);
	EXPECT(send_composed(f, 0, sizeof *trailer) == STRADS_OK);
	EXPECT(strads_lane_peek(&f->lane, 0, &seen, &payload) == STRADS_ERR_PROTOCOL);
	EXPECT(strstr(strads_error(), "malformed") != NULL);
	EXPECT(strads_lane_take(&f->lane, 0) == STRADS_OK);
	return 0;
}

static int
malformed(struct strads_job *job, struct fixture *f)
{
	const uint32_t lane = (uint32_t)f->lane.id;
	const struct strads_trailer wrong[] = {
	    {.lane = lane + 1},
	    {.lane = lane, .zero = 1},
	    {.lane = lane, .bytes = PAYLOAD + 1, .total = PAYLOAD + 1},
	    {.lane = lane, .bytes = UINT32_MAX, .total = UINT64_MAX},
	    {.lane = lane, .bytes = 8, .total = 7},
	    {.lane = lane, .bytes = 8, .total = 16, .offset = 9},
	    {.lane = lane, .bytes = 8, .total = 16, .offset = UINT64_MAX},
	};

	(void)job;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		int line = refused(f, &wrong[i]);

		if (line)
			return line;
	}
	return 0;
}

static void
strads_lane_peek__malformed_message_is_refused(void **state)
{
	(void)state;
	run_self(malformed);
}

static int
foreign_epoch(struct strads_job *job, struct fixture *f)
{
	size_t bytes = compose(f, 0, 0, 8, 1);
	size_t end = SLOT_BYTES - sizeof(uint64_t);
	uint64_t other = UINT64_C(6) << 48;

	(void)job;
	EXPECT(strads_put_signal(f->fabric, 0, f->inbox, end - bytes, strads_region_base(f->outbox),
				 bytes, other | 1, NULL) == STRADS_OK);
	EXPECT(!strads_lane_ready(&f->lane, 0));
	/* Nor does a credit of another epoch, or for more than was sent, free a slot. */
	for (uint64_t i = 0; i < SLOTS; i++)
		EXPECT(send_composed(f, 0, bytes) == STRADS_OK);
	EXPECT(strads_put_signal(f->fabric, 0, f->inbox, f->lane.credit_offset, NULL, 0, other | 4,
				 NULL) == STRADS_OK);
	EXPECT(send_composed(f, 0, bytes) == STRADS_AGAIN);
	EXPECT(strads_put_signal(f->fabric, 0, f->inbox, f->lane.credit_offset, NULL, 0, EPOCH | 5,
				 NULL) == STRADS_OK);
	EXPECT(send_composed(f, 0, bytes) == STRADS_AGAIN);
	return 0;
}

static void
strads_lane_ready__another_epoch_says_nothing(void **state)
{
	(void)state;
	run_self(foreign_epoch);
}

/* ---- Many ranks -------------------------------------------------------------------------- */

/* Waits until the ring is ready or, for room, until a send succeeds. */
static int
progress_once(struct fixture *f)
{
	EXPECT(strads_fabric_progress(f->fabric) == STRADS_OK);
	strads_fabric_wait(f->fabric, UINT64_MAX);
	return 0;
}

#define MESSAGES 100

/* What rank `from` sends to rank `to` as its message number `i`. */
static uint32_t
traffic_bytes(int from, int to, uint64_t i)
{
	return (uint32_t)(strads_random((uint64_t)from, (uint64_t)to, i) % (PAYLOAD + 1));
}

static uint8_t
traffic_fill(int from, int to, uint64_t i)
{
	return (uint8_t)(from * 31 + to * 17 + (int)i);
}

static int
check_traffic(struct fixture *f, int from, uint64_t i)
{
	uint32_t bytes = traffic_bytes(from, f->lane.rank, i);
	const struct strads_trailer *trailer;
	const void *payload;

	EXPECT(strads_lane_peek(&f->lane, from, &trailer, &payload) == STRADS_OK);
	EXPECT(trailer->set == i && trailer->bytes == bytes);
	for (uint32_t j = 0; j < bytes; j++)
		EXPECT(((const uint8_t *)payload)[j] == traffic_fill(from, f->lane.rank, i));
	EXPECT(strads_lane_take(&f->lane, from) == STRADS_OK);
	return 0;
}

/* Everyone sends to everyone; a slot of the outbox per peer, reused when its counter says so. */
static int
all_to_all(struct strads_job *job, struct fixture *f)
{
	enum { RANKS_MAX = 8 };
	struct strads_counter counters[RANKS_MAX] = {{0}};
	uint64_t sent[RANKS_MAX] = {0}, taken[RANKS_MAX] = {0};
	int ranks = strads_job_size(job), me = strads_job_rank(job), open = 2 * ranks;
	bool moved = false;

	while (open > 0) {
		for (int peer = 0; peer < ranks; peer++) {
			size_t at = (size_t)peer * SLOT_BYTES;

			if (taken[peer] < MESSAGES && strads_lane_ready(&f->lane, peer)) {
				int line = check_traffic(f, peer, taken[peer]++);

				if (line)
					return line;
				open -= taken[peer] == MESSAGES;
			}
			if (sent[peer] < MESSAGES && counters[peer].done == counters[peer].posted) {
				uint64_t i = sent[peer];
				size_t bytes = compose(f, at, i, traffic_bytes(me, peer, i),
						       traffic_fill(me, peer, i));
				struct strads_piece message = {
				    .base = (uint8_t *)strads_region_base(f->outbox) + at,
				    .bytes = bytes};
				int status =
				    strads_lane_send(&f->lane, peer, &message, 1, &counters[peer]);

				EXPECT(status >= 0);
				sent[peer] += status == STRADS_OK;
				open -= status == STRADS_OK && sent[peer] == MESSAGES;
			}
		}
		EXPECT(strads_lane_settle(&f->lane, &moved) >= 0);
		EXPECT(progress_once(f) == 0);
	}
	EXPECT(f->sent.messages == (uint64_t)(ranks - 1) * MESSAGES);
	EXPECT(f->credits.messages == (uint64_t)(ranks - 1) * MESSAGES / (SLOTS / 2));
	while (strads_flush(f->fabric, -1) == STRADS_AGAIN)
		EXPECT(progress_once(f) == 0);
	return 0;
}

static void
strads_lane_send__everyone_to_everyone(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++)
		if (strads_test_takes(seed))
			run_sim(all_to_all, 2 + (int)(seed % 6), seed);
}

#define STREAMS    40
#define STREAM_MAX 20000

/* A rank streams byte strings of many lengths to all, from two buffers in turn that it fills again
 * as soon as it may; each puts them together and passes them on. */
static size_t
stream_bytes(uint64_t i)
{
	return i % 5 == 0 ? 0 : (size_t)(strads_random(1, 2, i) % STREAM_MAX);
}

static int
stream_send(struct fixture *f, struct strads_cast *cast)
{
	uint8_t *buffers =
	    (uint8_t *)strads_region_base(f->outbox) + SLOTS * sizeof(struct strads_trailer);
	struct strads_loan loans[2] = {{0}};
	struct strads_stream stream = {.open = false};
	uint64_t i = 0;

	while (i < STREAMS || stream.open || cast->sent < cast->composed) {
		struct strads_loan *loan = &loans[i % 2];
		uint8_t *buffer = buffers + i % 2 * (STREAM_MAX + STRADS_WIRE_TAIL);
		bool moved = false;

		if (!stream.open && i < STREAMS && strads_cast_returned(cast, loan)) {
			memset(buffer, (int)i + 1, STREAM_MAX);
			strads_stream_start(&stream, i, 3, buffer, stream_bytes(i), loan);
			i++;
		}
		strads_stream_compose(&stream, cast, &moved);
		EXPECT(strads_cast_step(cast, &moved) >= 0);
		EXPECT(progress_once(f) == 0);
	}
	EXPECT(!strads_lane_ready(&f->lane, f->lane.rank)); /* itself it sends nothing */
	return 0;
}

static int
stream_receive(struct fixture *f, int root)
{
	uint8_t received[STREAM_MAX];
	bool moved = false;
	int status;

	for (uint64_t i = 0; i < STREAMS; i++) {
		struct strads_sink sink = {
		    .set = i, .block = 3, .base = received, .room = sizeof received};

		moved = false;
		memset(received, 0xff, sizeof received);
		while ((status = strads_sink_step(&sink, &f->lane, root, &moved)) == STRADS_AGAIN) {
			EXPECT(strads_lane_relay(&f->lane, root, &moved) == STRADS_OK);
			EXPECT(strads_lane_settle(&f->lane, &moved) >= 0);
			EXPECT(progress_once(f) == 0);
		}
		EXPECT(status == STRADS_OK && moved);
		EXPECT(sink.total == stream_bytes(i));
		for (size_t j = 0; j < sizeof received; j++)
			EXPECT(received[j] == (j < sink.total ? i + 1 : 0xff));
	}
	/* All is taken; others may still miss it. */
	while ((status = strads_lane_settle(&f->lane, &moved)) == STRADS_AGAIN)
		EXPECT(progress_once(f) == 0);
	EXPECT(strads_lane_passed(&f->lane, root, f->lane.in[root].read));
	return status;
}

/* Rank `root` sends, by a tree of that arity. */
static int
stream_by_tree(struct strads_job *job, struct fixture *f, int root, int arity)
{
	struct strads_message messages[SLOTS] = {{.n = 0}};
	struct strads_cast cast = {
	    .lane = &f->lane, .trailers = strads_region_base(f->outbox), .messages = messages};
	bool casts = strads_job_rank(job) == root;
	int line, below;

	strads_lane_free(&f->lane);
	f->lane = lane_of(job, f, arity);
	EXPECT(strads_lane_init(&f->lane) == STRADS_OK);
	line = casts ? stream_send(f, &cast) : stream_receive(f, root);
	below = strads_tree_children(&f->lane.tree,
				     strads_tree_place(&f->lane.tree, root, f->lane.rank));
	if (line == 0)
		EXPECT(f->sent.messages ==
		       (uint64_t)below * (casts ? cast.composed : f->lane.in[root].read));
	while (line == 0 && strads_flush(f->fabric, -1) == STRADS_AGAIN)
		line = progress_once(f);
	return line;
}

static int
stream_directly(struct strads_job *job, struct fixture *f)
{
	return stream_by_tree(job, f, 0, strads_job_size(job));
}

static void
strads_stream_compose__arrives_whole_everywhere(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++)
		if (strads_test_takes(seed))
			run_sim(stream_directly, 2 + (int)(seed % 6), seed);
}

static int
stream_in_pairs(struct strads_job *job, struct fixture *f)
{
	return stream_by_tree(job, f, strads_job_size(job) - 1, 2);
}

static int
stream_in_a_row(struct strads_job *job, struct fixture *f)
{
	return stream_by_tree(job, f, strads_job_size(job) / 2, 1);
}

static void
strads_lane_relay__arrives_whole_everywhere(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		if (!strads_test_takes(seed))
			continue;
		run_sim(stream_in_pairs, 2 + (int)(seed % 7), seed);
		run_sim(stream_in_a_row, 2 + (int)(seed % 4), seed);
	}
}

/* ---- Trees ------------------------------------------------------------------------------- */

/* From every root all ranks are reached once, each place from the one above it. */
static void
strads_tree__reaches_every_place_once(void **state)
{
	(void)state;
	for (int ranks = 1; ranks <= 40; ranks++)
		for (int arity = 1; arity <= ranks; arity++) {
			struct strads_tree tree = {.ranks = ranks, .arity = arity};
			int reached = 1;

			for (int place = 0; place < ranks; place++) {
				int children = strads_tree_children(&tree, place);

				assert_in_range(children, 0, arity);
				assert_int_equal(children > 0 || place == 0,
						 place < strads_tree_inner(&tree));
				for (int i = 0; i < children; i++) {
					int below = strads_tree_first(&tree, place) + i;

					assert_int_equal(below, reached++);
					assert_int_equal(strads_tree_parent(&tree, below), place);
				}
			}
			assert_int_equal(reached, ranks);
		}
}

/* Ranks and places say the same, and what is above a rank has it below. */
static void
strads_tree_place__turns_with_the_root(void **state)
{
	struct strads_tree tree = {.ranks = 7, .arity = 2};

	(void)state;
	for (int root = 0; root < 7; root++)
		for (int rank = 0; rank < 7; rank++) {
			int place = strads_tree_place(&tree, root, rank);

			assert_in_range(place, 0, 6);
			assert_int_equal(strads_tree_rank(&tree, root, place), rank);
			assert_int_equal((root + place) % 7, rank);
		}
}

/* A piece of another set, another block, another place or another length is not taken. */
static int
wrong_piece(struct strads_job *job, struct fixture *f)
{
	uint8_t received[64];
	const struct strads_sink good = {.set = 5, .block = 0, .base = received, .room = 64};
	struct strads_sink wrong[] = {good, good, good, good, good};
	bool moved = false;

	(void)job;
	wrong[0].set = 4;
	wrong[1].block = 1;
	wrong[2].offset = 8;
	wrong[3].room = 31;
	wrong[4].begun = true;
	wrong[4].total = 40;
	EXPECT(send_composed(f, 0, compose(f, 0, 5, 32, 1)) == STRADS_OK);
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		EXPECT(strads_sink_step(&wrong[i], &f->lane, 0, &moved) == STRADS_ERR_PROTOCOL);
	EXPECT(!moved);
	wrong[0] = good;
	EXPECT(strads_sink_step(&wrong[0], &f->lane, 0, &moved) == STRADS_OK);
	return 0;
}

static void
strads_sink_step__unexpected_piece_is_refused(void **state)
{
	(void)state;
	run_self(wrong_piece);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(strads_lane_send__full_ring_waits_for_credit),
	    cmocka_unit_test(strads_lane_peek__payloads_of_every_length),
	    cmocka_unit_test(strads_lane_peek__malformed_message_is_refused),
	    cmocka_unit_test(strads_lane_ready__another_epoch_says_nothing),
	    cmocka_unit_test(strads_lane_send__everyone_to_everyone),
	    cmocka_unit_test(strads_stream_compose__arrives_whole_everywhere),
	    cmocka_unit_test(strads_lane_relay__arrives_whole_everywhere),
	    cmocka_unit_test(strads_tree__reaches_every_place_once),
	    cmocka_unit_test(strads_tree_place__turns_with_the_root),
	    cmocka_unit_test(strads_sink_step__unexpected_piece_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
