/*
 * One-sided gets for phases outside the round: posted with patience, waited for in bulk.
 */
#ifndef STRADS_FETCH_H
#define STRADS_FETCH_H

#include "strads/transport.h"

/* strads_get that waits for room in the queue. Returns as strads_get, without AGAIN, or as
 * strads_counter_wait. Thread: owner. */
STRADS_MUST_CHECK int strads_fetch_post(struct strads_fabric *fabric, int peer,
					const struct strads_region *region, size_t offset,
					void *into, size_t bytes, struct strads_counter *counter);

/* strads_fetch_post, and waits for its completion. */
STRADS_MUST_CHECK int strads_fetch(struct strads_fabric *fabric, int peer,
				   const struct strads_region *region, size_t offset, void *into,
				   size_t bytes);

#endif
