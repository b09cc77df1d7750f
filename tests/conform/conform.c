#include "conform.h"

#include <stdio.h>
#include <string.h>

int
conform_failed(const struct conform *c, const char *file, int line, const char *what)
{
	const char *base = strrchr(file, '/');

	fprintf(stderr, "%s:%d: rank %d: %s does not hold%s%s\n", base ? base + 1 : file, line,
		c->rank, what, strads_error()[0] ? "; last failure: " : "", strads_error());
	return -1;
}

struct strads_region *
conform_region(struct conform *c, enum strads_access access, size_t bytes)
{
	struct strads_region *region;

	if (c->n_regions == CONFORM_REGIONS_MAX ||
	    strads_region_new(c->fabric, access, bytes, &region) != STRADS_OK)
		return NULL;
	c->regions[c->n_regions++] = region;
	return region;
}

int
conform_wire(struct conform *c)
{
	CHECK_OK(strads_fabric_wire(c->fabric));
	return 0;
}

int
conform_await(struct conform *c, const struct strads_region *region, size_t offset, uint64_t value)
{
	uint64_t deadline = strads_fabric_clock_ns(c->fabric) + CONFORM_DEADLINE_NS;

	while (strads_signal_load(region, offset) < value) {
		CHECK_OK(strads_fabric_progress(c->fabric));
		CHECK(strads_fabric_clock_ns(c->fabric) < deadline);
		if (strads_signal_load(region, offset) < value)
			strads_fabric_wait(c->fabric, deadline);
	}
	strads_fabric_awake(c->fabric);
	return 0;
}

int
conform_meet(struct conform *c)
{
	CHECK_OK(strads_job_barrier(c->job));
	CHECK_OK(strads_fabric_progress(c->fabric));
	return 0;
}

int
conform_flush(struct conform *c, int peer)
{
	uint64_t deadline = strads_fabric_clock_ns(c->fabric) + CONFORM_DEADLINE_NS;
	int status;

	while ((status = strads_flush(c->fabric, peer)) == STRADS_AGAIN) {
		CHECK_OK(strads_fabric_progress(c->fabric));
		CHECK(strads_fabric_clock_ns(c->fabric) < deadline);
		strads_fabric_wait(c->fabric, deadline);
	}
	strads_fabric_awake(c->fabric);
	CHECK(status == STRADS_OK);
	return 0;
}

static uint64_t
pattern(uint64_t seed, uint64_t word)
{
	uint64_t x = (seed + 1) * 0x9e3779b97f4a7c15u + word * 0xbf58476d1ce4e5b9u;

	return x ^ x >> 29;
}

void
conform_fill(void *at, size_t bytes, uint64_t seed)
{
	uint8_t *to = at;
	size_t done = 0;

	for (; done + 8 <= bytes; done += 8) {
		uint64_t word = pattern(seed, done / 8);

		memcpy(to + done, &word, 8);
	}
	if (done < bytes) {
		uint64_t word = pattern(seed, done / 8);

		memcpy(to + done, &word, bytes - done);
	}
}

bool
conform_filled(const void *at, size_t bytes, uint64_t seed)
{
	const uint8_t *from = at;

	for (size_t done = 0; done < bytes; done += 8) {
		uint64_t word = pattern(seed, done / 8);

		if (memcmp(from + done, &word, bytes - done < 8 ? bytes - done : 8) != 0)
			return false;
	}
	return true;
}
