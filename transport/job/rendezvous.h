/*
 * A rank of a job whose hub is in rank 0's process: how it comes to the hub, and what it ends with.
 */
#ifndef STRADS_RENDEZVOUS_H
#define STRADS_RENDEZVOUS_H

#include "job/job.h"
#include "job/secret.h"
#include "job/socket.h"

struct strads_rendezvous {
	char host[STRADS_SOCKET_HOST]; /* where rank 0 listens */
	uint16_t port;
	struct strads_secret secret;
	const char *hub_name; /* rank 0 in sentences of the others; borrowed */
	const char *own_host; /* on which this rank runs; borrowed */
	bool codes_to_hub;    /* every rank but 0 exits with 0 once the hub knows its code */
};

/* Runs rank_main on rank 0, which serves the hub over `listener` (taken over), or on another, which
 * tries to reach it until the job's deadline. `job` has rank, size, timeout and ops. Returns the
 * exit code of this process: of rank 0 the highest of all. Failure is said on stderr. */
int strads_rendezvous_run_first(struct strads_job *job, const struct strads_rendezvous *rendezvous,
				int listener, strads_rank_main *rank_main, void *arg);
int strads_rendezvous_run_other(struct strads_job *job, const struct strads_rendezvous *rendezvous,
				strads_rank_main *rank_main, void *arg);

#endif
