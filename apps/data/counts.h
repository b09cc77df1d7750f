/*
 * Numbers that every rank counts in its own data, added up over the ranks.
 */
#ifndef STRADS_COUNTS_H
#define STRADS_COUNTS_H

#include "strads/transport.h"

/* Makes count [n] the sum over the ranks, n being the same on all, on every one of them. Takes
 * three arrays of that size for the while. Collective: all ranks succeed or fail together. Returns
 * STRADS_OK, ERR_MEMORY, or as strads_fabric_wire and strads_counter_wait. Thread: owner. */
STRADS_MUST_CHECK int strads_counts_sum(struct strads_fabric *fabric, uint64_t *count, size_t n);

#endif
