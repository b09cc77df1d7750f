/* Many ranks at once: to one, from one, all to all, and on one word. */
#include "conform.h"

#include <string.h>

#define WORD sizeof(uint64_t)

/* Every rank keeps a slot of rank 0 busy; rank 0 answers each message with a credit. */
static int
many_to_one(struct conform *c)
{
	enum { ROUNDS = 200, BYTES = 1024, STEP = BYTES + WORD };
	size_t slots = (size_t)c->size;
	struct strads_region *in = conform_region(c, STRADS_REMOTE_WRITE, slots * STEP);
	struct strads_region *credit = conform_region(c, STRADS_REMOTE_WRITE, WORD);
	struct strads_region *out = conform_region(c, STRADS_LOCAL, BYTES);
	uint8_t *base;

	CHECK(in && credit && out && conform_wire(c) == 0);
	base = strads_region_base(in);
	for (uint64_t round = 1; round <= ROUNDS; round++) {
		if (c->rank > 0) {
			conform_fill(strads_region_base(out), BYTES,
				     round * 4096 + (uint64_t)c->rank);
			CHECK_OK(CONFORM_RETRY(
			    c, strads_put_signal(c->fabric, 0, in, (size_t)c->rank * STEP,
						 strads_region_base(out), BYTES, round, NULL)));
			CHECK(conform_await(c, credit, 0, round) == 0);
			CHECK(conform_flush(c, 0) == 0);
		}
		for (int rank = 1; c->rank == 0 && rank < c->size; rank++) {
			uint8_t *slot = base + (size_t)rank * STEP;

			CHECK(conform_await(c, in, (size_t)rank * STEP + BYTES, round) == 0);
			CHECK(conform_filled(slot, BYTES, round * 4096 + (uint64_t)rank));
			CHECK_OK(CONFORM_RETRY(c, strads_put_signal(c->fabric, rank, credit, 0,
								    NULL, 0, round, NULL)));
		}
	}
	return conform_flush(c, -1);
}

/* Rank 0 puts the same to all, and all read a second region of rank 0 at once. */
static int
one_to_many(struct conform *c)
{
	enum { ROUNDS = 100, BYTES = 8192 };
	struct strads_region *in = conform_region(c, STRADS_REMOTE_WRITE, BYTES + WORD);
	struct strads_region *shelf =
	    conform_region(c, STRADS_REMOTE_READ, c->rank == 0 ? BYTES : 0);
	struct strads_region *done = conform_region(c, STRADS_REMOTE_WRITE, (size_t)c->size * WORD);
	struct strads_region *out = conform_region(c, STRADS_LOCAL, BYTES);
	struct strads_counter counter = {0};
	uint8_t *base;

	CHECK(in && shelf && done && out && conform_wire(c) == 0);
	base = strads_region_base(out);
	for (uint64_t round = 1; round <= ROUNDS; round++) {
		if (c->rank == 0) {
			conform_fill(base, BYTES, round);
			conform_fill(strads_region_base(shelf), BYTES, round + 1000000);
		}
		for (int rank = 1; c->rank == 0 && rank < c->size; rank++)
			CHECK_OK(CONFORM_RETRY(c, strads_put_signal(c->fabric, rank, in, 0, base,
								    BYTES, round, &counter)));
		for (int rank = 1; c->rank == 0 && rank < c->size; rank++)
			CHECK(conform_await(c, done, (size_t)rank * WORD, round) == 0);
		if (c->rank > 0) {
			CHECK(conform_await(c, in, BYTES, round) == 0);
			CHECK(conform_filled(strads_region_base(in), BYTES, round));
			CHECK_OK(CONFORM_RETRY(
			    c, strads_get(c->fabric, 0, shelf, 0, base, BYTES, &counter)));
			CHECK_OK(strads_counter_wait(c->fabric, &counter));
			CHECK(conform_filled(base, BYTES, round + 1000000));
			CHECK_OK(CONFORM_RETRY(c, strads_put_signal(c->fabric, 0, done,
								    (size_t)c->rank * WORD, NULL, 0,
								    round, NULL)));
		}
		CHECK(conform_flush(c, -1) == 0);
	}
	return 0;
}

/* Rounds in which every rank signals every rank, itself too, and waits for all. */
static int
all_to_all(struct conform *c)
{
	enum { ROUNDS = 200 };
	struct strads_region *words =
	    conform_region(c, STRADS_REMOTE_WRITE, (size_t)c->size * 2 * WORD);
	struct strads_region *out = conform_region(c, STRADS_LOCAL, WORD);
	uint64_t *payload;

	CHECK(words && out && conform_wire(c) == 0);
	payload = strads_region_base(out);
	*payload = 4711 + (uint64_t)c->rank;
	for (uint64_t round = 1; round <= ROUNDS; round++) {
		for (int i = 0; i < c->size; i++) {
			int to = (c->rank + i) % c->size;

			CHECK_OK(CONFORM_RETRY(c, strads_put_signal(c->fabric, to, words,
								    (size_t)c->rank * 2 * WORD,
								    payload, WORD, round, NULL)));
		}
		for (int from = 0; from < c->size; from++) {
			const uint64_t *slot = strads_region_base(words);

			CHECK(conform_await(c, words, ((size_t)from * 2 + 1) * WORD, round) == 0);
			CHECK(slot[(size_t)from * 2] == 4711 + (uint64_t)from);
		}
	}
	return conform_flush(c, -1);
}

