/*
 * The window: the blocks a rank has been sent and has not synced yet, in order. Blocks of all sets
 * are numbered through; block number g lies in entry g mod size, with all that belongs to it.
 *
 *     synced ≤ sent ≤ pushed ≤ admitted ≤ synced + size
 */
#ifndef STRADS_SCHED_WINDOW_H
#define STRADS_SCHED_WINDOW_H

#include "shape.h"
#include "stream.h"

struct strads_entry {
	struct strads_block block;
	struct strads_wire_block *wire; /* the block as sent, its keys behind it: received here … */
	struct strads_wire_block *inbox; /* … or, of a set this rank schedules, */
	struct strads_draft *draft;      /* still where it was drafted; else NULL */
	double *partial;                 /* this rank's, in the region peers read */
	size_t partial_offset;           /* in that region, on every rank */
	size_t elems;                    /* of the partial */
	uint8_t *commit; /* registered: if this rank reduces the block, it is sent from here, … */
	struct strads_loan loan; /* … up to here */
	size_t commit_bytes;
	struct strads_sink sink; /* of the block, then of its commit */
	uint64_t block_message;  /* number, in its ring, of the block's last message, … */
	uint64_t commit_message; /* … of the commit's; 0: none came */
	struct strads_counter sent;
	struct strads_entry *next_awaited; /* the reducer's next commit */
	struct strads_entry *next_mine;    /* the next block this rank sums up */
	uint64_t base; /* the set is pushed when so many sets are finished, and no more */
	bool early;
	bool pushed;
	bool summed;    /* `partial` is all that this rank sends: its own, or with those below it */
	bool committed; /* the commit is here */
};

/* The entries whose commits another rank will send, oldest first. */
struct strads_awaited {
	struct strads_entry *first;
	struct strads_entry *last;
	int place; /* of the reducer in the list of those awaited */
};

struct strads_window {
	uint32_t size;
	struct strads_entry *entries;
	uint8_t *blocks; /* [size][block_bytes] */
	uint64_t admitted;
	uint64_t pushed;
	bool pushing; /* the block at `pushed`: begun, and waits for what it has started */
	uint64_t sent;
	uint64_t synced;
	uint32_t oldest; /* synced mod size */

	/* Commits are looked for only where one is due. */
	struct strads_awaited *awaited; /* by reducer */
	int *reducers;                  /* those with a commit due, in no order */
	int n_reducers;

	/* Blocks this rank sums up, its own and by a tree others', and has not begun to, oldest
	 * first. */
	struct strads_entry *mine_first;
	struct strads_entry *mine_last;
};

/* `partials` is the base of the region peers read, `commits` registered memory. Returns STRADS_OK
 * or ERR_MEMORY; in either case strads_window_free afterwards. */
STRADS_MUST_CHECK int strads_window_init(struct strads_window *window,
					 const struct strads_shape *shape, void *partials,
					 uint8_t *commits);
void strads_window_free(struct strads_window *window);

/* Entry of a block from `synced` to `synced` + size, where the round begins again. */
static inline struct strads_entry *
strads_window_at(const struct strads_window *window, uint64_t number)
{
	uint64_t place = window->oldest + (number - window->synced);

	return &window->entries[place < window->size ? place : place - window->size];
}

/* Frees the oldest entry: its block is synced. */
void strads_window_pop(struct strads_window *window);

/* Notes that the entry's commit is due, its partial being sent. */
void strads_window_await(struct strads_window *window, struct strads_entry *entry);

/* Notes that the oldest commit due from reducer is here. */
void strads_window_arrived(struct strads_window *window, int reducer);

/* Queues an entry this rank sums up; takes the oldest off the queue. */
void strads_window_queue(struct strads_window *window, struct strads_entry *entry);
void strads_window_unqueue(struct strads_window *window);

#endif
