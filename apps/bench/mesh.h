/*
 * Words by which the ranks of strads' own side tell each other how far they are: one from each rank
 * to each. Unlike the job's collectives they keep the fabric moving while a rank waits.
 */
#ifndef STRADS_BENCH_MESH_H
#define STRADS_BENCH_MESH_H

#include "strads/transport.h"

struct strads_mesh {
	struct strads_fabric *fabric;
	int rank, size;
	struct strads_region *words; /* [size] lines, one for each writer */
	uint64_t *sent, *seen;       /* [size] */
};

/* Makes the region, which the caller wires. Returns STRADS_OK, or as strads_region_new. */
STRADS_MUST_CHECK int strads_mesh_open(struct strads_mesh *mesh, struct strads_fabric *fabric);
void strads_mesh_close(struct strads_mesh *mesh);

/* Tells `peer` once more. Returns STRADS_OK once it is under way, or as strads_put_signal. */
STRADS_MUST_CHECK int strads_mesh_tell(struct strads_mesh *mesh, int peer);

/* Waits until `peer` has told once more than has been heard. Returns STRADS_OK, ERR_TIMEOUT, or as
 * strads_fabric_progress. */
STRADS_MUST_CHECK int strads_mesh_hear(struct strads_mesh *mesh, int peer);

/* Whether hearing would not wait. */
bool strads_mesh_told(const struct strads_mesh *mesh, int peer);

/* Waits until all that this rank has started is complete, so that its buffers are its own again.
 * Returns STRADS_OK, ERR_TIMEOUT, or as strads_flush. */
STRADS_MUST_CHECK int strads_mesh_flush(struct strads_mesh *mesh);

/* Flushes, and returns once every rank has called it. */
STRADS_MUST_CHECK int strads_mesh_meet(struct strads_mesh *mesh);

/* Waits, with progress, until the counter has `done` operations done. Looks often before it gives
 * way. Returns the counter's status, or as strads_mesh_hear. */
STRADS_MUST_CHECK int strads_mesh_complete(struct strads_fabric *fabric,
					   const struct strads_counter *counter, uint64_t done);

#endif
