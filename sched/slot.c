#include "slot.h"

#define LINE_PAYLOAD (STRADS_SLOT_WORDS - 1)

static uint32_t
check_of(uint32_t version, const uint64_t *words)
{
	uint64_t sum = version;

	for (int i = 0; i < LINE_PAYLOAD; i++) {
		sum = (sum ^ words[i]) * UINT64_C(0x9e3779b97f4a7c15);
		sum ^= sum >> 32;
	}
	return (uint32_t)sum;
}

/* Readers copy words at any time: each is written at once, and the header after its words. */
static void
write_line(uint64_t *line, uint32_t version, const uint64_t *words)
{
	uint64_t header = (uint64_t)version << 32 | check_of(version, words);

	for (int i = 0; i < LINE_PAYLOAD; i++)
		__atomic_store_n(&line[1 + i], words[i], __ATOMIC_RELAXED);
	__atomic_store_n(line, header, __ATOMIC_RELEASE);
}

/* Word `index` of key and value, 0 beyond. */
static uint64_t
word_at(uint64_t key, const uint64_t *value, uint32_t value_words, uint32_t index)
{
	if (index == 0)
		return key;
	return index <= value_words ? value[index - 1] : 0;
}

void
strads_slot_write(uint64_t *slot, uint64_t key, const uint64_t *value, uint32_t value_words)
{
	uint32_t version = (uint32_t)(slot[0] >> 32) + 1;

	version += version == 0;
	for (uint32_t line = strads_slot_lines(value_words); line-- > 0;) {
		uint64_t words[LINE_PAYLOAD];

		for (uint32_t i = 0; i < LINE_PAYLOAD; i++)
			words[i] = word_at(key, value, value_words, line * LINE_PAYLOAD + i);
		write_line(slot + (size_t)line * STRADS_SLOT_WORDS, version, words);
	}
}

enum strads_slot_state
strads_slot_check(const uint64_t *slot, uint32_t value_words, uint64_t *key)
{
	uint32_t lines = strads_slot_lines(value_words), version = (uint32_t)(slot[0] >> 32);

	if (slot[0] == 0)
		return STRADS_SLOT_FREE;
	for (uint32_t line = 0; line < lines; line++) {
		const uint64_t *at = slot + (size_t)line * STRADS_SLOT_WORDS;

		if (at[0] != ((uint64_t)version << 32 | check_of(version, at + 1)))
			return STRADS_SLOT_TORN;
	}
	*key = slot[1];
	return STRADS_SLOT_USED;
}

void
strads_slot_value(const uint64_t *slot, uint64_t *value, uint32_t value_words)
{
	for (uint32_t i = 1; i <= value_words; i++)
		value[i - 1] =
		    slot[(size_t)(i / LINE_PAYLOAD) * STRADS_SLOT_WORDS + 1 + i % LINE_PAYLOAD];
}
