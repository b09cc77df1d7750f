/*
 * How a job's kinds plug in. Internal to transport/.
 *
 * Every kind but self and sim has one hub that all ranks are connected to by a stream socket: the
 * supervising parent for local, a thread of rank 0 for mpi (and later a rendezvous). The hub
 * answers collectives, passes aborts on, and tells who died.
 */
#ifndef STRADS_JOB_H
#define STRADS_JOB_H

#include "strads/transport.h"

struct strads_job;

struct strads_job_ops {
	const char *name;
	int (*allgather)(struct strads_job *job, const void *mine, size_t bytes, void *all);
	int (*check)(struct strads_job *job);
	void (*abort)(struct strads_job *job, int status, const char *reason);
};

struct strads_job {
	const struct strads_job_ops *ops;
	int rank;
	int size;
	uint64_t timeout_ms;
	uint64_t cookie; /* random, the same on all ranks of the job, secret to it */
	int fd;          /* control socket to poll for news; −1 where there is none */
	void *context;   /* the kind's own */
};

int strads_job_run_self(const struct strads_job_options *options, strads_rank_main *rank_main,
			void *arg);
int strads_job_run_local(const struct strads_job_options *options, strads_rank_main *rank_main,
			 void *arg);
int strads_job_run_mpi(const struct strads_job_options *options, strads_rank_main *rank_main,
		       void *arg);
int strads_job_run_sim(const struct strads_job_options *options, strads_rank_main *rank_main,
		       void *arg);

#endif
