/* What is refused, on the rank that starts it, before anything is sent. */
#include "conform.h"

#define WORD sizeof(uint64_t)

/* Every way to reach outside of the peer's part; then nothing has arrived anywhere. */
static int
outside_of_the_region(struct conform *c)
{
	size_t bytes = 4096 + (size_t)c->rank * 8; /* of this rank's part */
	struct strads_region *in =
	    conform_region(c, STRADS_REMOTE_WRITE | STRADS_REMOTE_READ, bytes);
	struct strads_region *out = conform_region(c, STRADS_LOCAL, 16384);
	struct strads_counter counter = {0};
	struct strads_fabric_stats stats;
	int peer = (c->rank + 1) % c->size;
	size_t room = 4096 + (size_t)peer * 8;
	void *base;
	const uint8_t *mine;

	CHECK(in && out && conform_wire(c) == 0);
	base = strads_region_base(out);
	conform_fill(base, 16384, 1);
	CHECK(strads_region_bytes(in, peer) == room);
#define REFUSED(call) CHECK((call) == STRADS_ERR_BOUNDS)
	REFUSED(strads_put(c->fabric, peer, in, room, base, 1, &counter));
	REFUSED(strads_put(c->fabric, peer, in, room - 7, base, 8, &counter));
	REFUSED(strads_put(c->fabric, peer, in, 0, base, room + 1, &counter));
	REFUSED(strads_put(c->fabric, peer, in, SIZE_MAX - 3, base, 8, &counter));
	REFUSED(strads_get(c->fabric, peer, in, room, base, 1, &counter));
	REFUSED(strads_get(c->fabric, peer, in, SIZE_MAX, base, 16384, &counter));
	REFUSED(strads_put_signal(c->fabric, peer, in, room, NULL, 0, 1, &counter));
	REFUSED(strads_put_signal(c->fabric, peer, in, room - 8, base, 8, 1, &counter));
	REFUSED(strads_put_signal(c->fabric, peer, in, SIZE_MAX - 7, base, 8, 1, &counter));
	REFUSED(strads_fetch_add(c->fabric, peer, in, room, 1, base, &counter));
#undef REFUSED
	CHECK(counter.posted == 0 && counter.done == 0);
	strads_fabric_stats(c->fabric, &stats);
	for (int op = 0; op < STRADS_OPS; op++)
		CHECK(stats.operations[op] == 0 && stats.bytes[op] == 0);
	CHECK(conform_flush(c, -1) == 0);
	CHECK(conform_meet(c) == 0);
	mine = strads_region_base(in);
	for (size_t i = 0; i < bytes; i++)
		CHECK(mine[i] == 0);
	return 0;
}

static int
against_the_access_class(struct conform *c)
{
	struct strads_region *readable = conform_region(c, STRADS_REMOTE_READ, 64);
	struct strads_region *writable = conform_region(c, STRADS_REMOTE_WRITE, 64);
	struct strads_region *local = conform_region(c, STRADS_LOCAL, 64);
	int peer = (c->rank + 1) % c->size;
	const uint8_t *mine;
	void *base;

	CHECK(readable && writable && local && conform_wire(c) == 0);
	base = strads_region_base(local);
	conform_fill(base, 64, 1);
#define REFUSED(call) CHECK((call) == STRADS_ERR_ACCESS)
	REFUSED(strads_put(c->fabric, peer, readable, 0, base, 8, NULL));
	REFUSED(strads_put_signal(c->fabric, peer, readable, 0, base, 8, 1, NULL));
	REFUSED(strads_fetch_add(c->fabric, peer, readable, 0, 1, base, NULL));
	REFUSED(strads_get(c->fabric, peer, writable, 0, base, 8, NULL));
	REFUSED(strads_put(c->fabric, peer, local, 0, base, 8, NULL));
	REFUSED(strads_get(c->fabric, peer, local, 0, base, 8, NULL));
#undef REFUSED
	CHECK(conform_meet(c) == 0);
	mine = strads_region_base(readable);
	for (int i = 0; i < 64; i++)
		CHECK(mine[i] == 0);
	return 0;
}

