#include "pin.h"

#include <hwloc.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The calling rank's number among those of its host, and how many these are. */
static int
find_neighbours(struct strads_team *team, int *index, int *count)
{
	char mine[64] = "", *all = calloc((size_t)team->size, sizeof mine);
	int status;

	if (!all) {
		status = strads_fail(STRADS_ERR_MEMORY, "no memory for the ranks' hosts");
		team->give_up(team->context, status);
		return status;
	}
	gethostname(mine, sizeof mine - 1);
	status = team->share(team->context, mine, sizeof mine, all);
	*index = *count = 0;
	for (int rank = 0; !status && rank < team->size; rank++) {
		bool here = memcmp(all + (size_t)rank * sizeof mine, mine, sizeof mine) == 0;

		*index += here && rank < team->rank;
		*count += here;
	}
	free(all);
	return status;
}

/* Binds this thread to the index-th of `count` parts of the machine. */
static void
bind_to_part(hwloc_topology_t topology, int index, int count, char text[STRADS_PINNING_MAX])
{
	hwloc_obj_t root = hwloc_get_root_obj(topology);
	hwloc_cpuset_t *part = count > 0 ? calloc((size_t)count, sizeof *part) : NULL;

	if (!part || hwloc_distrib(topology, &root, 1, part, (unsigned)count, INT_MAX, 0)) {
		snprintf(text, STRADS_PINNING_MAX, "none: the machine cannot be divided");
		free(part);
		return;
	}
	hwloc_bitmap_singlify(part[index]);
	if (hwloc_set_cpubind(topology, part[index], HWLOC_CPUBIND_THREAD))
		snprintf(text, STRADS_PINNING_MAX, "none: the system refuses");
	else
		snprintf(text, STRADS_PINNING_MAX, "each rank to a processor; rank 0 to %d",
			 hwloc_bitmap_first(part[index]));
	for (int i = 0; i < count; i++)
		hwloc_bitmap_free(part[i]);
	free(part);
}

static void
bind_here(hwloc_topology_t topology, int index, int count, char text[STRADS_PINNING_MAX])
{
	hwloc_cpuset_t now = hwloc_bitmap_alloc();
	int processors = hwloc_bitmap_weight(hwloc_topology_get_allowed_cpuset(topology));

	if (!now || hwloc_get_cpubind(topology, now, HWLOC_CPUBIND_PROCESS))
		snprintf(text, STRADS_PINNING_MAX, "none: the system does not tell the binding");
	else if (hwloc_bitmap_weight(now) < processors)
		snprintf(text, STRADS_PINNING_MAX, "as the launcher bound: rank 0 to %d of %d",
			 hwloc_bitmap_weight(now), processors);
	else if (count > processors)
		snprintf(text, STRADS_PINNING_MAX, "none: %d ranks on %d processors", count,
			 processors);
	else
		bind_to_part(topology, index, count, text);
	hwloc_bitmap_free(now);
}

int
strads_bench_pin(struct strads_team *team, bool wanted, char text[STRADS_PINNING_MAX])
{
	hwloc_topology_t topology;
	int index = 0, count = 1, status;

	snprintf(text, STRADS_PINNING_MAX, "off");
	if (!wanted)
		return STRADS_OK;
	status = find_neighbours(team, &index, &count);
	if (status)
		return status;
	snprintf(text, STRADS_PINNING_MAX, "none: the machine's topology is not known");
	if (hwloc_topology_init(&topology))
		return STRADS_OK;
	if (hwloc_topology_load(topology) == 0)
		bind_here(topology, index, count, text);
	hwloc_topology_destroy(topology);
	return STRADS_OK;
}
