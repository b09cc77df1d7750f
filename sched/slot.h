/*
 * Slots: a key and its value in cache lines that one rank writes and others read without asking.
 *
 * A line is a header word and seven words of the slot: the key, then the value. The header has the
 * slot's version, never 0 once it is in use, and a check of version and words. A reader that copied
 * lines in whatever order while they were written sees headers of different versions, or, within a
 * line, a check that fails (but for one torn line in 2^32).
 */
#ifndef STRADS_SCHED_SLOT_H
#define STRADS_SCHED_SLOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STRADS_SLOT_WORDS 8 /* of a line, 64 bytes */

/* Lines of a slot whose value has so many words. */
static inline uint32_t
strads_slot_lines(uint32_t value_words)
{
	return (1 + value_words + STRADS_SLOT_WORDS - 2) / (STRADS_SLOT_WORDS - 1);
}

enum strads_slot_state { STRADS_SLOT_FREE, STRADS_SLOT_USED, STRADS_SLOT_TORN };

/* Writes key and value into a slot, the first line's header last. Thread: its writer, beside any
 * readers. */
void strads_slot_write(uint64_t *slot, uint64_t key, const uint64_t *value, uint32_t value_words);

/* What a copy of a slot is, of the slot itself if by its writer. If USED, *key is its key. Thread:
 * any. */
enum strads_slot_state strads_slot_check(const uint64_t *slot, uint32_t value_words, uint64_t *key);

/* The value of a slot that is USED. */
void strads_slot_value(const uint64_t *slot, uint64_t *value, uint32_t value_words);

#endif
