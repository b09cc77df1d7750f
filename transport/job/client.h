/*
 * A rank's end of the control channel: collectives that block up to a deadline, letters, and news
 * that end the job for this rank, kept once they have arrived. Any thread may read what comes: an
 * answer is left to the owner, who is told.
 */
#ifndef STRADS_CLIENT_H
#define STRADS_CLIENT_H

#include "job/job.h"

struct strads_client;

/* Serves `job` over `fd`, a stream socket to the hub, and sets job->fd and job->context.
 * `hub_name` says in sentences who is at the other end; it is borrowed. Owns the descriptor on
 * success. Returns STRADS_OK, ERR_MEMORY, ERR_IO. */
int strads_client_new(struct strads_job *job, int fd, const char *hub_name,
		      struct strads_client **client);

/* Closes the socket and nulls. */
void strads_client_delete(struct strads_client **client);

/* The operations of a job whose context is a client; see struct strads_job_ops. */
int strads_client_allgather(struct strads_job *job, const void *mine, size_t bytes, void *all);
void strads_client_serve(struct strads_job *job);
int strads_client_check(struct strads_job *job);
void strads_client_abort(struct strads_job *job, int status, const char *reason, int missed);
int strads_client_missed(struct strads_job *job);
int strads_client_post(struct strads_job *job, int to, const void *bytes, size_t n);
void strads_client_take_mail(struct strads_job *job, strads_mail_taker *taker, void *context);

/* Says that this rank is done with exit code `code`, and waits until the hub knows it. Returns
 * STRADS_OK, ERR_PEER or ERR_TIMEOUT: the hub may not know. */
int strads_client_leave(struct strads_job *job, int code);

#endif
