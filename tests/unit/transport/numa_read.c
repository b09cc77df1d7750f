/* How far the NUMA nodes of a host are from a rank's processors. */
#include "host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char root[] = "/tmp/strads-numa-XXXXXX";

static void
write_file(int node, const char *name, const char *text)
{
	char path[256];
	FILE *out;

	snprintf(path, sizeof path, "%s/node%d", root, node);
	(void)mkdir(path, 0700);
	snprintf(path, sizeof path, "%s/node%d/%s", root, node, name);
	out = fopen(path, "w");
	assert_non_null(out);
	assert_true(fputs(text, out) >= 0);
	fclose(out);
}

/* Two sockets of two nodes each; the third node has memory alone, and there is no node 2. */
static int
setup(void **state)
{
	(void)state;
	if (!mkdtemp(root))
		return -1;
	write_file(0, "cpulist", "0-3,8\n");
	write_file(0, "distance", "10 12 20 32\n");
	write_file(1, "cpulist", "4-7\n");
	write_file(1, "distance", "12 10 32 20\n");
	write_file(3, "cpulist", "\n");
	write_file(3, "distance", "20 32 10 12\n");
	write_file(4, "cpulist", "9-15\n");
	write_file(4, "distance", "32 20 12 10\n");
	return 0;
}

static int
teardown(void **state)
{
	char path[256];

	(void)state;
	for (int node = 0; node < 5; node++) {
		snprintf(path, sizeof path, "%s/node%d/cpulist", root, node);
		(void)unlink(path);
		snprintf(path, sizeof path, "%s/node%d/distance", root, node);
		(void)unlink(path);
		snprintf(path, sizeof path, "%s/node%d", root, node);
		(void)rmdir(path);
	}
	return rmdir(root);
}

static struct strads_numa
seen_from(const char *processors)
{
	struct strads_numa numa;
	cpu_set_t set;

	CPU_ZERO(&set);
	for (const char *at = processors; *at; at++)
		CPU_SET(*at - '0', &set);
	strads_numa_read(root, &set, &numa);
	return numa;
}

static void
numa_read__distances_are_those_of_the_own_node(void **state)
{
	struct strads_numa numa = seen_from("45");

	(void)state;
	assert_int_equal(numa.nodes, 1 << 1);
	assert_int_equal(strads_numa_distance(&numa, 0), 12);
	assert_int_equal(strads_numa_distance(&numa, 1), 10);
	assert_int_equal(strads_numa_distance(&numa, 3), 32);
	assert_int_equal(strads_numa_distance(&numa, 4), 20);
}

static void
numa_read__the_nearest_of_several_nodes_counts(void **state)
{
	struct strads_numa numa = seen_from("39");

	(void)state;
	assert_int_equal(numa.nodes, 1 << 0 | 1 << 4);
	assert_int_equal(strads_numa_distance(&numa, 0), 10);
	assert_int_equal(strads_numa_distance(&numa, 1), 12);
	assert_int_equal(strads_numa_distance(&numa, 3), 12);
	assert_int_equal(strads_numa_distance(&numa, 4), 10);
}

static void
numa_read__what_is_not_known_is_as_near_as_can_be(void **state)
{
	struct strads_numa numa = seen_from("0");

	(void)state;
	assert_int_equal(strads_numa_distance(&numa, -1), STRADS_NUMA_LOCAL);
	assert_int_equal(strads_numa_distance(&numa, 2), STRADS_NUMA_LOCAL);
	assert_int_equal(strads_numa_distance(&numa, 1000), STRADS_NUMA_LOCAL);
}

static void
numa_read__without_numa_there_are_no_nodes(void **state)
{
	struct strads_numa numa;
	cpu_set_t set;

	(void)state;
	CPU_ZERO(&set);
	CPU_SET(0, &set);
	strads_numa_read("/nonexistent", &set, &numa);
	assert_int_equal(numa.nodes, 0);
	assert_int_equal(strads_numa_distance(&numa, 0), STRADS_NUMA_LOCAL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(numa_read__distances_are_those_of_the_own_node),
	    cmocka_unit_test(numa_read__the_nearest_of_several_nodes_counts),
	    cmocka_unit_test(numa_read__what_is_not_known_is_as_near_as_can_be),
	    cmocka_unit_test(numa_read__without_numa_there_are_no_nodes),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
