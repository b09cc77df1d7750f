/*
 * Where a rank runs: its NUMA nodes, and which of its host's ranks it is. Internal to transport/.
 */
#ifndef STRADS_HOST_H
#define STRADS_HOST_H

#include "strads/transport.h"

#include <sched.h>

#define STRADS_NUMA_ROOT  "/sys/devices/system/node"
#define STRADS_NUMA_NODES 64
#define STRADS_NUMA_LOCAL 10 /* the kernel's measure of a node's distance to itself */

/* The NUMA nodes as seen from a set of processors. */
struct strads_numa {
	uint64_t nodes;                      /* a bit for each node with one of the processors */
	uint8_t distance[STRADS_NUMA_NODES]; /* from the nearest of these; 0: not known */
};

struct strads_seat {
	struct strads_numa numa;
	int index;    /* among the ranks of this host whose processors lie in the same nodes */
	bool crowded; /* the ranks on this host outnumber the processors they may use */
};

/* Reads the nodes from `root`, STRADS_NUMA_ROOT outside of tests. What cannot be read is not
 * known: without NUMA there are no nodes. Thread: any. */
void strads_numa_read(const char *root, const cpu_set_t *processors, struct strads_numa *numa);

/* How far the node of a device is (−1: it has none); as near as can be where that is not known. */
int strads_numa_distance(const struct strads_numa *numa, int node);

/* Finds out where this rank sits. Collective. Returns as strads_job_gather. */
int strads_seat_take(struct strads_job *job, struct strads_seat *seat);

/* Bytes that this process may lock, UINT64_MAX if there is no limit; `exempt`: it has the privilege
 * to lock more. Thread: any. */
uint64_t strads_host_memlock(bool *exempt);

#endif
