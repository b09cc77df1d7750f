/*
 * Tables: which rank owns a variable, and where in its shard the variable lies.
 */
#ifndef STRADS_TABLE_H
#define STRADS_TABLE_H

#include "strads/program.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Dense keys 0 … keys − 1 in P contiguous ranges, sizes equal to within one, earlier ranks the
 * larger. */
struct strads_table {
	uint64_t keys;
	int ranks;
};

int strads_table_owner(const struct strads_table *table, strads_key key);
/* First key of rank's range; rank may equal table->ranks (returns keys). */
strads_key strads_table_first(const struct strads_table *table, int rank);
/* Index of key in its owner's range. */
uint64_t strads_table_offset(const struct strads_table *table, strads_key key);

#ifdef __cplusplus
}
#endif

#endif
