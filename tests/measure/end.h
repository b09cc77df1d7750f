/*
 * One end of a fabric between two ranks that is being measured.
 */
#ifndef END_H
#define END_H

#include "strads/transport.h"

struct end {
	struct strads_fabric *fabric;
	struct strads_region *open; /* the peer may read and write it */
	struct strads_region *own;  /* local */
	int rank;
};

/* Says what failed and why; returns −1. */
int end_complain(const struct end *end, const char *what);

/* Opens and wires an end with two regions of `bytes` that never sleeps. Collective. Returns 0 or
 * −1. */
int end_open(struct strads_job *job, const char *fabric, size_t bytes, struct end *end);
void end_close(struct end *end);

/* Puts each rank on a processor of its own, if there are two. */
void end_pin(int rank);

/* Rank 0 sends 8 bytes and the word `value` by put-signal and awaits the same back; rank 1 answers.
 * With the progress that a real loop makes. Returns 0 or −1. */
int end_round_trip(struct end *end, uint64_t value);

/* Round trips with first + 1 … first + rounds. Returns 0 or −1. */
int end_ping_pong(struct end *end, uint64_t first, uint64_t rounds);

#endif
