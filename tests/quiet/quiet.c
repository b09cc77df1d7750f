#include "quiet.h"

#include <dlfcn.h>
#include <execinfo.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define CALLS_MAX 64
#define STACK_MAX 16

/* All calls of one function from one place. */
struct call {
	const char *name;
	const void *from;
	unsigned long count;
	void *stack[STACK_MAX]; /* of the first of them */
	int depth;
};

static _Thread_local bool watching;
static struct call calls[CALLS_MAX]; /* of the watched thread … */
static int n_calls;
static struct call pauses[CALLS_MAX]; /* … and what it was not watched in */
static int n_pauses;

static struct call *
find(struct call *list, int *n, const char *name, const void *from)
{
	for (int i = 0; i < *n; i++) {
		if (list[i].name == name && list[i].from == from)
			return &list[i];
	}
	if (*n == CALLS_MAX)
		return &list[CALLS_MAX - 1];
	list[*n] = (struct call){.name = name, .from = from};
	return &list[(*n)++];
}

static void
note(const char *name, const void *from)
{
	struct call *call;

	if (!watching)
		return;
	watching = false;
	call = find(calls, &n_calls, name, from);
	if (call->count++ == 0)
		call->depth = backtrace(call->stack, STACK_MAX);
	watching = true;
}

void
quiet_begin(void)
{
	void *stack[1];

	(void)backtrace(stack, 1); /* loads what it needs */
	n_calls = 0;
	n_pauses = 0;
	watching = true;
}

void
quiet_end(void)
{
	watching = false;
}

bool
quiet_works(void)
{
	static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
	void *volatile memory;

	quiet_begin();
	memory = malloc(1);
	free(memory);
	pthread_mutex_lock(&mutex);
	pthread_mutex_unlock(&mutex);
	quiet_end();
	return n_calls == 3;
}

bool
quiet_pause(const char *what)
{
	bool was = watching;

	watching = false;
	if (was)
		find(pauses, &n_pauses, what, NULL)->count++;
	return was;
}

void
quiet_resume(bool watched)
{
	watching = watched;
}

/* The library that a call came from, "" if it is not known. */
static const char *
object_of(const void *from)
{
	Dl_info info;

	return dladdr(from, &info) && info.dli_fname ? info.dli_fname : "";
}

static const struct quiet_exception *
excepted(const struct call *call, const struct quiet_exception *exceptions, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(call->name, exceptions[i].name) == 0 &&
		    strstr(object_of(call->from), exceptions[i].object))
			return &exceptions[i];
	}
	return NULL;
}

bool
quiet_report(const char *title, const struct quiet_exception *exceptions, size_t n)
{
	bool quiet = true;

	for (int i = 0; i < n_calls; i++) {
		const struct call *call = &calls[i];
		const struct quiet_exception *exception = excepted(call, exceptions, n);

		printf("%s: %lu times %s, from %s: %s\n", title, call->count, call->name,
		       object_of(call->from), exception ? exception->why : "NOT ALLOWED");
		fflush(stdout);
		if (!exception)
			backtrace_symbols_fd(call->stack, call->depth, STDOUT_FILENO);
		quiet = quiet && exception;
	}
	for (int i = 0; i < n_pauses; i++)
		printf("%s: not watched in %lu calls of %s\n", title, pauses[i].count,
		       pauses[i].name);
	return quiet;
}

/* ---- The calls ---- */

/* glibc's own names: dlsym, which finds the others, allocates. */
void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t n, size_t bytes);
void *__libc_realloc(void *at, size_t bytes);
void __libc_free(void *at);

void *
malloc(size_t bytes)
{
	note("malloc", __builtin_return_address(0));
	return __libc_malloc(bytes);
}

void *
calloc(size_t n, size_t bytes)
{
	note("calloc", __builtin_return_address(0));
	return __libc_calloc(n, bytes);
}

void *
realloc(void *at, size_t bytes)
{
	note("realloc", __builtin_return_address(0));
	return __libc_realloc(at, bytes);
}

void
free(void *at)
{
	note("free", __builtin_return_address(0));
	__libc_free(at);
}

