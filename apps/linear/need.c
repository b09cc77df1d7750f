#include "need.h"

#include <stdlib.h>

#include "strads/transport.h"

void *
strads_linear_take(struct strads_linear_need *need, uint64_t count, size_t bytes)
{
	void *memory;

	if (need->status)
		return NULL;
	memory = calloc(count ? count : 1, bytes);
	need->bytes += count * bytes;
	if (!memory)
		need->status =
		    strads_fail(STRADS_ERR_MEMORY, "no memory for %s: %llu times %zu bytes",
				need->what, (unsigned long long)count, bytes);
	return memory;
}
