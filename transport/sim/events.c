#include "sim/events.h"

#include <stdbool.h>
#include <stdlib.h>

#include "strads/transport.h"

static inline bool
earlier(const struct strads_event *a, const struct strads_event *b)
{
	/* Without a branch, which could not be predicted. */
	return (a->time < b->time) | ((a->time == b->time) & (a->sequence < b->sequence));
}

int
strads_events_reserve(struct strads_events *events, size_t count)
{
	size_t capacity = events->capacity ? events->capacity : 256;
	struct strads_event *grown;

	if (count <= events->capacity)
		return STRADS_OK;
	while (capacity < count)
		capacity *= 2;
	grown = realloc(events->heap, capacity * sizeof *grown);
	if (!grown)
		return strads_fail(STRADS_ERR_MEMORY, "no memory for %zu simulated events",
				   capacity);
	events->heap = grown;
	events->capacity = capacity;
	return STRADS_OK;
}

void
strads_events_free(struct strads_events *events)
{
	free(events->heap);
	*events = (struct strads_events){0};
}

void
strads_events_add(struct strads_events *events, struct strads_event event)
{
	struct strads_event *heap = events->heap;
	size_t at = events->count++;

	event.sequence = events->added++;
	while (at > 0) {
		size_t parent = (at - 1) / 2;

		if (!earlier(&event, &heap[parent]))
			break;
		heap[at] = heap[parent];
		at = parent;
	}
	heap[at] = event;
}

struct strads_event
strads_events_take(struct strads_events *events)
{
	struct strads_event *heap = events->heap;
	struct strads_event first = heap[0];
	struct strads_event last = heap[--events->count];
	size_t count = events->count;
	size_t at = 0;

	/* Events added late mostly are late: sink the hole to the bottom without looking at `last`,
	 * then let that rise the little it must. */
	for (size_t child = 1; child < count; child = 2 * at + 1) {
		if (child + 1 < count)
			child += earlier(&heap[child + 1], &heap[child]);
		heap[at] = heap[child];
		at = child;
	}
	while (at > 0) {
		size_t parent = (at - 1) / 2;

		if (!earlier(&last, &heap[parent]))
			break;
		heap[at] = heap[parent];
		at = parent;
	}
	heap[at] = last;
	return first;
}
