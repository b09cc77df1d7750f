#include "need.h"

#include <stdlib.h>

#include "strads/transport.h"

void
strads_linear_count(struct strads_linear_need *need, uint64_t count, size_t bytes)
{
	uint64_t more;

	if (__builtin_mul_overflow(count, bytes, &more) ||
	    __builtin_add_overflow(need->bytes, more, &need->bytes))
		need->bytes = UINT64_MAX;
}

void *
strads_linear_take(struct strads_linear_need *need, uint64_t count, size_t bytes)
{
	void *memory;

	if (need->status)
		return NULL;
	strads_linear_count(need, count, bytes);
	if (need->dry)
		return NULL;
	memory = calloc(count ? count : 1, bytes);
	if (!memory)
		need->status =
		    strads_fail(STRADS_ERR_MEMORY, "no memory for %s: %llu times %zu bytes",
				need->what, (unsigned long long)count, bytes);
	return memory;
}
