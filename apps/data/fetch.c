#include "fetch.h"

int
strads_fetch_post(struct strads_fabric *fabric, int peer, const struct strads_region *region,
		  size_t offset, void *into, size_t bytes, struct strads_counter *counter)
{
	int status;

	for (;;) {
		status = strads_get(fabric, peer, region, offset, into, bytes, counter);
		if (status != STRADS_AGAIN)
			return status;
		status = strads_counter_wait(fabric, counter);
		if (status == STRADS_OK)
			status = strads_fabric_progress(fabric);
		if (status != STRADS_OK)
			return status;
	}
}

int
strads_fetch(struct strads_fabric *fabric, int peer, const struct strads_region *region,
	     size_t offset, void *into, size_t bytes)
{
	struct strads_counter counter = {0};
	int status = strads_fetch_post(fabric, peer, region, offset, into, bytes, &counter);

	return status != STRADS_OK ? status : strads_counter_wait(fabric, &counter);
}
