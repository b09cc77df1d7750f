#include "counts.h"

#include "fetch.h"

#include <string.h>

/* Adds those of every other rank. */
static int
others_add(struct strads_fabric *fabric, const struct strads_region *counts,
	   const struct strads_region *window, uint64_t *count, size_t n)
{
	struct strads_job *job = strads_fabric_job(fabric);
	uint64_t *theirs = strads_region_base(window);

	for (int r = 0; r < strads_job_size(job); r++) {
		int status;

		if (r == strads_job_rank(job))
			continue;
		status = strads_fetch(fabric, r, counts, 0, theirs, n * sizeof *theirs);
		if (status != STRADS_OK)
			return status;
		for (size_t i = 0; i < n; i++)
			count[i] += theirs[i];
	}
	return STRADS_OK;
}

int
strads_counts_sum(struct strads_fabric *fabric, uint64_t *count, size_t n)
{
	struct strads_job *job = strads_fabric_job(fabric);
	struct strads_region *counts = NULL, *window = NULL;
	int status = strads_region_new(fabric, STRADS_REMOTE_READ, n * sizeof *count, &counts);

	if (status == STRADS_OK)
		status = strads_region_new(fabric, STRADS_LOCAL, n * sizeof *count, &window);
	status = strads_job_agree(job, status);
	if (status == STRADS_OK) {
		memcpy(strads_region_base(counts), count, n * sizeof *count);
		status = strads_fabric_wire(fabric);
	}
	if (status == STRADS_OK)
		status = strads_job_agree(job, others_add(fabric, counts, window, count, n));
	if (window)
		strads_region_delete(&window);
	if (counts)
		strads_region_delete(&counts);
	return status;
}
