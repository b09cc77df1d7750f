#include "keymap.h"

#include <stdlib.h>

#include "strads/random.h"

#define ROOM_MIN 32

/* Where the key is, or else the free place that ends its run. */
static uint64_t
seek(const struct strads_keymap *map, strads_key key)
{
	uint64_t at = strads_random_mix(key) & (map->places - 1);

	while (map->place[at] && map->key[map->place[at] - 1] != key)
		at = (at + 1) & (map->places - 1);
	return at;
}

uint32_t
strads_keymap_find(const struct strads_keymap *map, strads_key key)
{
	/* Of a free place, 0 − 1 is NONE. */
	return map->places ? map->place[seek(map, key)] - 1 : STRADS_KEYMAP_NONE;
}

uint64_t
strads_keymap_room(uint64_t keys)
{
	uint64_t room = ROOM_MIN;

	while (room < keys)
		room *= 2;
	return room;
}

int
strads_keymap_reserve(struct strads_keymap *map, uint32_t more)
{
	uint64_t need = (uint64_t)map->count + more, room = strads_keymap_room(need);
	uint32_t *place;
	strads_key *key;

	if (need <= map->room)
		return STRADS_OK;
	if (need >= STRADS_KEYMAP_NONE)
		return strads_fail(STRADS_ERR_MEMORY, "a map of keys holds at most %u of them",
				   STRADS_KEYMAP_NONE - 1);
	key = realloc(map->key, room * sizeof *key);
	if (!key)
		goto fail;
	map->key = key;
	place = calloc(2 * room, sizeof *place);
	if (!place)
		goto fail;
	free(map->place);
	map->place = place;
	map->places = 2 * room;
	map->room = room;
	for (uint32_t i = 0; i < map->count; i++)
		place[seek(map, key[i])] = i + 1;
	return STRADS_OK;

fail:
	return strads_fail(STRADS_ERR_MEMORY, "no memory for a map of %llu keys",
			   (unsigned long long)need);
}

uint32_t
strads_keymap_add(struct strads_keymap *map, strads_key key)
{
	map->key[map->count] = key;
	map->place[seek(map, key)] = map->count + 1;
	return map->count++;
}

void
strads_keymap_free(struct strads_keymap *map)
{
	free(map->key);
	free(map->place);
	*map = (struct strads_keymap){0};
}
