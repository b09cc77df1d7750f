#include "strads/table.h"

int
strads_table_owner(const struct strads_table *table, strads_key key)
{
	uint64_t small = table->keys / (uint64_t)table->ranks;
	uint64_t large = table->keys % (uint64_t)table->ranks; /* ranks with one key more */
	uint64_t in_large = large * (small + 1);

	if (key < in_large)
		return (int)(key / (small + 1));
	return (int)(large + (key - in_large) / small);
}

strads_key
strads_table_first(const struct strads_table *table, int rank)
{
	uint64_t small = table->keys / (uint64_t)table->ranks;
	uint64_t large = table->keys % (uint64_t)table->ranks;
	uint64_t before = (uint64_t)rank;

	return before * small + (before < large ? before : large);
}

uint64_t
strads_table_offset(const struct strads_table *table, strads_key key)
{
	return key - strads_table_first(table, strads_table_owner(table, key));
}
