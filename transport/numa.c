#include "host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The one line of root/node<N>/<name>, false if there is none. */
static bool
read_line(const char *root, int node, const char *name, char *line, int room)
{
	char path[256];
	FILE *in;
	bool read;

	snprintf(path, sizeof path, "%s/node%d/%s", root, node, name);
	in = fopen(path, "re");
	if (!in)
		return false;
	read = fgets(line, room, in) != NULL;
	fclose(in);
	return read;
}

/* Whether a list like "0-3,8" names one of the processors. */
static bool
list_meets(const char *list, const cpu_set_t *processors)
{
	char *end;

	for (const char *at = list; *at >= '0' && *at <= '9'; at = *end == ',' ? end + 1 : end) {
		unsigned long first = strtoul(at, &end, 10), last = first;

		if (*end == '-')
			last = strtoul(end + 1, &end, 10);
		for (unsigned long cpu = first; cpu <= last && cpu < CPU_SETSIZE; cpu++) {
			if (CPU_ISSET(cpu, processors))
				return true;
		}
	}
	return false;
}

/* The distances from one node, in order of the nodes that there are. */
static void
approach(struct strads_numa *numa, const char *root, int from, uint64_t present)
{
	char line[STRADS_NUMA_NODES * 4 + 2], *at = line, *end;

	if (!read_line(root, from, "distance", line, sizeof line))
		return;
	for (int node = 0; node < STRADS_NUMA_NODES; node++, at = end) {
		unsigned long distance;

		end = at;
		if (!(present >> node & 1))
			continue;
		distance = strtoul(at, &end, 10);
		if (end == at || distance > UINT8_MAX)
			return;
		if (numa->distance[node] == 0 || distance < numa->distance[node])
			numa->distance[node] = (uint8_t)distance;
	}
}

void
strads_numa_read(const char *root, const cpu_set_t *processors, struct strads_numa *numa)
{
	char list[4096];
	uint64_t present = 0;

	memset(numa, 0, sizeof *numa);
	for (int node = 0; node < STRADS_NUMA_NODES; node++) {
		if (!read_line(root, node, "cpulist", list, sizeof list))
			continue;
		present |= UINT64_C(1) << node;
		if (list_meets(list, processors))
			numa->nodes |= UINT64_C(1) << node;
	}
	for (int node = 0; node < STRADS_NUMA_NODES; node++) {
		if (numa->nodes >> node & 1)
			approach(numa, root, node, present);
	}
}

int
strads_numa_distance(const struct strads_numa *numa, int node)
{
	int distance = node >= 0 && node < STRADS_NUMA_NODES ? numa->distance[node] : 0;

	return distance > 0 ? distance : STRADS_NUMA_LOCAL;
}
