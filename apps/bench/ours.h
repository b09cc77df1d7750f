/*
 * What the cases of strads' own side have in common: a region that peers write, one that they read,
 * one of this rank's own, and words to meet by.
 */
#ifndef STRADS_BENCH_OURS_H
#define STRADS_BENCH_OURS_H

#include "mesh.h"
#include "side.h"

struct strads_ours {
	struct strads_bench *bench;
	struct strads_fabric *fabric;
	int rank, size;
	struct strads_mesh mesh;
	struct strads_region *inbox; /* peers write: `stride` bytes for each writer */
	struct strads_region *shelf; /* peers read: `stride` bytes */
	struct strads_region *own;   /* source and sink: `stride` bytes */
	size_t stride;               /* a piece of up to bench->bytes_max and a word */
	uint64_t word;               /* the last that was exchanged: words only grow */
};

/* `writers` other ranks write to this one, none: 0. Collective. */
STRADS_MUST_CHECK int strads_ours_open(struct strads_bench *bench, int writers,
				       struct strads_ours **ours);
void strads_ours_close(struct strads_ours *ours);

/* Starts one operation between ranks 0 and 1; returns as it does. */
typedef int strads_ours_once(struct strads_ours *ours, size_t bytes,
			     struct strads_counter *counter);

/* The task's operations one after the other, each until it is complete. */
STRADS_MUST_CHECK int strads_ours_repeat(struct strads_ours *ours, const struct strads_task *task,
					 strads_ours_once *once, struct strads_samples *samples,
					 struct strads_taken *taken);

/* A get of rank 1's shelf into this rank's own piece. */
int strads_ours_get(struct strads_ours *ours, size_t bytes, struct strads_counter *counter);

/* The side's close. */
void strads_ours_delete(void *context);

#endif
