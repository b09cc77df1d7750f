/*
 * Jobs under mpirun or srun. MPI carries rank 0's address and the job's cookies to all ranks and
 * is finalised before the ranks start, so that a dead rank cannot hang it.
 *
 * A launcher ends all ranks as soon as one exits non-zero. So every rank but 0 leaves its exit code
 * with the hub and exits with 0, and rank 0, whose process holds the hub, exits last with the
 * highest code.
 */
#include "job/client.h"
#include "job/clock.h"
#include "job/cookie.h"
#include "job/door.h"
#include "job/host.h"
#include "job/hub.h"
#include "job/job.h"
#include "job/launcher.h"
#include "job/tcp.h"

#include <errno.h>
#include <fcntl.h>
#include <mpi.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* What rank 0 tells all ranks over MPI. */
struct invitation {
	uint32_t address; /* IPv4, network byte order; 0: there is no job, rank 0 says why */
	uint16_t port;
	uint8_t door_cookie[STRADS_DOOR_COOKIE];
	uint64_t job_cookie;
	char host[64]; /* rank 0's */
};

/* The hub and its thread; rank 0 only. */
struct centre {
	pthread_t thread;
	uint64_t timeout_ms;
	struct strads_hub *hub;
	struct strads_door *door;
};

static const struct strads_job_ops ops = {
    .name = "mpi",
    .allgather = strads_client_allgather,
    .check = strads_client_check,
    .abort = strads_client_abort,
    .post = strads_client_post,
    .take_mail = strads_client_take_mail,
};

/* ---- Over MPI ------------------------------------------------------------------------------ */

/* Rank 0: opens the listener and writes the invitation. */
static int
invite(const struct strads_host *hosts, int size, struct invitation *invitation, int *listener)
{
	uint32_t address = strads_host_meeting_address(hosts, size);
	struct invitation result = {.address = address};
	int status;

	if (!address)
		return strads_fail(STRADS_ERR_IO,
				   "%s has no IPv4 address that the other hosts reach",
				   hosts[0].name);
	status = strads_cookie_draw(result.door_cookie, sizeof result.door_cookie);
	if (!status)
		status = strads_cookie_draw(&result.job_cookie, sizeof result.job_cookie);
	if (!status)
		status = strads_tcp_listen(address, &result.port, listener);
	if (!status) {
		snprintf(result.host, sizeof result.host, "%s", hosts[0].name);
		*invitation = result;
	}
	return status;
}

/* Collective over MPI. invitation->address stays 0 where there is none. */
static int
exchange(int rank, int size, struct strads_host *host, struct invitation *invitation, int *listener)
{
	struct strads_host *hosts = rank ? NULL : calloc((size_t)size, sizeof *hosts);
	int status = strads_host_describe(host);
	int ready = !status && (rank || hosts), all_ready = 0;

	if (!status && !ready)
		status =
		    strads_fail(STRADS_ERR_MEMORY, "no memory for the hosts of %d ranks", size);
	MPI_Allreduce(&ready, &all_ready, 1, MPI_INT, MPI_LAND, MPI_COMM_WORLD);
	if (all_ready) {
		MPI_Gather(host, sizeof *host, MPI_BYTE, hosts, sizeof *host, MPI_BYTE, 0,
			   MPI_COMM_WORLD);
		if (!rank)
			status = invite(hosts, size, invitation, listener);
		MPI_Bcast(invitation, sizeof *invitation, MPI_BYTE, 0, MPI_COMM_WORLD);
	}
	free(hosts);
	return status;
}

/* ---- The hub, in rank 0's process ---------------------------------------------------------- */

/* Serves until the processes of all ranks have ended. Once nothing but the job's failure or the end
 * of processes whose rank has left is awaited, that is given the job's timeout. */
static void *
serve(void *arg)
{
	struct centre *centre = arg;
	struct strads_hub *hub = centre->hub;
	uint64_t deadline_ms = UINT64_MAX;

	while ((strads_hub_waiting_for(hub) || strads_hub_connected(hub)) &&
	       strads_clock_ms() < deadline_ms) {
		int timeout_ms = strads_door_expire(centre->door);
		if (deadline_ms != UINT64_MAX) {
			int left = strads_clock_left_ms(deadline_ms);
			timeout_ms = timeout_ms < 0 || left < timeout_ms ? left : timeout_ms;
		}
		if (strads_hub_serve(hub, timeout_ms))
			break;
		bool over = !strads_hub_waiting_for(hub) ||
			    (strads_hub_failed(hub) && strads_hub_left(hub, 0));
		if (over && deadline_ms == UINT64_MAX)
			deadline_ms = strads_clock_ms() + centre->timeout_ms;
	}
	return NULL;
}

/* Signals are for the ranks' own threads. */
static int
start_thread(struct centre *centre)
{
	sigset_t all, old;
	int error;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	error = pthread_create(&centre->thread, NULL, serve, centre);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (error)
		return strads_fail(STRADS_ERR_MEMORY,
				   "cannot start the control channel's thread: %s",
				   strerror(error));
	return STRADS_OK;
}