/* Defines `result name(parameters)` as a note of it and a call of the next definition. */
#define WATCHED(result, name, parameters, arguments)                                               \
	result name parameters                                                                     \
	{                                                                                          \
		static result(*volatile next) parameters;                                          \
                                                                                                   \
		note(#name, __builtin_return_address(0));                                          \
		if (!next)                                                                         \
			*(void **)(void *)&next = dlsym(RTLD_NEXT, #name);                         \
		return next arguments;                                                             \
	}

WATCHED(int, posix_memalign, (void **at, size_t align, size_t bytes), (at, align, bytes))
WATCHED(void *, mmap, (void *at, size_t bytes, int prot, int flags, int fd, off_t offset),
	(at, bytes, prot, flags, fd, offset))
WATCHED(int, munmap, (void *at, size_t bytes), (at, bytes))
WATCHED(int, pthread_mutex_lock, (pthread_mutex_t * mutex), (mutex))
WATCHED(int, pthread_spin_lock, (pthread_spinlock_t * lock), (lock))
WATCHED(int, pthread_rwlock_rdlock, (pthread_rwlock_t * lock), (lock))
WATCHED(int, pthread_rwlock_wrlock, (pthread_rwlock_t * lock), (lock))
WATCHED(int, pthread_cond_wait, (pthread_cond_t * cond, pthread_mutex_t *mutex), (cond, mutex))
WATCHED(int, pthread_cond_timedwait,
	(pthread_cond_t * cond, pthread_mutex_t *mutex, const struct timespec *until),
	(cond, mutex, until))
WATCHED(int, pthread_join, (pthread_t thread, void **result), (thread, result))
WATCHED(int, sem_wait, (sem_t * semaphore), (semaphore))

/* The same of a call that returns at once where `at_once` holds: then it is noted as such. */
#define WATCHED_UNLESS(at_once, result, name, parameters, arguments)                               \
	result name parameters                                                                     \
	{                                                                                          \
		static result(*volatile next) parameters;                                          \
                                                                                                   \
		if (watching)                                                                      \
			note((at_once) ? #name " at once" : #name, __builtin_return_address(0));   \
		if (!next)                                                                         \
			*(void **)(void *)&next = dlsym(RTLD_NEXT, #name);                         \
		return next arguments;                                                             \
	}

static bool
never_blocks(int fd)
{
	return fcntl(fd, F_GETFL) & O_NONBLOCK;
}

WATCHED_UNLESS(never_blocks(fd), ssize_t, read, (int fd, void *to, size_t n), (fd, to, n))
WATCHED_UNLESS(never_blocks(fd), ssize_t, write, (int fd, const void *from, size_t n),
	       (fd, from, n))
WATCHED_UNLESS(never_blocks(fd), ssize_t, readv, (int fd, const struct iovec *to, int n),
	       (fd, to, n))
WATCHED_UNLESS(never_blocks(fd), ssize_t, writev, (int fd, const struct iovec *from, int n),
	       (fd, from, n))
WATCHED_UNLESS(flags &MSG_DONTWAIT, ssize_t, recv, (int fd, void *to, size_t n, int flags),
	       (fd, to, n, flags))
WATCHED_UNLESS(flags &MSG_DONTWAIT, ssize_t, send, (int fd, const void *from, size_t n, int flags),
	       (fd, from, n, flags))
WATCHED_UNLESS(flags &MSG_DONTWAIT, ssize_t, recvmsg, (int fd, struct msghdr *message, int flags),
	       (fd, message, flags))
WATCHED_UNLESS(flags &MSG_DONTWAIT, ssize_t, sendmsg,
	       (int fd, const struct msghdr *message, int flags), (fd, message, flags))
WATCHED_UNLESS(timeout == 0, int, poll, (struct pollfd * fds, nfds_t n, int timeout),
	       (fds, n, timeout))
WATCHED_UNLESS(timeout == 0, int, epoll_wait,
	       (int fd, struct epoll_event *events, int n, int timeout), (fd, events, n, timeout))
WATCHED(int, epoll_pwait2,
	(int fd, struct epoll_event *events, int n, const struct timespec *timeout,
	 const sigset_t *mask),
	(fd, events, n, timeout, mask))
WATCHED(int, nanosleep, (const struct timespec *time, struct timespec *left), (time, left))
WATCHED(int, usleep, (useconds_t us), (us))
