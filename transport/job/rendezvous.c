#include "job/rendezvous.h"

#include "job/centre.h"
#include "job/client.h"
#include "job/clock.h"
#include "job/knock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Between attempts to reach rank 0: from the first to the last, each twice the one before. */
#define PAUSE_MIN_MS 20
#define PAUSE_MAX_MS 500

/* For one attempt. A host that is not up yet does not answer at all; a door drops who does not
 * speak after 10 s. */
#define CONNECT_MS 5000
#define KNOCK_MS   15000

/* The earlier of a deadline and so much from now. */
static uint64_t
sooner(uint64_t deadline_ms, uint64_t limit_ms)
{
	uint64_t limited_ms = strads_clock_ms() + limit_ms;

	return limited_ms < deadline_ms ? limited_ms : deadline_ms;
}

/* Whether a later attempt may go better: rank 0 is not there yet, or its door was too busy. */
static bool
worth_trying(int status)
{
	return status == STRADS_ERR_IO || status == STRADS_ERR_PEER || status == STRADS_ERR_TIMEOUT;
}

static int
attempt(const struct strads_rendezvous *rendezvous, const struct strads_knock *knock,
	uint64_t deadline_ms, int *out, uint64_t *cookie)
{
	uint64_t connect_ms = sooner(deadline_ms, CONNECT_MS);
	int fd;
	int status = strads_socket_connect(rendezvous->host, rendezvous->port,
					   (uint64_t)strads_clock_left_ms(connect_ms), &fd);

	if (status)
		return status;
	status = strads_knock(knock, fd, sooner(deadline_ms, KNOCK_MS), cookie);
	if (status)
		close(fd);
	else
		*out = fd;
	return status;
}

/* Reaches the hub from another process. */
static int
join(struct strads_job *job, const struct strads_rendezvous *rendezvous, int *fd)
{
	uint64_t deadline_ms = strads_clock_ms() + job->timeout_ms;
	char where[STRADS_SOCKET_HOST + 16], last[512];
	const struct strads_knock knock = {.where = where,
					   .host = rendezvous->own_host,
					   .rank = job->rank,
					   .size = job->size,
					   .secret = &rendezvous->secret};
	int status;

	snprintf(where, sizeof where, strchr(rendezvous->host, ':') ? "[%s]:%u" : "%s:%u",
		 rendezvous->host, rendezvous->port);
	for (long pause_ms = PAUSE_MIN_MS;; pause_ms *= 2) {
		status = attempt(rendezvous, &knock, deadline_ms, fd, &job->cookie);
		if (!worth_trying(status) || !strads_clock_left_ms(deadline_ms))
			break;
		if (pause_ms > PAUSE_MAX_MS)
			pause_ms = PAUSE_MAX_MS;
		nanosleep(&(struct timespec){.tv_nsec = pause_ms * 1000000}, NULL);
	}
	if (!worth_trying(status))
		return status;
	snprintf(last, sizeof last, "%s", strads_error());
	return strads_fail(STRADS_ERR_TIMEOUT,
			   "rank 0 was not reached within %.3g s (%s): is it started, is the "
			   "address right, is a firewall in between?",
			   (double)job->timeout_ms * 1e-3, last);
}

/* Runs this rank over its connection to the hub; `*told` says whether the hub knows the code. */
static int
run_rank(struct strads_job *job, int fd, const char *hub_name, strads_rank_main *rank_main,
	 void *arg, bool *told)
{
	struct strads_client *client;
	int code;

	if (strads_client_new(job, fd, hub_name, &client)) {
		close(fd);
		fprintf(stderr, "strads: rank %d: %s\n", job->rank, strads_error());
		return 1;
	}
	/* All ranks are there before any starts. */
	if (strads_job_barrier(job) == STRADS_OK) {
		code = rank_main(job, arg);
	} else {
		fprintf(stderr, "strads: rank %d cannot start: %s\n", job->rank, strads_error());
		code = 1;
	}
	fflush(NULL); /* what this rank has written is safe before rank 0 may end the job */
	*told = strads_client_leave(job, code) == STRADS_OK;
	strads_client_delete(&client);
	return code;
}

int
strads_rendezvous_run_first(struct strads_job *job, const struct strads_rendezvous *rendezvous,
			    int listener, strads_rank_main *rank_main, void *arg)
{
	const struct strads_centre_options options = {
	    .size = job->size,
	    .timeout_ms = job->timeout_ms,
	    .secret = &rendezvous->secret,
	    .host = rendezvous->own_host,
	    .listener = listener,
	};
	struct strads_centre *centre;
	bool told = false;
	int fd;

	if (strads_centre_start(&options, &centre, &fd, &job->cookie)) {
		fprintf(stderr, "strads: rank 0 cannot start: %s\n", strads_error());
		return 1;
	}
	int code = run_rank(job, fd, "the control channel's thread", rank_main, arg, &told);
	int highest = strads_centre_finish(&centre);
	return code > highest ? code : highest;
}

int
strads_rendezvous_run_other(struct strads_job *job, const struct strads_rendezvous *rendezvous,
			    strads_rank_main *rank_main, void *arg)
{
	bool told = false;
	int fd = -1;

	if (join(job, rendezvous, &fd)) {
		fprintf(stderr, "strads: rank %d (on %s) cannot join the job: %s\n", job->rank,
			rendezvous->own_host, strads_error());
		return 1;
	}
	strads_socket_tend(fd, job->timeout_ms);
	strads_socket_own(fd, job->own_address);
	strads_socket_peer(fd, job->hub_address);
	/* Held open until this process ends: rank 0 waits for that. */
	if (fcntl(fd, F_DUPFD_CLOEXEC, 0) < 0)
		fprintf(stderr, "strads: rank %d: cannot hold its control connection: %s\n",
			job->rank, strerror(errno));
	int code = run_rank(job, fd, rendezvous->hub_name, rank_main, arg, &told);
	if (told)
		return rendezvous->codes_to_hub ? 0 : code;
	return code ? code : 1;
}
