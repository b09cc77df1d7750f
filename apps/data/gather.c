#include "gather.h"

#include <stdlib.h>

int
strads_gather(struct strads_job *job, int status, const void *mine, size_t bytes, void **all)
{
	void *room = malloc((size_t)strads_job_size(job) * bytes);

	if (!room && status == STRADS_OK)
		status = strads_fail(STRADS_ERR_MEMORY, "no memory for what %d ranks say",
				     strads_job_size(job));
	status = strads_job_agree(job, status);
	if (status == STRADS_OK)
		status = strads_job_allgather(job, mine, bytes, room);
	if (status != STRADS_OK)
		free(room);
	else
		*all = room;
	return status;
}
