/*
 * The server: the thread that does for a rank's peers what a provider leaves to software, while the
 * rank's owner is away computing. Internal to transport/.
 *
 * It watches the count of the owner's turns. While that moves the owner serves its peers itself,
 * and the server does no more than look, once a period, or not even that, where a descriptor tells
 * when there is anything to look for. When the count has stood still for one period the server
 * serves, until the count moves again. While the owner sleeps, to be woken by what comes, the
 * server is parked and costs nothing.
 *
 * Callers are descriptors that cannot wait for the owner or for a period, such as the job's control
 * channel: the server answers them within a moment, whatever the owner does.
 *
 * What the server did may be what the owner is to sleep for, or was in its way when it looked last,
 * just before it fell asleep: so it is woken.
 */
#ifndef STRADS_SERVER_H
#define STRADS_SERVER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define STRADS_SERVER_CALLERS 3 /* at most */

/* What a server is for. */
struct strads_server_duty {
	void *context;
	/* Serves what there is, in small batches, for as long as strads_server_needed says; returns
	 * whether `fd` tells of what comes next, so that the server may sleep on it. */
	bool (*serve)(void *context);
	/* The owner is there: whether all the same `fd` tells of what comes next, so that there is
	 * no need to look once a period. NULL: it does not. */
	bool (*rest)(void *context);
	int fd;   /* −1: none */
	int gate; /* the epoll that the owner sleeps on; −1: none, as it never does */
	const _Atomic bool *sleeps; /* whether the owner sleeps on it now */
	int period_ms;              /* between two looks at the owner */
};

struct strads_server_caller {
	int fd; /* −1: it does not call any more */
	bool (*answer)(void *context);
	void *context;
};

/* All zero but for the descriptors, which are −1, before it is started. */
struct strads_server {
	pthread_t thread;
	int wake; /* eventfd; −1: no thread runs */
	struct strads_server_duty duty;
	struct strads_server_caller callers[STRADS_SERVER_CALLERS];
	int n_callers;
	int rouse;              /* eventfd of the gate; −1: no thread runs */
	uint64_t seen;          /* turns, when the thread looked last: its own */
	_Atomic uint64_t turns; /* of the owner's progress */
	_Atomic bool asleep;    /* the owner is about to sleep, or does … */
	bool astray;            /* … or does not come to it: the thread's own */
	_Atomic bool parked;    /* the thread waits to be woken … */
	_Atomic bool listening; /* … or for the descriptor, with no look at the owner */
	_Atomic bool stop;
};

/* Lets the server poll `fd` and call `answer` when it can be read, on the server's thread; where
 * that returns false, never again. Before the server starts; at most STRADS_SERVER_CALLERS. */
void strads_server_attend(struct strads_server *server, int fd, bool (*answer)(void *context),
			  void *context);

/* Starts the thread, and lets the gate tell of it. Returns STRADS_OK or ERR_IO. Thread: owner. */
int strads_server_start(struct strads_server *server, const struct strads_server_duty *duty);

/* Stops the thread, if one runs. Thread: owner. */
void strads_server_stop(struct strads_server *server);

/* The owner makes a turn: it serves its peers itself. Thread: owner. */
static inline void
strads_server_turn(struct strads_server *server)
{
	_Atomic uint64_t *turns = &server->turns; /* one writer */

	atomic_store_explicit(turns, atomic_load_explicit(turns, memory_order_relaxed) + 1,
			      memory_order_relaxed);
}

/* There is something for the server to look at, whatever it sleeps for. Thread: any. */
void strads_server_nudge(struct strads_server *server);

/* The owner leaves something behind that the descriptor does not tell of: to be served if it does
 * not come back. Thread: owner. */
static inline void
strads_server_leave(struct strads_server *server)
{
	atomic_fetch_add(&server->turns, 1);
	if (atomic_load(&server->listening))
		strads_server_nudge(server);
}

/* Whether the owner is still away. Thread: the server's. */
static inline bool
strads_server_needed(const struct strads_server *server)
{
	return atomic_load_explicit(&server->turns, memory_order_relaxed) == server->seen &&
	       (server->astray || !atomic_load(&server->asleep));
}

/* The owner is about to sleep on the gate, or has slept. Thread: owner. */
static inline void
strads_server_hush(struct strads_server *server)
{
	atomic_store(&server->asleep, true);
}

void strads_server_resume(struct strads_server *server);

#endif
