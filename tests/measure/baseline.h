/*
 * A baseline: the barest way to do between two ranks what a put-signal of 8 bytes does, for
 * put_signal_latency to compare a fabric with.
 */
#ifndef BASELINE_H
#define BASELINE_H

#include "strads/transport.h"

struct baseline {
	const char *fabric; /* compared with --fabric that begins so */
	const char *what;   /* a few words for the table */

	/* Before the ranks are forked: what they share. Returns 0 or −1. */
	int (*prepare)(void **context);

	/* On each of the two ranks. May use the job's collectives. Returns 0 or −1. */
	int (*open)(void *context, struct strads_job *job);
	void (*close)(void *context);

	/* Rank 0 sends first + 1 and awaits it back, then first + 2, … first + rounds; rank 1
	 * answers. Returns 0 or −1. */
	int (*ping_pong)(void *context, int rank, uint64_t first, uint64_t rounds);
};

/* All that are built, NULL-terminated. */
extern const struct baseline *const baselines[];

#endif
