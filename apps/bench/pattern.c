#include "pattern.h"

#include <string.h>

/* Byte i is byte i mod 8 of a bijective mix of seed and i / 8 (the finaliser of splitmix64). */
static uint64_t
word(uint64_t seed, uint64_t index)
{
	uint64_t z = seed * UINT64_C(0x9e3779b97f4a7c15) + index;

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

void
strads_pattern_fill(void *data, size_t bytes, uint64_t seed)
{
	uint8_t *to = data;

	for (size_t at = 0; at < bytes; at += sizeof(uint64_t)) {
		uint64_t value = word(seed, at / sizeof value);
		size_t n = bytes - at < sizeof value ? bytes - at : sizeof value;

		memcpy(to + at, &value, n);
	}
}

static int
differs(const uint8_t *data, size_t bytes, uint64_t seed, size_t at)
{
	uint64_t value = word(seed, at / sizeof value);
	const uint8_t *expected = (const uint8_t *)&value;

	while (data[at] == expected[at % sizeof value])
		at++;
	return strads_fail(STRADS_ERR_PROTOCOL,
			   "--verify: byte %zu of the %zu of message %llu is 0x%02x instead of "
			   "0x%02x: the data that arrived are not those that were sent",
			   at, bytes, (unsigned long long)seed, data[at],
			   expected[at % sizeof value]);
}

int
strads_pattern_check(const void *data, size_t bytes, uint64_t seed)
{
	const uint8_t *from = data;

	for (size_t at = 0; at < bytes; at += sizeof(uint64_t)) {
		uint64_t value = word(seed, at / sizeof value);
		size_t n = bytes - at < sizeof value ? bytes - at : sizeof value;

		if (memcmp(from + at, &value, n) != 0)
			return differs(from, bytes, seed, at);
	}
	return STRADS_OK;
}
