/*
 * What every rank has to say, in memory that may be refused.
 */
#ifndef STRADS_GATHER_H
#define STRADS_GATHER_H

#include "strads/transport.h"

/* Every rank gives `bytes` bytes and its status so far; if all have STRADS_OK, every rank receives
 * what all gave, in rank order, in *all, which the caller frees. Collective: all ranks succeed or
 * fail together. Returns STRADS_OK, the status of the lowest rank that failed, ERR_MEMORY, or as
 * strads_job_allgather. Thread: owner. */
STRADS_MUST_CHECK int strads_gather(struct strads_job *job, int status, const void *mine,
				    size_t bytes, void **all);

#endif
