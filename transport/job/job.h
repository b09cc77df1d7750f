/*
 * How a job's kinds plug in. Internal to transport/.
 *
 * Every kind but self and sim has one hub that all ranks are connected to by a stream socket: the
 * supervising parent for local, a thread of rank 0 for mpi and tcp. The hub answers collectives,
 * passes letters and aborts on, and tells who died.
 */
#ifndef STRADS_JOB_H
#define STRADS_JOB_H

#include "job/socket.h"
#include "strads/transport.h"

#include <stdatomic.h>

#define STRADS_JOB_RANKS_MAX 4096
#define STRADS_MAIL_MAX      1024 /* bytes of a letter */

struct strads_job;

/* Is given a letter of rank `from`, aligned to 8 bytes and valid while it runs. It may post, and
 * runs on whichever thread serves the channel, on one at a time. */
typedef void strads_mail_taker(void *context, int from, const void *bytes, size_t n);

struct strads_job_ops {
	const char *name;
	int (*allgather)(struct strads_job *job, const void *mine, size_t bytes, void *all);
	/* NULL where there is no channel. */
	void (*serve)(struct strads_job *job);
	/* Why the job cannot go on, as far as what was served tells. */
	int (*check)(struct strads_job *job);
	/* `missed`: the rank that was waited for in vain, or −1. */
	void (*abort)(struct strads_job *job, int status, const char *reason, int missed);
	/* That rank, where another rank has aborted so; NULL where there is no other. */
	int (*missed)(struct strads_job *job);
	/* NULL where ranks have no channel between them. */
	int (*post)(struct strads_job *job, int to, const void *bytes, size_t n);
	void (*take_mail)(struct strads_job *job, strads_mail_taker *taker, void *context);
};

struct strads_job {
	const struct strads_job_ops *ops;
	int rank;
	int size;
	uint64_t timeout_ms;
	uint64_t cookie; /* random, the same on all ranks of the job, secret to it */
	/* The ends of this rank's TCP connection to the hub, as numbers; "" where it has none. */
	char own_address[STRADS_SOCKET_HOST];
	char hub_address[STRADS_SOCKET_HOST];
	int fd;                /* readable when strads_job_serve has something to do; −1: never */
	_Atomic bool attended; /* another thread serves whenever it is: who checks need not */
	void *context;         /* the kind's own */
};

/* Gives letters of other ranks to `taker` from now on, at once those that wait. NULL: to nobody any
 * more, and the one before runs no longer when this returns (unless it is the caller). Letters that
 * come without a taker are kept for the next, up to a limit that ends the job for this rank.
 * Thread: any. */
void strads_job_take_mail(struct strads_job *job, strads_mail_taker *taker, void *context);

/* Sends rank `to` a letter of n ≤ STRADS_MAIL_MAX bytes, which are copied; never blocks. Letters
 * from one rank to another come in order; those to a rank that has left or died are lost. Returns
 * STRADS_OK, AGAIN (too many are on their way: serve, then try again), ERR_ARGUMENT (no such rank,
 * this one, or too long), ERR_UNSUPPORTED (ranks of this job have no channel between them),
 * ERR_MEMORY, or why the job cannot go on (as strads_job_check). Thread: any. */
STRADS_MUST_CHECK int strads_job_post(struct strads_job *job, int to, const void *bytes, size_t n);

/* Sends and reads without blocking what can be, and gives letters to the taker; collectives that
 * wait do so too, and strads_job_check unless the job is attended. Returns STRADS_OK or why the job
 * cannot go on; then nothing comes any more. Thread: any. */
STRADS_MUST_CHECK int strads_job_serve(struct strads_job *job);

int strads_job_run_self(const struct strads_job_options *options, strads_rank_main *rank_main,
			void *arg);
int strads_job_run_local(const struct strads_job_options *options, strads_rank_main *rank_main,
			 void *arg);
int strads_job_run_mpi(const struct strads_job_options *options, strads_rank_main *rank_main,
		       void *arg);
int strads_job_run_tcp(const struct strads_job_options *options, strads_rank_main *rank_main,
		       void *arg);
int strads_job_run_sim(const struct strads_job_options *options, strads_rank_main *rank_main,
		       void *arg);

#endif
