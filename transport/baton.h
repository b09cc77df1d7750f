/*
 * A baton: whoever has it may touch what it guards. On the data path it is only ever tried, so that
 * no rank waits for its own server's turn, or for the processor that the server waits for: who does
 * not get it has nothing to do there just now. Internal to transport/.
 */
#ifndef STRADS_BATON_H
#define STRADS_BATON_H

#include <stdatomic.h>
#include <stdbool.h>
#include <time.h>

#define STRADS_BATON_WAIT_NS 20000 /* between two tries of who can wait */

/* All zero: nobody has it. */
struct strads_baton {
	_Atomic bool taken;
};

/* Takes the baton unless somebody has it; returns whether it was taken. Thread: any. */
static inline bool
strads_baton_try(struct strads_baton *baton)
{
	return !atomic_load_explicit(&baton->taken, memory_order_relaxed) &&
	       !atomic_exchange_explicit(&baton->taken, true, memory_order_acquire);
}

/* Takes the baton, sleeping until it is free: for start-up and shut-down. Thread: any. */
static inline void
strads_baton_wait(struct strads_baton *baton)
{
	const struct timespec pause = {.tv_nsec = STRADS_BATON_WAIT_NS};

	while (!strads_baton_try(baton))
		nanosleep(&pause, NULL);
}

/* Gives the baton back, and with it all that was done meanwhile. Thread: who has it. */
static inline void
strads_baton_pass(struct strads_baton *baton)
{
	atomic_store_explicit(&baton->taken, false, memory_order_release);
}

#endif
