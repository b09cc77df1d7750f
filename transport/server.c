#include "server.h"

#include "strads/transport.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* What the thread sleeps for, beside its callers and a wake-up: a period, the provider's
 * descriptor, or nothing else. */
enum mode { WATCH, SERVE, PARK };

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

static void
block(struct strads_server *server, enum mode mode)
{
	struct pollfd fds[2 + STRADS_SERVER_CALLERS] = {
	    {.fd = server->wake, .events = POLLIN},
	    {.fd = mode == SERVE ? server->duty.fd : -1, .events = POLLIN}};
	nfds_t n = 2;
	uint64_t count;

	for (int i = 0; i < server->n_callers; i++)
		fds[n++] = (struct pollfd){.fd = server->callers[i].fd, .events = POLLIN};
	if (poll(fds, n, mode == WATCH ? server->duty.period_ms : -1) <= 0)
		return;
	for (int i = 0; i < server->n_callers; i++) {
		if (fds[2 + i].revents)
			answer(&server->callers[i]);
	}
	if (fds[0].revents && read(server->wake, &count, sizeof count) < 0)
		return; /* another wake-up was read with this one */
}

/* Parks, unless the owner wakes in this moment: it looks for `parked` after it has cleared
 * `asleep`, and this thread the other way round, so that one of them sees the other. */
static void
park(struct strads_server *server)
{
	atomic_store(&server->parked, true);
	while (atomic_load(&server->asleep) && !atomic_load(&server->stop))
		block(server, PARK);
	atomic_store(&server->parked, false);
}

static void *
run(void *context)
{
	struct strads_server *server = context;
	enum mode mode = WATCH;

	while (!atomic_load(&server->stop)) {
		uint64_t turns;

		block(server, mode);
		mode = WATCH;
		turns = atomic_load_explicit(&server->turns, memory_order_relaxed);
		if (atomic_load(&server->asleep))
			park(server);
		else if (turns == server->seen && server->duty.serve(server->duty.context))
			mode = SERVE;
		server->seen = turns;
	}
	return NULL;
}

static void
wake(struct strads_server *server)
{
	uint64_t one = 1;

	if (write(server->wake, &one, sizeof one) < 0)
		return; /* the count is full: it will wake */
}

int
strads_server_start(struct strads_server *server, const struct strads_server_duty *duty)
{
	sigset_t all, before;
	int error;

	server->duty = *duty;
	server->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (server->wake < 0)
		return strads_fail(STRADS_ERR_IO,
				   "cannot make an event descriptor: %s; see `ulimit -n`",
				   strerror(errno));
	atomic_store(&server->stop, false);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&server->thread, NULL, run, server);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (error) {
		close(server->wake);
		server->wake = -1;
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
	wake(server);
	pthread_join(server->thread, NULL);
	close(server->wake);
	server->wake = -1;
}

void
strads_server_resume(struct strads_server *server)
{
	if (!atomic_load_explicit(&server->asleep, memory_order_relaxed))
		return;
	atomic_store(&server->asleep, false);
	if (atomic_load(&server->parked))
		wake(server);
}
