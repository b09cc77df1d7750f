/*
 * The server: a thread that takes signals while the owner is away. Puts and gets need nobody here,
 * but signals come into receives that must be given back, and their writers want to know, or a rank
 * that computes, or waits in a collective, would hold up whoever has more to tell it than a window.
 *
 * It watches the count of the owner's turns. Where that has stood still for one period, it takes
 * what has come; it never ends an operation, for the owner reads its counters without a lock. While
 * the owner sleeps, to be woken by what comes, the server is parked and costs nothing.
 */
#include "verbs/verbs.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define PERIOD_MS 5 /* between two looks at the owner; a window lasts longer */

static void
serve(struct strads_verbs *verbs)
{
	bool more = true;

	while (more) {
		pthread_mutex_lock(&verbs->lock);
		more = verbs->status == STRADS_OK && strads_verbs_take(verbs);
		strads_verbs_tell_all(verbs);
		pthread_mutex_unlock(&verbs->lock);
	}
}

static void
block(const struct strads_verbs_server *server, int timeout_ms)
{
	struct pollfd wake = {.fd = server->wake, .events = POLLIN};
	uint64_t count;

	if (poll(&wake, 1, timeout_ms) > 0 && read(server->wake, &count, sizeof count) < 0)
		return; /* another wake-up was read with this one */
}

/* Parks, unless the owner wakes in this moment: it looks for `parked` after it has cleared
 * `asleep`, and this thread the other way round, so that one of them sees the other. */
static void
park(struct strads_verbs_server *server)
{
	atomic_store(&server->parked, true);
	if (atomic_load(&server->asleep) && !atomic_load(&server->stop))
		block(server, -1);
	atomic_store(&server->parked, false);
}

static void *
run(void *context)
{
	struct strads_verbs *verbs = context;
	struct strads_verbs_server *server = &verbs->server;
	uint64_t seen = 0;

	while (!atomic_load(&server->stop)) {
		uint64_t turns;

		block(server, PERIOD_MS);
		turns = atomic_load_explicit(&server->turns, memory_order_relaxed);
		if (atomic_load(&server->asleep))
			park(server);
		else if (turns == seen)
			serve(verbs);
		seen = turns;
	}
	return NULL;
}

static void
wake(struct strads_verbs_server *server)
{
	uint64_t one = 1;

	if (write(server->wake, &one, sizeof one) < 0)
		return; /* the count is full: it will wake */
}

int
strads_verbs_server_start(struct strads_verbs *verbs)
{
	struct strads_verbs_server *server = &verbs->server;
	sigset_t all, before;
	int error;

	server->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (server->wake < 0)
		return strads_fail(STRADS_ERR_IO,
				   "cannot make an event descriptor: %s; see "
				   "`ulimit -n`",
				   strerror(errno));
	atomic_store(&server->stop, false);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&server->thread, NULL, run, verbs);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (error) {
		close(server->wake);
		server->wake = -1;
		return strads_fail(STRADS_ERR_IO,
				   "cannot start a thread to take signals: %s; see "
				   "`ulimit -u`",
				   strerror(error));
	}
	return STRADS_OK;
}

void
strads_verbs_server_stop(struct strads_verbs *verbs)
{
	struct strads_verbs_server *server = &verbs->server;

	if (server->wake < 0)
		return;
	atomic_store(&server->stop, true);
	wake(server);
	pthread_join(server->thread, NULL);
	close(server->wake);
	server->wake = -1;
}

void
strads_verbs_server_hush(struct strads_verbs *verbs)
{
	atomic_store(&verbs->server.asleep, true);
}

void
strads_verbs_server_resume(struct strads_verbs *verbs)
{
	struct strads_verbs_server *server = &verbs->server;

	if (!atomic_load_explicit(&server->asleep, memory_order_relaxed))
		return;
	atomic_store(&server->asleep, false);
	if (atomic_load(&server->parked))
		wake(server);
}
