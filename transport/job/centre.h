/*
 * The hub in rank 0's process, with its door and the thread that serves both.
 */
#ifndef STRADS_CENTRE_H
#define STRADS_CENTRE_H

#include "job/secret.h"

struct strads_centre;

struct strads_centre_options {
	int size;
	uint64_t timeout_ms;
	const struct strads_secret *secret; /* borrowed */
	const char *host;                   /* on which rank 0 runs */
	int listener;                       /* taken over, also on failure */
};

/* Starts the thread. `*fd` is then rank 0's own connection to the hub, which the caller owns, and
 * `*cookie` the job's. Returns STRADS_OK, ERR_MEMORY, ERR_IO. */
int strads_centre_start(const struct strads_centre_options *options, struct strads_centre **centre,
			int *fd, uint64_t *cookie);

/* Waits for all ranks to be gone, nulls, and returns the exit code of the job. */
int strads_centre_finish(struct strads_centre **centre);

#endif
