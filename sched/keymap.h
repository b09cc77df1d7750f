/*
 * A map from keys to the numbers 0, 1, 2, …, given in the order in which keys come. All zero, it is
 * empty.
 */
#ifndef STRADS_SCHED_KEYMAP_H
#define STRADS_SCHED_KEYMAP_H

#include "strads/program.h"

/* Open addressing with linear probing, at most half full; 24 bytes or less a key, but 48 for a
 * moment where it grows. */
struct strads_keymap {
	strads_key *key; /* [room] by number */
	uint64_t room;
	uint32_t *place; /* [places] number + 1; 0: free */
	uint64_t places; /* a power of two, 2 · room */
	uint32_t count;
};

#define STRADS_KEYMAP_NONE UINT32_MAX

/* Number of key, or NONE. */
uint32_t strads_keymap_find(const struct strads_keymap *map, strads_key key);

/* Makes room for `more` keys beside those it holds. STRADS_OK or ERR_MEMORY; then it is as it was.
 */
STRADS_MUST_CHECK int strads_keymap_reserve(struct strads_keymap *map, uint32_t more);

/* Gives key, which is new and for which there is room, the next number, and returns that. */
uint32_t strads_keymap_add(struct strads_keymap *map, strads_key key);

/* The room that a map has which was reserved for `keys`. */
uint64_t strads_keymap_room(uint64_t keys);

void strads_keymap_free(struct strads_keymap *map);

#endif
