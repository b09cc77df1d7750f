#include "strads/rotation.h"

#include "strads/table.h"

/* The blocks are cut as a table's shards are. */
static struct strads_table
blocks(const struct strads_rotation *rotation)
{
	return (struct strads_table){.keys = rotation->positions, .ranks = rotation->workers};
}

uint64_t
strads_rotation_slices(const struct strads_rotation *rotation)
{
	struct strads_table table = blocks(rotation);
	uint64_t largest = strads_table_first(&table, 1), slice = rotation->slice_max;

	return largest > slice ? largest / slice + (largest % slice != 0) : 1;
}

int
strads_rotation_block(const struct strads_rotation *rotation, uint64_t t, int worker)
{
	uint64_t workers = (uint64_t)rotation->workers;

	return (int)(((uint64_t)worker + t % workers) % workers);
}

uint32_t
strads_rotation_slice(const struct strads_rotation *rotation, uint64_t t, int worker,
		      uint64_t *first)
{
	/* The slices of a block are cut as evenly as the blocks. */
	struct strads_table table = blocks(rotation);
	uint64_t count = strads_rotation_slices(rotation), slice = t % count;
	int block = strads_rotation_block(rotation, t, worker);
	uint64_t from = strads_table_first(&table, block);
	uint64_t size = strads_table_first(&table, block + 1) - from;
	uint64_t begin = size / count * slice + (slice < size % count ? slice : size % count);
	uint64_t n = size / count + (slice < size % count);

	*first = from + begin;
	return (uint32_t)n;
}
