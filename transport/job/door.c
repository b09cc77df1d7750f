#include "job/door.h"

#include "job/clock.h"
#include "job/cookie.h"
#include "job/greeting.h"
#include "job/socket.h"
#include "strads/transport.h"

#include <endian.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define INTRODUCTION_MS 10000 /* at most, for a visitor to say who it is */
#define LEAVING_MS      2000  /* for one that was turned away to read why */
#define PAUSE_MS        100   /* of the listener where the process has no descriptor left */
#define COMPLAINTS_MAX  16    /* lines on stderr about visitors */

/* What is awaited of a visitor. */
enum stage { GREETING, INTRODUCTION, LEAVING };

/* A connection that has not shown yet that it belongs here. */
struct visitor {
	struct strads_hub_source source;
	struct strads_door *door;
	struct visitor *next; /* younger */
	int fd;               /* −1: dealt with, to be freed once no event can refer to it */
	uint64_t deadline_ms;
	enum stage stage;
	size_t have; /* bytes of the message under way */
	struct strads_talk talk;
};

struct strads_door {
	struct strads_hub_source source;
	struct strads_hub *hub;
	struct strads_door_options options;
	uint8_t job[16];
	uint64_t paused_ms; /* until when nobody is let in for want of descriptors; 0: not so */
	int waiting;        /* visitors with a descriptor */
	int complaints;     /* lines said about visitors */
	struct visitor *oldest;
};

/* ---- Visitors that go ---------------------------------------------------------------------- */

static void
visitor_dismiss(struct visitor *visitor, bool close_too)
{
	if (visitor->fd < 0)
		return;
	strads_hub_unwatch(visitor->door->hub, visitor->fd);
	if (close_too)
		close(visitor->fd);
	visitor->fd = -1;
	visitor->door->waiting--;
}

/* Dismisses the one that has waited longest, of those who have not greeted if there are any.
 * Returns whether there was one. */
static bool
dismiss_oldest(struct strads_door *door)
{
	struct visitor *chosen = NULL;

	for (struct visitor *visitor = door->oldest; visitor; visitor = visitor->next)
		if (visitor->fd >= 0 &&
		    (!chosen || (chosen->stage != GREETING && visitor->stage == GREETING)))
			chosen = visitor;
	if (chosen)
		visitor_dismiss(chosen, true);
	return chosen != NULL;
}

/* Says why a visitor is turned away; not for ever, as there may be many. */
static STRADS_PRINTF(2, 3) void complain(const struct visitor *visitor, const char *format, ...)
{
	struct strads_door *door = visitor->door;
	char address[STRADS_SOCKET_HOST], why[256];
	va_list args;

	if (door->complaints >= COMPLAINTS_MAX)
		return;
	va_start(args, format);
	vsnprintf(why, sizeof why, format, args);
	va_end(args);
	strads_socket_peer(visitor->fd, address);
	fprintf(stderr, "strads: a visitor from %s was turned away: %s%s\n", address, why,
		++door->complaints == COMPLAINTS_MAX ? " (no more is said about others)" : "");
}

/* Sends a message; a fresh connection takes it at once. */
static bool
say(const struct visitor *visitor, const void *bytes, size_t n)
{
	return send(visitor->fd, bytes, n, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)n;
}

/* Nothing more is said. To close at once could take the last words back from a visitor that is
 * still sending: what it sends is read until it goes. */
static void
see_off(struct visitor *visitor)
{
	uint64_t deadline_ms = strads_clock_ms() + LEAVING_MS;

	shutdown(visitor->fd, SHUT_WR);
	visitor->stage = LEAVING;
	if (deadline_ms < visitor->deadline_ms)
		visitor->deadline_ms = deadline_ms;
}

/* ---- What visitors say --------------------------------------------------------------------- */

/* The verdict on an introduction that fits the secret. */
static enum strads_admission_verdict
judge(const struct visitor *visitor, uint32_t rank, uint32_t size)
{
	const struct strads_door *door = visitor->door;

	if (size != (uint32_t)door->options.size) {
		complain(visitor,
			 "it was told of %u ranks and this job has %d: start all with the same "
			 "number",
			 size, door->options.size);
		return STRADS_WRONG_SIZE;
	}
	if (rank >= size) {
		complain(visitor, "it calls itself rank %u, and this job has ranks 0 to %u", rank,
			 size - 1);
		return STRADS_NO_SUCH_RANK;
	}
	if (!strads_hub_expects(door->hub, (int)rank)) {
		complain(visitor,
			 "it calls itself rank %u, and %s has joined already: give every process a "
			 "number of its own",
			 rank, strads_hub_who(door->hub, (int)rank));
		return STRADS_RANK_TAKEN;
	}
	return STRADS_ADMITTED;
}

