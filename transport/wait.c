#include "fabric.h"

#include "job/job.h"
#include "strads/ticks.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

/* Calls of strads_fabric_wait that spin and that yield the processor before the owner sleeps.
 * With a processor for every rank, spinning for some tens of microseconds is cheaper than being
 * woken; without, the processor is needed by those waited for. */
#define SPINS_ROOMY    2000
#define YIELDS_ROOMY   100
#define SPINS_CROWDED  10
#define YIELDS_CROWDED 20

/* The first spins make no pause, so that what comes within a microsecond is seen at once. */
#define SPINS_EAGER 32

/* Of a wait for a signal: looks at its word in a turn, and turns without a pause. */
#define LOOKS       16
#define SHORT_TURNS 8

/* Turns of a glance. */
#define GLANCE_TURNS 16

/* Turns of a wait between two looks at the clock, which on some machines is a system call. */
#define CLOCK_TURNS 1024

/* How long the job may take to say who died or gave up after a provider has noticed. */
#define MOURNING_NS      1000000000
#define MOURNING_LOOK_NS 10000000

static inline void
relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

static int
watch(struct strads_waiter *wait, int fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

	if (fd >= 0 && epoll_ctl(wait->epoll, EPOLL_CTL_ADD, fd, &event))
		return strads_fail(STRADS_ERR_FABRIC, "cannot watch descriptor %d: %s", fd,
				   strerror(errno));
	return STRADS_OK;
}

int
strads_waiter_open(struct strads_fabric *fabric, bool no_sleep)
{
	struct strads_waiter *wait = &fabric->wait;
	int status;

	wait->no_sleep = no_sleep;
	if (fabric->time)
		return STRADS_OK;
	wait->spins = fabric->seat.crowded ? SPINS_CROWDED : SPINS_ROOMY;
	wait->yields = fabric->seat.crowded ? YIELDS_CROWDED : YIELDS_ROOMY;
	wait->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (wait->epoll < 0)
		return strads_fail(STRADS_ERR_FABRIC, "cannot open an epoll: %s", strerror(errno));
	status = watch(wait, fabric->job->fd);
	for (int i = 0; i < fabric->n_endpoints && !status; i++) {
		const struct strads_endpoint *endpoint = &fabric->endpoints[i];

		status = watch(wait, endpoint->provider->wait_fd(endpoint->context));
	}
	return status;
}

void
strads_waiter_close(struct strads_fabric *fabric)
{
	if (fabric->wait.epoll >= 0)
		close(fabric->wait.epoll);
	fabric->wait.epoll = -1;
}

/* ---- Progress ---- */

/* Lets the job's news come, for a moment. Returns false if there is nothing to wait on. */
static bool
await_news(struct strads_fabric *fabric)
{
	struct pollfd news = {.fd = fabric->job->fd, .events = POLLIN};

	if (fabric->time) {
		fabric->time->wait(fabric->time_context,
				   strads_fabric_clock_ns(fabric) + MOURNING_LOOK_NS);
		return true;
	}
	return news.fd >= 0 && (poll(&news, 1, MOURNING_LOOK_NS / 1000000) >= 0 || errno == EINTR);
}

int
strads_fabric_explain(struct strads_fabric *fabric, int status)
{
	char noticed[512];
	uint64_t until;
	int known;

	if (status != STRADS_ERR_PEER)
		return status;
	snprintf(noticed, sizeof noticed, "%s", strads_error());
	until = strads_fabric_clock_ns(fabric) + MOURNING_NS;
	known = strads_job_check(fabric->job);
	while (!known && !fabric->wait.mourned && strads_fabric_clock_ns(fabric) < until) {
		if (!await_news(fabric))
			break;
		known = strads_job_check(fabric->job);
	}
	fabric->wait.mourned = true;
	return known ? known : strads_fail(status, "%s", noticed);
}

static bool
look_around(struct strads_fabric *fabric)
{
	/* Under virtual time the machine's clock must not decide anything. */
	if (!fabric->time)
		return strads_pace_due(&fabric->pace);
	if (fabric->pace.turns > 0) {
		fabric->pace.turns--;
		return false;
	}
	fabric->pace.turns = STRADS_PACE_TURNS;
	return true;
}

