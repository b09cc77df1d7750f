/*
 * The server: a thread that moves peers' operations while the owner is away. libfabric's tcp moves
 * bytes only inside its calls, so that a rank that computes would stall whoever reads from it.
 *
 * It watches the count of the owner's turns once a millisecond. While that moves, the owner serves
 * its peers itself, and the server does no more than look. When it has stood still for one period,
 * the server blocks on the endpoint's descriptor and serves what comes, until the count moves
 * again. While the owner sleeps on that descriptor itself the server is parked and costs nothing.
 */
#include "ofi/ofi.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define PERIOD_MS 1         /* between two looks at the owner */
#define BAR_NS    100000000 /* after memory has gone */
#define IDLE_MAX                                                                                   \
	8 /* times to find nothing, and yet not be let to block, before a period's rest            \
	   */

enum mode { WATCH, PARK, SERVE };

static bool
owner_away(const struct strads_ofi *ofi, uint64_t seen)
{
	const struct strads_ofi_server *server = &ofi->server;
	uint64_t barred = atomic_load_explicit(&server->barred_ns, memory_order_relaxed);

	return atomic_load_explicit(&server->turns, memory_order_relaxed) == seen &&
	       !atomic_load(&server->asleep) && (barred == 0 || strads_monotone_ns() >= barred);
}

/* Serves until nothing is left or the owner is back; returns whether to block on the descriptor
 * for more. The lock is given up between any two batches. */
static bool
serve(struct strads_ofi *ofi, uint64_t seen)
{
	struct fid *fids[] = {&ofi->cq->fid};
	bool away = true;
	bool settled = false;

	for (int idle = 0; away && !settled && idle < IDLE_MAX;) {
		pthread_mutex_lock(&ofi->lock);
		away = owner_away(ofi, seen) && !ofi->status;
		if (away && !strads_ofi_drain(ofi)) {
			idle++;
			settled = strads_ofi_signal_tell(ofi) && ofi->fd >= 0 &&
				  fi_trywait(ofi->root, fids, 1) == 0;
		}
		pthread_mutex_unlock(&ofi->lock);
	}
	return settled;
}

/* Blocks until woken, until the descriptor asks for progress if `serving`, or for one period. */
static void
block(struct strads_ofi *ofi, enum mode mode)
{
	struct pollfd fds[] = {{.fd = ofi->server.wake, .events = POLLIN},
			       {.fd = ofi->fd, .events = POLLIN}};
	uint64_t count;

	if (poll(fds, mode == SERVE ? 2 : 1, mode == WATCH ? PERIOD_MS : -1) > 0 &&
	    (fds[0].revents & POLLIN) && read(ofi->server.wake, &count, sizeof count) < 0)
		return; /* another wake-up was read with this one */
}

/* Parks, unless the owner wakes in this moment: it looks for `parked` after it has cleared
 * `asleep`, and this thread the other way round, so that one of them sees the other. */
static void
park(struct strads_ofi *ofi)
{
	struct strads_ofi_server *server = &ofi->server;

	atomic_store(&server->parked, true);
	if (atomic_load(&server->asleep) && !atomic_load(&server->stop))
		block(ofi, PARK);
	atomic_store(&server->parked, false);
}

static void *
run(void *context)
{
	struct strads_ofi *ofi = context;
	struct strads_ofi_server *server = &ofi->server;
	uint64_t seen = 0;
	enum mode mode = WATCH;

	while (!atomic_load(&server->stop)) {
		uint64_t turns;

		block(ofi, mode);
		mode = WATCH;
		turns = atomic_load_explicit(&server->turns, memory_order_relaxed);
		if (atomic_load(&server->asleep))
			park(ofi);
		else if (turns == seen && serve(ofi, seen))
			mode = SERVE;
		seen = turns;
	}
	return NULL;
}

static void
wake(struct strads_ofi_server *server)
{
	uint64_t one = 1;

	if (write(server->wake, &one, sizeof one) < 0)
		return; /* the count is full: it will wake */
}

int
strads_ofi_server_start(struct strads_ofi *ofi)
{
	struct strads_ofi_server *server = &ofi->server;
	sigset_t all, before;
	int error;

	server->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (server->wake < 0)
		return strads_fail(STRADS_ERR_IO,
				   "cannot make an event descriptor: %s; see "
				   "`ulimit -n`",
				   strerror(errno));
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&server->thread, NULL, run, ofi);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (error) {
		close(server->wake);
		server->wake = -1;
		return strads_fail(STRADS_ERR_IO,
				   "cannot start a thread to serve peers: %s; see "
				   "`ulimit -u`",
				   strerror(error));
	}
	return STRADS_OK;
}

void
strads_ofi_server_stop(struct strads_ofi *ofi)
{
	struct strads_ofi_server *server = &ofi->server;

	if (server->wake < 0)
		return;
	atomic_store(&server->stop, true);
	wake(server);
	pthread_join(server->thread, NULL);
	close(server->wake);
	server->wake = -1;
}

/* A rank that gives up deletes its regions, and then closes its endpoint, while others still write:
 * what has come in part must not go on into memory that is gone. */
void
strads_ofi_server_bar(struct strads_ofi *ofi)
{
	atomic_store_explicit(&ofi->server.barred_ns, strads_monotone_ns() + BAR_NS,
			      memory_order_relaxed);
}

void
strads_ofi_server_hush(struct strads_ofi *ofi)
{
	atomic_store(&ofi->server.asleep, true);
}

void
strads_ofi_server_resume(struct strads_ofi *ofi)
{
	struct strads_ofi_server *server = &ofi->server;

	atomic_store(&server->asleep, false);
	if (atomic_load(&server->parked))
		wake(server);
}