static int
buffer_outside_of_a_region(struct conform *c)
{
	struct strads_region *in =
	    conform_region(c, STRADS_REMOTE_WRITE | STRADS_REMOTE_READ, 8192);
	struct strads_region *local = conform_region(c, STRADS_LOCAL, 4096);
	int peer = (c->rank + 1) % c->size;
	uint64_t outside[2] = {1, 2};
	uint8_t *base;

	CHECK(in && local && conform_wire(c) == 0);
	base = strads_region_base(local);
#define REFUSED(call) CHECK((call) == STRADS_ERR_ARGUMENT)
	REFUSED(strads_put(c->fabric, peer, in, 0, outside, 8, NULL));
	REFUSED(strads_put_signal(c->fabric, peer, in, 0, outside, 16, 1, NULL));
	REFUSED(strads_get(c->fabric, peer, in, 0, outside, 8, NULL));
	REFUSED(strads_put(c->fabric, peer, in, 0, base + 4090, 8, NULL));
	REFUSED(strads_put(c->fabric, peer, in, 0, base - 1, 8, NULL));
	REFUSED(strads_put_signal(c->fabric, peer, in, 4, base, 8, 1, NULL));
	REFUSED(strads_put_signal(c->fabric, peer, in, 8, base, 7, 1, NULL));
	REFUSED(strads_put(c->fabric, c->size, in, 0, base, 8, NULL));
	REFUSED(strads_put(c->fabric, -1, in, 0, base, 8, NULL));
#undef REFUSED
	CHECK(conform_meet(c) == 0);
	CHECK(*(uint64_t *)strads_region_base(in) == 0);
	return 0;
}

/* A rank may have nothing of a region: that is known to all. */
static int
parts_of_other_sizes(struct conform *c)
{
	struct strads_region *in = conform_region(c, STRADS_REMOTE_WRITE, (size_t)c->rank * 24);
	struct strads_region *local = conform_region(c, STRADS_LOCAL, 64);

	CHECK(in && local && conform_wire(c) == 0);
	for (int peer = 0; peer < c->size; peer++) {
		size_t room = strads_region_bytes(in, peer);
		void *base = strads_region_base(local);

		CHECK(room == (size_t)peer * 24);
		CHECK(strads_put(c->fabric, peer, in, room, base, 1, NULL) == STRADS_ERR_BOUNDS);
		if (room >= WORD && c->rank == 0)
			CHECK_OK(
			    CONFORM_RETRY(c, strads_put_signal(c->fabric, peer, in, room - WORD,
							       NULL, 0, 1, NULL)));
	}
	if (c->rank > 0)
		CHECK(conform_await(c, in, (size_t)c->rank * 24 - WORD, 1) == 0);
	return conform_flush(c, -1);
}

/* Ranks that create different regions are stopped, all with the same status. */
static int
other_regions_than_the_others(struct conform *c)
{
	bool odd = c->rank == c->size - 1;

	CHECK(conform_region(c, odd ? STRADS_REMOTE_READ : STRADS_REMOTE_WRITE, 64) != NULL);
	CHECK(strads_fabric_wire(c->fabric) == STRADS_ERR_PROTOCOL);
	CHECK(strads_error()[0] != '\0');
	return 0;
}

static int
another_number_of_regions(struct conform *c)
{
	CHECK(conform_region(c, STRADS_REMOTE_WRITE, 64) != NULL);
	if (c->rank == 0)
		CHECK(conform_region(c, STRADS_REMOTE_WRITE, 64) != NULL);
	CHECK(strads_fabric_wire(c->fabric) == STRADS_ERR_PROTOCOL);
	return 0;
}

const struct conform_case conform_refusal_cases[] = {
    {"refusal", "outside_of_the_region", outside_of_the_region, 0},
    {"refusal", "against_the_access_class", against_the_access_class, 0},
    {"refusal", "buffer_outside_of_a_region", buffer_outside_of_a_region, 0},
    {"refusal", "parts_of_other_sizes", parts_of_other_sizes, 0},
    {"refusal", "other_regions_than_the_others", other_regions_than_the_others, 0},
    {"refusal", "another_number_of_regions", another_number_of_regions, 0},
    {0},
};
