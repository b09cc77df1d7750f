/*
 * Whether what the ranks are about to allocate fits into their hosts' memory.
 */
#ifndef STRADS_LINEAR_ROOM_H
#define STRADS_LINEAR_ROOM_H

#include "strads/transport.h"

/* Bytes that this host has to give: what Linux calls available, or the limit of this process'
 * control group if that is less; UINT64_MAX where unknown. Thread: any. */
uint64_t strads_linear_room(void);

/* Sees to it that the engine's `bytes` are within its budget; `what` and `advice` as below. Returns
 * STRADS_OK, ERR_MEMORY. Thread: any. */
STRADS_MUST_CHECK int strads_linear_budget_check(const char *what, size_t bytes, size_t budget,
						 const char *advice);

/* Sees to it that the `bytes` of all ranks of a host are no more than it has to give. `what` needs
 * them, and `advice` is what to do if there are fewer: "ask for fewer factors". Collective. Returns
 * STRADS_OK, ERR_MEMORY, naming the figures, or as strads_job_gather. Thread: owner. */
STRADS_MUST_CHECK int strads_linear_room_check(struct strads_job *job, const char *what,
					       uint64_t bytes, const char *advice);

#endif
