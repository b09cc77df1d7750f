#include "server.h"

#include "strads/transport.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* What the thread sleeps for, beside its callers and a wake-up: a period, the provider's
 * descriptor, or nothing else. */
enum mode { WATCH, LISTEN, PARK };

void
strads_server_attend(struct strads_server *server, int fd, bool (*answer)(void *context),
		     void *context)
{
	server->callers[server->n_callers++] =
	    (struct strads_server_caller){.fd = fd, .answer = answer, .context = context};
}

static void
answer(struct strads_server_caller *caller)
{
	if (!caller->answer(caller->context))
		caller->fd = -1;
}

static int
open_event(void)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	if (fd < 0)
		strads_fail(STRADS_ERR_IO, "cannot make an event descriptor: %s; see `ulimit -n`",
			    strerror(errno));
	return fd;
}

static void
close_event(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void
ring(int fd)
{
	uint64_t one = 1;

	if (write(fd, &one, sizeof one) < 0)
		return; /* the count is full: it was rung */
}

static void
hear(int fd)
{
	uint64_t count;

	if (read(fd, &count, sizeof count) < 0)
		return; /* another ring was heard with this one */
}

/* What the thread did may be what the owner is to sleep for, or was in its way when it looked last.
 */
static void
rouse(const struct strads_server *server)
{
	if (atomic_load(&server->asleep))
		ring(server->rouse);
}

static void
block(struct strads_server *server, enum mode mode)
{
	struct pollfd fds[2 + STRADS_SERVER_CALLERS] = {
	    {.fd = server->wake, .events = POLLIN},
	    {.fd = mode == LISTEN ? server->duty.fd : -1, .events = POLLIN}};
	bool answered = false;
	nfds_t n = 2;

	for (int i = 0; i < server->n_callers; i++)
		fds[n++] = (struct pollfd){.fd = server->callers[i].fd, .events = POLLIN};
	if (poll(fds, n, mode == WATCH ? server->duty.period_ms : -1) <= 0)
		return;
	for (int i = 0; i < server->n_callers; i++) {
		if (!fds[2 + i].revents)
			continue;
		answer(&server->callers[i]);
		answered = true;
	}
	if (answered)
		rouse(server);
	if (fds[0].revents)
		hear(server->wake);
}

/* Sleeps on the descriptor, unless the owner leaves something behind in this moment: it looks for
 * `listening` after its turn, and this thread the other way round, so that one of them sees the
 * other. */
static void
listen_long(struct strads_server *server)
{
	atomic_store(&server->listening, true);
	block(server, atomic_load(&server->turns) == server->seen ? LISTEN : WATCH);
	atomic_store(&server->listening, false);
}

/* Serves if the owner is away; returns whether the descriptor tells of what comes next. */
static bool
attend(const struct strads_server *server, bool away)
{
	const struct strads_server_duty *duty = &server->duty;
	bool listen = false;

	if (away)
		listen = duty->serve(duty->context);
	else if (duty->rest)
		listen = duty->rest(duty->context);
	rouse(server);
	return listen;
}

/* The owner has said that it will sleep, and found work instead, or waits for something else: its
 * peers must not wait until it comes back. What is done for it rouses it should it sleep after all.
 */
static void
stand_in(struct strads_server *server)
{
	server->seen = atomic_load_explicit(&server->turns, memory_order_relaxed);
	server->astray = true;
	attend(server, true);
	server->astray = false;
}

/* Parks, unless the owner wakes in this moment: it looks for `parked` after it has cleared
 * `asleep`, and this thread the other way round, so that one of them sees the other. */
static void
park(struct strads_server *server)
{
	atomic_store(&server->parked, true);
	while (atomic_load(&server->asleep) && !atomic_load(&server->stop)) {
		bool sleeps = atomic_load(server->duty.sleeps);

		block(server, sleeps ? PARK : WATCH);
		if (!sleeps && !atomic_load(server->duty.sleeps) && atomic_load(&server->asleep))
			stand_in(server);
	}
	atomic_store(&server->parked, false);
}

static void *
run(void *context)
{
	struct strads_server *server = context;
	enum mode mode = WATCH;

	while (!atomic_load(&server->stop)) {
		uint64_t turns;

		if (mode == LISTEN)
			listen_long(server);
		else
			block(server, mode);
		mode = WATCH;
		turns = atomic_load_explicit(&server->turns, memory_order_relaxed);
		if (atomic_load(&server->asleep))
			park(server);
		else if (attend(server, turns == server->seen))
			mode = LISTEN;
		server->seen = turns;
	}
	return NULL;
}

static void
close_events(struct strads_server *server)
{
	close_event(&server->rouse);
	close_event(&server->wake);
}

static int
open_events(struct strads_server *server)
{
	struct epoll_event event = {.events = EPOLLIN};
	int status = STRADS_OK;

	server->wake = open_event();
	server->rouse = open_event();
	if (server->wake < 0 || server->rouse < 0)
		status = STRADS_ERR_IO;
	else if (server->duty.gate >= 0 &&
		 epoll_ctl(server->duty.gate, EPOLL_CTL_ADD, server->rouse, &event))
		status = strads_fail(STRADS_ERR_IO, "cannot watch an event descriptor: %s",
				     strerror(errno));
	if (status)
		close_events(server);
	return status;
}

int
strads_server_start(struct strads_server *server, const struct strads_server_duty *duty)
{
	sigset_t all, before;
	int status, error;

	server->duty = *duty;
	status = open_events(server);
	if (status)
		return status;
	atomic_store(&server->stop, false);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&server->thread, NULL, run, server);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (error) {
		close_events(server);
		return strads_fail(STRADS_ERR_IO,
				   "cannot start a thread to serve peers: %s; see `ulimit -u`",
				   strerror(error));
	}
	return STRADS_OK;
}

void
strads_server_stop(struct strads_server *server)
{
	if (server->wake < 0)
		return;
	atomic_store(&server->stop, true);
	ring(server->wake);
	pthread_join(server->thread, NULL);
	server->n_callers = 0;
	close_events(server);
}

void
strads_server_nudge(struct strads_server *server)
{
	if (server->wake >= 0)
		ring(server->wake);
}

void
strads_server_resume(struct strads_server *server)
{
	if (!atomic_load_explicit(&server->asleep, memory_order_relaxed))
		return;
	atomic_store(&server->asleep, false);
	if (atomic_load(&server->parked))
		ring(server->wake);
	hear(server->rouse);
}