static bool
every_path_adds(const struct conform *c)
{
	struct strads_fabric_info info;

	for (int rank = 0; rank < c->size; rank++) {
		strads_fabric_query(c->fabric, rank, &info);
		if (!info.fetch_add)
			return false;
	}
	return true;
}

/* Peers add to one word: nothing is lost, and each sees it grow. Where the path has no fetch-add,
 * it says so. */
static int
fetch_adds_add_up(struct conform *c)
{
	enum { ADDS = 300 };
	struct strads_region *word =
	    conform_region(c, STRADS_REMOTE_WRITE | STRADS_REMOTE_READ, WORD);
	struct strads_region *out = conform_region(c, STRADS_LOCAL, WORD);
	struct strads_counter counter = {0};
	uint64_t *old;
	uint64_t before = 0;

	CHECK(word && out && conform_wire(c) == 0);
	old = strads_region_base(out);
	if (!every_path_adds(c)) {
		struct strads_fabric_info info;
		int peer = (c->rank + 1) % c->size;

		strads_fabric_query(c->fabric, peer, &info);
		CHECK(info.fetch_add || strads_fetch_add(c->fabric, peer, word, 0, 1, old, NULL) ==
					    STRADS_ERR_UNSUPPORTED);
		return 0;
	}
	for (int i = 0; c->rank > 0 && i < ADDS; i++) {
		CHECK_OK(
		    CONFORM_RETRY(c, strads_fetch_add(c->fabric, 0, word, 0, 3, old, &counter)));
		CHECK_OK(strads_counter_wait(c->fabric, &counter));
		CHECK(i == 0 || *old >= before + 3);
		before = *old;
	}
	CHECK(conform_meet(c) == 0);
	if (c->rank == 0)
		CHECK(strads_signal_load(word, 0) == (uint64_t)(c->size - 1) * ADDS * 3);
	return 0;
}

/* Regions come and go: those made later are found by all, those deleted are not missed. */
static int
regions_renewed(struct conform *c)
{
	struct strads_region *out = conform_region(c, STRADS_LOCAL, WORD);
	int to = (c->rank + 1) % c->size;
	int from = (c->rank + c->size - 1) % c->size;

	CHECK(out != NULL);
	for (uint64_t epoch = 1; epoch <= 5; epoch++) {
		struct strads_region *first, *second;
		uint64_t *payload = strads_region_base(out);

		CHECK_OK(strads_region_new(c->fabric, STRADS_REMOTE_WRITE, 4096, &first));
		CHECK_OK(strads_region_new(c->fabric, STRADS_REMOTE_WRITE, 16 * epoch, &second));
		CHECK(strads_signal_load(second, 8) == 0);
		CHECK(conform_wire(c) == 0);
		*payload = epoch * 1000 + (uint64_t)c->rank;
		CHECK_OK(CONFORM_RETRY(
		    c, strads_put_signal(c->fabric, to, second, 0, payload, WORD, epoch, NULL)));
		CHECK(conform_await(c, second, WORD, epoch) == 0);
		CHECK(*(uint64_t *)strads_region_base(second) == epoch * 1000 + (uint64_t)from);
		CHECK(conform_flush(c, -1) == 0);
		CHECK(conform_meet(c) == 0);
		strads_region_delete(&first);
		strads_region_delete(&second);
	}
	return 0;
}

/* A region goes once everybody's signals into it are complete, read or not. */
static int
regions_deleted_unread(struct conform *c)
{
	int to = (c->rank + 1) % c->size;

	for (int round = 0; round < 20; round++) {
		struct strads_region *region;

		CHECK_OK(strads_region_new(c->fabric, STRADS_REMOTE_WRITE, WORD, &region));
		CHECK(conform_wire(c) == 0);
		for (uint64_t value = 1; value <= 4; value++)
			CHECK_OK(CONFORM_RETRY(
			    c, strads_put_signal(c->fabric, to, region, 0, NULL, 0, value, NULL)));
		CHECK(conform_flush(c, -1) == 0);
		CHECK_OK(strads_job_barrier(c->job));
		strads_region_delete(&region);
		CHECK_OK(strads_fabric_progress(c->fabric));
	}
	return 0;
}

const struct conform_case conform_traffic_cases[] = {
    {"traffic", "many_to_one", many_to_one, 0},
    {"traffic", "one_to_many", one_to_many, 0},
    {"traffic", "all_to_all", all_to_all, 0},
    {"traffic", "fetch_adds_add_up", fetch_adds_add_up, 0},
    {"traffic", "regions_renewed", regions_renewed, 0},
    {"traffic", "regions_deleted_unread", regions_deleted_unread, 0},
    {0},
};