/* Connects rank 0 itself, by a pair of sockets. */
static int
join_own(struct centre *centre, const char *host, int *fd)
{
	char who[128];
	int ends[2];
	int status;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
		return strads_fail(STRADS_ERR_IO, "cannot connect rank 0: %s", strerror(errno));
	snprintf(who, sizeof who, "rank 0 (pid %d on %.48s)", (int)getpid(), host);
	status = strads_hub_connect(centre->hub, 0, ends[0], who);
	if (status) {
		close(ends[0]);
		close(ends[1]);
		return status;
	}
	*fd = ends[1];
	return STRADS_OK;
}

/* Takes over `listener`. */
static int
centre_start(struct centre *centre, int size, const struct invitation *invitation, int listener,
	     int *fd)
{
	struct strads_hub_options hub_options = {
	    .size = size, .timeout_ms = centre->timeout_ms, .close_is_death = true};
	struct strads_door_options door_options = {
	    .listener = listener, .expected = size - 1, .timeout_ms = centre->timeout_ms};
	int status = strads_hub_new(&hub_options, &centre->hub);

	if (status)
		goto close_listener;
	memcpy(door_options.cookie, invitation->door_cookie, sizeof door_options.cookie);
	status = strads_door_new(centre->hub, &door_options, &centre->door);
	if (status)
		goto delete_hub;
	listener = -1;
	status = join_own(centre, invitation->host, fd);
	if (status)
		goto delete_door;
	status = start_thread(centre);
	if (!status)
		return STRADS_OK;
	close(*fd);
delete_door:
	strads_door_delete(&centre->door);
delete_hub:
	strads_hub_delete(&centre->hub);
close_listener:
	if (listener >= 0)
		close(listener);
	return status;
}

/* Waits for all ranks to be gone and returns the exit code of the job. */
static int
centre_finish(struct centre *centre)
{
	pthread_join(centre->thread, NULL);
	int waiting = strads_hub_waiting_for(centre->hub);
	int code = strads_hub_exit_code(centre->hub);

	if (waiting) {
		fprintf(stderr, "strads: %d rank%s had not ended %.3g s after the job failed\n",
			waiting, waiting == 1 ? "" : "s", (double)centre->timeout_ms * 1e-3);
		code = code ? code : 1;
	}
	strads_door_delete(&centre->door);
	strads_hub_delete(&centre->hub);
	return code;
}

/* ---- The ranks ----------------------------------------------------------------------------- */

static int
join_remote(const struct strads_job *job, const struct invitation *invitation, const char *host,
	    int *out)
{
	int fd;
	int status =
	    strads_tcp_connect(invitation->address, invitation->port, job->timeout_ms, &fd);

	if (status)
		return status;
	status = strads_door_knock(fd, invitation->door_cookie, job->rank, host);
	if (status) {
		close(fd);
		return status;
	}
	*out = fd;
	return STRADS_OK;
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

static int
run_first(struct strads_job *job, const struct invitation *invitation, int listener,
	  strads_rank_main *rank_main, void *arg)
{
	struct centre centre = {.timeout_ms = job->timeout_ms};
	bool told = false;
	int fd = -1;

	if (centre_start(&centre, job->size, invitation, listener, &fd)) {
		fprintf(stderr, "strads: rank 0 cannot start: %s\n", strads_error());
		return 1;
	}
	int code = run_rank(job, fd, "the control channel's thread", rank_main, arg, &told);
	int highest = centre_finish(&centre);
	return code > highest ? code : highest;
}

static int
run_other(struct strads_job *job, const struct invitation *invitation, const char *host,
	  strads_rank_main *rank_main, void *arg)
{
	char hub_name[96];
	bool told = false;
	int fd;

	snprintf(hub_name, sizeof hub_name, "rank 0 (on %.63s)", invitation->host);
	if (join_remote(job, invitation, host, &fd)) {
		fprintf(stderr, "strads: rank %d (on %s) cannot join the job: %s\n", job->rank,
			host, strads_error());
		return 1;
	}
	/* Held open until this process ends: rank 0 waits for that. */
	if (fcntl(fd, F_DUPFD_CLOEXEC, 0) < 0)
		fprintf(stderr, "strads: rank %d: cannot hold its control connection: %s\n",
			job->rank, strerror(errno));
	int code = run_rank(job, fd, hub_name, rank_main, arg, &told);
	if (told)
		return 0;
	return code ? code : 1;
}

int
strads_job_run_mpi(const struct strads_job_options *options, strads_rank_main *rank_main, void *arg)
{
	struct strads_job job = {.ops = &ops, .timeout_ms = options->timeout_ms, .fd = -1};
	struct invitation invitation = {0};
	struct strads_host host;
	int listener = -1;
	int status;

	if (strads_launcher_misfit(0))
		return strads_launcher_complain(0);
	MPI_Init(NULL, NULL);
	MPI_Comm_rank(MPI_COMM_WORLD, &job.rank);
	MPI_Comm_size(MPI_COMM_WORLD, &job.size);
	if (strads_launcher_misfit(job.size)) {
		MPI_Finalize();
		return strads_launcher_complain(job.size);
	}
	status = exchange(job.rank, job.size, &host, &invitation, &listener);
	MPI_Finalize();
	if (status)
		fprintf(stderr, "strads: rank %d cannot start: %s\n", job.rank, strads_error());
	if (status || !invitation.address)
		return status ? 1 : 0;
	job.cookie = invitation.job_cookie;
	if (job.rank == 0)
		return run_first(&job, &invitation, listener, rank_main, arg);
	return run_other(&job, &invitation, host.name, rank_main, arg);
}