int
strads_fabric_progress(struct strads_fabric *fabric)
{
	for (int i = 0; i < fabric->n_endpoints; i++) {
		const struct strads_endpoint *endpoint = &fabric->endpoints[i];
		int status = endpoint->provider->progress(endpoint->context);

		if (__builtin_expect(status < 0, 0))
			return strads_fabric_explain(fabric, status);
	}
	return look_around(fabric) ? strads_job_check(fabric->job) : STRADS_OK;
}

/* ---- Waiting ---- */

static void
disarm(struct strads_fabric *fabric)
{
	for (int i = 0; i < fabric->n_endpoints; i++) {
		const struct strads_endpoint *endpoint = &fabric->endpoints[i];

		endpoint->provider->sleep_done(endpoint->context);
	}
	fabric->wait.armed = false;
}

/* Tells all that the owner is about to sleep, so that what arrives from now on rings. */
static void
arm(struct strads_fabric *fabric)
{
	bool busy = false;

	for (int i = 0; i < fabric->n_endpoints; i++) {
		const struct strads_endpoint *endpoint = &fabric->endpoints[i];

		if (endpoint->provider->sleep_prepare(endpoint->context) == STRADS_AGAIN)
			busy = true;
	}
	fabric->wait.armed = true;
	if (busy) {
		disarm(fabric);
		/* A server that is in the way may need the processor. */
		fabric->wait.turns = fabric->wait.spins;
	}
}

static void
sleep_until(struct strads_fabric *fabric, uint64_t until_ns)
{
	struct epoll_event events[STRADS_SLOTS + 1];
	uint64_t now = strads_monotone_ns();
	uint64_t left = until_ns > now ? until_ns - now : 0;
	struct timespec timeout = {.tv_sec = (time_t)(left / 1000000000u),
				   .tv_nsec = (long)(left % 1000000000u)};
	int n;

	atomic_store(&fabric->wait.sleeps, true);
	n = epoll_pwait2(fabric->wait.epoll, events, STRADS_SLOTS + 1,
			 until_ns == UINT64_MAX ? NULL : &timeout, NULL);
	if (n < 0 && errno == ENOSYS) /* before Linux 5.11: whole milliseconds */
		n = epoll_wait(fabric->wait.epoll, events, STRADS_SLOTS + 1,
			       left < 1000000000 ? (int)(left / 1000000 + 1) : 1000);
	atomic_store(&fabric->wait.sleeps, false);
	fabric->stats.sleeps++;
	for (int i = 0; i < n; i++) {
		if (events[i].data.fd == fabric->job->fd)
			fabric->pace = (struct strads_pace){.turns = 0};
	}
}

void
strads_fabric_wait(struct strads_fabric *fabric, uint64_t until_ns)
{
	struct strads_waiter *wait = &fabric->wait;

	if (fabric->time) {
		fabric->time->wait(fabric->time_context, until_ns);
		fabric->pace.turns = 0;
		return;
	}
	if (wait->turns < wait->spins) {
		if (wait->turns++ >= SPINS_EAGER)
			relax();
	} else if (wait->turns < wait->spins + wait->yields || wait->no_sleep) {
		wait->turns++;
		sched_yield();
	} else if (!wait->armed) {
		arm(fabric);
	} else {
		sleep_until(fabric, until_ns);
		disarm(fabric);
		wait->turns = wait->spins;
	}
}

void
strads_fabric_awake(struct strads_fabric *fabric)
{
	if (fabric->time) {
		fabric->time->awake(fabric->time_context);
		return;
	}
	fabric->wait.turns = 0;
	if (fabric->wait.armed)
		disarm(fabric);
}

/* What is awaited has not come in the turn `turn`, from 0: waits for the next one. The deadline is
 * first set when the owner may sleep, or has waited for long. Returns STRADS_OK or ERR_TIMEOUT. */
