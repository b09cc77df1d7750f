/*
 * Coroutines: functions with a stack each, one of which runs at a time in a thread. Internal to
 * sim/. The sanitizers and valgrind are told of every stack and every switch.
 */
#ifndef STRADS_SIM_COROUTINE_H
#define STRADS_SIM_COROUTINE_H

#include <stddef.h>

struct strads_coroutine;

/* What a coroutine runs. It never returns: it ends by strads_coroutine_leave. */
typedef void strads_coroutine_entry(void *arg);

/* Makes the calling thread's own stack switchable. Returns STRADS_OK or ERR_MEMORY. Delete it with
 * strads_coroutine_delete, on the same stack. Thread: owner, as for all of this header. */
int strads_coroutine_adopt(struct strads_coroutine **adopted);

/* A coroutine that calls entry(arg) when first switched to, on a stack of stack_bytes (a multiple
 * of the page size) with a guard page below; pages are committed when touched. Returns STRADS_OK
 * or ERR_MEMORY. */
int strads_coroutine_new(size_t stack_bytes, strads_coroutine_entry *entry, void *arg,
			 struct strads_coroutine **coroutine);

/* Frees a coroutine that does not run, and nulls. What its frames own is not freed. */
void strads_coroutine_delete(struct strads_coroutine **coroutine);

/* Forgets a coroutine in the middle of its work, and nulls: its stack stays mapped for the life of
 * the process, and what its frames own stays reachable to a leak checker. One that never ran is
 * deleted. */
void strads_coroutine_abandon(struct strads_coroutine **coroutine);

/* Continues `to` and stops `from`, which must be the one that runs, until somebody switches back.
 */
void strads_coroutine_switch(struct strads_coroutine *from, struct strads_coroutine *to);

/* Continues `to`; `from`, the one that runs, is over and may only be deleted. */
void strads_coroutine_leave(struct strads_coroutine *from, struct strads_coroutine *to)
    __attribute__((noreturn));

#endif
