#include "job/centre.h"

#include "job/clock.h"
#include "job/door.h"
#include "job/hub.h"
#include "job/limit.h"
#include "strads/transport.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct strads_centre {
	pthread_t thread;
	uint64_t timeout_ms;
	struct strads_hub *hub;
	struct strads_door *door;
};

/* Serves until the processes of all ranks have ended. Once nothing but the job's failure or the end
 * of processes whose rank has left is awaited, that is given the job's timeout. */
static void *
serve(void *arg)
{
	struct strads_centre *centre = arg;
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
start_thread(struct strads_centre *centre)
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
join_own(struct strads_centre *centre, const char *host, int *fd)
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

int
strads_centre_start(const struct strads_centre_options *options, struct strads_centre **out,
		    int *fd, uint64_t *cookie)
{
	const struct strads_hub_options hub_options = {
	    .size = options->size, .timeout_ms = options->timeout_ms, .close_is_death = true};
	const struct strads_door_options door_options = {.listener = options->listener,
							 .size = options->size,
							 .secret = options->secret,
							 .timeout_ms = options->timeout_ms};
	struct strads_centre *centre = calloc(1, sizeof *centre);
	int listener = options->listener;
	int status;

	if (!centre) {
		close(listener);
		return strads_fail(STRADS_ERR_MEMORY, "no memory for the control channel");
	}
	centre->timeout_ms = options->timeout_ms;
	strads_limit_descriptors(2 * options->size + STRADS_DOOR_STRANGERS);
	status = strads_hub_new(&hub_options, &centre->hub);
	if (status)
		goto delete;
	status = strads_door_new(centre->hub, &door_options, &centre->door);
	if (status)
		goto delete;
	listener = -1; /* it is the door's */
	status = join_own(centre, options->host, fd);
	if (status)
		goto delete;
	*cookie = strads_door_cookie(centre->door);
	status = start_thread(centre);
	if (!status) {
		*out = centre;
		return STRADS_OK;
	}
	close(*fd);
	delete : strads_door_delete(&centre->door);
	strads_hub_delete(&centre->hub);
	free(centre);
	if (listener >= 0)
		close(listener);
	return status;
}

int
strads_centre_finish(struct strads_centre **centre_pointer)
{
	struct strads_centre *centre = *centre_pointer;

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
	free(centre);
	*centre_pointer = NULL;
	return code;
}
