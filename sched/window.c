#include "window.h"

#include <stdlib.h>

static void
place(struct strads_window *window, const struct strads_shape *shape, uint8_t *partials,
      uint8_t *commits)
{
	for (uint32_t i = 0; i < window->size; i++) {
		struct strads_entry *entry = &window->entries[i];

		entry->inbox = (void *)(window->blocks + i * shape->block_bytes);
		entry->commit = commits + i * shape->commit_stride;
		entry->partial_offset = i * shape->partial_stride;
		entry->partial = (void *)(partials + entry->partial_offset);
	}
}

int
strads_window_init(struct strads_window *window, const struct strads_shape *shape, void *partials,
		   uint8_t *commits)
{
	*window = (struct strads_window){.size = shape->window};
	window->entries = calloc(shape->window, sizeof *window->entries);
	window->blocks = calloc(shape->window, shape->block_bytes);
	window->awaited = calloc(shape->ranks, sizeof *window->awaited);
	window->reducers = calloc(shape->ranks, sizeof *window->reducers);
	if (!window->entries || !window->blocks || !window->awaited || !window->reducers)
		return strads_fail(STRADS_ERR_MEMORY, "no memory for a window of %u blocks",
				   shape->window);
	place(window, shape, partials, commits);
	return STRADS_OK;
}

void
strads_window_free(struct strads_window *window)
{
	free(window->reducers);
	free(window->awaited);
	free(window->blocks);
	free(window->entries);
	*window = (struct strads_window){0};
}

void
strads_window_pop(struct strads_window *window)
{
	window->synced++;
	window->oldest = window->oldest + 1 < window->size ? window->oldest + 1 : 0;
}

void
strads_window_await(struct strads_window *window, struct strads_entry *entry)
{
	struct strads_awaited *awaited = &window->awaited[entry->block.reducer];

	entry->next_awaited = NULL;
	if (awaited->first) {
		awaited->last->next_awaited = entry;
	} else {
		awaited->first = entry;
		awaited->place = window->n_reducers;
		window->reducers[window->n_reducers++] = entry->block.reducer;
	}
	awaited->last = entry;
}

void
strads_window_arrived(struct strads_window *window, int reducer)
{
	struct strads_awaited *awaited = &window->awaited[reducer];
	int last;

	awaited->first = awaited->first->next_awaited;
	if (awaited->first)
		return;
	last = window->reducers[--window->n_reducers];
	window->reducers[awaited->place] = last;
	window->awaited[last].place = awaited->place;
}

void
strads_window_queue(struct strads_window *window, struct strads_entry *entry)
{
	entry->next_mine = NULL;
	if (window->mine_first)
		window->mine_last->next_mine = entry;
	else
		window->mine_first = entry;
	window->mine_last = entry;
}

void
strads_window_unqueue(struct strads_window *window)
{
	window->mine_first = window->mine_first->next_mine;
}
