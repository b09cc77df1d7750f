#include "shm.h"

#include <stdio.h>

void
strads_shm_fault_keep(struct strads_shm_fault *fault, int status)
{
	if (fault->status || !status)
		return;
	fault->status = status;
	snprintf(fault->sentence, sizeof fault->sentence, "%s", strads_error());
}

int
strads_shm_fault_tell(const struct strads_shm_fault *fault)
{
	return fault->status ? strads_fail(fault->status, "%s", fault->sentence) : STRADS_OK;
}

int
strads_shm_fail_gone(const struct strads_shm *shm, int peer)
{
	return strads_fail(STRADS_ERR_PEER,
			   shm->peers[peer].left
			       ? "rank %d has closed its fabric while rank %d still needs it"
			       : "rank %d is gone: its shared-memory connection to rank %d broke",
			   peer, shm->rank);
}