static bool
admission_say(struct visitor *visitor, enum strads_admission_verdict verdict)
{
	struct strads_admission *admission = &visitor->talk.admission;

	*admission = (struct strads_admission){
	    .verdict = htole32(verdict),
	    .size = htole32((uint32_t)visitor->door->options.size),
	};
	if (verdict != STRADS_WRONG_SECRET)
		strads_talk_prove_root(&visitor->talk, visitor->door->options.secret,
				       admission->proof);
	return say(visitor, admission, sizeof *admission);
}

/* Hands the connection over to the hub. */
static void
admit(struct visitor *visitor)
{
	struct strads_door *door = visitor->door;
	struct strads_introduction *introduction = &visitor->talk.introduction;
	int rank = (int)le32toh(introduction->rank), fd = visitor->fd;
	char who[128];

	introduction->host[sizeof introduction->host - 1] = 0;
	for (char *c = introduction->host; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 127)
			*c = ' ';
	snprintf(who, sizeof who, "rank %d (pid %u on %.48s)", rank, le32toh(introduction->pid),
		 introduction->host);
	visitor_dismiss(visitor, false);
	strads_socket_tend(fd, door->options.timeout_ms);
	if (strads_hub_connect(door->hub, rank, fd, who))
		close(fd);
}

static void
take_introduction(struct visitor *visitor)
{
	const struct strads_introduction *introduction = &visitor->talk.introduction;
	enum strads_admission_verdict verdict = STRADS_WRONG_SECRET;
	uint8_t proof[STRADS_PROOF];

	strads_talk_prove_rank(&visitor->talk, visitor->door->options.secret, proof);
	if (strads_secret_same(proof, introduction->proof))
		verdict = judge(visitor, le32toh(introduction->rank), le32toh(introduction->size));
	else
		complain(visitor, "its secret is not this job's: give all ranks the same one");
	if (!admission_say(visitor, verdict))
		visitor_dismiss(visitor, true);
	else if (verdict == STRADS_ADMITTED)
		admit(visitor);
	else
		see_off(visitor);
}

static void
take_greeting(struct visitor *visitor)
{
	struct strads_talk *talk = &visitor->talk;
	uint32_t version = le32toh(talk->hello.version);

	if (memcmp(talk->hello.magic, STRADS_GREETING_MAGIC, sizeof talk->hello.magic) != 0 ||
	    strads_greeting_draw(&talk->challenge)) {
		visitor_dismiss(visitor, true);
		return;
	}
	memcpy(talk->challenge.job, visitor->door->job, sizeof talk->challenge.job);
	if (!say(visitor, &talk->challenge, sizeof talk->challenge)) {
		visitor_dismiss(visitor, true);
		return;
	}
	visitor->stage = INTRODUCTION;
	if (version == STRADS_GREETING_VERSION)
		return;
	complain(visitor,
		 "it speaks version %u of the control channel and this strads version %u: start "
		 "the same strads on all hosts",
		 version, STRADS_GREETING_VERSION);
	see_off(visitor);
}

/* Reads the message under way, and not a byte more: STRADS_OK once it is whole, STRADS_AGAIN,
 * ERR_PEER. */
