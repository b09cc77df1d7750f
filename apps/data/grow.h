/*
 * Arrays that grow as elements arrive.
 */
#ifndef STRADS_GROW_H
#define STRADS_GROW_H

#include "strads/transport.h"

#include <stdlib.h>

/* Makes room for `need` elements in *array [*capacity], half as many again as there were. Returns
 * STRADS_OK, ERR_MEMORY. Thread: any. */
STRADS_MUST_CHECK static inline int
strads_grow(void **array, size_t *capacity, size_t need, size_t elem_bytes)
{
	size_t more = *capacity + *capacity / 2 + 64;
	void *grown;

	if (need <= *capacity)
		return STRADS_OK;
	if (more < need)
		more = need;
	grown = reallocarray(*array, more, elem_bytes);
	if (!grown) {
		strads_fail(STRADS_ERR_MEMORY,
			    "no memory for %zu elements of %zu bytes: use more ranks on more hosts",
			    more, elem_bytes);
		return STRADS_ERR_MEMORY;
	}
	*array = grown;
	*capacity = more;
	return STRADS_OK;
}

#endif
