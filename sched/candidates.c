#include "strads/candidates.h"

#include <stdbool.h>

void
strads_candidates_clear(struct strads_candidates *candidates, uint64_t room)
{
	candidates->room = room < candidates->max ? room : candidates->max;
	candidates->count = 0;
}

static bool
less(const struct strads_candidate *a, const struct strads_candidate *b)
{
	return a->gradient < b->gradient || (a->gradient == b->gradient && a->key > b->key);
}

/* Restores the heap of `count` below `at`. */
static void
sink(struct strads_candidate *entry, uint64_t count, uint64_t at)
{
	struct strads_candidate moved = entry[at];

	for (uint64_t child; (child = 2 * at + 1) < count; at = child) {
		if (child + 1 < count && less(&entry[child + 1], &entry[child]))
			child++;
		if (!less(&entry[child], &moved))
			break;
		entry[at] = entry[child];
	}
	entry[at] = moved;
}

static void
heap_make(struct strads_candidates *candidates)
{
	for (uint64_t at = candidates->count / 2; at-- > 0;)
		sink(candidates->entry, candidates->count, at);
}

void
strads_candidates_add(struct strads_candidates *candidates, strads_key key, float gradient)
{
	struct strads_candidate candidate = {.key = key, .gradient = gradient};

	if (candidates->count < candidates->room) {
		candidates->entry[candidates->count++] = candidate;
		if (candidates->count == candidates->room)
			heap_make(candidates);
	} else if (candidates->count > 0 && less(&candidates->entry[0], &candidate)) {
		candidates->entry[0] = candidate;
		sink(candidates->entry, candidates->count, 0);
	}
}

void
strads_candidates_keep(struct strads_candidates *candidates, uint64_t count)
{
	if (candidates->count <= count)
		return;
	heap_make(candidates);
	while (candidates->count > count) {
		candidates->entry[0] = candidates->entry[--candidates->count];
		sink(candidates->entry, candidates->count, 0);
	}
	candidates->room = count;
}
