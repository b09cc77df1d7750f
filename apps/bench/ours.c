#include "ours.h"

#include <stdlib.h>

#define PAGE 4096

int
strads_ours_open(struct strads_bench *bench, int writers, struct strads_ours **out)
{
	struct strads_ours *ours = calloc(1, sizeof *ours);
	int status;

	if (!ours)
		return strads_fail(STRADS_ERR_MEMORY, "no memory for the benchmark");
	ours->bench = bench;
	ours->fabric = bench->fabric;
	ours->rank = bench->team.rank;
	ours->size = bench->team.size;
	/* A payload and the word behind it, on pages of their own. */
	ours->stride = (bench->bytes_max + sizeof(uint64_t) + PAGE - 1) / PAGE * PAGE;
	status = strads_mesh_open(&ours->mesh, ours->fabric);
	if (!status)
		status = strads_region_new(ours->fabric, STRADS_REMOTE_WRITE,
					   (size_t)writers * ours->stride, &ours->inbox);
	if (!status)
		status =
		    strads_region_new(ours->fabric, STRADS_REMOTE_READ, ours->stride, &ours->shelf);
	if (!status)
		status = strads_region_new(ours->fabric, STRADS_LOCAL, ours->stride, &ours->own);
	status = strads_job_agree(strads_fabric_job(ours->fabric), status);
	if (!status)
		status = strads_fabric_wire(ours->fabric);
	if (status) {
		strads_ours_close(ours);
		return status;
	}
	*out = ours;
	return STRADS_OK;
}

void
strads_ours_close(struct strads_ours *ours)
{
	strads_region_delete(&ours->own);
	strads_region_delete(&ours->shelf);
	strads_region_delete(&ours->inbox);
	strads_mesh_close(&ours->mesh);
	free(ours);
}

void
strads_ours_delete(void *context)
{
	strads_ours_close(context);
}

int
strads_ours_repeat(struct strads_ours *ours, const struct strads_task *task, strads_ours_once *once,
		   struct strads_samples *samples, struct strads_taken *taken)
{
	struct strads_counter counter = {0};
	struct strads_lap lap = strads_lap_start(ours->bench, task, samples);

	for (uint64_t k = 1; k <= task->count; k++) {
		int status;

		while ((status = once(ours, task->bytes, &counter)) == STRADS_AGAIN) {
			status = strads_fabric_progress(ours->fabric);
			if (status)
				return status;
		}
		if (!status && counter.done < k)
			status = strads_mesh_complete(ours->fabric, &counter, k);
		if (status)
			return status;
		strads_lap_done(&lap);
	}
	taken->elapsed_ns = strads_lap_elapsed(&lap);
	return counter.status;
}

int
strads_ours_get(struct strads_ours *ours, size_t bytes, struct strads_counter *counter)
{
	return strads_get(ours->fabric, 1, ours->shelf, 0, strads_region_base(ours->own), bytes,
			  counter);
}
