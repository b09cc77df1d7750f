/*
 * What the operating system allows this process, for the log and for `strads info`.
 */
#ifndef STRADS_CLI_LIMITS_H
#define STRADS_CLI_LIMITS_H

#include "strads/transport.h"

#include <jansson.h>
#include <stdint.h>

#define STRADS_LIMIT_NONE UINT64_MAX

/* Soft and hard limits; STRADS_LIMIT_NONE: unlimited. */
struct strads_limits {
	uint64_t memlock_bytes, memlock_hard_bytes;
	uint64_t open_files, open_files_hard;
	uint64_t hugepages_total, hugepages_free, hugepage_kib; /* of those set aside */
	uint64_t shm_bytes, shm_free_bytes;                     /* of /dev/shm; 0: there is none */
	uint64_t memory_kib;
};

/* What cannot be read is 0. Thread: any. */
void strads_limits_read(struct strads_limits *limits);

/* {"memlock_bytes": …}, null where unlimited; a new reference, NULL without memory. */
json_t *strads_limits_json(const struct strads_limits *limits);

/* The largest resident size of every rank so far, in rank order, to be freed by the caller.
 * Collective. Returns as strads_job_gather. Thread: owner. */
STRADS_MUST_CHECK int strads_limits_peaks(struct strads_job *job, uint64_t **peak_bytes);

#endif