static int
read_message(struct visitor *visitor)
{
	struct strads_talk *talk = &visitor->talk;
	char rest[256];
	struct {
		void *into;
		size_t bytes;
	} const awaited[] = {
	    [GREETING] = {&talk->hello, sizeof talk->hello},
	    [INTRODUCTION] = {&talk->introduction, sizeof talk->introduction},
	    [LEAVING] = {rest, sizeof rest},
	};
	size_t bytes = awaited[visitor->stage].bytes;
	ssize_t n;

	while (visitor->have < bytes) {
		n = recv(visitor->fd, (uint8_t *)awaited[visitor->stage].into + visitor->have,
			 bytes - visitor->have, MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return STRADS_AGAIN;
		if (n <= 0)
			return STRADS_ERR_PEER;
		visitor->have += (size_t)n;
	}
	visitor->have = 0;
	return STRADS_OK;
}

static void
visitor_ready(struct strads_hub_source *source, uint32_t events)
{
	struct visitor *visitor = (struct visitor *)source;
	int status;

	(void)events;
	if (visitor->fd < 0)
		return;
	status = read_message(visitor);
	if (status < 0)
		visitor_dismiss(visitor, true);
	else if (status == STRADS_OK && visitor->stage == GREETING)
		take_greeting(visitor);
	else if (status == STRADS_OK && visitor->stage == INTRODUCTION)
		take_introduction(visitor);
}

/* ---- The door ------------------------------------------------------------------------------ */

static void
receive_visitor(struct strads_door *door, int fd)
{
	struct visitor *visitor = calloc(1, sizeof *visitor);
	struct visitor **last = &door->oldest;
	uint64_t timeout_ms = door->options.timeout_ms;

	if (!visitor || strads_hub_watch(door->hub, fd, &visitor->source)) {
		free(visitor);
		close(fd);
		return;
	}
	visitor->source.ready = visitor_ready;
	visitor->door = door;
	visitor->fd = fd;
	visitor->deadline_ms =
	    strads_clock_ms() + (timeout_ms < INTRODUCTION_MS ? timeout_ms : INTRODUCTION_MS);
	while (*last)
		last = &(*last)->next;
	*last = visitor;
	if (++door->waiting > door->options.size + STRADS_DOOR_STRANGERS)
		dismiss_oldest(door);
}

static void
listener_ready(struct strads_hub_source *source, uint32_t events)
{
	struct strads_door *door = (struct strads_door *)source;
	int fd;

	(void)events;
	while ((fd = accept4(door->options.listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >=
	       0)
		receive_visitor(door, fd);
	if ((errno != EMFILE && errno != ENFILE) || dismiss_oldest(door))
		return;
	/* Who waits outside would otherwise be announced without end. */
	strads_hub_unwatch(door->hub, door->options.listener);
	door->paused_ms = strads_clock_ms() + PAUSE_MS;
}

/* Listens again once the pause is over. */
static void
resume(struct strads_door *door, uint64_t now_ms)
{
	if (!door->paused_ms || now_ms < door->paused_ms)
		return;
	if (strads_hub_watch(door->hub, door->options.listener, &door->source))
		door->paused_ms = now_ms + PAUSE_MS;
	else
		door->paused_ms = 0;
}

int
strads_door_new(struct strads_hub *hub, const struct strads_door_options *options,
		struct strads_door **out)
{
	struct strads_door *door = calloc(1, sizeof *door);
	int status;

	if (!door)
		return strads_fail(STRADS_ERR_MEMORY, "no memory for the control channel");
	door->source.ready = listener_ready;
	door->hub = hub;
	door->options = *options;
	status = strads_cookie_draw(door->job, sizeof door->job);
	if (!status)
		status = strads_hub_watch(hub, options->listener, &door->source);
	if (status) {
		free(door);
		return status;
	}
	*out = door;
	return STRADS_OK;
}

void
strads_door_delete(struct strads_door **door_pointer)
{
	struct strads_door *door = *door_pointer;

	if (!door)
		return;
	for (struct visitor *visitor = door->oldest; visitor; visitor = visitor->next)
		visitor_dismiss(visitor, true);
	strads_door_expire(door);
	strads_hub_unwatch(door->hub, door->options.listener);
	close(door->options.listener);
	free(door);
	*door_pointer = NULL;
}

uint64_t
strads_door_cookie(const struct strads_door *door)
{
	return strads_greeting_cookie(door->job, door->options.secret);
}

int
strads_door_expire(struct strads_door *door)
{
	uint64_t now = strads_clock_ms(), next = UINT64_MAX;

	resume(door, now);
	if (door->paused_ms)
		next = door->paused_ms;
	for (struct visitor **link = &door->oldest; *link;) {
		struct visitor *visitor = *link;
		if (visitor->fd >= 0 && now >= visitor->deadline_ms)
			visitor_dismiss(visitor, true);
		if (visitor->fd < 0) {
			*link = visitor->next;
			free(visitor);
			continue;
		}
		if (visitor->deadline_ms < next)
			next = visitor->deadline_ms;
		link = &visitor->next;
	}
	return next == UINT64_MAX ? -1 : strads_clock_left_ms(next);
}