static int
linger(struct strads_fabric *fabric, unsigned turn, uint64_t *deadline_ns)
{
	bool sleeps = fabric->time || fabric->wait.armed;

	if (sleeps || turn % CLOCK_TURNS == CLOCK_TURNS - 1) {
		uint64_t now = strads_fabric_clock_ns(fabric);

		if (*deadline_ns == 0)
			*deadline_ns = now + fabric->timeout_ms * 1000000u;
		else if (now >= *deadline_ns)
			return STRADS_ERR_TIMEOUT;
	}
	strads_fabric_wait(fabric, *deadline_ns);
	return STRADS_OK;
}

static int
fail_incomplete(const struct strads_fabric *fabric, const struct strads_counter *counter)
{
	return strads_fail(STRADS_ERR_TIMEOUT,
			   "%llu of %llu operations were not complete after %llu ms; --timeout "
			   "raises the deadline",
			   (unsigned long long)(counter->posted - counter->done),
			   (unsigned long long)counter->posted,
			   (unsigned long long)fabric->timeout_ms);
}

int
strads_counter_wait(struct strads_fabric *fabric, struct strads_counter *counter)
{
	uint64_t deadline_ns = 0;
	int status = STRADS_OK;

	for (unsigned turn = 0; counter->done != counter->posted && !status; turn++) {
		status = strads_fabric_progress(fabric);
		if (counter->done == counter->posted || status)
			break;
		if (linger(fabric, turn, &deadline_ns))
			status = fail_incomplete(fabric, counter);
	}
	strads_fabric_awake(fabric);
	return status ? status : strads_fabric_explain(fabric, counter->status);
}

static int
fail_silence(const struct strads_fabric *fabric, uint64_t value)
{
	return strads_fail(STRADS_ERR_TIMEOUT,
			   "no signal %llu came for %llu ms; --timeout raises the deadline",
			   (unsigned long long)value, (unsigned long long)fabric->timeout_ms);
}

/* Whether one of the words has its value. */
static inline bool
any_signal(const struct strads_signal *signals, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const void *word = signals[i].region->base + signals[i].offset;

		if (atomic_load_explicit((const _Atomic uint64_t *)word, memory_order_acquire) ==
		    signals[i].value)
			return true;
	}
	return false;
}

int
strads_signal_glance(struct strads_fabric *fabric, const struct strads_signal *signals, size_t n)
{
	if (n == 0 || fabric->time || fabric->seat.crowded)
		return STRADS_AGAIN;
	for (int turn = 0; turn < GLANCE_TURNS; turn++) {
		int status;

		for (int look = 0; look < LOOKS; look++) {
			if (any_signal(signals, n))
				return STRADS_OK;
		}
		status = strads_fabric_progress(fabric);
		if (status)
			return status;
	}
	return STRADS_AGAIN;
}

/* A word that needs no progress to come is seen soonest if it is looked at again and again. */
int
strads_signal_wait(struct strads_fabric *fabric, const struct strads_region *region, size_t offset,
		   uint64_t value)
{
	const void *word = region->base + offset;
	uint64_t deadline_ns = 0;
	int status = STRADS_OK;

	for (unsigned turn = 0; !status; turn++) {
		for (int look = 0; look < LOOKS; look++) {
			if (atomic_load_explicit((const _Atomic uint64_t *)word,
						 memory_order_acquire) >= value)
				goto seen;
		}
		status = strads_fabric_progress(fabric);
		if (!status && turn >= SHORT_TURNS && linger(fabric, turn, &deadline_ns))
			status = fail_silence(fabric, value);
	}
seen:
	strads_fabric_awake(fabric);
	return status;
}

/* ---- Time ---- */

uint64_t
strads_fabric_clock_ns(struct strads_fabric *fabric)
{
	return fabric->time ? fabric->time->clock_ns(fabric->time_context) : strads_monotone_ns();
}

uint64_t
strads_fabric_ticks(struct strads_fabric *fabric)
{
	return fabric->time ? fabric->time->clock_ns(fabric->time_context) : strads_ticks();
}

void
strads_fabric_charge(struct strads_fabric *fabric, double ns)
{
	if (fabric->time)
		fabric->time->charge(fabric->time_context, ns);
}
